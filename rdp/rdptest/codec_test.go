package rdptest_test

import (
	"context"
	"fmt"
	"image"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// codecs are the ways in which pictures are sent, and how far a colour may then be from what the server shows.
var codecs = []struct {
	name      string
	codec     rdptest.Codec
	half      bool
	tolerance int
	xfreerdp  []string // arguments that make it offer the codec
}{
	{"raw", rdptest.CodecRaw, false, 0, nil},
	{"interleaved", rdptest.CodecInterleaved, false, 0, nil},
	{"planar", rdptest.CodecPlanar, false, 0, nil},
	{"planar half", rdptest.CodecPlanar, true, 255, nil}, // text loses its colour at edges
	{"nscodec", rdptest.CodecNSCodec, false, 2, []string{"/nsc"}},
	{"nscodec half", rdptest.CodecNSCodec, true, 255, []string{"/nsc"}},
	{"remotefx rlgr1", rdptest.CodecRemoteFX1, false, 9, []string{"/rfx", "/network:lan"}},
	{"remotefx rlgr3", rdptest.CodecRemoteFX3, false, 9, []string{"/rfx", "/network:lan"}},
}

// closeTo returns an error for pictures whose colours differ by more than a tolerance somewhere, or in the mean by more than one step. It
// looks from the end on, which is drawn last.
func closeTo(got, want *image.RGBA, tolerance int) error {
	if got.Rect != want.Rect {
		return fmt.Errorf("%v, want %v", got.Rect, want.Rect)
	}
	sum := 0
	a, b := got.Pix, want.Pix[:len(got.Pix)]
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] == b[i] {
			continue
		}
		d := int(a[i]) - int(b[i])
		d = max(d, -d)
		if d > tolerance {
			return fmt.Errorf("%v at %d,%d, want %v within %d", a[i&^3:][:4], i%got.Stride/4, i/got.Stride, b[i&^3:][:4], tolerance)
		}
		sum += d
	}
	if mean := sum * 1000 / len(a); mean > 1000 {
		return fmt.Errorf("off by %d/1000 in the mean", mean)
	}
	return nil
}

// TestServer_Codecs: with each codec, what package rdp draws is what the server shows, after something was typed too. A client that does
// not offer a codec gets raw bitmaps.
func TestServer_Codecs(t *testing.T) {
	for _, k := range codecs {
		for _, offered := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", k.name, offered), func(t *testing.T) {
				s := newServer(t, func(c *rdptest.Config) { c.Codec, c.HalfChroma = k.codec, k.half })
				addr, err := s.Listen()
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				c, err := rdp.Dial(ctx, addr, &rdp.Config{
					Credentials: func(context.Context) (rdp.Credentials, error) {
						return rdp.Credentials{User: "anna", Password: password}, nil
					},
					Pins: []string{rdp.Fingerprint(s.Certificate())}, Width: 402, Height: 290, NSCodec: offered, RemoteFX: offered,
				})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				far := session(t, s)
				want, tolerance := k.codec, k.tolerance
				if !offered && k.codec >= rdptest.CodecNSCodec {
					want, tolerance = rdptest.CodecRaw, 0
				}
				if far.Codec != want {
					t.Errorf("codec %d, want %d", far.Codec, want)
				}
				f, err := rdp.NewFramebuffer(c.Size())
				if err != nil {
					t.Fatal(err)
				}
				draw(ctx, t, c, f, far.Desktop(), tolerance)
				if err := c.Type("Ünï"); err != nil {
					t.Fatal(err)
				}
				if err := far.Desktop().Wait(ctx, func(d *rdptest.Desktop) bool { return d.Text() == "Ünï" }); err != nil {
					t.Fatal(err)
				}
				draw(ctx, t, c, f, far.Desktop(), tolerance)
			})
		}
	}
}

// draw applies updates until the picture is the server's.
func draw(ctx context.Context, t *testing.T, c *rdp.Client, f *rdp.Framebuffer, far *rdptest.Desktop, tolerance int) {
	t.Helper()
	want := far.Image()
	for closeTo(f.Image(), want, tolerance) != nil {
		u, err := c.Next(ctx)
		if err != nil {
			t.Fatalf("%v; %v", err, closeTo(f.Image(), want, tolerance))
		}
		if err := f.Apply(u); err != nil {
			t.Fatal(err)
		}
	}
}

// TestXfreerdp_Codecs: a client that somebody else has written shows the desktop with each codec: exactly where nothing is lost, and else
// within what the codec takes. At 24, 16, 15 and 8 bits interleaved RLE shows what raw bitmaps of that depth do.
func TestXfreerdp_Codecs(t *testing.T) {
	for _, k := range codecs {
		t.Run(k.name, func(t *testing.T) {
			s := newServer(t, func(c *rdptest.Config) { c.Codec, c.HalfChroma = k.codec, k.half })
			addr, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			screen, _ := xfreerdp(t, addr, append(k.xfreerdp, pin(s))...)
			far := session(t, s)
			if far.Codec != k.codec {
				t.Errorf("codec %d, want %d", far.Codec, k.codec)
			}
			screen.showsAbout(t, far.Desktop().Image(), k.tolerance)
		})
	}
	for _, depth := range []int{8, 15, 16, 24} {
		t.Run(fmt.Sprintf("interleaved at %d bits", depth), func(t *testing.T) {
			s := newServer(t, func(c *rdptest.Config) { c.Codec = rdptest.CodecInterleaved })
			addr, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			screen, _ := xfreerdp(t, addr, fmt.Sprintf("/bpp:%d", depth), pin(s))
			far := session(t, s)
			if far.Codec != rdptest.CodecInterleaved || far.Depth != depth {
				t.Errorf("codec %d at %d bits", far.Codec, far.Depth)
			}
			screen.showsAbout(t, atDepth(far.Desktop().Image(), depth), map[int]int{8: 1, 15: 1, 16: 1}[depth])
		})
	}
}

// atDepth is a picture as fewer bits say it.
func atDepth(m *image.RGBA, depth int) *image.RGBA {
	keep := func(v byte, bits int) byte {
		if bits == 6 { // no specification says how six become eight: xfreerdp does it so
			v >>= 2
			return byte(min(int(v)<<2+int(v)>>3, 255))
		}
		most := 1<<bits - 1
		return byte(int(v) >> (8 - bits) * 255 / most)
	}
	bits := map[int][3]int{8: {3, 3, 2}, 15: {5, 5, 5}, 16: {5, 6, 5}, 24: {8, 8, 8}}[depth]
	for i := 0; i < len(m.Pix); i += 4 {
		for j, n := range bits {
			m.Pix[i+j] = keep(m.Pix[i+j], n)
		}
	}
	return m
}

// TestXfreerdp_Bulk: with 8 and 64 KiB of history, what a client shows that somebody else has written is what the server does.
func TestXfreerdp_Bulk(t *testing.T) {
	for _, level := range []string{"0", "1"} {
		for _, codec := range []rdptest.Codec{rdptest.CodecRaw, rdptest.CodecPlanar} {
			s := newServer(t, func(c *rdptest.Config) { c.Bulk, c.Codec = true, codec })
			addr, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			screen, _ := xfreerdp(t, addr, pin(s), "+compression", "/compression-level:"+level)
			far := session(t, s)
			if !far.Compression {
				t.Errorf("level %s: xfreerdp takes no compression", level)
			}
			screen.shows(t, far.Desktop())
		}
	}
}

// TestServer_Bulk: with 8 and 64 KiB of history, what package rdp shows is what the server does, over several turns of the history.
func TestServer_Bulk(t *testing.T) {
	for _, level := range []rdp.Compression{rdp.Compression8K, rdp.Compression64K, rdp.CompressionXCRUSH} {
		for _, codec := range []rdptest.Codec{rdptest.CodecRaw, rdptest.CodecPlanar} {
			s := newServer(t, func(c *rdptest.Config) { c.Bulk, c.Codec = true, codec })
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := dialAs(ctx, t, s, rdp.Config{Width: 402, Height: 290, Compression: level})
			far := session(t, s)
			f, err := rdp.NewFramebuffer(c.Size())
			if err != nil {
				t.Fatal(err)
			}
			draw(ctx, t, c, f, far.Desktop(), 0)
			if err := c.Type("Ünï"); err != nil {
				t.Fatal(err)
			}
			if err := far.Desktop().Wait(ctx, func(d *rdptest.Desktop) bool { return d.Text() == "Ünï" }); err != nil {
				t.Fatal(err)
			}
			draw(ctx, t, c, f, far.Desktop(), 0)
		}
	}
}
