package codec

import (
	"fmt"
	"image"
)

// Picture is a picture as it has come, in any codec but RemoteFX.
type Picture struct {
	ID      ID
	W, H    int
	Palette *Palette // of 8 bits alone
	Data    []byte
}

// DrawPart draws the part of p that begins at from and is as large as t: straight into t where that is all of p, else by way of scratch,
// which it makes as large as it has to be.
func (p Picture) DrawPart(t Target, from image.Point, scratch *[]byte) error {
	if t.W == p.W && t.H == p.H {
		return Decode(t, p.ID, p.Palette, p.Data)
	}
	if from.X < 0 || from.Y < 0 || from.X+t.W > p.W || from.Y+t.H > p.H {
		return fmt.Errorf("a part of %dx%d at %v in a picture of %dx%d", t.W, t.H, from, p.W, p.H)
	}
	if p.W > MaxSide || p.H > MaxSide || p.W*p.H > MaxPixels {
		return fmt.Errorf("picture of %dx%d", p.W, p.H)
	}
	n := 4 * p.W * p.H
	if cap(*scratch) < n {
		*scratch = make([]byte, n)
	}
	whole := Target{Pix: (*scratch)[:n], Stride: 4 * p.W, W: p.W, H: p.H}
	if err := Decode(whole, p.ID, p.Palette, p.Data); err != nil {
		return err
	}
	for y := range t.H {
		copy(t.Pix[y*t.Stride:][:4*t.W], whole.Pix[(from.Y+y)*whole.Stride+4*from.X:])
	}
	return nil
}
