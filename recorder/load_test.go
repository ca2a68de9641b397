package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// sessionOf returns the session that a file name carries.
func sessionOf(name string) string {
	if parts := strings.Split(name, "."); len(parts) > 2 {
		return parts[1]
	}
	return name
}

func gauge(t testing.TB, r metrics.Registry, name string) int64 {
	t.Helper()
	g, ok := r.Get(name).(metrics.Gauge)
	if !ok {
		t.Fatalf("%s is %T", name, r.Get(name))
	}
	return g.Value()
}

func counter(t testing.TB, r metrics.Registry, name string) int64 {
	t.Helper()
	c, ok := r.Get(name).(metrics.Counter)
	if !ok {
		t.Fatalf("%s is %T", name, r.Get(name))
	}
	return c.Count()
}

// Half of the recordings meet a store that hangs or fails, each kind of call in turn. The other half does not notice:
// in the time of the bubble not one of their entries waits at all, and all are valid-complete.
func TestRecorder_S27_FailingRecordingsDoNotSlowOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pairs, entries = 60, 120
		mem := recordertest.NewMemFS()
		release := make(chan struct{})
		hangs := []recordertest.Op{recordertest.OpWrite, recordertest.OpSync, recordertest.OpReserve}
		fails := []error{nil, syscall.EIO, syscall.ENOSPC}
		var armed atomic.Bool // not while they open
		faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
			var i int
			if _, err := fmt.Sscanf(sessionOf(c.Name), "bad-%d", &i); err != nil || !armed.Load() || c.Op != hangs[i%3] {
				return nil
			}
			if err := fails[i/3%3]; err != nil {
				return err
			}
			<-release
			return nil
		}}
		reg := metrics.NewRegistry()
		r := newRecorder(t, recorder.Config{FS: faults, SyncBytes: 8 << 10, Metrics: reg})
		type pair struct {
			rec *recorder.Recording
			w   *watcher
		}
		var good, bad []pair
		for i := range pairs {
			rec, w := open(t, r, fmt.Sprintf("good-%d", i))
			good = append(good, pair{rec, w})
			rec, w = open(t, r, fmt.Sprintf("bad-%d", i))
			bad = append(bad, pair{rec, w})
		}
		armed.Store(true)
		var wg sync.WaitGroup
		for _, p := range bad {
			wg.Go(func() {
				for i := uint64(1); ; i++ {
					if _, err := p.rec.Append(output(i)); err != nil || p.w.wait(i) != nil {
						return
					}
				}
			})
		}
		for _, p := range good {
			wg.Go(func() {
				for i := uint64(1); i <= entries; i++ {
					time.Sleep(100 * time.Millisecond)
					began := time.Now()
					appendEntry(t, p.rec, output(i))
					if err := p.w.wait(i); err != nil {
						t.Error(err)
						return
					}
					if d := time.Since(began); d != 0 {
						t.Errorf("%s: entry %d waited for %v", p.rec.Path(), i, d)
					}
				}
				closeRecording(t, p.rec, pam.EndRemoteLogoff)
			})
		}
		wg.Wait() // also of the bad ones: all have failed by now
		close(release)
		for i, p := range bad {
			want := fails[i/3%3]
			if want == nil {
				want = recorder.ErrStalled
			}
			if err := p.rec.Close(context.Background(), pam.Entry{}); !errors.Is(err, want) {
				t.Errorf("bad-%d: %v, want %v", i, err, want)
			}
		}
		for _, p := range good {
			if rep := verify(t, mem.Get(p.rec.Path())); rep.State != recorder.StateValidComplete {
				t.Errorf("%s: %v (%v)", p.rec.Path(), rep.State, rep.Cause)
			}
		}
		stalled, io, full := counter(t, reg, "recorder.failed.stalled"), counter(t, reg, "recorder.failed.io"), counter(t, reg, "recorder.failed.no_space")
		if all := counter(t, reg, "recorder.failed"); all != pairs || stalled+io+full != all || stalled == 0 || io == 0 || full == 0 {
			t.Errorf("%d failed: %d stalled, %d io, %d no_space", all, stalled, io, full)
		}
		if slow := counter(t, reg, "recorder.slow"); slow < stalled {
			t.Errorf("%d warnings before %d stalls", slow, stalled)
		}
		for _, name := range []string{"recorder.open", "recorder.bytes_pending", "recorder.bytes_unsynced"} {
			if n := gauge(t, reg, name); n != 0 {
				t.Errorf("%s is %d at the end", name, n)
			}
		}
	})
}

// With every store hanging, what waits over all recordings stays within MaxPendingTotal, and a recording within its
// share goes on when others have used up the rest.
func TestRecorder_S27_MemoryIsBoundedInTotal(t *testing.T) {
	const hogs, total = 12, 64 << 20
	mem := recordertest.NewMemFS()
	release := make(chan struct{})
	var armed atomic.Bool
	faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
		if armed.Load() && c.Op == recordertest.OpWrite && strings.HasPrefix(sessionOf(c.Name), "hog") {
			<-release
		}
		return nil
	}}
	reg := metrics.NewRegistry()
	r := newRecorder(t, recorder.Config{FS: faults, Metrics: reg, MaxPendingTotal: total})
	var recs []*recorder.Recording
	var watchers []*watcher
	for i := range hogs {
		rec, w := open(t, r, fmt.Sprintf("hog-%d", i))
		recs, watchers = append(recs, rec), append(watchers, w)
	}
	modest, w := open(t, r, "modest")
	armed.Store(true)
	data := make([]byte, 256<<10)
	var peak int64
	refused := 0
	for range 4 * (32 << 20) / len(data) { // each would take its own 32 MiB four times
		for _, rec := range recs {
			if _, err := rec.Append(pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: data}); err != nil {
				if !errors.Is(err, recorder.ErrBehind) {
					t.Fatal(err)
				}
				refused++
			}
			peak = max(peak, gauge(t, reg, "recorder.bytes_pending"))
		}
		if refused > 0 {
			break
		}
	}
	if refused == 0 || peak > total {
		t.Errorf("%d refused, at most %d bytes waited; want at most %d", refused, peak, total)
	}
	for i := uint64(1); i <= 200; i++ {
		appendEntry(t, modest, output(i))
		if err := w.wait(i); err != nil {
			t.Fatalf("a recording whose store works: %v", err)
		}
	}
	closeRecording(t, modest, pam.EndRemoteLogoff)
	close(release)
	for i, rec := range recs {
		if err := rec.Close(context.Background(), pam.Entry{}); err != nil && !errors.Is(err, watchers[i].failure()) {
			t.Errorf("Close: %v, the watcher heard %v", err, watchers[i].failure())
		}
	}
	if n := gauge(t, reg, "recorder.bytes_pending"); n != 0 {
		t.Errorf("%d bytes wait at the end", n)
	}
}

// diskFS is a MemFS with so much room and no more. Free knows what is written and, if reserves, what is reserved.
type diskFS struct {
	recorder.FS
	size     int64
	reserves bool

	mu   sync.Mutex
	used map[*diskFile]int64
	low  int64 // least that was ever free
}

func (d *diskFS) Free() (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint64(d.free()), nil
}

func (d *diskFS) free() int64 {
	left := d.size
	for _, n := range d.used {
		left -= n
	}
	d.low = min(d.low, left)
	return max(left, 0)
}

func (d *diskFS) Create(name string) (recorder.File, error) {
	f, err := d.FS.Create(name)
	if err != nil {
		return nil, err
	}
	return &diskFile{File: f, d: d}, nil
}

type diskFile struct {
	recorder.File
	d *diskFS
}

func (f *diskFile) grow(to int64) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.d.used[f] = max(f.d.used[f], to)
	f.d.free()
}

func (f *diskFile) Reserve(size int64) error {
	if !f.d.reserves {
		return errors.ErrUnsupported
	}
	runtime.Gosched() // between the question and the answer: others ask too
	f.grow(size)
	return nil
}

func (f *diskFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	size, _ := f.Size()
	f.grow(size)
	return n, err
}

// However many recordings open and write at once, the floor holds: what one was promised is not promised to another,
// whether the system can reserve or not. Before it is reached there are a metric and a warning.
func TestRecorder_S03_FloorHoldsForAllAtOnce(t *testing.T) {
	for _, reserves := range []bool{true, false} {
		t.Run(fmt.Sprintf("reserves_%v", reserves), func(t *testing.T) {
			const floor, size, asked = 16 << 20, 48 << 20, 200
			disk := &diskFS{FS: recordertest.NewMemFS(), size: size, low: size, reserves: reserves, used: map[*diskFile]int64{}}
			reg := metrics.NewRegistry()
			var log logBuffer
			r := newRecorder(t, recorder.Config{FS: disk, FreeFloor: floor, Metrics: reg, Log: slog.New(slog.NewTextHandler(&log, nil))})
			var wg sync.WaitGroup
			var opened, refused atomic.Int64
			for i := range asked {
				wg.Go(func() {
					w := newWatcher(t)
					rec, err := r.Open(context.Background(), meta(fmt.Sprintf("s%d", i)), w)
					if err != nil {
						if !errors.Is(err, recorder.ErrNoSpace) {
							t.Error(err)
						}
						refused.Add(1)
						return
					}
					opened.Add(1)
					// As much as there is: every one of them fails, or ends when it has written 4 MiB.
					for n := uint64(1); n <= 64; n++ {
						if _, err := rec.Append(pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: noise(64 << 10)}); err != nil || w.wait(n) != nil {
							break
						}
					}
					if err := rec.Close(context.Background(), pam.Entry{}); err != nil && !errors.Is(err, recorder.ErrNoSpace) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if opened.Load() == 0 || refused.Load() == 0 {
				t.Errorf("%d opened, %d refused", opened.Load(), refused.Load())
			}
			if disk.low < floor {
				t.Errorf("%d bytes were free at the worst, the floor is %d", disk.low, floor)
			}
			if counter(t, reg, "recorder.low_space") == 0 || !strings.Contains(log.String(), "runs low") {
				t.Errorf("no warning before the floor: %s", log.String())
			}
			if n := strings.Count(log.String(), "runs low"); n != 1 {
				t.Errorf("%d warnings within a moment, want one", n)
			}
			// Everything promised was given back: what is free now can be promised again.
			for f := range disk.used {
				delete(disk.used, f)
			}
			rec, _ := open(t, r, "after")
			if left := gauge(t, reg, "recorder.bytes_free"); left < size-2<<20 {
				t.Errorf("%d bytes count as free on an empty disk of %d", left, size)
			}
			closeRecording(t, rec, pam.EndRemoteLogoff)
		})
	}
}

// The power fails while many sessions record: of each, at least what was durable is found again, whatever else of the
// unsynced the disk kept, and the verifier passes. Soak: as many cuts as PAM_SOAK says.
func TestAdopter_S25_SoakPowerCutUnderLoad(t *testing.T) {
	const sessions = 40
	for round := range pamtest.Rounds(t, 10) {
		rng := rand.New(rand.NewPCG(uint64(round), 7))
		mem := recordertest.NewMemFS()
		r := newRecorder(t, recorder.Config{FS: mem, SyncBytes: 16 << 10, CheckpointBytes: 32 << 10})
		recs := make([]*recorder.Recording, sessions)
		var load sync.WaitGroup
		var total atomic.Int64
		cut := make(chan struct{})
		goal := int64(rng.IntN(4000))
		for i := range recs {
			rec, w := open(t, r, fmt.Sprintf("s%d", i))
			recs[i] = rec
			load.Go(func() {
				for n := uint64(1); ; n++ {
					if _, err := rec.Append(output(n)); err != nil {
						return // closed
					}
					if w.wait(n) != nil {
						return
					}
					if total.Add(1) == goal {
						close(cut)
					}
				}
			})
		}
		if goal > 0 {
			<-cut
		}
		durable := map[string]uint64{}
		for _, rec := range recs {
			durable[rec.Path()] = rec.Progress().Durable // before the cut: a lower bound of what it must keep
		}
		after := mem.PowerCut(func(_ string, synced, written []byte) []byte {
			return written[:len(synced)+rng.IntN(len(written)-len(synced)+1)]
		})
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		load.Wait()
		list := adopt(t, newRecorder(t, recorder.Config{FS: after, SyncBytes: 16 << 10}))
		if len(list) != sessions {
			t.Fatalf("round %d: %d adopted, want %d", round, len(list), sessions)
		}
		for _, a := range list {
			if a.Err != nil {
				t.Fatalf("round %d: %s: %v", round, a.Path, a.Err)
			}
			checkAdopted(t, after.Get(a.Path), durable[a.Path])
		}
	}
}
