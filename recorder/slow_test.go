package recorder_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// logBuffer is a concurrency-safe sink for slog.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// slowly makes each sync of a recording (not Open's) take d of the bubble's time.
func slowly(d func() time.Duration) func(recordertest.Call) error {
	return func(c recordertest.Call) error {
		if c.Op == recordertest.OpSync && c.N > 1 {
			time.Sleep(d())
		}
		return nil
	}
}

// With a sync that takes 5 s, writes go on up to the window, then Written stands still until the sync is done:
// what may be shown is never further ahead of what is durable than SyncBytes.
func TestRecording_S27_SlowSyncHoldsWrittenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem, Hook: slowly(func() time.Duration { return 5 * time.Second })}
		var log logBuffer
		reg := metrics.NewRegistry()
		const window = 8 << 10
		r := newRecorder(t, recorder.Config{FS: faults, SyncBytes: window, Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: reg})
		rec, w := open(t, r, "slow")
		stored := map[uint64]int64{0: rec.Progress().Stored} // length of the file after each entry
		w.onWrite = func(i uint64) {
			p := rec.Progress()
			stored[i] = p.Stored
			if ahead := p.Stored - stored[p.Durable]; ahead > window {
				t.Errorf("entry %d: %d bytes ahead of what is durable, want at most %d", i, ahead, window)
			}
		}
		begin := time.Now()
		for i := uint64(1); i <= 100; i++ {
			appendEntry(t, rec, output(i))
			if err := w.wait(i); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 10*time.Second || took > 100*time.Second {
			t.Errorf("100 entries took %v with a sync of 5 s and a window of %d", took, window)
		}
		closeRecording(t, rec, pam.EndRemoteLogoff)
		if rep := verify(t, mem.Get(rec.Path())); rep.State != recorder.StateValidComplete || rep.Entries != 101 {
			t.Errorf("%v with %d entries: %v", rep.State, rep.Entries, rep.Cause)
		}
		if w.failure() != nil {
			t.Errorf("failed: %v", w.failure())
		}
	})
}

// A short load behind a slow sync does not stall at all.
func TestRecording_S27_SlowSyncDoesNotStopWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := &recordertest.FaultFS{Next: recordertest.NewMemFS(), Hook: slowly(func() time.Duration { return 200 * time.Millisecond })}
		rec, w := open(t, newRecorder(t, recorder.Config{FS: faults}), "light")
		begin := time.Now()
		for i := uint64(1); i <= 50; i++ {
			time.Sleep(100 * time.Millisecond)
			at := time.Now()
			appendEntry(t, rec, output(i))
			if err := w.wait(i); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(at); d != 0 {
				t.Errorf("echo %d waited for %v", i, d)
			}
			if p := rec.Progress(); p.Written-p.Durable > 11 { // one second of such entries
				t.Errorf("after %v: durable %d of %d", time.Since(begin), p.Durable, p.Written)
			}
		}
		closeRecording(t, rec, pam.EndRemoteLogoff)
	})
}

// A sync or a write that never ends fails the recording after the limit, with a warning at half of it.
func TestRecording_S27_StalledStoreFails(t *testing.T) {
	for _, op := range []recordertest.Op{recordertest.OpSync, recordertest.OpWrite, recordertest.OpReserve} {
		synctest.Test(t, func(t *testing.T) {
			mem := recordertest.NewMemFS()
			release := make(chan struct{})
			faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
				if c.Op == op && c.N > 1 {
					<-release
				}
				return nil
			}}
			var log logBuffer
			reg := metrics.NewRegistry()
			r := newRecorder(t, recorder.Config{FS: faults, SyncBytes: 8 << 10, Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: reg})
			rec, w := open(t, r, "stall")
			var progressed time.Time
			var err error
			for i := uint64(1); err == nil; i++ {
				progressed = time.Now()
				if _, err = rec.Append(output(i)); err == nil {
					err = w.wait(i)
				}
			}
			if !errors.Is(err, recorder.ErrStalled) {
				t.Fatalf("%v: failed with %v", op, err)
			}
			if took := time.Since(progressed); took != recorder.DefaultStallLimit {
				t.Errorf("%v: failed after %v, want %v", op, took, recorder.DefaultStallLimit)
			}
			if !strings.Contains(log.String(), "level=WARN") || reg.Get("recorder.slow").(metrics.Counter).Count() != 1 {
				t.Errorf("%v: no warning: %s", op, log.String())
			}
			written := w.last()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := rec.Close(ctx, endEntry(t, pam.EndRecordingFailed)); !errors.Is(err, recorder.ErrStalled) {
				t.Errorf("%v: Close returned %v", op, err)
			}
			close(release) // the store wakes up: the recording stays failed, and is sealed as such
			if err := rec.Close(context.Background(), pam.Entry{}); !errors.Is(err, recorder.ErrStalled) {
				t.Errorf("%v: Close returned %v", op, err)
			}
			file := mem.Get(rec.Path())
			if rep := verify(t, file); rep.State != recorder.StateValidIncomplete || rep.Seal == nil {
				t.Errorf("%v: %v (%v), %+v", op, rep.State, rep.Cause, rep.Seal)
			}
			entries, _, _, _ := readAll(file)
			if n := checkOutput(t, entries); n < written {
				t.Errorf("%v: %d entries in the file, %d were reported", op, n, written)
			}
		})
	}
}

// Many slow steps in a row, each within the limit, are not a stall.
func TestRecording_S27_SlowIsNotStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := &recordertest.FaultFS{Next: recordertest.NewMemFS(), Hook: func(c recordertest.Call) error {
			if c.Op == recordertest.OpWrite && c.N > 1 {
				time.Sleep(9 * time.Second)
			}
			return nil
		}}
		rec, w := open(t, newRecorder(t, recorder.Config{FS: faults}), "slow")
		for i := uint64(1); i <= 20; i++ {
			appendEntry(t, rec, output(i))
			if err := w.wait(i); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i) * 700 * time.Millisecond) // also with pauses: the clock runs per step
		}
		closeRecording(t, rec, pam.EndRemoteLogoff)
	})
}

// A write may have to wait for two syncs, the one under way and the one that covers what came meanwhile. Each may
// take nearly the limit.
func TestRecording_S27_TwoSlowSyncsAreNotAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := &recordertest.FaultFS{Next: recordertest.NewMemFS(), Hook: slowly(func() time.Duration { return 9 * time.Second })}
		rec, w := open(t, newRecorder(t, recorder.Config{FS: faults, SyncBytes: 4 << 10}), "two")
		for i := uint64(1); i <= 60; i++ {
			appendEntry(t, rec, output(i))
			if err := w.wait(i); err != nil {
				t.Fatal(err)
			}
		}
		closeRecording(t, rec, pam.EndRemoteLogoff)
	})
}

// What waits in memory is bounded even for a caller who ignores Written.
func TestRecording_S27_PendingIsBounded(t *testing.T) {
	mem := recordertest.NewMemFS()
	release := make(chan struct{})
	faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
		if c.Op == recordertest.OpWrite && c.N > 1 {
			<-release
		}
		return nil
	}}
	r := newRecorder(t, recorder.Config{FS: faults, MaxPending: 8 << 20})
	rec, w := open(t, r, "greedy")
	data := make([]byte, 1<<20)
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = rec.Append(pam.Entry{Kind: pam.EntryFrame, Data: data})
	}
	if !errors.Is(err, recorder.ErrBehind) || n < 8 || n > 11 {
		t.Errorf("entry %d of 1 MiB: %v", n, err)
	}
	close(release)
	if err := w.waitFailed(); !errors.Is(err, recorder.ErrBehind) {
		t.Errorf("Failed(%v)", err)
	}
	if err := rec.Close(context.Background(), endEntry(t, pam.EndRecordingFailed)); !errors.Is(err, recorder.ErrBehind) {
		t.Errorf("Close: %v", err)
	}
}
