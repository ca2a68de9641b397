package rdp_test

import (
	"image/color"
	"testing"

	"github.com/sallyport/sallyport/rdp"
)

// red is a raw picture of one colour, 24 bits, padded rows.
func red(w, h int) []byte {
	row := make([]byte, (3*w+3)&^3)
	for x := range w {
		row[3*x+2] = 255
	}
	var b []byte
	for range h {
		b = append(b, row...)
	}
	return b
}

// TestFramebuffer_S22_Edges: a picture is cut by its rectangle and by the desktop, and one that has no place on it is an error; nothing
// outside changes.
func TestFramebuffer_S22_Edges(t *testing.T) {
	f, err := rdp.NewFramebuffer(10, 10)
	if err != nil {
		t.Fatal(err)
	}
	apply := func(tile rdp.Tile) error { return f.Apply(&rdp.Bitmap{Tiles: []rdp.Tile{tile}}) }
	if err := apply(rdp.Tile{Codec: rdp.CodecRaw24, X: 2, Y: 3, W: 3, H: 2, Width: 4, Height: 4, Data: red(4, 4)}); err != nil {
		t.Fatal(err)
	}
	if err := apply(rdp.Tile{Codec: rdp.CodecRaw24, X: 8, Y: 8, W: 4, H: 4, Width: 4, Height: 4, Data: red(4, 4)}); err != nil {
		t.Fatal(err)
	}
	for y := range 10 {
		for x := range 10 {
			want := color.RGBA{A: 255}
			if x >= 2 && x < 5 && y >= 3 && y < 5 || x >= 8 && y >= 8 {
				want.R = 255
			}
			if got := f.Image().RGBAAt(x, y); got != want {
				t.Errorf("%d,%d: %v, want %v", x, y, got, want)
			}
		}
	}
	for name, tile := range map[string]rdp.Tile{
		"beyond the desktop": {Codec: rdp.CodecRaw24, X: 10, Y: 0, W: 4, H: 4, Width: 4, Height: 4, Data: red(4, 4)},
		"negative":           {Codec: rdp.CodecRaw24, X: -1, Y: 0, W: 4, H: 4, Width: 4, Height: 4, Data: red(4, 4)},
		"short":              {Codec: rdp.CodecRaw24, W: 4, H: 4, Width: 4, Height: 4, Data: red(4, 3)},
		"endless":            {Codec: rdp.CodecRLE24, W: 4, H: 4, Width: 1 << 30, Height: 1 << 30},
		"no codec":           {W: 4, H: 4, Width: 4, Height: 4},
		"broken RemoteFX":    {Codec: rdp.CodecRemoteFX, W: 4, H: 4, Width: 4, Height: 4, Data: []byte{1, 2, 3}},
	} {
		if err := apply(tile); rdp.CodeOf(err) != rdp.CodeProtocol {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.Apply(&rdp.Resized{Width: 9000, Height: 9000}); err == nil {
		t.Error("a desktop of 9000x9000 is taken")
	}
	if err := f.Apply(&rdp.Resized{Width: 20, Height: 5}); err != nil || f.Image().Bounds().Dx() != 20 {
		t.Error(f.Image().Bounds(), err)
	}
}

// TestFramebuffer_Cursor: shapes are kept by index, and the last one told is shown.
func TestFramebuffer_Cursor(t *testing.T) {
	f, err := rdp.NewFramebuffer(10, 10)
	if err != nil {
		t.Fatal(err)
	}
	shape := func(i int) *rdp.PointerShape {
		return &rdp.PointerShape{Index: i, Width: 1, Height: 1, Depth: 32, Xor: []byte{0, 0, byte(i), 255}}
	}
	for _, u := range []rdp.Update{shape(1), shape(2), &rdp.PointerSystem{Hidden: true}, &rdp.PointerCached{Index: 1}} {
		if err := f.Apply(u); err != nil {
			t.Fatal(err)
		}
	}
	if c, visible := f.Cursor(); !visible || c == nil || c.Image.Pix[0] != 1 {
		t.Error(c, visible)
	}
	for _, u := range []rdp.Update{shape(25), shape(-1), &rdp.PointerCached{Index: 25}, &rdp.PointerCached{Index: -1}} {
		if err := f.Apply(u); rdp.CodeOf(err) != rdp.CodeProtocol {
			t.Errorf("%+v: %v", u, err)
		}
	}
	for u, want := range map[rdp.Update]bool{&rdp.PointerSystem{}: true, &rdp.PointerSystem{Hidden: true}: false} {
		if err := f.Apply(u); err != nil {
			t.Fatal(err)
		}
		if c, visible := f.Cursor(); c != nil || visible != want {
			t.Error(c, visible)
		}
	}
}
