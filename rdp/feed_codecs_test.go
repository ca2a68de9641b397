package rdp_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// TestFeed_J4_C2_Codecs: with each codec, what is passed on to viewers, as it comes and to one who comes late, is to the pixel what a
// client that draws by itself shows.
func TestFeed_J4_C2_Codecs(t *testing.T) {
	for _, codec := range []rdptest.Codec{
		rdptest.CodecRaw, rdptest.CodecInterleaved, rdptest.CodecPlanar, rdptest.CodecNSCodec, rdptest.CodecRemoteFX1, rdptest.CodecRemoteFX3,
	} {
		for _, depth := range []int{16, 32} {
			s, addr := server(t, func(c *rdptest.Config) { c.Codec = codec })
			c, far, own := session(t, s, addr, rdp.Config{Width: 500, Height: 333, Depth: depth, NSCodec: true, RemoteFX: true})
			viewers, err := rdp.NewFeed(c.Size())
			if err != nil {
				t.Fatal(err)
			}
			const text = "what is passed on"
			if err := c.Type(text); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for {
				u, err := c.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if err := own.Apply(u); err != nil {
					t.Fatal(err)
				}
				if err := viewers.Apply(u); err != nil {
					t.Fatal(err)
				}
				if far.Desktop().Text() == text {
					break
				}
			}
			live, late, err := viewers.Images()
			if err != nil {
				t.Fatal(err)
			}
			if want := own.Image(); live.Rect != want.Rect || !bytes.Equal(live.Pix, want.Pix) || !bytes.Equal(late.Pix, want.Pix) {
				t.Errorf("codec %d, depth %d: another picture", codec, depth)
			}
			c.Close()
			s.Close()
		}
	}
}
