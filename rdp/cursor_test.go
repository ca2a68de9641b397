package rdp_test

import (
	"image/color"
	"testing"

	"github.com/sallyport/sallyport/rdp"
)

// TestCursor: each depth gives its colours and its transparency; rows stand bottom-up.
func TestCursor(t *testing.T) {
	clear, black := color.NRGBA{}, color.NRGBA{A: 255}
	for name, c := range map[string]struct {
		shape       rdp.PointerShape
		top, bottom color.NRGBA // of the left pixel
	}{
		"1 bit, masked white inverts": {
			rdp.PointerShape{Width: 1, Height: 2, Depth: 1, Xor: []byte{0, 0, 0x80, 0}, And: []byte{0x80, 0, 0x80, 0}}, black, clear,
		},
		"16 bits": {
			rdp.PointerShape{Width: 1, Height: 2, Depth: 16, Xor: []byte{0x1f, 0, 0, 0x7c}, And: make([]byte, 4)},
			color.NRGBA{R: 255, A: 255},
			color.NRGBA{B: 255, A: 255},
		},
		"24 bits, rows of four bytes": {
			rdp.PointerShape{Width: 1, Height: 2, Depth: 24, Xor: []byte{1, 2, 3, 0, 0, 0, 0, 0}, And: []byte{0, 0, 0x80, 0}}, clear, color.NRGBA{3, 2, 1, 255},
		},
		"32 bits with alpha": {
			rdp.PointerShape{Width: 1, Height: 2, Depth: 32, Xor: []byte{1, 2, 3, 128, 4, 5, 6, 0}, And: []byte{0, 0, 0x80, 0}},
			color.NRGBA{6, 5, 4, 0},
			color.NRGBA{3, 2, 1, 128},
		},
		"32 bits without": {
			rdp.PointerShape{Width: 1, Height: 2, Depth: 32, Xor: []byte{1, 2, 3, 0, 0, 0, 0, 0}, And: []byte{0, 0, 0x80, 0}}, clear, color.NRGBA{3, 2, 1, 255},
		},
	} {
		got, err := c.shape.Cursor()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if top, bottom := got.Image.NRGBAAt(0, 0), got.Image.NRGBAAt(0, 1); top != c.top || bottom != c.bottom {
			t.Errorf("%s: %v above %v, want %v above %v", name, top, bottom, c.top, c.bottom)
		}
	}
}

// TestCursor_S22: sizes and masks that do not fit are errors, and a hot spot outside is moved to the edge.
func TestCursor_S22(t *testing.T) {
	for name, p := range map[string]rdp.PointerShape{
		"no width":      {Height: 1, Depth: 32},
		"too wide":      {Width: 385, Height: 1, Depth: 32, Xor: make([]byte, 4*385)},
		"8 bits":        {Width: 1, Height: 1, Depth: 8, Xor: make([]byte, 8)},
		"short xor":     {Width: 2, Height: 2, Depth: 32, Xor: make([]byte, 15)},
		"short and":     {Width: 17, Height: 1, Depth: 24, Xor: make([]byte, 52), And: make([]byte, 3)},
		"negative size": {Width: -1, Height: -1, Depth: 32},
	} {
		if _, err := p.Cursor(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	c, err := (&rdp.PointerShape{Width: 2, Height: 2, Depth: 32, Xor: make([]byte, 16), HotX: 65535, HotY: 1}).Cursor()
	if err != nil || c.HotX != 1 || c.HotY != 1 {
		t.Error(c, err)
	}
}
