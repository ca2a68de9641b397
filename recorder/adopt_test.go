package recorder_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

func adopt(t testing.TB, r *recorder.Recorder) []recorder.Adopted {
	t.Helper()
	list, err := r.Adopt(context.Background())
	if err != nil {
		t.Fatalf("Adopt: %v", err)
	}
	return list
}

// checkAdopted fails unless file is sealed as incomplete, ends with gateway_crash, and holds outputs 1 to at
// least n.
func checkAdopted(t testing.TB, file []byte, n uint64, keys ...recorder.PublicKey) {
	t.Helper()
	rep := verify(t, file, keys...)
	if rep.State != recorder.StateValidIncomplete || rep.Seal == nil || !rep.Seal.Adopted || rep.Seal.End.Reason != pam.EndGatewayCrash {
		t.Fatalf("%v at %d (%v), seal %+v", rep.State, rep.At, rep.Cause, rep.Seal)
	}
	entries, _, _, err := readAll(file)
	if err != nil {
		t.Fatal(err)
	}
	if last := entries[len(entries)-1]; last.Kind != pam.EntryEnd || !bytes.Contains(last.Data, []byte(pam.EndGatewayCrash)) {
		t.Fatalf("last entry: %v", last)
	}
	if got := checkOutput(t, entries); got < n {
		t.Fatalf("%d entries recovered, %d were reported", got, n)
	}
}

// Wherever the last write was torn, the adopter cuts what is torn and nothing else.
func TestAdopter_S25_TornTail(t *testing.T) {
	good := sample(t, "torn", 8, testKey("gateway"))
	parts := chunksOf(t, good)
	headerEnd := len(parts[0]) + len(parts[1])
	bounds := []int{}
	off := 0
	for _, p := range parts {
		off += len(p)
		bounds = append(bounds, off)
	}
	for n := headerEnd; n < len(good); n++ {
		mem := recordertest.NewMemFS()
		mem.Put("x"+recorder.Ext, good[:n])
		r := newRecorder(t, recorder.Config{FS: mem})
		whole := 0
		for _, b := range bounds {
			if b <= n {
				whole = b
			}
		}
		list := adopt(t, r)
		if len(list) != 1 || list[0].Err != nil || list[0].Cut != int64(n-whole) || list[0].Session != "torn" {
			t.Fatalf("%d bytes: %+v, want %d bytes cut", n, list, n-whole)
		}
		file := mem.Get("x" + recorder.Ext)
		if !bytes.Equal(file[:whole], good[:whole]) {
			t.Fatalf("%d bytes: whole chunks were changed", n)
		}
		rep := verify(t, file)
		if rep.State != recorder.StateValidIncomplete || rep.Seal == nil || rep.Entries != list[0].Entries {
			t.Fatalf("%d bytes: %v (%v)", n, rep.State, rep.Cause)
		}
		// A recording that had its end entry but no seal keeps its own reason.
		want := pam.EndGatewayCrash
		if whole == bounds[len(bounds)-2] {
			want = pam.EndRemoteLogoff
		}
		if rep.Seal.End.Reason != want {
			t.Fatalf("%d bytes: reason %q, want %q", n, rep.Seal.End.Reason, want)
		}
		if list := adopt(t, r); len(list) != 0 {
			t.Fatalf("%d bytes: adopted again: %+v", n, list)
		}
		if again := mem.Get("x" + recorder.Ext); !bytes.Equal(again, file) {
			t.Fatalf("%d bytes: changed by a second run", n)
		}
	}
}

func TestAdopter_S25_SealedAndLiveAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	r := newRecorder(t, recorder.Config{Dir: dir, InsecureNoFreeFloor: true})
	sealed, _ := open(t, r, "sealed")
	closeRecording(t, sealed, pam.EndRemoteLogoff)
	live, w := open(t, r, "live")
	appendEntry(t, live, output(1))
	if err := w.wait(1); err != nil {
		t.Fatal(err)
	}
	other := newRecorder(t, recorder.Config{Dir: dir, InsecureNoFreeFloor: true}) // as of a second process: locks
	for _, r := range []*recorder.Recorder{r, other} {
		if list := adopt(t, r); len(list) != 0 {
			t.Errorf("adopted: %+v", list)
		}
	}
	appendEntry(t, live, output(2))
	closeRecording(t, live, pam.EndRemoteLogoff)
	for _, rec := range []*recorder.Recording{sealed, live} {
		if rep, err := recorder.VerifyFile(rec.Path(), r.PublicKey()); err != nil || rep.State != recorder.StateValidComplete {
			t.Errorf("%s: %v, %v", rec.Path(), rep.State, err)
		}
	}
}

// What was changed rather than torn is evidence: it is reported, every time, and not touched.
func TestAdopter_S25_DoesNotCutEvidence(t *testing.T) {
	good := sample(t, "evidence", 40, testKey("gateway"))
	parts := chunksOf(t, good)
	orphan := bytes.Join(parts[:len(parts)-1], nil)
	flip := func(i int) []byte { b := bytes.Clone(orphan); b[i] ^= 1; return b }
	dead := sample(t, "evidence", 40, testKey("thief"))
	for name, file := range map[string][]byte{
		"empty":                   {},
		"no recording":            bytes.Repeat([]byte("hello "), 1000),
		"header cut":              orphan[:100],
		"magic":                   flip(0),
		"header":                  flip(60),
		"a chunk in the middle":   flip(len(orphan) / 2),
		"a length in the middle":  flip(preambleSize + len(parts[1]) + 6),
		"signed by somebody else": dead[:len(dead)-1],
		"much behind the damage":  append(bytes.Clone(orphan), make([]byte, 8<<20)...),
		"bytes behind the seal":   append(bytes.Clone(good), "more"...),
	} {
		mem := recordertest.NewMemFS()
		mem.Put("x"+recorder.Ext, file)
		r := newRecorder(t, recorder.Config{FS: mem})
		for range 2 {
			list := adopt(t, r)
			if len(list) != 1 || list[0].Err == nil || list[0].State != recorder.StateBroken {
				t.Errorf("%s: %+v, want it reported", name, list)
			}
		}
		if !bytes.Equal(mem.Get("x"+recorder.Ext), file) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestAdopter_S25_S42_FormerKey(t *testing.T) {
	old, now := testKey("old"), testKey("gateway")
	good := sample(t, "rotated", 12, old)
	mem := recordertest.NewMemFS()
	mem.Put("x"+recorder.Ext, good[:len(good)-1])
	if list := adopt(t, newRecorder(t, recorder.Config{FS: mem, Key: now})); len(list) != 1 || list[0].Err == nil {
		t.Fatalf("adopted under an unknown key: %+v", list)
	}
	r := newRecorder(t, recorder.Config{FS: mem, Key: now, FormerKeys: []recorder.PublicKey{publicOf(old)}})
	if list := adopt(t, r); len(list) != 1 || list[0].Err != nil {
		t.Fatalf("former key given: %+v", list)
	}
	file := mem.Get("x" + recorder.Ext)
	if rep := verify(t, file, publicOf(old), publicOf(now)); rep.State != recorder.StateValidIncomplete {
		t.Errorf("both keys: %v (%v)", rep.State, rep.Cause)
	}
	if rep := verify(t, file, publicOf(now)); rep.State != recorder.StateBroken {
		t.Errorf("only the new key: %v", rep.State)
	}
}

// The adopter itself may be killed at any operation; the next one finishes the work.
func TestAdopter_S25_CrashWhileAdopting(t *testing.T) {
	good := sample(t, "again", 12, testKey("gateway"))
	parts := chunksOf(t, good)
	orphan := bytes.Join(parts[:len(parts)-2], nil) // without end entry and seal
	orphan = append(orphan, parts[len(parts)-2][:20]...)
	killed := errors.New("killed")
	for _, op := range []recordertest.Op{recordertest.OpOpen, recordertest.OpTruncate, recordertest.OpWrite, recordertest.OpSync} {
		for _, n := range []int{1, 2} {
			for torn := 0; torn < 600; torn += 37 {
				mem := recordertest.NewMemFS()
				mem.Put("x"+recorder.Ext, orphan)
				faults := &recordertest.FaultFS{Next: mem}
				faults.FailFrom(op, n, &recordertest.Torn{Bytes: torn, Err: killed})
				list := adopt(t, newRecorder(t, recorder.Config{FS: faults}))
				for i, next := range []*recordertest.MemFS{mem.Kill(), mem.PowerCut(nil)} {
					if n == 1 && i == 0 && len(list) == 1 && list[0].Err == nil {
						t.Fatalf("%v %d: no error", op, n)
					}
					adopt(t, newRecorder(t, recorder.Config{FS: next}))
					checkAdopted(t, next.Get("x"+recorder.Ext), 12)
				}
			}
		}
	}
}

func TestAdopter_S25_RemovesWhatNeverWasOpen(t *testing.T) {
	mem := recordertest.NewMemFS()
	faults := &recordertest.FaultFS{Next: mem}
	faults.FailFrom(recordertest.OpRename, 1, syscall.EIO)
	faults.FailFrom(recordertest.OpRemove, 1, syscall.EIO) // so it is left
	if _, err := newRecorder(t, recorder.Config{FS: faults}).Open(context.Background(), meta("x"), newWatcher(t)); err == nil {
		t.Fatal("no error")
	}
	mem.Put("notes.txt", []byte("not ours"))
	r := newRecorder(t, recorder.Config{FS: mem})
	if list := adopt(t, r); len(list) != 0 {
		t.Errorf("adopted: %+v", list)
	}
	if names, _ := mem.List(); fmt.Sprint(names) != "[notes.txt]" {
		t.Errorf("left: %q", names)
	}
}

// Power fails under load, at 40 moments: nothing that was durable is lost, whatever part of the rest survives.
func TestAdopter_S25_PowerCut(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem}
		var rec *recorder.Recording
		var durable uint64
		var after *recordertest.MemFS
		ready := make(chan struct{})
		cutAt := rng.IntN(60) + 3
		faults.Hook = func(c recordertest.Call) error { // on the writer's goroutine, before the write
			if c.Op != recordertest.OpWrite || c.N != cutAt {
				return nil
			}
			<-ready
			durable = rec.Progress().Durable
			after = mem.PowerCut(func(_ string, synced, written []byte) []byte {
				keep := len(synced) + rng.IntN(len(written)-len(synced)+1)
				out := bytes.Clone(written[:keep])
				if rng.IntN(2) == 0 { // the length was extended, the blocks were not written
					out = append(out, make([]byte, rng.IntN(len(written)-keep+1))...)
				}
				return out
			})
			return syscall.EIO
		}
		r := newRecorder(t, recorder.Config{FS: faults, SyncBytes: 8 << 10, CheckpointBytes: 8 << 10})
		rec, w := open(t, r, "power")
		close(ready)
		for i := uint64(1); ; i++ {
			if _, err := rec.Append(output(i)); err != nil || i > 20 && w.wait(i-20) != nil {
				break
			}
		}
		if err := rec.Close(context.Background(), pam.Entry{}); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		adopt(t, newRecorder(t, recorder.Config{FS: after}))
		checkAdopted(t, after.Get(rec.Path()), durable)
	}
}

// kill -9 of a process that records under load, 20 times: whatever it reported as written is there afterwards.
func TestAdopter_S25_R7_KilledUnderLoad(t *testing.T) {
	for run := range 20 {
		dir := t.TempDir()
		cmd := startChild(t, "load", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(uint64(run), 2))
		reports := 1 + rng.IntN(12)
		var last uint64
		var b [8]byte
		for range reports {
			if _, err := io.ReadFull(out, b[:]); err != nil {
				t.Fatalf("run %d: the child ended by itself: %v", run, err)
			}
		}
		// Not at a report but somewhere between two of them.
		timer := time.NewTimer(time.Duration(rng.IntN(2000)) * time.Microsecond)
		<-timer.C
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		last = binary.BigEndian.Uint64(b[:])
		for {
			if _, err := io.ReadFull(out, b[:]); err != nil {
				break
			}
			last = binary.BigEndian.Uint64(b[:])
		}
		_ = cmd.Wait() // killed

		key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		r := newRecorder(t, recorder.Config{Dir: filepath.Join(dir, "rec"), Key: key, InsecureNoFreeFloor: true})
		list := adopt(t, r)
		if len(list) != 1 || list[0].Err != nil {
			t.Fatalf("run %d: %+v", run, list)
		}
		file := readFile(t, list[0].Path)
		checkAdopted(t, file, last, publicOf(key))
		t.Logf("run %d: %d reported, %d recovered, %d bytes cut", run, last, list[0].Entries-1, list[0].Cut)
		if list := adopt(t, r); len(list) != 0 {
			t.Fatalf("run %d: adopted again: %+v", run, list)
		}
	}
}
