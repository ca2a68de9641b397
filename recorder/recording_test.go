package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

func checkMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && st.Mode() != want {
		t.Errorf("%s: mode %v, want %v", path, st.Mode(), want)
	}
}

// Any row of entries comes back as it was appended, whatever is in it.
func TestRecording_R1_ReadsBackWhatWasAppended(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) pam.Entry {
			return pam.Entry{
				Kind:        pam.EntryKind(rapid.IntRange(1, 7).Draw(rt, "kind")),
				At:          time.Duration(rapid.Int64().Draw(rt, "at")),
				Frame:       pam.FrameKind(rapid.Byte().Draw(rt, "frame")),
				Flags:       pam.FrameFlags(rapid.Byte().Draw(rt, "flags")),
				Participant: pam.ParticipantID(rapid.StringN(-1, -1, 256).Draw(rt, "participant")),
				Data:        bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(rt, "data"), rapid.IntRange(1, 200).Draw(rt, "times")),
			}
		}), 0, 60).Draw(rt, "entries")

		mem := recordertest.NewMemFS()
		r := newRecorder(t, recorder.Config{FS: mem, CheckpointBytes: 1 << 10})
		rec, w := open(t, r, "rapid")
		for i, e := range entries {
			if got := appendEntry(t, rec, e); got != uint64(i)+1 {
				rt.Fatalf("index %d, want %d", got, i+1)
			}
			if rapid.Bool().Draw(rt, "wait") {
				if err := w.wait(uint64(i) + 1); err != nil {
					rt.Fatal(err)
				}
			}
		}
		closeRecording(t, rec, pam.EndRemoteLogoff)
		file := mem.Get(rec.Path())
		got, h, seal, err := readAll(file)
		if err != nil || seal == nil || !seal.Complete || h.Meta.Session != "rapid" {
			rt.Fatalf("reading: %v, %+v, %+v", err, seal, h)
		}
		if len(got) != len(entries)+1 {
			rt.Fatalf("got %d entries, want %d and an end", len(got), len(entries))
		}
		for i, e := range entries {
			if !sameEntry(got[i], e) {
				rt.Fatalf("entry %d: got %v, want %v", i+1, got[i], e)
			}
		}
		if rep := verify(t, file); rep.State != recorder.StateValidComplete {
			rt.Fatalf("%v: %v", rep.State, rep.Cause)
		}
	})
}

// On a real directory, from several goroutines: every index is given once, and the order is that of the calls.
func TestRecording_R1_ManyGoroutines(t *testing.T) {
	r := newRecorder(t, recorder.Config{InsecureNoFreeFloor: true})
	rec, w := open(t, r, "many")
	const goroutines, each = 8, 500
	var mu sync.Mutex
	byIndex := map[uint64]string{}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				text := fmt.Sprintf("%d/%d", g, i)
				index := appendEntry(t, rec, pam.Entry{Kind: pam.EntryEvent, Data: []byte(text)})
				mu.Lock()
				byIndex[index] = text
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	closeRecording(t, rec, pam.EndUserDisconnect)
	if w.last() != goroutines*each+1 {
		t.Errorf("written %d, want %d", w.last(), goroutines*each+1)
	}
	if p := rec.Progress(); p.Durable != goroutines*each+1 || p.Written != p.Durable || p.Appended != p.Durable {
		t.Errorf("progress %+v", p)
	}
	file, err := os.ReadFile(rec.Path())
	if err != nil {
		t.Fatal(err)
	}
	if rep := verify(t, file); rep.State != recorder.StateValidComplete {
		t.Fatalf("%v: %v", rep.State, rep.Cause)
	}
	entries, _, _, err := readAll(file)
	if err != nil || len(entries) != goroutines*each+1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	next := make([]int, goroutines)
	for i, e := range entries[:len(entries)-1] {
		if byIndex[uint64(i)+1] != string(e.Data) {
			t.Fatalf("entry %d is %q, Append returned that index for %q", i+1, e.Data, byIndex[uint64(i)+1])
		}
		var g, n int
		if _, err := fmt.Sscanf(string(e.Data), "%d/%d", &g, &n); err != nil || next[g] != n {
			t.Fatalf("entry %d is %q, want number %d of goroutine %d (%v)", i+1, e.Data, next[g], g, err)
		}
		next[g]++
	}
}

// A lone echo is one small write; what gathers while a write is under way goes into the next one.
func TestRecording_OneWritePerGathering(t *testing.T) {
	mem := recordertest.NewMemFS()
	hold := make(chan chan struct{}, 1)
	var sizes []int
	faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
		if c.Op == recordertest.OpWrite {
			sizes = append(sizes, c.Size)
			select {
			case release := <-hold:
				<-release
			default:
			}
		}
		return nil
	}}
	r := newRecorder(t, recorder.Config{FS: faults})
	rec, w := open(t, r, "echo")
	appendEntry(t, rec, pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, At: time.Minute, Data: []byte("x")})
	if err := w.wait(1); err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 2 || sizes[1] > 96 {
		t.Errorf("writes of %v bytes; want the header and one of at most 96", sizes)
	}
	release := make(chan struct{})
	hold <- release
	for i := range 1000 {
		appendEntry(t, rec, pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, At: time.Minute, Data: fmt.Appendf(nil, "line %d", i)})
	}
	close(release)
	if err := w.wait(1001); err != nil {
		t.Fatal(err)
	}
	if len(sizes) > 5 { // the held one and what gathered meanwhile; a slow start may have split the first
		t.Errorf("1000 entries took %d writes", len(sizes)-2)
	}
	closeRecording(t, rec, pam.EndRemoteLogoff)
}

// Load batches itself, but a write stays below a bound.
func TestRecording_ChunksAreBounded(t *testing.T) {
	mem := recordertest.NewMemFS()
	var largest int
	faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
		largest = max(largest, c.Size)
		return nil
	}}
	r := newRecorder(t, recorder.Config{FS: faults, CheckpointBytes: -1})
	rec, w := open(t, r, "bound")
	var big [1000]byte
	copy(big[:], sampleNoise)
	for i := range 5000 {
		index := appendEntry(t, rec, pam.Entry{Kind: pam.EntryFrame, Data: big[:]})
		if i%1000 == 999 {
			if err := w.wait(index); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeRecording(t, rec, pam.EndRemoteLogoff)
	if largest > 300<<10 {
		t.Errorf("largest write has %d bytes", largest)
	}
}

var sampleNoise = func() []byte {
	var b []byte
	for i := uint64(1); len(b) < 1000; i++ {
		b = append(b, output(i).Data...)
	}
	return b
}()

// After the last sync an idle recording holds its file and nothing else.
func TestRecording_IdleHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem}
		r := newRecorder(t, recorder.Config{FS: faults})
		rec, w := open(t, r, "idle")
		appendEntry(t, rec, output(1))
		if err := w.wait(1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if p := rec.Progress(); p.Written != 1 || p.Durable != 0 {
			t.Errorf("before the sync: %+v", p)
		}
		time.Sleep(time.Second) // the bubble's clock: power loss costs at most this
		synctest.Wait()
		if p := rec.Progress(); p.Durable != 1 {
			t.Errorf("after a second: %+v", p)
		}
		if !rec.Idle() {
			t.Error("something is still going on")
		}
		n := faults.Count(recordertest.OpSync)
		time.Sleep(24 * time.Hour)
		if got := faults.Count(recordertest.OpSync); got != n {
			t.Errorf("%d syncs during a day without entries", got-n)
		}
		closeRecording(t, rec, pam.EndIdle)
	})
}

func TestRecording_CloseEndsAppending(t *testing.T) {
	mem := recordertest.NewMemFS()
	r := newRecorder(t, recorder.Config{FS: mem})
	rec, _ := open(t, r, "close")
	closeRecording(t, rec, pam.EndTerminated)
	size := len(mem.Get(rec.Path()))
	if _, err := rec.Append(output(1)); !errors.Is(err, recorder.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	closeRecording(t, rec, pam.EndExpired) // again: nothing happens
	if got := len(mem.Get(rec.Path())); got != size {
		t.Errorf("the second Close changed the file from %d to %d bytes", size, got)
	}
	_, _, seal, err := readAll(mem.Get(rec.Path()))
	if err != nil || seal.End.Reason != pam.EndTerminated {
		t.Errorf("%v, %+v", err, seal)
	}
}

func TestRecorder_S37_CloseSealsWhatIsOpen(t *testing.T) {
	mem := recordertest.NewMemFS()
	r := newRecorder(t, recorder.Config{FS: mem})
	var recs []*recorder.Recording
	for i := range 20 {
		rec, _ := open(t, r, fmt.Sprintf("s%d", i))
		appendEntry(t, rec, output(1))
		recs = append(recs, rec)
	}
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		rep := verify(t, mem.Get(rec.Path()))
		if rep.State != recorder.StateValidComplete || rep.Seal.End.Reason != pam.EndGatewayShutdown || rep.Entries != 2 {
			t.Errorf("%s: %v, %+v", rec.Path(), rep.State, rep.Seal)
		}
	}
	if _, err := r.Open(context.Background(), meta("late"), newWatcher(t)); !errors.Is(err, recorder.ErrClosed) {
		t.Errorf("Open after Close: %v", err)
	}
}

func TestRecorder_S37_CloseNamesWhatIsNotFlushed(t *testing.T) {
	mem := recordertest.NewMemFS()
	release := make(chan struct{})
	faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
		if c.Op == recordertest.OpSync && strings.Contains(c.Name, ".bad.") && strings.HasSuffix(c.Name, recorder.Ext) {
			<-release
		}
		return nil
	}}
	r := newRecorder(t, recorder.Config{FS: faults})
	good, _ := open(t, r, "good")
	bad, _ := open(t, r, "bad")
	closeRecording(t, good, pam.EndRemoteLogoff)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := r.Close(ctx)
	if err == nil || !strings.Contains(err.Error(), bad.Path()) || strings.Contains(err.Error(), good.Path()) {
		t.Errorf("Close returned %v; want it to name %s", err, bad.Path())
	}
	close(release)
	if err := r.Close(context.Background()); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Ids are hostile: whatever they are, the file stays in its directory, and two ids never share one.
func TestRecording_S24_HostileSessionIDs(t *testing.T) {
	dir := t.TempDir()
	r := newRecorder(t, recorder.Config{Dir: filepath.Join(dir, "rec"), InsecureNoFreeFloor: true})
	ids := []string{
		"../../etc/passwd", "a/b", `a\b`, ".", "..", "nul", "a\x00b", "a\nb", "-rf", "ä", "A", "a", strings.Repeat("x", 256),
		"x.sprec", "x.sprec.tmp", "C:x", "a:b", "~",
	}
	seen := map[string]bool{}
	for _, id := range ids {
		rec, _ := open(t, r, id)
		closeRecording(t, rec, pam.EndRemoteLogoff)
		name := filepath.Base(rec.Path())
		if filepath.Dir(rec.Path()) != filepath.Join(dir, "rec") || seen[strings.ToLower(name)] || len(name) > 128 {
			t.Errorf("id %q: path %q", id, rec.Path())
		}
		for _, c := range name {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", c) {
				t.Errorf("id %q: name %q has %q in it", id, name, c)
			}
		}
		seen[strings.ToLower(name)] = true
		rep, err := recorder.VerifyFile(rec.Path(), r.PublicKey())
		if err != nil || rep.State != recorder.StateValidComplete || string(rep.Header.Meta.Session) != id {
			t.Errorf("id %q: %v, %v, session %q", id, rep.State, err, rep.Header.Meta.Session)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("files outside: %v", list)
	}
}

func TestNew_ChecksConfig(t *testing.T) {
	key := testKey("gateway")
	for name, cfg := range map[string]recorder.Config{
		"nothing":  {},
		"no key":   {Dir: t.TempDir()},
		"no dir":   {Key: key},
		"both":     {Dir: t.TempDir(), FS: recordertest.NewMemFS(), Key: key},
		"cut key":  {Dir: t.TempDir(), Key: key[:10]},
		"window":   {Dir: t.TempDir(), Key: key, SyncBytes: 1},
		"interval": {Dir: t.TempDir(), Key: key, SyncInterval: -1},
		"stall":    {Dir: t.TempDir(), Key: key, StallLimit: -1},
		"pending":  {Dir: t.TempDir(), Key: key, MaxPending: 1},
		"former":   {Dir: t.TempDir(), Key: key, FormerKeys: []recorder.PublicKey{{1}}},
	} {
		if _, err := recorder.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "recorder: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
