package spine_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// seenBuffer collects what a page was shown.
type seenBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
	at int           // close reached when that many bytes were shown
	ch chan struct{} // closed then
}

func newSeen(at int) *seenBuffer { return &seenBuffer{at: at, ch: make(chan struct{})} }

func (s *seenBuffer) take(p []byte, _ bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.b.Len()
	s.b.Write(p)
	if before < s.at && s.b.Len() >= s.at {
		close(s.ch)
	}
}

func (s *seenBuffer) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.b.Bytes())
}

// endless floods until the connection is gone.
func endless(s *sshtest.Session) int {
	for flood(s, 10_000) {
	}
	return 1
}

// noise is endless text that does not compress.
func noise(s *sshtest.Session) int {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 16<<10)
	for {
		for i := range b {
			b[i] = byte(' ' + r.IntN(95))
		}
		if _, err := s.Write(b); err != nil {
			return 1
		}
	}
}

// TestCrash_S25_SoakKillUnderLoad kills the gateway while it floods a page, 20 times (or as PAM_SOAK says) at different
// moments: what the page was shown is a prefix of the recording, which is valid as far as it goes; the adopter seals
// it as gateway_crash.
func TestCrash_S25_SoakKillUnderLoad(t *testing.T) {
	target := demoTarget(t, endless)
	for i := range pamtest.Rounds(t, 20) {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		c := startChild(t, target, dir)
		b := spine.Browser(c.url)
		id, err := b.Start(ctx, spine.Recorded, nil)
		if err != nil {
			t.Fatal(err)
		}
		// Every round dies at another place: after the first byte, in a burst, past several syncs.
		// More rounds than 20 begin again, a little further each time.
		k := i % 20
		seen := newSeen(1 + k*k*17_000 + i/20*997)
		page, err := b.Attach(ctx, id, pamtest.PageOptions{Output: seen.take})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-seen.ch:
		case <-page.Gone():
			t.Fatalf("round %d: the page ended early: %v", i, page.View())
		case <-ctx.Done():
			t.Fatalf("round %d: %v", i, page.View())
		}
		c.kill()
		<-page.Gone()
		page.Close()
		cancel()
		g := &spine.Gateway{Key: ed25519.PublicKey(c.key)}
		checkPrefix(t, dir, g, seen.bytes(), "killed")
		adopt(t, dir)
		if t.Failed() {
			return
		}
	}
}

// checkPrefix makes sure that what was seen is a prefix of what is recorded, in a recording that is whole as far as
// it goes but not complete.
func checkPrefix(t *testing.T, dir string, g *spine.Gateway, seen []byte, what string) {
	t.Helper()
	recorded, state := played(t, dir, g)
	if !bytes.HasPrefix(recorded, seen) {
		t.Errorf("%s: the page saw %d bytes that are no prefix of the %d recorded", what, len(seen), len(recorded))
	}
	if state == recorder.StateValidComplete {
		t.Errorf("%s: the recording is %v", what, state)
	}
}

// adopt seals the orphan in dir with another key, as a gateway does at its next start, and checks the end entry.
func adopt(t *testing.T, dir string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := recorder.New(recorder.Config{Dir: dir, Key: key, InsecureNoFreeFloor: true})
	if err != nil {
		t.Fatal(err)
	}
	adopted, err := rec.Adopt(t.Context())
	if err != nil || len(adopted) != 1 {
		t.Fatalf("adopted %+v, %v; want one", adopted, err)
	}
	if err := rec.Close(t.Context()); err != nil {
		t.Error(err)
	}
	_ = pub
}

// TestFault_S03_SyncFails lets the kernel refuse every fsync of a gateway that has a session under way, through
// strace. The session ends as recording_failed and nothing was shown that is not recorded.
func TestFault_S03_SyncFails(t *testing.T) {
	strace := pamtest.Peer(t, "strace")
	endsUnrecorded(t, t.TempDir(), func(c *child) {
		// strace counts calls per thread, so it is attached when failing from the first one on is right.
		cmd := exec.Command(strace, "-f", "-p", strconv.Itoa(c.cmd.Process.Pid), "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	})
}

// endsUnrecorded floods a recorded session of a gateway process whose disk fails, by itself or by what fail does once
// the session is under way.
func endsUnrecorded(t *testing.T, dir string, fail func(*child)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := startChild(t, demoTarget(t, noise), dir)
	b := spine.Browser(c.url)
	id, err := b.Start(ctx, spine.Recorded, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := newSeen(1)
	page, err := b.Attach(ctx, id, pamtest.PageOptions{Output: seen.take})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	select {
	case <-seen.ch:
	case <-page.Gone():
	case <-ctx.Done():
		t.Fatal(page.View())
	}
	fail(c)
	code, err := page.AwaitEnd(ctx)
	if err != nil || code != pam.CodeRecordingFailed {
		t.Fatalf("the session ended as %q, %v; want recording_failed", code, err)
	}
	c.kill()
	checkPrefix(t, dir, &spine.Gateway{Key: ed25519.PublicKey(c.key)}, seen.bytes(), "disk fault")
}
