package encode

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// picture makes one that is like those of desktops or unlike any: areas of one colour, text, dithering, repeated rows, gradients, noise.
func picture(r *rand.Rand, w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	shade := func() [3]byte {
		switch r.IntN(4) {
		case 0:
			return [3]byte{}
		case 1:
			return [3]byte{255, 255, 255}
		}
		return [3]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
	}
	a, b := shade(), shade()
	for range 1 + r.IntN(6) {
		x0, y0 := r.IntN(w), r.IntN(h)
		x1, y1 := x0+1+r.IntN(w-x0), y0+1+r.IntN(h-y0)
		kind, period := r.IntN(7), 1+r.IntN(9)
		if r.IntN(3) == 0 {
			a, b = shade(), shade()
		}
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				c := a
				switch kind {
				case 1: // text
					if r.IntN(4) == 0 {
						c = b
					}
				case 2: // dithered
					if (x+y)%2 == 0 {
						c = b
					}
				case 3: // columns: each row as the one above
					if x/period%2 == 0 {
						c = b
					}
				case 4: // gradient
					c = [3]byte{byte(x * period), byte(y * period), byte(x + y)}
				case 5: // noise
					c = [3]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
				case 6: // rows
					if y/period%2 == 0 {
						c = b
					}
				}
				copy(m.Pix[m.PixOffset(x, y):], []byte{c[0], c[1], c[2], byte(r.Uint32())})
			}
		}
	}
	return m
}

// rounds calls f with many pictures, of all small sizes and of some large ones.
func rounds(t *testing.T, f func(t *testing.T, m *image.RGBA) error) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 600 {
		w, h := 1+i%32, 1+i/32
		if i%5 == 0 {
			w, h = 1+r.IntN(150), 1+r.IntN(90)
		}
		if i == 3 {
			w, h = 600, 300 // runs beyond 16 bits
		}
		m := picture(r, w, h)
		if i == 3 {
			clear(m.Pix)
		}
		if err := f(t, m); err != nil {
			t.Fatalf("picture %d of %dx%d: %v", i, w, h, err)
		}
	}
}

// near compares colours; the target may be larger.
func near(got codec.Target, m *image.RGBA, channels, tolerance int, want func(p []byte) [4]byte) error {
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			p := want(row(m, y)[x*rgbaBytes:][:rgbaBytes])
			for i, v := range got.Pix[y*got.Stride+x*rgbaBytes:][:channels] {
				if d := int(v) - int(p[i]); d > tolerance || d < -tolerance {
					return fmt.Errorf("at %d,%d: %v, want %v within %d", x, y, got.Pix[y*got.Stride+x*rgbaBytes:][:4], p, tolerance)
				}
			}
		}
	}
	return nil
}

func asIs(p []byte) [4]byte { return [4]byte(p) }

func target(t *testing.T, w, h int) codec.Target {
	t.Helper()
	to, err := codec.NewTarget(w, h)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestInterleaved_RoundTrip: at each depth a picture comes back as raw pixels of that depth do, and is rarely larger than those.
func TestInterleaved_RoundTrip(t *testing.T) {
	palette := codec.Palette(*Palette())
	for _, depth := range []int{8, 15, 16, 24} {
		orders := map[byte]bool{}
		rounds(t, func(t *testing.T, m *image.RGBA) error {
			width := (m.Rect.Dx() + 3) &^ 3
			b := Interleaved(m, width, depth)
			raw := Raw(m, width, depth)
			if len(b) > len(raw)+len(raw)/8+4 {
				return fmt.Errorf("%d bytes for %d", len(b), len(raw))
			}
			got, want := target(t, width, m.Rect.Dy()), target(t, width, m.Rect.Dy())
			if err := codec.DecodeInterleaved(got, codec.Depth(depth), &palette, b); err != nil {
				return err
			}
			if err := codec.DecodeRaw(want, codec.Depth(depth), &palette, raw, true); err != nil {
				return err
			}
			orders[b[0]>>4] = true
			return near(got, &image.RGBA{Pix: want.Pix, Stride: want.Stride, Rect: image.Rect(0, 0, want.W, want.H)}, 4, 0, asIs)
		})
		if len(orders) < 8 {
			t.Errorf("depth %d: only %d kinds of orders", depth, len(orders))
		}
	}
}

// TestPlanar_RoundTrip: exact without a colour loss level, with and without alpha, compressed and not, both ways up; close with one.
func TestPlanar_RoundTrip(t *testing.T) {
	for i := range 16 {
		o := PlanarOptions{RLE: i&1 != 0, NoAlpha: i&2 != 0, TopDown: i&4 != 0}
		channels := 4
		if o.NoAlpha {
			channels = 3
		}
		tolerance := 0
		if i&8 != 0 {
			o.Loss = 1 + i%3
			tolerance = 3 << (o.Loss - 1)
		}
		rounds(t, func(t *testing.T, m *image.RGBA) error {
			got := target(t, m.Rect.Dx(), m.Rect.Dy())
			if err := codec.DecodePlanar(got, Planar(m, o), !o.TopDown, true); err != nil {
				return err
			}
			return near(got, m, channels, tolerance, asIs)
		})
	}
}

// TestChroma_HalfSize: with chroma planes of half the size, what has one colour in each two by two pixels comes back nearly as it was, in the
// planar codec and in NSCodec.
func TestChroma_HalfSize(t *testing.T) {
	rounds(t, func(t *testing.T, m *image.RGBA) error {
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				// Bottom-up streams pair rows from the bottom, top-down ones from the top: take top-down for planar below.
				copy(row(m, y)[x*rgbaBytes:][:3], row(m, y&^1)[x&^1*rgbaBytes:][:3])
			}
		}
		got := target(t, m.Rect.Dx(), m.Rect.Dy())
		if err := codec.DecodePlanar(got, Planar(m, PlanarOptions{RLE: true, TopDown: true, Loss: 1, HalfSize: true}), false, true); err != nil {
			return err
		}
		if err := near(got, m, 4, 3, asIs); err != nil {
			return err
		}
		if m.Rect.Dy()%2 != 0 {
			return nil // pairs of rows begin at the bottom
		}
		if err := codec.DecodeNSCodec(got, NSCodec(m, 1, true), true); err != nil {
			return err
		}
		return near(got, m, 3, 3, asIs)
	})
}

// TestNSCodec_RoundTrip: pictures come back within what the colour loss level takes, greys exactly.
func TestNSCodec_RoundTrip(t *testing.T) {
	for _, loss := range []int{1, 2, 3} {
		rounds(t, func(t *testing.T, m *image.RGBA) error {
			got := target(t, m.Rect.Dx(), m.Rect.Dy())
			if err := codec.DecodeNSCodec(got, NSCodec(m, loss, false), true); err != nil {
				return err
			}
			return near(got, m, 3, 3<<(loss-1), asIs)
		})
	}
	rounds(t, func(t *testing.T, m *image.RGBA) error {
		for i := 0; i < len(m.Pix); i += rgbaBytes {
			m.Pix[i+1], m.Pix[i+2] = m.Pix[i], m.Pix[i]
		}
		got := target(t, m.Rect.Dx(), m.Rect.Dy())
		if err := codec.DecodeNSCodec(got, NSCodec(m, 1, false), true); err != nil {
			return err
		}
		return near(got, m, 3, 0, asIs)
	})
}

// TestRemoteFX_RoundTrip: with both entropy coders a picture comes back within a few steps of each colour, several frames through one context.
func TestRemoteFX_RoundTrip(t *testing.T) {
	for _, mode := range []Entropy{RLGR1, RLGR3} {
		enc, dec := NewRemoteFX(mode, 800, 600), codec.NewRemoteFX()
		worst := 0
		rounds(t, func(t *testing.T, m *image.RGBA) error {
			f, err := dec.Parse(enc.Encode(m))
			if err != nil {
				return err
			}
			got := target(t, m.Rect.Dx(), m.Rect.Dy())
			if err := f.Draw(got, 0, 0); err != nil {
				return err
			}
			for d := 0; ; d++ {
				if near(got, m, 3, d, asIs) == nil {
					worst = max(worst, d)
					break
				}
			}
			return nil
		})
		t.Logf("RLGR %d: off by %d at most", mode, worst)
		if worst > 8 {
			t.Errorf("RLGR %d: off by %d", mode, worst)
		}
	}
}

// TestRLGR_RoundTrip: coefficients of any kind come back as they were: long runs, large values, an end within a run.
func TestRLGR_RoundTrip(t *testing.T) {
	// The decoder of a whole tile is what there is: coefficients that are quantised by 1 and whose transform is compared.
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		var in [tileArea]int16
		for j := range in {
			if r.IntN(1+i) == 0 {
				in[j] = int16(r.IntN(1<<(1+i%9)) - 1<<(i%9))
			}
		}
		one := codec.Tile{Entropy: codec.RLGR1, Quant: [3]codec.Quant{{6, 6, 6, 6, 6, 6, 6, 6, 6, 6}, {6, 6, 6, 6, 6, 6, 6, 6, 6, 6}, {6, 6, 6, 6, 6, 6, 6, 6, 6, 6}}}
		three := one
		three.Entropy = codec.RLGR3
		for c := range 3 {
			one.Data[c], three.Data[c] = encodeRLGR(RLGR1, in[:]), encodeRLGR(RLGR3, in[:])
		}
		a, b := target(t, tileSide, tileSide), target(t, tileSide, tileSide)
		if err := one.Decode(a); err != nil {
			t.Fatal(err)
		}
		if err := three.Decode(b); err != nil {
			t.Fatal(err)
		}
		if err := near(a, &image.RGBA{Pix: b.Pix, Stride: b.Stride, Rect: image.Rect(0, 0, tileSide, tileSide)}, 4, 0, asIs); err != nil {
			t.Fatalf("round %d: the two coders differ: %v", i, err)
		}
	}
}
