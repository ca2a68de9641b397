package spine_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
)

// playback is what the tests read of an open playback.
type playback struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	BrokenAt int64  `json:"broken_at"`
	Base     string `json:"segment_base"`
	Segments []struct {
		At  int64 `json:"at_ms"`
		Key bool  `json:"key"`
	} `json:"segments"`
}

// record runs a session in which something is typed, to its end.
func record(ctx context.Context, t testing.TB, g *spine.Gateway) pam.SessionID {
	t.Helper()
	b := g.Browser()
	id, err := b.Start(ctx, spine.Recorded, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := attachAs(ctx, t, b, id, pam.ModeOwner)
	for i := range 3 {
		if err := p.Key(ctx, fmt.Sprintf("line-%d\r", i)); err != nil {
			t.Fatal(err)
		}
		if err := p.AwaitOutput(ctx, fmt.Sprintf("line-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Call(ctx, "POST", "api/session/"+string(id)+"/end", struct{}{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Events.Await(ctx, pam.CompleteSession, 1); err != nil {
		t.Fatal(err)
	}
	return id
}

func play(ctx context.Context, b *pamtest.Browser, id pam.SessionID) (playback, error) {
	var p playback
	err := b.Call(ctx, "POST", "api/session/"+string(id)+"/play", struct{}{}, &p)
	return p, err
}

// segment reads one segment and returns its terminal bytes.
func segment(ctx context.Context, t *testing.T, b *pamtest.Browser, p playback, n int) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/%s%d", b.Base, p.Base, n), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = b.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, raw
	}
	var out []byte
	for {
		if len(raw) < 12 {
			t.Fatal("the segment is not whole")
		}
		size := binary.BigEndian.Uint32(raw[8:])
		kind, frame := pam.EntryKind(raw[0]), pam.FrameKind(raw[1])
		if kind == 0 {
			if len(raw) != 12 {
				t.Errorf("%d bytes behind the end", len(raw)-12)
			}
			return resp.StatusCode, out
		}
		switch kind {
		case pam.EntryFrame:
			if frame == pam.FrameOutput {
				out = append(out, raw[12:12+size]...)
			}
		case pam.EntryResize, pam.EntryEnd:
		default:
			t.Errorf("an entry of kind %d is sent", kind)
		}
		raw = raw[12+size:]
	}
}

func wantCode(t *testing.T, err error, want pam.Code) {
	t.Helper()
	var api *pamtest.APIError
	if !errors.As(err, &api) || api.Code != want {
		t.Errorf("answer %v, want %s", err, want)
	}
}

// TestPlay_R2_R10_S02_S48_ByWhoMay: managers, administrators and auditors play what was recorded, each time after an event that names them;
// everybody else hears that there is nothing. A playback belongs to its login, and a right that is gone ends it.
func TestPlay_R2_R10_S02_S48_ByWhoMay(t *testing.T) {
	dir := t.TempDir()
	g, ctx := start(t, spine.Config{Target: demoTarget(t, lineShell), Dir: dir})
	id := record(ctx, t, g)
	want, _ := played(t, dir, g)
	p, err := play(ctx, g.Manager(), id)
	if err != nil {
		t.Fatal(err)
	}
	if p.State != "valid-complete" || len(p.Segments) == 0 || !p.Segments[0].Key {
		t.Errorf("playback %+v", p)
	}
	evs := g.Events.Events(pam.PlayRecording)
	if len(evs) != 1 || evs[0].User != "manager" || evs[0].Session != id || evs[0].Asset != spine.Recorded || evs[0].Code != pam.CodeAllowed ||
		evs[0].ClientAddr == "" || evs[0].Detail == "" {
		t.Errorf("events %+v", evs)
	}
	var got []byte
	for n := range p.Segments {
		st, out := segment(ctx, t, g.Manager(), p, n)
		if st != http.StatusOK {
			t.Fatalf("segment %d: %d %s", n, st, out)
		}
		got = append(got, out...)
	}
	if string(got) != string(want) {
		t.Errorf("played %q, recorded %q", got, want)
	}
	if st, _ := segment(ctx, t, g.Browser(), p, 0); st != http.StatusNotFound { // the owner of the asset, but not this playback's login
		t.Errorf("another login's playback: %d", st)
	}
	var list struct {
		Recordings []struct{ ID string } `json:"recordings"`
	}
	if err := g.Manager().Call(ctx, "GET", "api/recordings", nil, &list); err != nil || len(list.Recordings) != 1 || list.Recordings[0].ID != string(id) {
		t.Errorf("list %+v %v", list, err)
	}

	viewer := pamtest.Permit(pam.RoleViewer, pam.WebSession)
	viewer.Permitted = false // of the operation, as the role ladder says it
	g.Policy.Set("manager", spine.Recorded, viewer)
	if st, _ := segment(ctx, t, g.Manager(), p, 0); st != http.StatusNotFound {
		t.Errorf("a right that is gone: %d", st)
	}
	_, err = play(ctx, g.Manager(), id)
	wantCode(t, err, pam.CodeNotFound)
	if evs := g.Events.Events(pam.DenySession); len(evs) != 1 || evs[0].User != "manager" || evs[0].Detail != "recording.play" {
		t.Errorf("denials %+v", evs)
	}
	if err := g.Manager().Call(ctx, "GET", "api/recordings", nil, &list); err != nil || len(list.Recordings) != 0 {
		t.Errorf("list %+v %v", list, err)
	}
	for _, role := range []pam.SiteRole{pam.SiteAuditor, pam.SiteAdministrator} {
		g.Policy.SetSite("manager", role)
		if _, err := play(ctx, g.Manager(), id); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
	if n := len(g.Events.Events(pam.PlayRecording)); n != 3 {
		t.Errorf("%d events of playing", n)
	}
	_, err = play(ctx, g.Manager(), "none")
	wantCode(t, err, pam.CodeNotFound)
}

// TestPlay_S31_NoEventNoByte: what cannot be written down is not played.
func TestPlay_S31_NoEventNoByte(t *testing.T) {
	g, ctx := start(t, spine.Config{Target: demoTarget(t, lineShell), Dir: t.TempDir()})
	id := record(ctx, t, g)
	g.Events.At("Write", 0, pamtest.Fault{Err: errors.New("no room")})
	_, err := play(ctx, g.Manager(), id)
	wantCode(t, err, pam.CodeAuditFailed)
}

// TestPlay_R2_R5_S24_Damage: a damaged recording is played up to the damage, and says where it is; one that is another session's, or of which
// nothing holds, is not played at all; and one that changes while it is played ends there.
func TestPlay_R2_R5_S24_Damage(t *testing.T) {
	dir := t.TempDir()
	g, ctx := start(t, spine.Config{Target: demoTarget(t, lineShell), Dir: dir})
	id := record(ctx, t, g)
	files, err := filepath.Glob(filepath.Join(dir, "*"+recorder.Ext))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	put := func(at int) {
		t.Helper()
		bad := append([]byte(nil), good...)
		if at >= 0 {
			bad[at] ^= 0x20
		}
		if err := os.WriteFile(files[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := play(ctx, g.Manager(), id)
	if err != nil {
		t.Fatal(err)
	}
	put(len(good) - 100) // in the seal
	p, err := play(ctx, g.Manager(), id)
	if err != nil || p.State != "broken" || p.BrokenAt == 0 || len(p.Segments) == 0 {
		t.Fatalf("damage at the end: %+v %v", p, err)
	}
	if st, out := segment(ctx, t, g.Manager(), p, 0); st != http.StatusOK || len(out) == 0 {
		t.Errorf("what holds: %d %q", st, out)
	}
	if st, out := segment(ctx, t, g.Manager(), whole, len(whole.Segments)-1); st != http.StatusUnprocessableEntity {
		t.Errorf("changed since: %d %q", st, out)
	}
	put(40) // in the header
	_, err = play(ctx, g.Manager(), id)
	wantCode(t, err, pam.CodeRecordingBroken)
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	_, err = play(ctx, g.Manager(), id)
	wantCode(t, err, pam.CodeRecordingMissing)
}
