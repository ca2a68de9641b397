package recorder_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// replayOf returns what a recorder that trusts the test's key makes of a file.
func replayOf(t testing.TB, fs *recordertest.MemFS, file []byte) (pam.Replay, error) {
	t.Helper()
	r := newRecorder(t, recorder.Config{FS: fs, Key: testKey("gateway")})
	fs.Put("a.sprec", file)
	return r.Replay(t.Context(), "a.sprec")
}

// segmentsOf reads all segments of a replay, entry by entry.
func segmentsOf(t testing.TB, p pam.Replay) (out []pam.Entry, starts []int) {
	t.Helper()
	for n := range p.Segments() {
		starts = append(starts, len(out))
		err := p.Segment(t.Context(), n, func(e pam.Entry) error {
			e.Data = bytes.Clone(e.Data)
			out = append(out, e)
			return nil
		})
		if err != nil {
			t.Fatalf("segment %d: %v", n, err)
		}
	}
	return out, starts
}

// film is a recording with key frames at odd places, resizes and a time that goes back once.
func film(t testing.TB) []byte {
	t.Helper()
	fs := recordertest.NewMemFS()
	r := newRecorder(t, recorder.Config{FS: fs, Key: testKey("gateway"), CheckpointBytes: 64 << 10})
	rec, _ := open(t, r, "film")
	payload := make([]byte, 20<<10)
	at := func(i int) time.Duration { return time.Duration(i) * 100 * time.Millisecond }
	for i := range 300 {
		for k := range payload {
			payload[k] = byte(i * k >> 3)
		}
		e := pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameScreen, At: at(i), Data: bytes.Clone(payload)}
		switch {
		case i%70 == 35:
			e.Flags = pam.FlagKey
		case i == 100:
			size, err := json.Marshal(pam.ResizeEntry{Cols: 90, Rows: 30, Width: 900, Height: 600})
			if err != nil {
				t.Fatal(err)
			}
			e = pam.Entry{Kind: pam.EntryResize, At: at(i), Data: size}
		case i == 200:
			e.At = 0
		case i > 200:
			e.At += time.Minute
		}
		appendEntry(t, rec, e)
	}
	closeRecording(t, rec, pam.EndUserDisconnect)
	return fs.Get(rec.Path())
}

// TestReplay_R2_SegmentsAreTheRecording: the segments together are all entries in their order, key frames begin segments that say
// so, and times only grow.
func TestReplay_R2_SegmentsAreTheRecording(t *testing.T) {
	file := film(t)
	want, h, _, err := readAll(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := replayOf(t, recordertest.NewMemFS(), file)
	if err != nil {
		t.Fatal(err)
	}
	rep := p.Report()
	if rep.State != pam.RecordingComplete || rep.Entries != uint64(len(want)) || rep.Live || rep.End == nil || rep.Meta.Session != h.Meta.Session ||
		rep.Stored != int64(len(file)) || rep.Signed != rep.Duration {
		t.Errorf("report %+v", rep)
	}
	got, starts := segmentsOf(t, p)
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	now := time.Duration(0)
	for i, e := range got {
		if e.At < now {
			t.Errorf("entry %d goes back to %v from %v", i, e.At, now)
		}
		now = e.At
		e.At = want[i].At
		if !sameEntry(e, want[i]) {
			t.Fatalf("entry %d is another one", i)
		}
	}
	if rep.Duration != now {
		t.Errorf("duration %v, the last entry is at %v", rep.Duration, now)
	}
	keys := 0
	for n, s := range p.Segments() {
		first := got[starts[n]]
		if s.At != first.At || s.Key != (n == 0 || first.Flags&pam.FlagKey != 0) {
			t.Errorf("segment %d: %+v, its first entry %v %v", n, s, first.At, first.Flags)
		}
		if s.Key && n > 0 {
			keys++
			if want := s.At > 10*time.Second; (s.Size.Cols == 90) != want {
				t.Errorf("segment %d at %v: size %+v", n, s.At, s.Size)
			}
		}
	}
	if keys != 4 || len(starts) < 6 {
		t.Errorf("%d key frames, %d segments", keys, len(starts))
	}
	if len(rep.Idle) != 2 || rep.Idle[0].To-rep.Idle[0].From < time.Minute {
		t.Errorf("idle %v", rep.Idle)
	}
}

// TestReplay_R5_S24_S44_NothingBeyondWhatHolds: whatever is changed in a recording, what is played is a beginning of it, no longer
// than Verify says.
func TestReplay_R5_S24_S44_NothingBeyondWhatHolds(t *testing.T) {
	file := sample(t, "flip", 22, testKey("gateway"))
	want, _, _, err := readAll(file)
	if err != nil {
		t.Fatal(err)
	}
	step := 7
	for i := 0; i < len(file); i += step {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		p, err := replayOf(t, recordertest.NewMemFS(), bad)
		if err != nil {
			t.Fatalf("byte %d: %v", i, err)
		}
		rep := p.Report()
		if rep.State != pam.RecordingBroken || rep.BrokenAt > int64(i) {
			t.Fatalf("byte %d: %s at %d", i, rep.State, rep.BrokenAt)
		}
		got, _ := segmentsOf(t, p)
		if uint64(len(got)) != rep.Entries || len(got) > len(want) {
			t.Fatalf("byte %d: %d entries are played, %d hold", i, len(got), rep.Entries)
		}
		for k := range got {
			if !sameEntry(got[k], want[k]) {
				t.Fatalf("byte %d: entry %d is another one", i, k)
			}
		}
	}
}

// TestReplay_S24_ChangedWhileItIsPlayed: what has changed since the check is not played, even where the chain was computed anew.
func TestReplay_S24_ChangedWhileItIsPlayed(t *testing.T) {
	fs := recordertest.NewMemFS()
	file := film(t)
	p, err := replayOf(t, fs, file)
	if err != nil {
		t.Fatal(err)
	}
	other := sample(t, "other", 22, testKey("gateway"))
	for name, bad := range map[string][]byte{"flipped": flipped(file, len(file)/2), "cut": file[:len(file)/2], "another": other} {
		fs.Put("a.sprec", bad)
		refused := 0
		for n := range p.Segments() {
			var seen int
			err := p.Segment(t.Context(), n, func(pam.Entry) error { seen++; return nil })
			if err != nil {
				refused++
				if seen != 0 {
					t.Errorf("%s: segment %d gave %d entries before it was refused", name, n, seen)
				}
			}
		}
		if refused == 0 {
			t.Errorf("%s: all of it was played", name)
		}
	}
	if _, err := p.Report(), p.Segment(t.Context(), 1<<20, nil); !errors.Is(err, pam.ErrNotFound) {
		t.Errorf("a segment that is none: %v", err)
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// TestReplay_R2_WhileItIsRecorded: a recording that is being written is played as far as it is.
func TestReplay_R2_WhileItIsRecorded(t *testing.T) {
	fs := recordertest.NewMemFS()
	r := newRecorder(t, recorder.Config{FS: fs, Key: testKey("gateway")})
	rec, w := open(t, r, "live")
	var last uint64
	for i := range uint64(5) {
		last = appendEntry(t, rec, output(i+1))
	}
	if err := w.wait(last); err != nil {
		t.Fatal(err)
	}
	p, err := r.Replay(t.Context(), rec.Path())
	if err != nil {
		t.Fatal(err)
	}
	if rep := p.Report(); !rep.Live || rep.State != pam.RecordingIncomplete || rep.Entries != last {
		t.Errorf("report %+v", rep)
	}
	if got, _ := segmentsOf(t, p); uint64(len(got)) != last {
		t.Errorf("%d entries, want %d", len(got), last)
	}
	closeRecording(t, rec, pam.EndUserDisconnect)
	for _, path := range []string{"none.sprec", "../" + rec.Path(), ""} {
		if _, err := r.Replay(t.Context(), path); !errors.Is(err, pam.ErrNotFound) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
