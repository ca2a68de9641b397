package codec

import (
	"bytes"
	"image"
	"testing"
)

// TestPicture_S22_DrawPart: what is not all of a picture is cut out of it, and a part that is not in it is an error, as is a picture
// that no desktop could hold, before memory is taken for it.
func TestPicture_S22_DrawPart(t *testing.T) {
	p := Picture{ID: Surface32, W: 4, H: 3}
	for y := p.H - 1; y >= 0; y-- { // from the bottom
		for x := range p.W {
			p.Data = append(p.Data, byte(x), byte(y), 0, 0xff) // blue, green, red
		}
	}
	for _, tc := range []struct {
		name string
		part image.Rectangle
		ok   bool
	}{
		{"all", image.Rect(0, 0, 4, 3), true},
		{"the middle", image.Rect(1, 1, 3, 2), true},
		{"a corner", image.Rect(3, 2, 4, 3), true},
		{"too far right", image.Rect(2, 0, 5, 1), false},
		{"too far down", image.Rect(0, 2, 1, 4), false},
		{"before it", image.Rect(-1, 0, 2, 1), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to, err := NewTarget(tc.part.Dx(), tc.part.Dy())
			if err != nil {
				t.Fatal(err)
			}
			var scratch []byte
			if err := p.DrawPart(to, tc.part.Min, &scratch); (err == nil) != tc.ok {
				t.Fatalf("%v, want it to be drawn: %v", err, tc.ok)
			}
			if !tc.ok {
				return
			}
			var want []byte
			for y := tc.part.Min.Y; y < tc.part.Max.Y; y++ {
				for x := tc.part.Min.X; x < tc.part.Max.X; x++ {
					want = append(want, 0, byte(y), byte(x), 0xff)
				}
			}
			if !bytes.Equal(to.Pix, want) {
				t.Errorf("pixels %x, want %x", to.Pix, want)
			}
		})
	}
	huge, scratch := Picture{ID: Surface32, W: MaxSide + 1, H: 1}, []byte(nil)
	if err := huge.DrawPart(Target{Pix: make([]byte, 4), Stride: 4, W: 1, H: 1}, image.Point{}, &scratch); err == nil || scratch != nil {
		t.Errorf("a picture that is too wide: %v, and %d bytes taken", err, len(scratch))
	}
}
