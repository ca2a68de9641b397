package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// checkFailed says what must hold after a fault: one error everywhere, nothing shown that is not recorded, never
// valid-complete, and after the next start valid-incomplete with all that was shown.
func checkFailed(t *testing.T, mem *recordertest.MemFS, rec pam.Recording, w *watcher, cause error) {
	t.Helper()
	if err := w.waitFailed(); !errors.Is(err, cause) {
		t.Fatalf("Failed(%v), want %v", err, cause)
	}
	for range 2 {
		if _, err := rec.Append(output(1)); !errors.Is(err, cause) {
			t.Fatalf("Append after the fault: %v, want %v", err, cause)
		}
		if err := rec.Close(context.Background(), endEntry(t, pam.EndRecordingFailed)); !errors.Is(err, cause) {
			t.Fatalf("Close after the fault: %v, want %v", err, cause)
		}
	}
	file := mem.Get(rec.Path())
	if rep := verify(t, file); rep.State == recorder.StateValidComplete {
		t.Fatalf("state is %v", rep.State)
	}
	entries, _, _, err := readAll(file)
	if _, broken := brokenAt(err); err != nil && !broken {
		t.Fatal(err)
	}
	if n := checkOutput(t, entries); n < w.last() {
		t.Fatalf("%d entries are in the file, %d were reported as written", n, w.last())
	}

	next := mem.Kill()
	if _, err := newRecorder(t, recorder.Config{FS: next}).Adopt(context.Background()); err != nil {
		t.Fatal(err)
	}
	file = next.Get(rec.Path())
	if rep := verify(t, file); rep.State != recorder.StateValidIncomplete || rep.Seal == nil || rep.SignedEntries != rep.Entries {
		t.Fatalf("after the next start: %v at %d (%v)", rep.State, rep.At, rep.Cause)
	}
	entries, _, seal, err := readAll(file)
	if err != nil || seal.Complete {
		t.Fatalf("after the next start: %v, %+v", err, seal)
	}
	if n := checkOutput(t, entries); n < w.last() {
		t.Fatalf("after the next start %d entries are in the file, %d were reported as written", n, w.last())
	}
}

// The disk is full at the n-th write, for good or for once, and takes none, a part or nearly all of it.
func TestRecording_S03_DiskFullAtNthWrite(t *testing.T) {
	for n := 1; n <= 200; n++ {
		var fault error = syscall.ENOSPC
		if n%3 != 0 {
			fault = &recordertest.Torn{Bytes: n * 7 % 90, Err: syscall.ENOSPC}
		}
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem}
		if n%2 == 0 {
			faults.FailFrom(recordertest.OpWrite, n, fault)
		} else {
			faults.Hook = func(c recordertest.Call) error {
				if c.Op == recordertest.OpWrite && c.N == n {
					return fault
				}
				return nil
			}
		}
		r := newRecorder(t, recorder.Config{FS: faults, SyncBytes: 4 << 10, CheckpointBytes: 3 << 10})
		w := newWatcher(t)
		rec, err := r.Open(context.Background(), meta("full"), w)
		if n == 1 {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("Open with a full disk: %v", err)
			}
			if names, _ := mem.List(); len(names) != 0 {
				t.Fatalf("a failed Open left %q", names)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := uint64(1); i <= 200; i++ {
			if _, err = rec.Append(output(i)); err != nil {
				break
			}
			if err = w.wait(i); err != nil {
				break
			}
		}
		if err == nil {
			t.Fatalf("n = %d: no error", n)
		}
		checkFailed(t, mem, rec, w, syscall.ENOSPC)
		if n%2 == 1 { // the disk works again: the recorder itself seals what it has
			if rep := verify(t, mem.Get(rec.Path())); rep.State != recorder.StateValidIncomplete || rep.Seal == nil || rep.Seal.End.Reason != pam.EndRecordingFailed {
				t.Fatalf("n = %d: %v (%v), %+v; want sealed as incomplete", n, rep.State, rep.Cause, rep.Seal)
			}
		}
	}
}

// The same under load, where many entries share a write.
func TestRecording_S03_DiskFullUnderLoad(t *testing.T) {
	for n := 2; n <= 30; n += 4 {
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem}
		faults.FailFrom(recordertest.OpWrite, n, &recordertest.Torn{Bytes: n * 31, Err: syscall.ENOSPC})
		r := newRecorder(t, recorder.Config{FS: faults, CheckpointBytes: 64 << 10})
		rec, w := open(t, r, "load")
		for i := uint64(1); ; i++ {
			if _, err := rec.Append(output(i)); err != nil {
				break
			}
			if i > w.last()+2000 {
				if err := w.wait(i - 1000); err != nil {
					break
				}
			}
		}
		checkFailed(t, mem, rec, w, syscall.ENOSPC)
	}
}

func TestRecording_S03_ErrorOfSync(t *testing.T) {
	for n := 2; n <= 12; n++ { // the first sync is Open's
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem}
		faults.FailFrom(recordertest.OpSync, n, syscall.EIO)
		r := newRecorder(t, recorder.Config{FS: faults, SyncBytes: 4 << 10})
		rec, w := open(t, r, "eio")
		for i := uint64(1); i <= 2000; i++ {
			if _, err := rec.Append(output(i)); err != nil {
				break
			}
			if err := w.wait(i); err != nil {
				break
			}
		}
		checkFailed(t, mem, rec, w, syscall.EIO)
		if got := faults.Count(recordertest.OpSync); got > n+1 {
			t.Errorf("after sync %d failed there were %d more; want only that of the seal", n, got-n)
		}
	}
}

// A write that was under way when a sync failed must not lead to another sync, which might say yes.
func TestRecording_S03_NoSyncAfterAFailedOne(t *testing.T) {
	mem := recordertest.NewMemFS()
	inWrite, failed := make(chan struct{}), make(chan struct{})
	faults := &recordertest.FaultFS{Next: mem}
	faults.Hook = func(c recordertest.Call) error {
		switch {
		case c.Op == recordertest.OpSync && c.N == 2:
			<-inWrite
			return syscall.EIO
		case c.Op == recordertest.OpWrite && c.N == 3:
			close(inWrite)
			<-failed
		}
		return nil
	}
	r := newRecorder(t, recorder.Config{FS: faults, SyncBytes: 64 << 10})
	rec, w := open(t, r, "after")
	big := pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: noise(40 << 10)} // over half a window: syncs at once
	appendEntry(t, rec, big)
	if err := w.wait(1); err != nil {
		t.Fatal(err)
	}
	big.Data = big.Data[:20<<10] // fits beside it, so it is written meanwhile
	appendEntry(t, rec, big)
	if err := w.waitFailed(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Failed(%v)", err)
	}
	close(failed)
	if err := rec.Close(context.Background(), endEntry(t, pam.EndRecordingFailed)); !errors.Is(err, syscall.EIO) {
		t.Errorf("Close: %v", err)
	}
	if p := rec.Progress(); p.Durable != 0 {
		t.Errorf("durable is %d after the only sync failed", p.Durable)
	}
	if n := faults.Count(recordertest.OpSync); n != 3 {
		t.Errorf("%d syncs; want the header's, the failed one and that of the seal", n)
	}
}

func TestRecording_S03_ErrorOfSeal(t *testing.T) {
	for _, op := range []recordertest.Op{recordertest.OpWrite, recordertest.OpSync, recordertest.OpTruncate, recordertest.OpClose} {
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem}
		r := newRecorder(t, recorder.Config{FS: faults})
		rec, w := open(t, r, "seal")
		appendEntry(t, rec, output(1))
		if err := w.wait(1); err != nil {
			t.Fatal(err)
		}
		next := faults.Count(op) + 1
		if op == recordertest.OpWrite {
			next++ // the end entry goes through, the seal does not
		}
		faults.FailFrom(op, next, syscall.EIO)
		if err := rec.Close(context.Background(), endEntry(t, pam.EndRemoteLogoff)); !errors.Is(err, syscall.EIO) {
			t.Errorf("%v fails: Close returned %v", op, err)
		}
		if err := w.failure(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%v fails: Failed(%v)", op, err)
		}
	}
}

func TestOpen_S03_RefusesWithoutRoomOrHeader(t *testing.T) {
	for _, op := range []recordertest.Op{
		recordertest.OpCreate, recordertest.OpReserve, recordertest.OpWrite, recordertest.OpSync, recordertest.OpRename,
		recordertest.OpSyncDir, recordertest.OpFree,
	} {
		mem := recordertest.NewMemFS()
		faults := &recordertest.FaultFS{Next: mem}
		faults.FailFrom(op, 1, syscall.EROFS)
		r := newRecorder(t, recorder.Config{FS: faults})
		if _, err := r.Open(context.Background(), meta("no"), newWatcher(t)); !errors.Is(err, syscall.EROFS) {
			t.Errorf("%v fails: Open returned %v", op, err)
		}
		if names, _ := mem.List(); len(names) != 0 {
			t.Errorf("%v fails: Open left %q", op, names)
		}
	}
	mem := recordertest.NewMemFS()
	mem.SetFree(recorder.DefaultFreeFloor - 1)
	r := newRecorder(t, recorder.Config{FS: mem})
	if _, err := r.Open(context.Background(), meta("no"), newWatcher(t)); !errors.Is(err, recorder.ErrNoSpace) {
		t.Errorf("below the floor: Open returned %v", err)
	}
}

// A recording that runs into the floor fails while everything that was shown still fits.
func TestRecording_S03_FreeSpaceFloor(t *testing.T) {
	mem := recordertest.NewMemFS()
	r := newRecorder(t, recorder.Config{FS: mem, SyncBytes: 4 << 10})
	rec, w := open(t, r, "floor")
	mem.SetFree(1 << 20)
	for i := uint64(1); ; i++ {
		if _, err := rec.Append(output(i)); err != nil {
			break
		}
		if err := w.wait(i); err != nil {
			break
		}
	}
	if rec.Progress().Stored > 256<<10 {
		t.Errorf("%d bytes were written below the floor", rec.Progress().Stored)
	}
	checkFailed(t, mem, rec, w, recorder.ErrNoSpace)
	if rep := verify(t, mem.Get(rec.Path())); rep.State != recorder.StateValidIncomplete || rep.Seal == nil {
		t.Errorf("%v (%v), seal %+v; want it sealed with the room that was reserved", rep.State, rep.Cause, rep.Seal)
	}
}

func TestOpen_S03_GivesUpWithContext(t *testing.T) {
	mem := recordertest.NewMemFS()
	release := make(chan struct{})
	held := make(chan struct{})
	faults := &recordertest.FaultFS{Next: mem, Hook: func(c recordertest.Call) error {
		if c.Op == recordertest.OpSync {
			close(held)
			<-release
		}
		return nil
	}}
	r := newRecorder(t, recorder.Config{FS: faults})
	ctx, cancel := context.WithCancelCause(context.Background())
	gone := errors.New("the user has gone")
	go func() { <-held; cancel(gone) }()
	if _, err := r.Open(ctx, meta("slow"), newWatcher(t)); !errors.Is(err, gone) {
		t.Fatalf("Open returned %v", err)
	}
	close(release)
	if err := r.Close(context.Background()); err != nil { // waits for the Open that was left alone
		t.Fatal(err)
	}
	if names, _ := mem.List(); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
}

func TestOpen_S03_RefusesBadMeta(t *testing.T) {
	r := newRecorder(t, recorder.Config{FS: recordertest.NewMemFS()})
	for _, id := range []string{"", string(make([]byte, 257)), "\xff"} {
		if _, err := r.Open(context.Background(), meta(id), newWatcher(t)); err == nil {
			t.Errorf("session id %q: no error", id)
		}
	}
	big := meta("big")
	big.Rules = []string{string(make([]byte, 1<<20))}
	if _, err := r.Open(context.Background(), big, newWatcher(t)); err == nil {
		t.Error("header of over 1 MiB: no error")
	}
}

func TestAppend_S03_WhatDoesNotFitFails(t *testing.T) {
	for name, e := range map[string]pam.Entry{
		"kind":        {},
		"data":        {Kind: pam.EntryFrame, Data: make([]byte, 4<<20+1)},
		"participant": {Kind: pam.EntryFrame, Participant: pam.ParticipantID(make([]byte, 257))},
	} {
		mem := recordertest.NewMemFS()
		rec, w := open(t, newRecorder(t, recorder.Config{FS: mem}), "odd")
		appendEntry(t, rec, output(1))
		if _, err := rec.Append(e); !errors.Is(err, recorder.ErrEntry) {
			t.Errorf("%s: Append returned %v", name, err)
		}
		checkFailed(t, mem, rec, w, recorder.ErrEntry)
	}
}

func TestRecording_S02_Modes(t *testing.T) {
	dir := t.TempDir() + "/new"
	r := newRecorder(t, recorder.Config{Dir: dir, InsecureNoFreeFloor: true})
	rec, _ := open(t, r, "modes")
	defer closeRecording(t, rec, pam.EndRemoteLogoff)
	checkMode(t, dir, fs.ModeDir|0o700)
	checkMode(t, rec.Path(), 0o600)
	if got, want := fmt.Sprint(rec.Progress()), fmt.Sprint(recorder.Progress{Stored: rec.Progress().Stored}); got != want {
		t.Errorf("progress of a new recording: %s, want %s", got, want)
	}
}
