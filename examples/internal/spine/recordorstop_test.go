package spine_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// TestRecordOrStop_S03_DiskFullAtEveryWrite fills the disk at the n-th write of a session that types and floods,
// for n = 1 to 200. Whatever n is: the session ends as recording_failed, what the page saw is a prefix of what is
// recorded, and nothing typed after the fault reaches the target.
func TestRecordOrStop_S03_DiskFullAtEveryWrite(t *testing.T) {
	for n := 1; n <= 200; n++ {
		if !t.Run(fmt.Sprintf("write %d", n), func(t *testing.T) { faultAt(t, recordertest.OpWrite, n, syscall.ENOSPC) }) {
			return
		}
	}
}

// TestRecordOrStop_S03_SyncFails does the same with fsync, which a recorder makes far less often.
func TestRecordOrStop_S03_SyncFails(t *testing.T) {
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprintf("sync %d", n), func(t *testing.T) { faultAt(t, recordertest.OpSync, n, syscall.EIO) })
	}
}

func faultAt(t *testing.T, op recordertest.Op, n int, fault error) {
	mem := recordertest.NewMemFS()
	faults := &recordertest.FaultFS{Next: mem}
	faults.FailFrom(op, n, fault)
	heard := make(chan string, 1)
	g, ctx := start(t, spine.Config{
		FS:   faults,
		Tune: func(c *recorder.Config) { c.SyncBytes = 32 << 10 },
		Target: demoTarget(t, func(s *sshtest.Session) int {
			var all strings.Builder
			defer func() { heard <- all.String() }()
			buf := make([]byte, 4096)
			for {
				k, err := s.Read(buf)
				if err != nil {
					return 0
				}
				all.Write(buf[:k])
				// Each keystroke is answered by an echo and a few kilobytes.
				if _, err := s.Write(buf[:k]); err != nil || !flood(s, 40) {
					return 0
				}
			}
		}),
	})
	b := g.Browser()
	id, err := b.Start(ctx, spine.Recorded, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := b.Attach(ctx, id, pamtest.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	// Before the session is active everything typed is dropped.
	if err := page.Await(ctx, func(v pamtest.PageView) bool { return v.End != nil || v.State["state"] == "active" }); err != nil {
		t.Fatal(err)
	}
	typed := 0
	for typed < 400 { // until the fault ends the session
		select {
		case <-page.Gone():
		default:
			if err := page.Key(ctx, "k"); err == nil {
				typed++
				// One answer per key, so that writes come one by one.
				_ = page.Await(ctx, func(v pamtest.PageView) bool {
					return v.End != nil || bytes.Count(v.Output, []byte("00000039")) >= typed
				})
				continue
			}
		}
		break
	}
	code, err := page.AwaitEnd(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if code != pam.CodeRecordingFailed {
		t.Fatalf("after %d keys the session ended as %q, want recording_failed", typed, code)
	}
	ends, err := g.Events.Await(ctx, pam.CompleteSession, 1)
	if err != nil || ends[0].Reason != pam.EndRecordingFailed {
		t.Fatalf("events %v, %v", ends, err)
	}
	// The fault stays: after it not one byte more may have been shown than was written.
	seen := page.View().Output
	recorded := contents(t, mem, g)
	if !bytes.HasPrefix(recorded, seen) {
		t.Fatalf("the page saw %d bytes that are no prefix of the %d recorded", len(seen), len(recorded))
	}
	if conn := g.Events.Events(pam.StartSession); len(conn) != 1 {
		t.Errorf("%d start events", len(conn))
	}
	checkHeard(t, ctx, heard, typed, op, n)
}

// contents returns the terminal bytes of the only recording in mem; none if it never came to be.
func contents(t *testing.T, mem *recordertest.MemFS, g *spine.Gateway) []byte {
	t.Helper()
	names, err := mem.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, recorder.Ext) {
			continue
		}
		out, state := playedBytes(t, mem.Get(name), g)
		if state == recorder.StateValidComplete {
			t.Errorf("a recording whose disk was full is %v", state)
		}
		return out
	}
	return nil
}

// checkHeard makes sure that the target heard no more than was typed, and nothing where nothing could be recorded.
func checkHeard(t *testing.T, ctx context.Context, heard <-chan string, typed int, op recordertest.Op, n int) {
	t.Helper()
	select {
	case got := <-heard:
		if len(got) > typed {
			t.Errorf("the target heard %d bytes of %d typed", len(got), typed)
		}
		if op == recordertest.OpWrite && n == 1 {
			t.Errorf("the target was reached although the header could not be written")
		}
	default:
		if typed > 2 && n > 10 {
			select {
			case <-heard:
			case <-ctx.Done():
				t.Error("the target's shell did not end with the session")
			}
		}
	}
}
