package spine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// realTarget runs a real sshd.
func realTarget(t testing.TB) spine.Target {
	t.Helper()
	sshd := sshtest.StartOpenSSH(t)
	return spine.Target{Address: sshd.Address, User: sshd.User, HostKey: sshd.HostKey, KeyPEM: sshd.PrivateKey}
}

// attachAs joins a session unless it is the owner's own, and attaches.
func attachAs(ctx context.Context, t testing.TB, b *pamtest.Browser, id pam.SessionID, mode pam.Mode) *pamtest.Page {
	t.Helper()
	if mode != pam.ModeOwner {
		if err := b.Join(ctx, id, mode); err != nil {
			t.Fatal(err)
		}
	}
	p, err := b.Attach(ctx, id, pamtest.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	// What is typed before that is dropped.
	if err := p.Await(ctx, func(v pamtest.PageView) bool { return v.State["state"] == "active" }); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOpenSSH_J2_J3_J4_TwoPeopleInOneShell: somebody joins a shell on a real sshd, sees what is on its screen at once, types
// into it where that is allowed and not where it is not, and the recording tells the two apart.
func TestOpenSSH_J2_J3_J4_TwoPeopleInOneShell(t *testing.T) {
	dir := t.TempDir()
	g, ctx := start(t, spine.Config{Target: realTarget(t), Dir: dir})
	id, err := g.Browser().Start(ctx, spine.Recorded, nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := attachAs(ctx, t, g.Browser(), id, pam.ModeOwner)
	say := func(p *pamtest.Page, text string) {
		t.Helper()
		if err := p.Key(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	see := func(p *pamtest.Page, text string) {
		t.Helper()
		if err := p.AwaitOutput(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	awaitPrompt(ctx, t, owner)
	say(owner, "echo before-$((40+2))\r")
	see(owner, "before-42")

	mon := attachAs(ctx, t, g.Manager(), id, pam.ModeMonitor)
	see(mon, "before-42") // the key frame
	say(mon, "echo sneaked-$((1+1))\r")
	if err := mon.Await(ctx, func(v pamtest.PageView) bool { return len(v.Notices) > 0 }); err != nil {
		t.Fatal(err)
	}
	say(owner, "echo then-$((2+3))\r")
	see(owner, "then-5")
	see(mon, "then-5")

	part := attachAs(ctx, t, g.Manager(), id, pam.ModeParticipate)
	see(part, "then-5")
	say(part, "echo joined-$((3+4))\r")
	for _, p := range []*pamtest.Page{owner, part} {
		see(p, "joined-7")
	}
	if strings.Contains(string(owner.View().Output), "sneaked") {
		t.Errorf("a monitor's keys reached the shell: %q", owner.View().Output)
	}
	say(owner, "exit\r")
	for _, p := range []*pamtest.Page{owner, part} {
		if code, err := p.AwaitEnd(ctx); err != nil || code != pam.CodeRemoteLogoff {
			t.Errorf("end: %q, %v", code, err)
		}
	}
	if _, err := g.Events.Await(ctx, pam.CompleteSession, 1); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+recorder.Ext))
	if err != nil || len(files) != 1 {
		t.Fatalf("recordings: %v, %v", files, err)
	}
	keys := keysByPerson(t, files[0])
	participant, _ := part.View().State["participant"].(string)
	self, _ := owner.View().State["participant"].(string)
	if got := keys[participant]; !strings.Contains(got, "joined-") || strings.Contains(got, "then-") {
		t.Errorf("keys of the participant: %q; all: %q", got, keys)
	}
	if got := keys[self]; !strings.Contains(got, "then-") || strings.Contains(got, "joined-") {
		t.Errorf("keys of the owner: %q; all: %q", got, keys)
	}
	for who, got := range keys {
		if strings.Contains(got, "sneaked") {
			t.Errorf("the monitor's keys are in the recording, under %q: %q", who, got)
		}
	}
}

// awaitPrompt waits for the shell: what is typed while it starts may be thrown away by its line editor.
func awaitPrompt(ctx context.Context, t testing.TB, p *pamtest.Page) {
	t.Helper()
	err := p.Await(ctx, func(v pamtest.PageView) bool {
		return bytes.Contains(v.Output, []byte("$ ")) || bytes.Contains(v.Output, []byte("# "))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keysByPerson returns the keystrokes of a recording by participant.
func keysByPerson(t *testing.T, path string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := recorder.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	keys := map[string]string{}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == pam.EntryKeys {
			keys[string(e.Participant)] += string(e.Data)
		}
	}
}

// BenchmarkLateJoiner_J4 is a join, its attach and the whole picture of a full screen with its scroll-back, over loopback.
func BenchmarkLateJoiner_J4(b *testing.B) {
	srv, err := sshtest.NewServer(sshtest.Config{Handler: lineShell, Passwords: map[string]string{"demo": "correct horse"}})
	if err != nil {
		b.Fatal(err)
	}
	addr, err := srv.Listen()
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	g, err := spine.Start(spine.Config{
		Target: spine.Target{Address: addr, User: "demo", HostKey: srv.HostKey(), Password: "correct horse"}, Dir: b.TempDir(),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	defer func() { _ = g.Close(context.WithoutCancel(ctx)) }()
	id, err := g.Browser().Start(ctx, spine.Recorded, nil)
	if err != nil {
		b.Fatal(err)
	}
	owner := attachAs(ctx, b, g.Browser(), id, pam.ModeOwner)
	if err := errors.Join(owner.AwaitOutput(ctx, "$ "), owner.Key(ctx, "flood 5000\r"), owner.AwaitOutput(ctx, "00004999")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := g.Manager().Join(ctx, id, pam.ModeMonitor); err != nil {
			b.Fatal(err)
		}
		p, err := g.Manager().Attach(ctx, id, pamtest.PageOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if err := p.AwaitOutput(ctx, "00004999"); err != nil {
			b.Fatal(err)
		}
		p.Close()
	}
}

// TestOpenSSH_S11_RevokedShellTakesNoMoreInput: what is typed into a shell on a real sshd lands in a file there. When the
// rights of owner and joiner are withdrawn, what either types from then on does not, and the audit names the rule.
func TestOpenSSH_S11_RevokedShellTakesNoMoreInput(t *testing.T) {
	g, ctx := start(t, spine.Config{Target: realTarget(t), Limits: pam.Limits{Review: time.Hour}}) // the change itself must do
	id, err := g.Browser().Start(ctx, spine.Unrecorded, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "landed")
	owner := attachAs(ctx, t, g.Browser(), id, pam.ModeOwner)
	joined := attachAs(ctx, t, g.Manager(), id, pam.ModeParticipate)
	awaitPrompt(ctx, t, owner)
	for i, p := range []*pamtest.Page{owner, joined} {
		if err := p.Key(ctx, fmt.Sprintf("echo marker-%d >>%s; echo wrote-$((%d+40))\r", i, file, i)); err != nil {
			t.Fatal(err)
		}
		if err := owner.AwaitOutput(ctx, fmt.Sprintf("wrote-%d", i+40)); err != nil {
			t.Fatal(err)
		}
	}
	g.Policy.Revoke(spine.User, spine.Unrecorded)
	g.Policy.Revoke("manager", spine.Unrecorded)
	g.Policy.Announce()
	evs, err := g.Events.Await(ctx, pam.CompleteSession, 1)
	if err != nil {
		t.Fatal(err)
	}
	if e := evs[0]; e.Reason != pam.EndRevoked || !slices.Equal(e.Rules, []string{"test"}) {
		t.Errorf("event %+v; want it revoked by the rule that is gone", e)
	}
	for _, p := range []*pamtest.Page{owner, joined} {
		// The socket may be closed already: then there is nothing left to type into.
		if err := p.Key(ctx, "echo late >>"+file+"\r"); err == nil {
			t.Log("a page could still send, to nobody")
		}
	}
	if err := g.Broker.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != "marker-0\nmarker-1\n" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}
