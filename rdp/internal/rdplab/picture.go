package rdplab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math/bits"
)

// MeanError returns by how much two pictures differ: the mean over all pixels and their red, green and blue, from 0 to 255. Pictures of
// different size differ entirely.
func MeanError(a, b *image.RGBA) float64 {
	if a == nil || b == nil || a.Rect.Size() != b.Rect.Size() {
		return 255
	}
	sum := 0
	w, h := a.Rect.Dx(), a.Rect.Dy()
	for y := range h {
		p, q := a.Pix[y*a.Stride:], b.Pix[y*b.Stride:]
		for x := 0; x < 4*w; x += 4 {
			for c := x; c < x+3; c++ {
				d := int(p[c]) - int(q[c])
				sum += max(d, -d)
			}
		}
	}
	return float64(sum) / float64(3*w*h)
}

// decodeXWD reads a dump of an X window: version 7, Z format, true colour.
func decodeXWD(p []byte) (*image.RGBA, error) {
	const fields = 25
	if len(p) < 4*fields {
		return nil, errors.New("rdplab: xwd: no header")
	}
	var f [fields]uint32
	for i := range f {
		f[i] = binary.BigEndian.Uint32(p[4*i:])
	}
	size, version, format, w, h, order := f[0], f[1], f[2], int(f[4]), int(f[5]), f[7]
	depth, stride, colors := int(f[11]), int(f[12]), int(f[19])
	masks := [3]uint32{f[14], f[15], f[16]}
	if version != 7 || format != 2 || order != 0 || depth != 32 && depth != 16 || masks[0] == 0 || masks[1] == 0 || masks[2] == 0 {
		return nil, fmt.Errorf("rdplab: xwd: version %d, format %d, byte order %d, %d bits, masks %x", version, format, order, depth, masks)
	}
	start := int(size) + 12*colors
	if w < 1 || h < 1 || w > 1<<14 || h > 1<<14 || stride < w*depth/8 || start < 0 || len(p) < start+stride*h {
		return nil, fmt.Errorf("rdplab: xwd: %d bytes for %dx%d", len(p), w, h)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := p[start+y*stride:]
		for x := range w {
			v := uint32(binary.LittleEndian.Uint16(row[x*depth/8:]))
			if depth == 32 {
				v = binary.LittleEndian.Uint32(row[4*x:])
			}
			at := img.Pix[y*img.Stride+4*x:]
			for c, mask := range masks {
				top := mask >> bits.TrailingZeros32(mask)
				at[c] = byte((v & mask >> bits.TrailingZeros32(mask)) * 255 / top)
			}
			at[3] = 255
		}
	}
	return img, nil
}
