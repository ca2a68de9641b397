package codec

import (
	"errors"
	"fmt"
)

// Limits of a desktop and so of every picture on it (S22).
const (
	MaxSide   = 8192
	MaxPixels = 33 << 20
)

// Bytes of a pixel in a Target.
const pixelBytes = 4

// ErrCorrupt is what every error about a stream's contents matches.
var ErrCorrupt = errors.New("corrupt picture")

// corruptf makes an error of one codec that matches ErrCorrupt.
func corruptf(codec, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", codec, ErrCorrupt, fmt.Sprintf(format, args...))
}

// Target is a rectangle of pixels to draw into. A pixel is four bytes, R, G, B, A with A 255 unless the codec carries alpha, as
// in image.RGBA and in a browser's ImageData. Rows are Stride bytes apart, the first byte of Pix is the top left pixel.
type Target struct {
	Pix    []byte
	Stride int
	W, H   int
}

// NewTarget returns a Target with memory of its own, or an error if the size is beyond the limits.
func NewTarget(w, h int) (Target, error) {
	if err := checkSize(w, h); err != nil {
		return Target{}, err
	}
	return Target{Pix: make([]byte, w*h*pixelBytes), Stride: w * pixelBytes, W: w, H: h}, nil
}

func checkSize(w, h int) error {
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide || w*h > MaxPixels {
		return fmt.Errorf("picture of %dx%d, at most %d a side and %d pixels", w, h, MaxSide, MaxPixels)
	}
	return nil
}

// check reports why t cannot be drawn into.
func (t Target) check() error {
	if err := checkSize(t.W, t.H); err != nil {
		return err
	}
	if t.Stride < t.W*pixelBytes || len(t.Pix) < (t.H-1)*t.Stride+t.W*pixelBytes {
		return fmt.Errorf("target of %d bytes with stride %d is too small for %dx%d", len(t.Pix), t.Stride, t.W, t.H)
	}
	return nil
}

// row returns the bytes of row y.
func (t Target) row(y int) []byte {
	return t.Pix[y*t.Stride:][: t.W*pixelBytes : t.W*pixelBytes]
}
