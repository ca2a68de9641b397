package rdptest_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// sizes are asked for one after the other.
var sizes = []image.Point{{640, 480}, {300, 720}, {800, 600}}

// dialAs connects package rdp to a server.
func dialAs(ctx context.Context, t *testing.T, s *rdptest.Server, cfg rdp.Config) *rdp.Client {
	t.Helper()
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Credentials, cfg.Pins = credentials, []string{rdp.Fingerprint(s.Certificate())}
	c, err := rdp.Dial(ctx, addr, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestSession_Resize: a server gives the desktop another size, with bitmaps and with surface bits whose codec has a size of its own, and with
// what was typed still on it.
func TestSession_Resize(t *testing.T) {
	for _, k := range []rdptest.Codec{rdptest.CodecRaw, rdptest.CodecRemoteFX3} {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			s := newServer(t, func(c *rdptest.Config) { c.Codec = k })
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := dialAs(ctx, t, s, rdp.Config{Width: 402, Height: 290, RemoteFX: true})
			far := session(t, s)
			if err := c.Type("stays"); err != nil {
				t.Fatal(err)
			}
			if err := far.Desktop().Wait(ctx, func(d *rdptest.Desktop) bool { return d.Text() == "stays" }); err != nil {
				t.Fatal(err)
			}
			for _, size := range sizes {
				if err := far.Resize(size.X, size.Y); err != nil {
					t.Fatal(err)
				}
				showsResized(ctx, t, c, far.Desktop(), size)
			}
			if err := far.Resize(100, 100); err == nil {
				t.Error("a desktop of 100x100")
			}
		})
	}
}

// showsResized waits for another size and then for the picture.
func showsResized(ctx context.Context, t *testing.T, c *rdp.Client, far *rdptest.Desktop, size image.Point) {
	t.Helper()
	for {
		u, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := u.(*rdp.Resized); ok {
			if r.Width != size.X || r.Height != size.Y {
				t.Fatalf("resized to %dx%d, want %v", r.Width, r.Height, size)
			}
			break
		}
	}
	f, err := rdp.NewFramebuffer(c.Size())
	if err != nil {
		t.Fatal(err)
	}
	draw(ctx, t, c, f, far, 9)
}

// TestSession_DisplayControl: a client asks for another size, and gets it; a server that does not offer it is not asked.
func TestSession_DisplayControl(t *testing.T) {
	for _, offered := range []bool{true, false} {
		s := newServer(t, func(c *rdptest.Config) { c.DisplayControl = offered })
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c := dialAs(ctx, t, s, rdp.Config{Width: 402, Height: 290, Resize: true})
		far := session(t, s).Desktop()
		f, err := rdp.NewFramebuffer(c.Size())
		if err != nil {
			t.Fatal(err)
		}
		draw(ctx, t, c, f, far, 0)
		if !offered {
			if err := c.Resize(640, 480, 0); !errors.Is(err, rdp.ErrNotOffered) {
				t.Errorf("a server without display control: %v", err)
			}
			continue
		}
		for _, size := range sizes {
			for {
				err := c.Resize(size.X, size.Y, 0)
				if err == nil {
					break
				}
				if !errors.Is(err, rdp.ErrNotOffered) {
					t.Fatal(err)
				}
				// The server opens the channel when the client has answered: each update is a chance that it has.
				if err := c.Refresh(); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Next(ctx); err != nil {
					t.Fatal(err)
				}
			}
			showsResized(ctx, t, c, far, size)
		}
	}
}

// TestXfreerdp_Resize: a client that somebody else has written follows the server to another size.
func TestXfreerdp_Resize(t *testing.T) {
	for _, k := range []struct {
		codec rdptest.Codec
		args  []string
	}{{rdptest.CodecPlanar, nil}, {rdptest.CodecRemoteFX1, []string{"/rfx", "/network:lan"}}} {
		t.Run(fmt.Sprint(k.codec), func(t *testing.T) {
			s := newServer(t, func(c *rdptest.Config) { c.Codec = k.codec })
			addr, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			screen, _ := xfreerdp(t, addr, append(k.args, pin(s))...)
			far := session(t, s)
			screen.showsAbout(t, far.Desktop().Image(), 9)
			for _, size := range []image.Point{{640, 480}, {400, 560}} {
				if err := far.Resize(size.X, size.Y); err != nil {
					t.Fatal(err)
				}
				screen.showsAbout(t, far.Desktop().Image(), 9)
			}
		})
	}
}
