package pam_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestRecordPointer_R2_R4: a recording says where somebody has moved the pointer and who, but not what was pressed; its key frames say it
// again, or where the target has moved it since.
func TestRecordPointer_R2_R4(t *testing.T) {
	r := newRig(t)
	r.recorded()
	_, pg, c := r.begin()
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	events := []byte{1, 0, 0, 10, 0, 20, 0, 0 /* a move */, 2, 0x81, 1, 2, 3, 4, 0, 0 /* a button */}
	for i, payload := range [][]byte{events, {1, 2, 3}, {0}} {
		pg.send(frame.Frame{Kind: frame.Pointer, Payload: payload})
		if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Inputs()) == i+1 }); err != nil {
			t.Fatal(err)
		}
	}
	var got []pam.InputEntry
	for _, e := range rec.Entries(pam.EntryInput) {
		var in pam.InputEntry
		if err := json.Unmarshal(e.Data, &in); err != nil || e.Participant == "" {
			t.Fatalf("entry %s of %q: %v", e.Data, e.Participant, err)
		}
		got = append(got, in)
	}
	if len(got) != 3 || got[0].X == nil || *got[0].X != 0x102 || *got[0].Y != 0x304 || got[0].Length != len(events) || got[1].X != nil || got[2].Y != nil {
		t.Errorf("entries %+v", got)
	}

	// last waits for another key frame, and returns what it ends with.
	keys := 0
	part := strings.Repeat("x", 128<<10)
	last := func() (e pam.Entry) {
		for {
			r.say(c, part)
			now := 0
			for _, entry := range rec.Entries() {
				if entry.Flags&pam.FlagRepeat == 0 {
					continue
				}
				if e = entry; e.Flags&pam.FlagKey != 0 {
					now++
				}
			}
			if now > keys {
				keys = now
				return e
			}
		}
	}
	if e := last(); e.Kind != pam.EntryInput || !strings.Contains(string(e.Data), `"x":258,"y":772`) {
		t.Errorf("a key frame ends with %v %s", e.Kind, e.Data[:min(len(e.Data), 80)])
	}
	moved := []byte{4, 0, 1, 0, 2}
	for _, payload := range [][]byte{moved, {1}, nil} { // the last two move nothing
		if err := c.Emit(r.ctx, pam.Frame{Kind: pam.FrameCursor, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	if e := last(); e.Kind != pam.EntryFrame || e.Frame != pam.FrameCursor || string(e.Data) != string(moved) {
		t.Errorf("a key frame ends with %v %v", e.Kind, e.Frame)
	}
}
