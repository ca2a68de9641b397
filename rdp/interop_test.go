//go:build linux

package rdp_test

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// viewer draws what a client gets, in a goroutine of its own.
type viewer struct {
	*rdp.Client
	done chan struct{} // closed when err is there

	mu      sync.Mutex // guards what follows
	frame   *rdp.Framebuffer
	codecs  map[string]int // tiles by codec
	err     error
	changed chan struct{} // closed and made anew by each update
}

// view dials as the server's user and watches.
func view(t *testing.T, s *rdplab.Server, cfg rdp.Config) (*viewer, error) {
	t.Helper()
	if cfg.Credentials == nil {
		cfg.Credentials = as(s.User, s.Password)
	}
	cfg.Pins, cfg.Width, cfg.Height = []string{rdp.Fingerprint(s.Certificate)}, rdplab.Width, rdplab.Height
	c, err := dial(t, s.Addr, cfg)
	if err != nil {
		return nil, err
	}
	return watch(t, c), nil
}

// watch draws what comes until the test ends.
func watch(t *testing.T, c *rdp.Client) *viewer {
	t.Helper()
	f, err := rdp.NewFramebuffer(c.Size())
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{Client: c, done: make(chan struct{}), frame: f, codecs: make(map[string]int), changed: make(chan struct{})}
	go v.watch()
	t.Cleanup(v.stop)
	return v
}

func (v *viewer) stop() {
	v.Close()
	<-v.done
}

func (v *viewer) watch() {
	defer close(v.done)
	for {
		u, err := v.Next(context.Background())
		v.mu.Lock()
		if err == nil {
			err = v.frame.Apply(u)
		}
		switch u := u.(type) {
		case *rdp.Bitmap:
			for _, tile := range u.Tiles {
				v.codecs[tile.Codec.String()]++
			}
		case *rdp.SurfaceBits:
			v.codecs[u.Tile.Codec.String()]++
		}
		v.err = err
		close(v.changed)
		v.changed = make(chan struct{})
		v.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// picture returns a copy of what is shown.
func (v *viewer) picture() *image.RGBA {
	v.mu.Lock()
	defer v.mu.Unlock()
	img := *v.frame.Image()
	img.Pix = slices.Clone(img.Pix)
	return &img
}

// show is picture as a truth of others.
func (v *viewer) show(ctx context.Context) (*image.RGBA, error) { return v.picture(), ctx.Err() }

// seen returns which codecs came.
func (v *viewer) seen() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(v.codecs)), " ")
}

// shows waits until the client shows what truth does, but for a mean error of tolerance, and returns the error. Truth is asked again
// while it is not so: a session that begins paints its screen bit by bit.
func (v *viewer) shows(t *testing.T, tolerance float64, truth func(context.Context) (*image.RGBA, error)) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	least := 256.0
	var want *image.RGBA
	for {
		now, err := truth(ctx)
		if err == nil {
			want = now
		}
		if ctx.Err() != nil || err != nil {
			keep(t, "got", v.picture())
			keep(t, "want", want)
			t.Fatalf("the picture never was the right one: mean error %.2f at best, want %.2f; codecs %s; %v", least, tolerance, v.seen(), err)
		}
		got := v.picture()
		e := rdplab.MeanError(got, want)
		if least = min(least, e); e <= tolerance && colours(want) >= 100 {
			keep(t, "right", got)
			return e
		}
		v.mu.Lock()
		err = v.err
		v.mu.Unlock()
		if err != nil {
			keep(t, "got", got)
			t.Fatalf("the session ended before its picture was right (mean error %.2f): %v", least, err)
		}
		<-tick.C
	}
}

// colours counts the colours of a picture: the chart of the terminal has more than 200, a screen that is not painted yet has one.
func colours(img *image.RGBA) int {
	seen := make(map[[3]byte]bool)
	for i := 0; i < len(img.Pix); i += 4 {
		seen[[3]byte(img.Pix[i:])] = true
	}
	return len(seen)
}

// keep writes a picture into the folder that RDP_PICTURES names, for eyes.
func keep(t *testing.T, name string, img *image.RGBA) {
	dir := os.Getenv("RDP_PICTURES")
	if dir == "" || img == nil {
		return
	}
	f, err := os.Create(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+"-"+name+".png"))
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Error(err)
	}
}

// screen is what an X display of the server shows.
func screen(s *rdplab.Server, display string) func(context.Context) (*image.RGBA, error) {
	return func(ctx context.Context) (*image.RGBA, error) { return s.Screen(ctx, display) }
}

// drawn is a way to draw a server's screen.
type drawn struct {
	cfg       rdp.Config
	codec     string  // the only one that may come; several with spaces between
	tolerance float64 // mean error
}

// TestXrdp_Codecs: each codec of xrdp shows what its X server has, exactly where the codec is exact.
func TestXrdp_Codecs(t *testing.T) {
	s := rdplab.StartXrdp(t, rdplab.LayerNegotiate, rdplab.Options{})
	for _, d := range []drawn{
		{rdp.Config{Depth: 32, Compression: rdp.Compression64K}, "planar", 0},
		{rdp.Config{Depth: 24, Compression: rdp.Compression64K}, "rle24", 0},
		{rdp.Config{Depth: 16, Compression: rdp.Compression64K}, "rle16", 2},
		{rdp.Config{Depth: 15}, "rle15", 2},
		{rdp.Config{Depth: 32, RemoteFX: true}, "rfx", 3},
	} {
		t.Run(d.codec, func(t *testing.T) {
			v, err := view(t, s, d.cfg)
			if err != nil {
				t.Fatal(err)
			}
			s.Wait(t, "session", func() bool { return s.Ready(rdplab.XrdpDisplay) }, "xrdp", "xrdp-sesman")
			report(t, v, d, v.shows(t, d.tolerance, screen(s, rdplab.XrdpDisplay)))
		})
	}
}

func report(t *testing.T, v *viewer, d drawn, e float64) {
	t.Helper()
	if v.seen() != d.codec {
		t.Errorf("codecs %s came, want %s", v.seen(), d.codec)
	}
	t.Logf("%s: mean error %.3f", d.codec, e)
}

// TestShadow_Codecs: each codec of FreeRDP's server shows what its X server has.
func TestShadow_Codecs(t *testing.T) {
	nla, tls := rdplab.StartShadow(t, rdplab.Options{})
	for _, d := range []struct {
		s *rdplab.Server
		drawn
	}{
		{nla, drawn{rdp.Config{Depth: 32, Security: rdp.SecurityNLA}, "planar", 0}},
		{tls, drawn{rdp.Config{Depth: 16}, "rle16", 4}},
		{tls, drawn{rdp.Config{Depth: 15}, "rle15", 4}},
		{tls, drawn{rdp.Config{Depth: 32, RemoteFX: true}, "rfx", 3}},
	} {
		t.Run(d.codec, func(t *testing.T) {
			v, err := view(t, d.s, d.cfg)
			if err != nil {
				t.Fatal(err)
			}
			report(t, v, d.drawn, v.shows(t, d.tolerance, screen(d.s, rdplab.ShadowDisplay)))
		})
	}
}

// TestWeston_Codecs: raw pictures show what xfreerdp does, and what comes through a bulk compression, NSCodec or RemoteFX shows what they do.
// weston paints the pointers of all clients into the picture: whoever is to see the same has to look at the same time.
func TestWeston_Codecs(t *testing.T) {
	s := rdplab.StartWeston(t)
	x := s.XFreeRDP(t, "raw", "/bpp:32")
	raw := drawn{rdp.Config{}, "surface32", 2} // what xfreerdp gets is coded with loss
	exact, err := view(t, s, raw.cfg)
	if err != nil {
		t.Fatal(err)
	}
	report(t, exact, raw, exact.shows(t, raw.tolerance, x.Screenshot))
	x.Stop()
	for _, d := range []drawn{
		{rdp.Config{Compression: rdp.Compression8K}, "surface32", 0},
		{rdp.Config{Compression: rdp.Compression64K}, "surface32", 0},
		{rdp.Config{Compression: rdp.CompressionNCRUSH}, "surface32", 0},
		{rdp.Config{Compression: rdp.CompressionXCRUSH}, "surface32", 0},
		{rdp.Config{NSCodec: true}, "nscodec", 4},
		{rdp.Config{RemoteFX: true}, "rfx", 2},
	} {
		t.Run(fmt.Sprintf("%s-bulk%d", d.codec, d.cfg.Compression), func(t *testing.T) {
			v, err := view(t, s, d.cfg)
			if err != nil {
				t.Fatal(err)
			}
			report(t, v, d, v.shows(t, d.tolerance, exact.show))
		})
	}
}

// TestGNOME_Codecs: planar and RemoteFX of GNOME's remote desktop show what xfreerdp does.
func TestGNOME_Codecs(t *testing.T) {
	s := rdplab.StartGNOME(t)
	x := s.XFreeRDP(t, "rfx", "/bpp:32")
	for _, d := range []drawn{
		{rdp.Config{Compression: rdp.CompressionXCRUSH}, "planar", 3},
		{rdp.Config{Compression: rdp.Compression64K, RemoteFX: true}, "rfx", 3},
	} {
		t.Run(d.codec, func(t *testing.T) {
			v, err := view(t, s, d.cfg)
			if err != nil {
				t.Fatal(err)
			}
			report(t, v, d, v.shows(t, d.tolerance, x.Screenshot))
		})
	}
}
