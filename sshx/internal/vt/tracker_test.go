package vt

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A key frame of n frames, and then the frames after n, is the whole: while output goes on.
func TestTracker_C2_KeyFrameAndRestAreTheWhole(t *testing.T) {
	k := NewTracker(40, 10)
	defer k.Close()
	var mu sync.Mutex // guards emitted
	var emitted [][]byte
	arena := make([]byte, 0, 1<<20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20000 {
			start := len(arena)
			if cap(arena)-start < 64 {
				arena, start = make([]byte, 0, 1<<20), 0
			}
			arena = fmt.Appendf(arena, "\x1b[%dm%d\x1b[0m\r\n", 31+i%6, i)
			p := arena[start:]
			mu.Lock()
			emitted = append(emitted, bytes.Clone(p))
			mu.Unlock()
			k.Output(p)
			if i%100 == 0 {
				mu.Lock()
				emitted = append(emitted, nil) // a frame that draws nothing
				mu.Unlock()
				k.Count()
			}
		}
	}()
	type shot struct {
		frame []byte
		n     uint64
	}
	var shots []shot
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		b, n := k.KeyFrame()
		shots = append(shots, shot{b, n})
		runtime.Gosched()
	}
	whole := New(40, 10)
	for _, p := range emitted {
		whole.Write(p)
	}
	want := view(whole)
	if len(shots) > 20 {
		shots = append(shots[:10], shots[len(shots)-10:]...)
	}
	for _, s := range shots {
		m := New(40, 10)
		m.Write(s.frame)
		for _, p := range emitted[s.n:] {
			m.Write(p)
		}
		if diff := cmp.Diff(want, view(m)); diff != "" {
			t.Fatalf("from frame %d on (-whole +key frame and rest):\n%s", s.n, diff)
		}
	}
}

func TestTracker_QuietLogIsParsedAndFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewTracker(80, 24)
		defer k.Close()
		k.Output(bytes.Repeat([]byte("x\r\n"), 20000))
		k.mu.Lock()
		size := k.size
		k.mu.Unlock()
		if size != 60000 {
			t.Errorf("the log has %d bytes, want 60000: short output is not parsed at once", size)
		}
		time.Sleep(quiet)
		synctest.Wait()
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.size != 0 || k.log != nil {
			t.Errorf("after a while the log still has %d bytes", k.size)
		}
	})
}

func TestTracker_S21_LogIsBounded(t *testing.T) {
	k := NewTracker(80, 24)
	defer k.Close()
	one := []byte("x")
	for range 3 * maxParts {
		k.Output(one[:1:1])
		k.mu.Lock()
		if len(k.log) > maxParts {
			t.Fatalf("%d parts", len(k.log))
		}
		k.mu.Unlock()
	}
	big := bytes.Repeat([]byte("x"), 64<<10)
	for range 50 {
		k.Output(big)
		k.mu.Lock()
		if k.size > maxBytes+len(big) {
			t.Fatalf("%d bytes", k.size)
		}
		k.mu.Unlock()
	}
}

func TestTracker_ResizeInOrder(t *testing.T) {
	k := NewTracker(80, 24)
	defer k.Close()
	k.Output([]byte("0123456789"))
	k.Resize(5, 3)
	k.Output([]byte("\r\nabcdefg"))
	want := New(80, 24)
	want.Write([]byte("0123456789"))
	want.Resize(5, 3)
	want.Write([]byte("\r\nabcdefg"))
	b, n := k.KeyFrame()
	if n != 2 || string(b) != string(want.AppendSnapshot(nil)) {
		t.Errorf("n = %d, key frame %q", n, b)
	}
}

// An idle session must stay small: performance.md counts 0.25 MiB for all of it.
func TestTracker_IdleMemory(t *testing.T) {
	const sessions = 200
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	propertyTable() // shared by all
	before := heap()
	all := make([]*Tracker, sessions)
	for i := range all {
		all[i] = NewTracker(80, 24)
		all[i].Output([]byte("Last login: today\r\n\x1b[1;32muser@host\x1b[0m:~$ "))
		all[i].catchUp()
	}
	each := (heap() - before) / sessions
	for _, k := range all {
		k.Close()
	}
	t.Logf("%d bytes per idle screen", each)
	if each > 20<<10 {
		t.Errorf("%d bytes per idle screen, want at most 20 KiB", each)
	}
}
