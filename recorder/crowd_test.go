package recorder_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
)

// crowd is how many sessions a crowd child records at once.
const crowd = 32

// crowdWatcher reports each Written index with the number of its session on the shared pipe.
type crowdWatcher struct {
	session int
	moved   chan uint64 // capacity 1: the newest index
	failed  chan error
	out     *crowdPipe
}

type crowdPipe struct {
	mu sync.Mutex
	w  io.Writer
}

func (c *crowdWatcher) Written(index uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(c.session)<<48|index)
	c.out.mu.Lock()
	_, _ = c.out.w.Write(b[:]) // the parent may be gone
	c.out.mu.Unlock()
	select {
	case <-c.moved:
	default:
	}
	c.moved <- index
}

func (c *crowdWatcher) Failed(err error) { c.failed <- err }

// childCrowd records crowd sessions at once, as fast as it can, until each has count entries or it is killed.
func childCrowd(dir string, count uint64, cfg recorder.Config) error {
	key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	cfg.Dir, cfg.Key, cfg.InsecureNoFreeFloor = filepath.Join(dir, "rec"), key, true
	r, err := recorder.New(cfg)
	if err != nil {
		return err
	}
	pipe := &crowdPipe{w: os.Stdout}
	var wg sync.WaitGroup
	errs := make([]error, crowd)
	for i := range crowd {
		wg.Go(func() {
			w := &crowdWatcher{session: i, moved: make(chan uint64, 1), failed: make(chan error, 1), out: pipe}
			rec, err := r.Open(context.Background(), meta(fmt.Sprintf("s%d", i)), w)
			if err != nil {
				errs[i] = err
				return
			}
			for n := uint64(1); n <= count; n++ {
				if _, err := rec.Append(output(n)); err != nil {
					break
				}
				if n%16 != 0 { // up to 16 are under way
					continue
				}
				for done := uint64(0); done < n-8; {
					select {
					case done = <-w.moved:
					case <-w.failed:
						done = n
					}
				}
			}
			errs[i] = rec.Close(context.Background(), endOf(pam.EndRemoteLogoff))
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func endOf(reason pam.EndReason) pam.Entry {
	return pam.Entry{Kind: pam.EntryEnd, At: time.Hour, Data: fmt.Appendf(nil, `{"reason":%q}`, reason)}
}

// TestAdopter_S25_SoakKillManySessions kills a process that records 32 sessions at once, at random points under load:
// of every session all that was reported as written is found, and each is sealed as gateway_crash.
func TestAdopter_S25_SoakKillManySessions(t *testing.T) {
	for round := range pamtest.Rounds(t, 5) {
		dir := t.TempDir()
		cmd := startChild(t, "crowd", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killAt := 1 + rand.New(rand.NewPCG(uint64(round), 3)).IntN(6000)
		last := killAfter(t, cmd, out, killAt)
		r := newRecorder(t, recorder.Config{Dir: filepath.Join(dir, "rec"), Key: loadKey(t, dir), InsecureNoFreeFloor: true})
		var total uint64
		for _, a := range adopt(t, r) {
			if a.Err != nil {
				t.Fatalf("round %d: %s: %v", round, a.Path, a.Err)
			}
			var i int
			if _, err := fmt.Sscanf(string(a.Session), "s%d", &i); err != nil {
				t.Fatal(err)
			}
			checkAdopted(t, readFile(t, a.Path), last[i], r.PublicKey())
			total += a.Entries
			last[i] = 0
		}
		for i, n := range last {
			if n != 0 {
				t.Fatalf("round %d: session %d reported %d entries and has no recording", round, i, n)
			}
		}
		t.Logf("round %d: killed at report %d, %d entries recovered", round, killAt, total)
		if list := adopt(t, r); len(list) != 0 {
			t.Fatalf("round %d: adopted again: %+v", round, list)
		}
	}
}

// killAfter kills cmd after that many reports and returns the last index that each session reported.
func killAfter(t *testing.T, cmd *exec.Cmd, out io.Reader, reports int) (last [crowd]uint64) {
	t.Helper()
	in := bufio.NewReader(out)
	var b [8]byte
	for n := 1; ; n++ {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			if n <= reports {
				t.Errorf("the child ended by itself after %d reports: %v", n, err)
			}
			break // what was on its way when it was killed counts too
		}
		v := binary.BigEndian.Uint64(b[:])
		last[v>>48] = v & (1<<48 - 1)
		if n == reports {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	return last
}

func loadKey(t testing.TB, dir string) ed25519.PrivateKey {
	t.Helper()
	key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
