//go:build linux

package rdp_test

import (
	"context"
	"errors"
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
	if cfg.Pins == nil && cfg.Security != rdp.SecurityStandard {
		cfg.Pins = []string{rdp.Fingerprint(s.Certificate)}
	}
	if cfg.Width == 0 {
		cfg.Width, cfg.Height = rdplab.Width, rdplab.Height
	}
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
	e, err := v.match(t, patience, tolerance, truth)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// match is shows for who can do something about a picture that never is the right one.
func (v *viewer) match(t *testing.T, patience time.Duration, tolerance float64, truth func(context.Context) (*image.RGBA, error)) (float64, error) {
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
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			keep(t, "got", v.picture())
			keep(t, "want", want)
			return 0, fmt.Errorf("the picture never was the right one: mean error %.2f at best, want %.2f; codecs %s; %w", least, tolerance, v.seen(), err)
		}
		got := v.picture()
		e := rdplab.MeanError(got, want)
		if least = min(least, e); e <= tolerance && colours(want) >= 100 {
			keep(t, "right", got)
			return e, nil
		}
		v.mu.Lock()
		err = v.err
		v.mu.Unlock()
		if err != nil {
			keep(t, "got", got)
			return 0, fmt.Errorf("the session ended before its picture was right (mean error %.2f): %w", least, err)
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

// anything is a tolerance for who only wants that something is shown.
const anything = 20

// still is a picture as a truth.
func still(img *image.RGBA) func(context.Context) (*image.RGBA, error) {
	return func(ctx context.Context) (*image.RGBA, error) { return img, ctx.Err() }
}

// awaitSame waits until two show the same, but for a mean error of tolerance, and returns what the first shows.
func awaitSame(t *testing.T, a, b func(context.Context) (*image.RGBA, error), tolerance float64) *image.RGBA {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		x, err := a(ctx)
		y, err2 := b(ctx)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if e := rdplab.MeanError(x, y); e <= tolerance && colours(y) >= 100 {
			return x
		}
		<-tick.C
	}
}

// click presses and releases the left button in the middle of the terminal, which is where the keys go then.
func (v *viewer) click(t *testing.T) {
	t.Helper()
	const x, y = 300, 340
	if err := errors.Join(v.MouseMove(x, y), v.MouseButton(rdp.ButtonLeft, true, x, y), v.MouseButton(rdp.ButtonLeft, false, x, y)); err != nil {
		t.Fatal(err)
	}
}

// run has the shell on the screen run a command, until the command has written text into a file of the server's Home. It may run several
// times: a compositor makes the keyboard, and gives the focus to it, when the first key comes, which is lost.
func (v *viewer) run(t *testing.T, s *rdplab.Server, command, file, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		v.click(t)
		v.keys(t, "\n"+command+" > "+file+"\n")
		once, cancel := context.WithTimeout(ctx, time.Second)
		err := s.Typed(once, file, text)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			keep(t, "typed", v.picture())
			t.Fatal(err)
		}
	}
}

// keys types a text on a US keyboard.
func (v *viewer) keys(t *testing.T, text string) {
	t.Helper()
	for _, c := range text {
		k, shift := usKey(c)
		combination := []rdp.Scancode{k}
		if shift {
			combination = []rdp.Scancode{rdp.KeyLeftShift, k}
		}
		if err := v.Keys(combination...); err != nil {
			t.Fatal(err)
		}
	}
}

// usKey is the key of a US keyboard for a character that the tests type.
func usKey(c rune) (k rdp.Scancode, shift bool) {
	rows := map[rdp.Scancode][2]string{
		0x02: {"1234567890-=", "!@#$%^&*()_+"}, 0x10: {"qwertyuiop[]", "QWERTYUIOP{}"},
		0x1e: {"asdfghjkl;'`", `ASDFGHJKL:"~`}, 0x2c: {"zxcvbnm,./", "ZXCVBNM<>?"},
	}
	for first, row := range rows {
		for i, keys := range row {
			if at := strings.IndexRune(keys, c); at >= 0 {
				return first + rdp.Scancode(at), i == 1
			}
		}
	}
	if c == '\n' {
		return rdp.KeyEnter, false
	}
	return rdp.KeySpace, false
}
