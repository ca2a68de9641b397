package rdp

import (
	"fmt"
	"image"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

const (
	pointerCache = pdu.PointerCacheSize
	opaque       = 0xff
)

// Cursor is a pointer as pixels. Its hot spot is what points.
type Cursor struct {
	Image      *image.NRGBA
	HotX, HotY int
}

// Cursor decodes the shape (2.2.9.1.1.4.4, 2.2.9.1.1.4.5). Pixels that would invert the desktop are black, since no browser can
// show them.
func (p *PointerShape) Cursor() (*Cursor, error) {
	if p.Width < 1 || p.Height < 1 || p.Width > pdu.MaxPointerSide || p.Height > pdu.MaxPointerSide {
		return nil, fmt.Errorf("pointer of %dx%d", p.Width, p.Height)
	}
	pixel, ok := map[int]func(row []byte, x int) (r, g, b, a uint8){1: pixel1, 16: pixel16, 24: pixel24, 32: pixel32}[p.Depth]
	if !ok {
		return nil, fmt.Errorf("pointer of %d bits", p.Depth)
	}
	// Rows stand bottom-up and are padded to two bytes.
	xorRow, andRow := (p.Width*p.Depth+15)/16*2, (p.Width+15)/16*2
	if len(p.Xor) < xorRow*p.Height || len(p.And) > 0 && len(p.And) < andRow*p.Height {
		return nil, fmt.Errorf("pointer of %dx%d with %d bits: masks of %d and %d bytes", p.Width, p.Height, p.Depth, len(p.Xor), len(p.And))
	}
	img := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
	alpha := p.Depth == 32 && hasAlpha(p.Xor)
	for y := range p.Height {
		from := p.Height - 1 - y
		xor := p.Xor[from*xorRow:][:xorRow]
		for x := range p.Width {
			r, g, b, a := pixel(xor, x)
			masked := len(p.And) > 0 && p.And[from*andRow+x/8]&(0x80>>(x%8)) != 0
			switch {
			case alpha:
			case !masked:
				a = opaque
			case r|g|b == 0: // nothing is drawn
				a = 0
			default: // it inverts
				r, g, b, a = 0, 0, 0, opaque
			}
			copy(img.Pix[img.PixOffset(x, y):], []byte{r, g, b, a})
		}
	}
	return &Cursor{img, min(p.HotX, p.Width-1), min(p.HotY, p.Height-1)}, nil
}

// checkPointer holds an index against the size of the cache that was announced.
func checkPointer(i int) error {
	if i < 0 || i >= pointerCache {
		return fmt.Errorf("pointer %d of a cache of %d", i, pointerCache)
	}
	return nil
}

func hasAlpha(xor []byte) bool {
	for i := 3; i < len(xor); i += 4 {
		if xor[i] != 0 {
			return true
		}
	}
	return false
}

func pixel1(row []byte, x int) (r, g, b, a uint8) {
	if row[x/8]&(0x80>>(x%8)) != 0 {
		return 0xff, 0xff, 0xff, 0
	}
	return 0, 0, 0, 0
}

func pixel16(row []byte, x int) (r, g, b, a uint8) { // 5-5-5
	v := uint16(row[2*x]) | uint16(row[2*x+1])<<8
	widen := func(c uint16) uint8 { return uint8(c<<3 | c>>2) }
	return widen(v >> 10 & 31), widen(v >> 5 & 31), widen(v & 31), 0
}

func pixel24(row []byte, x int) (r, g, b, a uint8) { return row[3*x+2], row[3*x+1], row[3*x], 0 }

func pixel32(row []byte, x int) (r, g, b, a uint8) {
	return row[4*x+2], row[4*x+1], row[4*x], row[4*x+3]
}
