package recorder_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// jumping is a time of day that is set between readings: an hour back, then two days forward, and so on.
type jumping struct {
	now time.Time
	n   int
}

func (j *jumping) Now() time.Time {
	j.n++
	if j.n%2 == 1 {
		j.now = j.now.Add(-time.Hour)
	} else {
		j.now = j.now.Add(48 * time.Hour)
	}
	return j.now
}

// jumped is a recording over which the time of day was set, with a word on it in the middle, and the times of day of its checkpoints.
func jumped(t *testing.T, fs *recordertest.MemFS) (path string, entries int) {
	t.Helper()
	clk := &jumping{now: started}
	r := newRecorder(t, recorder.Config{FS: fs, Key: testKey("gateway"), CheckpointBytes: 4 << 10, Now: clk.Now})
	rec, w := open(t, r, "jumped")
	step, err := json.Marshal(pam.SessionEvent{Type: pam.EventClock, Wall: started.Add(-time.Hour).Format(time.RFC3339Nano), Step: -3_600_000})
	if err != nil {
		t.Fatal(err)
	}
	const n = 60
	for i := uint64(1); i <= n; i++ {
		e := output(i)
		if i == n/2 {
			e = pam.Entry{Kind: pam.EntryEvent, At: e.At, Data: step}
		}
		if err := w.wait(appendEntry(t, rec, e)); err != nil {
			t.Fatal(err)
		}
	}
	closeRecording(t, rec, pam.EndUserDisconnect)
	return rec.Path(), n + 1
}

// TestRecording_S38_ClockJumps: a recording over which the time of day was set back and forth verifies as complete, and plays and exports in the
// order of its entries by times that only grow.
func TestRecording_S38_ClockJumps(t *testing.T) {
	fs := recordertest.NewMemFS()
	path, n := jumped(t, fs)
	file := fs.Get(path)
	rep := verify(t, file)
	if rep.State != recorder.StateValidComplete || rep.Entries != uint64(n) || rep.Seal == nil {
		t.Fatalf("%v, %d entries, %v", rep.State, rep.Entries, rep.Cause)
	}
	if !rep.Seal.Wall.Equal(rep.Seal.Sealed) || rep.Seal.At != time.Hour {
		t.Errorf("the seal's anchor is %v at %v", rep.Seal.Wall, rep.Seal.At)
	}

	p, err := replayOf(t, recordertest.NewMemFS(), file)
	if err != nil {
		t.Fatal(err)
	}
	played, _ := segmentsOf(t, p)
	if len(played) != n || p.Report().Duration != time.Hour || p.Report().State != pam.RecordingComplete {
		t.Fatalf("%d entries played, %+v", len(played), p.Report())
	}
	last := time.Duration(0)
	for i, e := range played[:n-1] {
		if want := output(uint64(i) + 1); e.At != want.At || e.At < last {
			t.Fatalf("entry %d at %v, want %v", i+1, e.At, want.At)
		}
		last = e.At
	}
	castOf(t, file) // fails when a time goes back
}

// TestRecording_S38_CheckpointsAreAnchors: each signature says which time of day it was at which time of the recording, so that it shows between
// which two of them the clock was set.
func TestRecording_S38_CheckpointsAreAnchors(t *testing.T) {
	fs := recordertest.NewMemFS()
	path, _ := jumped(t, fs)
	var anchors []recorder.Checkpoint
	for _, c := range chunksOf(t, fs.Get(path)) {
		if c[0] != 'C' && c[0] != 'S' {
			continue
		}
		body := c[28 : len(c)-32-64-4] // FORMAT.md: head, body, signature, length, link
		var a recorder.Checkpoint
		if err := json.Unmarshal(body, &a); err != nil {
			t.Fatal(err)
		}
		anchors = append(anchors, a)
	}
	if len(anchors) < 3 {
		t.Fatalf("%d anchors", len(anchors))
	}
	var back, forward bool
	for i := 1; i < len(anchors); i++ {
		at, wall := anchors[i].At-anchors[i-1].At, anchors[i].Wall.Sub(anchors[i-1].Wall)
		if at < 0 {
			t.Errorf("anchor %d: the recording's time goes back by %v", i, -at)
		}
		back, forward = back || wall < 0, forward || wall > at+time.Hour
	}
	if !back || !forward {
		t.Errorf("the steps do not show in %+v", anchors)
	}
}

// TestAdopter_S38_ClockSetBack: what a crash has left is sealed by a start whose clock is years behind, and still verifies; the true end is the
// time of the last entry.
func TestAdopter_S38_ClockSetBack(t *testing.T) {
	const n = 8
	whole := sample(t, "old", n, testKey("gateway"))
	parts := chunksOf(t, whole)
	cut := len(whole) - len(parts[len(parts)-1]) - len(parts[len(parts)-2]) // the seal, and the end before it
	fs := recordertest.NewMemFS()
	fs.Put("old.sprec", whole[:cut])
	r := newRecorder(t, recorder.Config{FS: fs, Key: testKey("gateway"), Now: func() time.Time { return started.AddDate(-5, 0, 0) }})
	if list := adopt(t, r); len(list) != 1 || list[0].Err != nil {
		t.Fatalf("adopted %+v", list)
	}
	file := fs.Get("old.sprec")
	checkAdopted(t, file, n)
	rep := verify(t, file)
	if !rep.Seal.Sealed.Before(started) || rep.Seal.At != output(n).At {
		t.Errorf("sealed %v at %v", rep.Seal.Sealed, rep.Seal.At)
	}
	entries, _, _, err := readAll(file)
	if err != nil {
		t.Fatal(err)
	}
	if end := entries[len(entries)-1]; end.At != output(n).At {
		t.Errorf("the end is at %v, want the time of the last entry", end.At)
	}
}
