package spine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// stream writes total bytes of a deterministic pattern and hashes them.
func stream(s *sshtest.Session, total int, sum hash.Hash) bool {
	block := make([]byte, 64<<10)
	for i := range block {
		block[i] = byte(' ' + (i*7)%90)
	}
	for total > 0 {
		n := min(total, len(block))
		sum.Write(block[:n])
		if _, err := s.Write(block[:n]); err != nil {
			return false
		}
		total -= n
		block[0]++
	}
	return true
}

// TestPipeline_100MB sends 100 MB through SSH, broker, recorder and socket: not a byte is lost, changed or doubled.
func TestPipeline_100MB(t *testing.T) {
	const total = 100_000_000
	sent := sha256.New()
	dir := t.TempDir()
	g, ctx := start(t, spine.Config{Dir: dir, Target: demoTarget(t, func(s *sshtest.Session) int {
		if !stream(s, total, sent) {
			return 1
		}
		return 0
	})})
	got := sha256.New()
	var count int
	b := g.Browser()
	id, err := b.Start(ctx, spine.Recorded, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := b.Attach(ctx, id, pamtest.PageOptions{Output: func(p []byte, key bool) {
		got.Write(p)
		count += len(p)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	if code, err := page.AwaitEnd(ctx); err != nil || code != pam.CodeRemoteLogoff {
		t.Fatalf("end %q, %v; %d bytes", code, err, count)
	}
	if count != total || !bytes.Equal(got.Sum(nil), sent.Sum(nil)) {
		t.Errorf("got %d bytes, sha256 %x; want %d, %x", count, got.Sum(nil), total, sent.Sum(nil))
	}
	if _, err := g.Events.Await(ctx, pam.CompleteSession, 1); err != nil {
		t.Fatal(err)
	}
	rec, state := played(t, dir, g)
	recSum := sha256.Sum256(rec)
	if state != recorder.StateValidComplete || !bytes.Equal(recSum[:], sent.Sum(nil)) {
		t.Errorf("the recording is %v and holds %d bytes, sha256 %x", state, len(rec), recSum)
	}
}

// TestPipeline_S26_StoppedPageSlowsItsOwnTargetOnly: a page that acknowledges nothing gets its window and no more,
// its target is held, another session goes on, and when the page resumes nothing is missing.
func TestPipeline_S26_StoppedPageSlowsItsOwnTargetOnly(t *testing.T) {
	const total, window = 20_000_000, 256 << 10
	var wrote atomic.Int64
	g, ctx := start(t, spine.Config{
		Limits: pam.Limits{Window: window, Backlog: 512 << 10},
		Target: demoTarget(t, func(s *sshtest.Session) int {
			for i := 0; i < total; {
				n, err := s.Write(bytes.Repeat([]byte{'x'}, 32<<10))
				if err != nil {
					return 1
				}
				i += n
				wrote.Add(int64(n))
			}
			return 0
		}),
	})
	b := g.Browser()
	attach := func(deaf bool, count *atomic.Int64) *pamtest.Page {
		id, err := b.Start(ctx, spine.Unrecorded, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.Attach(ctx, id, pamtest.PageOptions{Deaf: deaf, Output: func(p []byte, _ bool) { count.Add(int64(len(p))) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	var slow, fast atomic.Int64
	stopped := attach(true, &slow)
	if err := stopped.Await(ctx, func(v pamtest.PageView) bool { return v.Counted > window-64<<10 }); err != nil {
		t.Fatal(err)
	}
	// Another session runs from start to end meanwhile.
	other := attach(false, &fast)
	if code, err := other.AwaitEnd(ctx); err != nil || code != pam.CodeRemoteLogoff {
		t.Fatalf("the other session: %q, %v", code, err)
	}
	if n := slow.Load(); n > window {
		t.Errorf("the stopped page was sent %d bytes, its window is %d", n, window)
	}
	// The target could write what window, backlog and SSH's own buffers hold (2 MiB each way in x/crypto), no more.
	if held := wrote.Load() - fast.Load(); held > window+512<<10+8<<20 {
		t.Errorf("the stopped page's target wrote %d bytes ahead", held)
	}
	stopped.SetDeaf(false)
	if code, err := stopped.AwaitEnd(ctx); err != nil || code != pam.CodeRemoteLogoff {
		t.Fatalf("the resumed session: %q, %v", code, err)
	}
	if slow.Load() < total || slow.Load() != fast.Load() {
		t.Errorf("the resumed page got %d bytes, the other %d", slow.Load(), fast.Load())
	}
}

// TestPipeline_S28_200Sessions runs 200 recorded sessions at once, each with its own marker, and leaves nothing behind.
func TestPipeline_S28_200Sessions(t *testing.T) {
	const sessions = 200
	dir := t.TempDir()
	g, ctx := start(t, spine.Config{Dir: dir, Target: demoTarget(t, lineShell)})
	b := g.Browser()
	var wg sync.WaitGroup
	errs := make(chan error, sessions)
	turn := make(chan struct{}, 16) // handshakes at a time: 2 cores
	for i := range sessions {
		wg.Go(func() {
			errs <- one(ctx, b, turn, fmt.Sprintf("marker-%03d", i))
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if evs, err := g.Events.Await(ctx, pam.CompleteSession, sessions); err != nil {
		t.Fatalf("%d of %d sessions completed: %v", len(evs), sessions, err)
	}
	if h := g.Broker.Health(); h.Live != 0 {
		t.Errorf("%d sessions are still live", h.Live)
	}
	runtime.GC()
}

func one(ctx context.Context, b *pamtest.Browser, turn chan struct{}, marker string) error {
	turn <- struct{}{}
	id, err := b.Start(ctx, spine.Recorded, nil)
	if err != nil {
		<-turn
		return err
	}
	page, err := b.Attach(ctx, id, pamtest.PageOptions{})
	if err != nil {
		<-turn
		return err
	}
	defer page.Close()
	err = page.AwaitOutput(ctx, "$ ")
	<-turn
	if err != nil {
		return err
	}
	if err := page.Key(ctx, marker+"\rflood 100\rexit 0\r"); err != nil {
		return err
	}
	if code, err := page.AwaitEnd(ctx); err != nil || code != pam.CodeRemoteLogoff {
		return fmt.Errorf("%s: %q, %w", marker, code, err)
	}
	if out := page.View().Output; !bytes.Contains(out, []byte(marker)) || bytes.Count(out, []byte("quick brown")) != 100 {
		return fmt.Errorf("%s: %d bytes of output", marker, len(out))
	}
	return nil
}
