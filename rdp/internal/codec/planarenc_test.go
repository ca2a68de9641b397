package codec_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// patches draws a picture of flat parts, steps and noise, opaque.
func patches(r *rand.Rand, w, h int) codec.Target {
	t := codec.Target{Pix: make([]byte, 4*w*h), Stride: 4 * w, W: w, H: h}
	for i := range t.Pix {
		t.Pix[i] = 0xff
	}
	for range r.IntN(6) {
		x0, y0, noise := r.IntN(w), r.IntN(h), r.IntN(3)
		c := r.Uint32()
		for y := y0; y < min(h, y0+1+r.IntN(h)); y++ {
			for x := x0; x < w; x++ {
				if noise == 2 {
					c = r.Uint32()
				} else if noise == 1 && r.IntN(9) == 0 {
					c += 3
				}
				copy(t.Pix[y*t.Stride+4*x:], []byte{byte(c), byte(c >> 8), byte(c >> 16)})
			}
		}
	}
	return t
}

func TestAppendPlanar(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for i := range 500 {
		w, h := 1+r.IntN(140), 1+r.IntN(70)
		want := patches(r, w, h)
		coded := codec.AppendPlanar([]byte("before"), want)
		if len(coded) > 6+2+3*w*h {
			t.Errorf("%d bytes for %dx%d", len(coded), w, h)
		}
		got, err := codec.NewTarget(w, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.DecodePlanar(got, coded[6:], true, false); err != nil {
			t.Fatalf("picture %d of %dx%d: %v", i, w, h, err)
		}
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Fatalf("picture %d of %dx%d is another one", i, w, h)
		}
	}
}

func BenchmarkAppendPlanar(b *testing.B) {
	pic := patches(rand.New(rand.NewPCG(6, 6)), 64, 64)
	var out []byte
	b.SetBytes(4 * 64 * 64)
	b.ReportAllocs()
	for b.Loop() {
		out = codec.AppendPlanar(out[:0], pic)
	}
}
