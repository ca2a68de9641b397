package cliprdr_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/channel/cliprdr"
)

// peer is a client that has met its server.
type peer struct {
	*cliprdr.Client
	t   *testing.T
	now time.Time
}

func newPeer(t *testing.T, cfg cliprdr.Config) *peer {
	p := &peer{t: t, now: time.Unix(1e9, 0)}
	cfg.Now = func() time.Time { return p.now }
	p.Client = cliprdr.New(cfg)
	p.say(cliprdr.Capabilities(cliprdr.CapLongNames))
	out := p.say(cliprdr.MonitorReady())
	if len(out) != 2 {
		t.Fatalf("%d answers to monitor ready", len(out))
	}
	body(t, out[0], cliprdr.TypeCapabilities)
	body(t, out[1], cliprdr.TypeFormatList)
	return p
}

func (p *peer) say(b []byte) [][]byte {
	p.t.Helper()
	out, err := p.Receive(b)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// fails reports whether the server's request is answered with a refusal.
func (p *peer) refuses(format uint32) bool {
	p.t.Helper()
	out := p.say(cliprdr.FormatDataRequest(format))
	return len(out) == 1 && bytes.Equal(out[0], cliprdr.FormatDataResponse(false, nil))
}

var text = []cliprdr.Format{{ID: cliprdr.FormatText}, {ID: cliprdr.FormatUnicode}, {ID: 0xc0bc, Name: "HTML Format"}}

// TestClient_S20_GivesWhatWasOffered: the server gets text when the host has offered it, when it asks, and in no other case.
func TestClient_S20_GivesWhatWasOffered(t *testing.T) {
	p := newPeer(t, cliprdr.Config{ToServer: true, MaxText: 100})
	if !p.refuses(cliprdr.FormatUnicode) {
		t.Error("before the offer it is not refused")
	}
	out, err := p.Offer(true)
	if err != nil || len(out) != 1 {
		t.Fatal(out, err)
	}
	list := body(t, out[0], cliprdr.TypeFormatList)
	if f, err := cliprdr.TakeFormatList(list.Body, 0, true); err != nil || !slices.Equal(f, []cliprdr.Format{{ID: 13}, {ID: 1}}) {
		t.Error(f, err)
	}
	for _, format := range []uint32{0, 2, 8, 0xc001, 0xffffffff} {
		if !p.refuses(format) {
			t.Errorf("format %d is not refused", format)
		}
	}
	if p.Wanted() {
		t.Error("a refused request reaches the host")
	}
	for format, want := range map[uint32]string{cliprdr.FormatUnicode: "a\x00\r\x00\n\x00\xe4\x00\x00\x00", cliprdr.FormatText: "a\r\n\xe4\x00"} {
		if out := p.say(cliprdr.FormatDataRequest(format)); len(out) != 0 || !p.Wanted() {
			t.Fatal("the host is not asked")
		}
		out, err := p.Provide("a\nä", true)
		if err != nil || len(out) != 1 || string(body(t, out[0], cliprdr.TypeFormatDataResponse).Body) != want {
			t.Errorf("format %d: %q, %v", format, out, err)
		}
	}
	p.say(cliprdr.FormatDataRequest(13))
	if out, err := p.Provide(strings.Repeat("a", 101), true); !errors.Is(err, cliprdr.ErrTooLarge) || !bytes.Equal(out[0], cliprdr.FormatDataResponse(false, nil)) {
		t.Error("too long:", out, err)
	}
	if _, err := p.Offer(false); err != nil || !p.refuses(cliprdr.FormatUnicode) {
		t.Error("after the offer was taken back it is not refused:", err)
	}
	if out, _ := p.Provide("a", true); out != nil {
		t.Error("an answer without a question")
	}
}

// TestClient_S20_AnswersInOrder: requests are answered in the order they came in, and only so many may wait.
func TestClient_S20_AnswersInOrder(t *testing.T) {
	p := newPeer(t, cliprdr.Config{ToServer: true})
	if _, err := p.Offer(true); err != nil {
		t.Fatal(err)
	}
	for _, format := range []uint32{13, 7, 13} {
		if out := p.say(cliprdr.FormatDataRequest(format)); len(out) > 0 {
			t.Fatal("answered out of turn")
		}
	}
	out, _ := p.Provide("1", true)
	if len(out) != 2 || !bytes.Equal(out[1], cliprdr.FormatDataResponse(false, nil)) {
		t.Errorf("%q", out)
	}
	if out, _ = p.Provide("2", true); len(out) != 1 || p.Wanted() {
		t.Errorf("%q", out)
	}
	for range 8 {
		p.say(cliprdr.FormatDataRequest(13))
	}
	if _, err := p.Receive(cliprdr.FormatDataRequest(13)); err == nil {
		t.Error("a ninth request may wait")
	}
}

// TestClient_S20_Directions: what is not allowed does not happen, neither when asked by the host nor by the server.
func TestClient_S20_Directions(t *testing.T) {
	p := newPeer(t, cliprdr.Config{})
	if _, err := p.Offer(true); !errors.Is(err, cliprdr.ErrDenied) || !p.refuses(13) {
		t.Error("text goes to the server:", err)
	}
	p.say(cliprdr.FormatList(text, true))
	if has, changed := p.Offered(); has || changed {
		t.Error("the server's offer reaches the host")
	}
	if _, err := p.Request(); !errors.Is(err, cliprdr.ErrDenied) {
		t.Error(err)
	}
	p.say(cliprdr.FormatDataResponse(true, cliprdr.EncodeText(13, "not asked for")))
	if p.Received() != nil {
		t.Error("text that nobody asked for is taken")
	}
}

// TestClient_Fetches: the server's text comes when asked for, in the best of the formats; every other end is an error of its own.
func TestClient_Fetches(t *testing.T) {
	p := newPeer(t, cliprdr.Config{FromServer: true, MaxText: 10})
	if _, err := p.Request(); !errors.Is(err, cliprdr.ErrNoText) {
		t.Error(err)
	}
	for _, list := range [][]cliprdr.Format{text, text[:1]} {
		format := list[len(list)-1].ID
		if len(list) == 3 {
			format = cliprdr.FormatUnicode
		}
		out := p.say(cliprdr.FormatList(list, true))
		if !bytes.Equal(out[0], cliprdr.FormatListResponse(true)) {
			t.Error("refused")
		}
		if has, changed := p.Offered(); !has || !changed {
			t.Error(has, changed)
		}
		if _, changed := p.Offered(); changed {
			t.Error("changed twice")
		}
		out, err := p.Request()
		if err != nil || !bytes.Equal(out[0], cliprdr.FormatDataRequest(format)) {
			t.Fatal(out, err)
		}
		if _, err := p.Request(); !errors.Is(err, cliprdr.ErrBusy) {
			t.Error(err)
		}
		p.say(cliprdr.FormatDataResponse(true, cliprdr.EncodeText(format, "ä\nb")))
		if got := p.Received(); got == nil || got.Err != nil || got.Text != "ä\nb" {
			t.Errorf("%+v", got)
		}
	}
	for want, answer := range map[error]func(){
		cliprdr.ErrRefused:  func() { p.say(cliprdr.FormatDataResponse(false, nil)) },
		cliprdr.ErrTooLarge: func() { p.say(cliprdr.FormatDataResponse(true, cliprdr.EncodeText(1, "eleven char"))) },
	} {
		if _, err := p.Request(); err != nil {
			t.Fatal(err)
		}
		answer()
		if got := p.Received(); got == nil || !errors.Is(got.Err, want) {
			t.Errorf("%+v, want %v", got, want)
		}
	}
	if _, err := p.Request(); err != nil {
		t.Fatal(err)
	}
	p.Abandon()
	if _, err := p.Request(); !errors.Is(err, cliprdr.ErrBusy) {
		t.Error(err)
	}
	p.say(cliprdr.FormatList(text, true))
	if _, err := p.Request(); err != nil { // the server never answered the one before
		t.Fatal(err)
	}
	p.Skipped()
	if got := p.Received(); got == nil || !errors.Is(got.Err, cliprdr.ErrTooLarge) {
		t.Errorf("%+v", got)
	}
}

// TestClient_S20_FloodOfFormatLists: more lists than a person makes are refused, and cost the host one notice; afterwards it goes on.
func TestClient_S20_FloodOfFormatLists(t *testing.T) {
	p := newPeer(t, cliprdr.Config{FromServer: true})
	refused := 0
	for range 1000 {
		if out := p.say(cliprdr.FormatList(text, true)); bytes.Equal(out[0], cliprdr.FormatListResponse(false)) {
			refused++
		}
	}
	if refused != 1000-64 {
		t.Errorf("%d of 1000 refused", refused)
	}
	if has, changed := p.Offered(); has || !changed {
		t.Error("what was offered before the flood is still there")
	}
	p.now = p.now.Add(time.Second)
	p.say(cliprdr.FormatList(text, true))
	if has, _ := p.Offered(); !has {
		t.Error("after the flood nothing is taken")
	}
}

// TestClient_S19_NoFiles: a request for a file is refused.
func TestClient_S19_NoFiles(t *testing.T) {
	p := newPeer(t, cliprdr.Config{ToServer: true, FromServer: true})
	if out := p.say(cliprdr.FileContentsRequest(7, 0, 0, 100)); len(out) != 1 || !bytes.Equal(out[0], cliprdr.FileContentsResponse(7)) {
		t.Errorf("%q", out)
	}
	if out := p.say(cliprdr.Lock(1, true)); out != nil {
		t.Errorf("%q", out)
	}
}

// TestClient_OldServer: one without capabilities gets none, and short names.
func TestClient_OldServer(t *testing.T) {
	c := cliprdr.New(cliprdr.Config{ToServer: true})
	if out, err := c.Offer(true); out != nil || err != nil {
		t.Error("said before the server is ready:", out, err)
	}
	if _, err := cliprdr.New(cliprdr.Config{FromServer: true}).Request(); !errors.Is(err, cliprdr.ErrNotReady) {
		t.Error(err)
	}
	out, err := c.Receive(cliprdr.MonitorReady())
	if err != nil || len(out) != 1 || !bytes.Equal(out[0], cliprdr.FormatList([]cliprdr.Format{{ID: 13}, {ID: 1}}, false)) {
		t.Errorf("%q, %v", out, err)
	}
}

// FuzzClient: whatever a server sends, no panic, and no text beyond the limit.
func FuzzClient(f *testing.F) {
	f.Add(cliprdr.MonitorReady(), cliprdr.FormatList(text, false), cliprdr.FormatDataResponse(true, cliprdr.EncodeText(13, "abc")))
	f.Add(cliprdr.Capabilities(2), cliprdr.FormatList(text, true), cliprdr.FormatDataRequest(13))
	f.Add(cliprdr.FileContentsRequest(1, 2, 3, 4), cliprdr.Lock(1, false), cliprdr.TempDirectory("x"))
	f.Fuzz(func(t *testing.T, a, b, d []byte) {
		c := cliprdr.New(cliprdr.Config{ToServer: true, FromServer: true, MaxText: 16})
		_, _ = c.Offer(true)
		for _, m := range [][]byte{a, b, d} {
			if _, err := c.Receive(m); err != nil {
				return
			}
			_, _ = c.Request()
			if got := c.Received(); got != nil && len(got.Text) > 16 {
				t.Fatalf("%d bytes", len(got.Text))
			}
			_, _ = c.Provide("text", true)
		}
	})
}
