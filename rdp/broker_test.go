package rdp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/screen"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// gateway is a broker with desktops, in front of a scripted server.
type gateway struct {
	*pamtest.Host
	server *rdptest.Server
}

const (
	desktop = pam.AssetID("desktop")
	owner   = pam.UserID("olga")
	guest   = pam.UserID("gus")
)

func newGateway(t *testing.T, owners pam.Grants, change func(*rdptest.Config)) *gateway {
	t.Helper()
	server := newServer(t, change)
	asset := desktopAsset(t, server)
	g := &gateway{pamtest.StartHost(t, protocol(t, rdp.ProtocolConfig{}), asset, map[string]string{pam.FieldPassword: password}), server}
	g.Policy.Set(owner, desktop, owners)
	g.Policy.Set(guest, desktop, pamtest.Permit(pam.RoleManager, pam.WebSession, pam.Keyboard, pam.JoinMonitor, pam.ClipboardDownload))
	return g
}

// desktopAsset is a server as an asset of an inventory.
func desktopAsset(t *testing.T, server *rdptest.Server) pam.Asset {
	t.Helper()
	asset := request(t, server, nil).Asset
	asset.ID, asset.Name, asset.Type.ID = desktop, "Desktop", "windows"
	return asset
}

// seat is a page of a session that shows a desktop.
type seat struct {
	*pamtest.Page
	mu      sync.Mutex // guards what follows
	picture *screen.Picture
	frames  []pam.Frame
	bytes   int // of pictures
	fault   error
}

// sit attaches a page.
func (g *gateway) sit(t *testing.T, b *pamtest.Browser, id pam.SessionID) *seat {
	t.Helper()
	s := &seat{picture: screen.NewPicture()}
	p, err := b.Attach(t.Context(), id, pamtest.PageOptions{Width: 640, Height: 480, Frame: s.take})
	if err != nil {
		t.Fatal(err)
	}
	s.Page = p
	t.Cleanup(p.Close)
	return s
}

func (s *seat) take(f pam.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind != pam.FrameScreen {
		s.frames = append(s.frames, f)
		return
	}
	s.bytes += len(f.Payload)
	if err := s.picture.Draw(f.Payload); err != nil && s.fault == nil {
		s.fault = err
	}
}

func (s *seat) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := s.Await(ctx, func(pamtest.PageView) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return ok()
	})
	if err != nil || s.fault != nil {
		t.Fatalf("%s: %v, %v", what, err, s.fault)
	}
}

func (s *seat) shows(t *testing.T, d *rdptest.Desktop) {
	t.Helper()
	s.await(t, "the desktop's picture", func() bool { return samePixels(s.picture.Image(), d.Image()) })
}

func (s *seat) typed(t *testing.T, codes ...uint16) {
	t.Helper()
	for _, c := range codes {
		if err := s.Events(t.Context(), pam.InputKey, append(key(c, true), key(c, false)...)); err != nil {
			t.Fatal(err)
		}
	}
}

// begin begins the owner's session, whose desktop need not be still.
func (g *gateway) begin(t *testing.T) (*seat, pam.SessionID, *rdptest.Desktop) {
	t.Helper()
	s, id, far := g.launch(t, nil)
	return s, id, far.Desktop()
}

// launch begins the owner's session with parameters.
func (g *gateway) launch(t *testing.T, params pam.Params) (*seat, pam.SessionID, *rdptest.Session) {
	t.Helper()
	b := g.Browser(owner)
	id, err := b.Start(t.Context(), desktop, params)
	if err != nil {
		t.Fatal(err)
	}
	s := g.sit(t, b, id)
	s.await(t, "a picture", func() bool { return s.bytes > 0 })
	far, err := g.server.WaitSession(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return s, id, far
}

// start begins the owner's session, and waits for the whole desktop.
func (g *gateway) start(t *testing.T) (*seat, pam.SessionID, *rdptest.Desktop) {
	t.Helper()
	s, id, far := g.begin(t)
	s.shows(t, far)
	return s, id, far
}

var grants = pamtest.Permit(pam.RoleOwner, pam.WebSession, pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload, pam.SessionURL)

// TestBroker_J2_J4_C2_Desktop: a joiner and a page that comes back see the present picture; a monitor's keys go nowhere; a hidden page gets
// nothing until it can be seen again, and then what it needs.
func TestBroker_J2_J4_C2_Desktop(t *testing.T) {
	g := newGateway(t, grants, nil)
	first, id, far := g.start(t)
	first.typed(t, 0x1e, 0x30)

	b := g.Browser(guest)
	if err := b.Join(t.Context(), id, pam.ModeMonitor); err != nil {
		t.Fatal(err)
	}
	joiner := g.sit(t, b, id)
	joiner.shows(t, far)

	if err := joiner.SetVisible(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	// What a page says is taken in order: the notice about its key, the first that it gets, comes after it is hidden.
	joiner.typed(t, 0x2c)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := joiner.Await(ctx, func(v pamtest.PageView) bool { return len(v.Notices) > 0 }); err != nil {
		t.Fatal(err)
	}
	joiner.mu.Lock()
	before := joiner.bytes
	joiner.mu.Unlock()
	first.typed(t, 0x2e)
	first.await(t, "what was typed", func() bool { return far.Text() == "abc" })
	first.shows(t, far)
	joiner.mu.Lock()
	hidden := joiner.bytes
	joiner.mu.Unlock()
	if hidden != before {
		t.Errorf("a hidden page was sent %d bytes of pictures", hidden-before)
	}
	if err := joiner.SetVisible(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	joiner.shows(t, far)

	first.Close()
	second := g.sit(t, g.Browser(owner), id)
	second.shows(t, far)
	second.typed(t, 0x20)
	second.await(t, "what was typed", func() bool { return far.Text() == "abcd" })
	second.shows(t, far)
	joiner.shows(t, far)
}

// TestBroker_S26_Slow: a page that takes nothing slows nobody, and sees the present picture as soon as it takes something.
func TestBroker_S26_Slow(t *testing.T) {
	g := newGateway(t, grants, func(c *rdptest.Config) { c.Animation, c.Now = rdptest.Animation{Frames: 25}, nil })
	first, id, far := g.begin(t)
	first.SetDeaf(true)
	b := g.Browser(guest)
	if err := b.Join(t.Context(), id, pam.ModeMonitor); err != nil {
		t.Fatal(err)
	}
	joiner := g.sit(t, b, id)
	start := far.Frame()
	joiner.await(t, "fifty frames", func() bool { return far.Frame() > start+50 && joiner.bytes > 4<<20 })
	first.mu.Lock()
	stuck := first.bytes
	first.mu.Unlock()
	if stuck > 2<<20 {
		t.Errorf("a page that takes nothing was sent %d bytes", stuck)
	}
	first.SetDeaf(false)
	first.await(t, "new pictures", func() bool { return first.bytes > stuck+1<<20 })
}

// TestBroker_S20_Clipboard: text of the target reaches only whom the policy lets have it, and is written down where it says Record; elsewhere the
// recording has nothing of it.
func TestBroker_S20_Clipboard(t *testing.T) {
	recorded := pamtest.Recorded(grants, pam.WebSession, pam.ClipboardDownload)
	kept := pamtest.Recorded(grants, pam.WebSession)
	denied := pamtest.Permit(pam.RoleOwner, pam.WebSession, pam.Keyboard, pam.ClipboardUpload)
	for name, tc := range map[string]struct {
		grants           pam.Grants
		arrives, written bool
	}{
		"allowed": {kept, true, false}, "recorded": {recorded, true, true}, "denied": {denied, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, tc.grants, func(c *rdptest.Config) { c.Clipboard = true })
			s, _, desk := g.start(t)
			far, err := g.server.WaitSession(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			const text = "text of the session"
			if err := far.Copy(text); err != nil {
				t.Fatal(err)
			}
			has := func() bool {
				return slices.ContainsFunc(s.frames, func(f pam.Frame) bool { return f.Kind == pam.FrameClipboard && string(f.Payload) == text })
			}
			if tc.arrives {
				s.await(t, "the text", has)
			}
			s.typed(t, 0x1e) // the target says one thing after the other
			s.await(t, "what was typed", func() bool { return desk.Text() == "a" })
			s.shows(t, desk)
			s.mu.Lock()
			if has() != tc.arrives {
				t.Errorf("the text arrived: %v", has())
			}
			s.mu.Unlock()
			if got := len(g.Events.Events(pam.DownloadClipboard)); got != map[bool]int{true: 1}[tc.written] {
				t.Errorf("%d audit events", got)
			}
			if tc.grants.Declarations[pam.WebSession] != pam.Record {
				return
			}
			rec, err := g.Recorder.Recording(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, e := range rec.Entries() {
				var event pam.SessionEvent
				switch {
				case e.Kind == pam.EntryEvent && json.Unmarshal(e.Data, &event) == nil && event.Text == text:
					found++
				case bytes.Contains(e.Data, []byte(text)):
					t.Errorf("entry of kind %d holds the text", e.Kind)
				}
			}
			if found != map[bool]int{true: 1}[tc.written] {
				t.Errorf("%d entries with the text", found)
			}
		})
	}
}

// TestBroker_C2_RecordedKeyFrames: a recording of a picture that moves has key frames, and what follows one gives the picture that the whole
// recording gives, pixel for pixel.
func TestBroker_C2_RecordedKeyFrames(t *testing.T) {
	clock := &freezer{}
	g := newGateway(t, pamtest.Recorded(grants, pam.WebSession), func(c *rdptest.Config) {
		c.Animation, c.Now = rdptest.Animation{Frames: 100}, clock.now
	})
	s, _, far := g.begin(t)
	rec, err := g.Recorder.Recording(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	screens := func() (all []pam.Entry, keys []int) {
		for _, e := range rec.Entries(pam.EntryFrame) {
			if e.Frame != pam.FrameScreen {
				continue
			}
			if e.Flags&pam.FlagKey != 0 {
				keys = append(keys, len(all))
			}
			all = append(all, e)
		}
		return all, keys
	}
	s.await(t, "two key frames", func() bool {
		_, keys := screens()
		return len(keys) >= 3 // the first one is the beginning
	})
	clock.freeze(true)
	s.shows(t, far)
	all, keys := screens()
	whole := screen.NewPicture()
	for i, e := range all {
		if err := whole.Draw(e.Data); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	for _, from := range keys {
		part := screen.NewPicture()
		for _, e := range all[from:] {
			if err := part.Draw(e.Data); err != nil {
				t.Fatal(err)
			}
		}
		if !samePixels(part.Image(), whole.Image()) {
			t.Errorf("from entry %d on the picture is another one", from)
		}
	}
	if !samePixels(whole.Image(), far.Image()) {
		t.Error("the recording shows another picture than the target")
	}
}

// TestBroker_I7_S20_Sound: a page gets sound if the policy lets it, the launch asks for it and the page listens, and not otherwise.
func TestBroker_I7_S20_Sound(t *testing.T) {
	samples := bytes.Repeat([]byte{1, 2, 3, 4}, 100)
	for _, tc := range []struct {
		name               string
		permits, asks, has bool
	}{{"all", true, true, true}, {"not permitted", false, true, false}, {"not asked for", true, false, false}} {
		t.Run(tc.name, func(t *testing.T) {
			permits := grants
			if tc.permits {
				permits = pamtest.Permit(pam.RoleOwner, pam.WebSession, pam.Keyboard, pam.Audio)
			}
			g := newGateway(t, permits, func(c *rdptest.Config) { c.Sound = true })
			params := pam.Params{}
			if tc.asks && tc.permits {
				params[rdp.ParamAudio] = "true"
			}
			s, _, far := g.launch(t, params)
			err := far.Play(t.Context(), 44100, 2, samples)
			if !tc.has {
				if !errors.Is(err, rdptest.ErrNoSound) {
					t.Errorf("played: %v", err)
				}
				return
			}
			sounds := func() (n int) {
				for _, f := range s.frames {
					if f.Kind == pam.FrameAudio {
						n++
					}
				}
				return n
			}
			round := func(code uint16, text string) { // what is typed is drawn behind what was played
				s.typed(t, code)
				s.await(t, "what was typed", func() bool { return far.Desktop().Text() == text })
				s.shows(t, far.Desktop())
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := far.Desktop().Wait(t.Context(), func(*rdptest.Desktop) bool { return far.Heard() == 1 }); err != nil {
				t.Fatal(err)
			}
			round(0x1e, "a")
			if s.await(t, "nothing", func() bool { return true }); sounds() != 0 {
				t.Error("a page that does not listen has got sound")
			}
			if err := s.SetListens(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			round(0x30, "ab") // the page's word was taken before its key
			if err := far.Play(t.Context(), 44100, 2, samples); err != nil {
				t.Fatal(err)
			}
			s.await(t, "sound", func() bool { return sounds() == 1 })
			s.mu.Lock()
			i := slices.IndexFunc(s.frames, func(f pam.Frame) bool { return f.Kind == pam.FrameAudio })
			got := s.frames[i]
			s.mu.Unlock()
			want := append([]byte{0, 0, 0xac, 0x44, 2, 0, 0, 0, 0}, samples...)
			if got.Flags != pam.FlagDroppable || !bytes.Equal(got.Payload, want) {
				t.Errorf("flags %d, payload % x", got.Flags, got.Payload[:16])
			}
			if err := s.SetListens(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			round(0x2e, "abc")
			if err := far.Play(t.Context(), 44100, 2, samples); err != nil {
				t.Fatal(err)
			}
			if err := far.Desktop().Wait(t.Context(), func(*rdptest.Desktop) bool { return far.Heard() == 3 }); err != nil {
				t.Fatal(err)
			}
			round(0x20, "abcd")
			if s.await(t, "nothing", func() bool { return true }); sounds() != 1 {
				t.Error("a muted page has got sound")
			}
		})
	}
}
