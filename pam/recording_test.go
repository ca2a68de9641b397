package pam_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestRecord_S03_E6_OpenFails: without a recording there is no connect, whatever goes wrong with it.
func TestRecord_S03_E6_OpenFails(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault pamtest.Fault
	}{
		{"error", pamtest.Fault{Err: errFake}},
		{"hangs", pamtest.Fault{Block: true}},
		{"panic", pamtest.Fault{Panic: errFake}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, func(c *pam.Config) {
				if tc.fault.Block {
					c.Limits.Connect = 50 * time.Millisecond
				}
			})
			r.recorded()
			r.recorder.At("Open", 1, tc.fault)
			p := r.alice()
			id := p.start()
			pg := p.attach(id)
			want := pam.CodeRecordingFailed
			if tc.fault.Panic != nil {
				want = pam.CodeInternal
			}
			if got := pg.awaitEnd(); got != want {
				t.Errorf("page: %q, want %q", got, want)
			}
			if info := r.completed(id); info.Code != want {
				t.Errorf("info = %+v", info)
			}
			if n := r.protocol.Calls("Connect"); n != 0 {
				t.Errorf("%d connects without a recording", n)
			}
		})
	}
}

// TestRecord_E6_NoRecorder: a session that must be recorded is refused where nothing can record it.
func TestRecord_E6_E5_NoRecorder(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Recorder = nil })
	r.recorded()
	st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{})
	if st != 403 || code(body) != pam.CodeRecordingFailed {
		t.Errorf("%d %v", st, body)
	}
	if evs := r.events.Events(); len(evs) != 1 || evs[0].Verb != pam.DenySession || evs[0].Code != pam.CodeRecordingFailed {
		t.Errorf("events %+v", evs)
	}
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	r.begin() // Allow: no recording is wanted
}

// TestRecord_S03_OpensBeforeConnect: the order, and what binds the recording to its session.
func TestRecord_S03_OpensBeforeConnect(t *testing.T) {
	r := newRig(t)
	r.recorded()
	open := make(chan struct{})
	r.recorder.At("Open", 1, pamtest.Fault{Gate: open})
	p := r.alice()
	id := p.start()
	pg := p.attach(id)
	pg.awaitState("launching")
	r.awaitCalls(&r.recorder.Faults, "Open", 1)
	if n := r.protocol.Calls("Connect"); n != 0 {
		t.Errorf("%d connects before the recording was open", n)
	}
	close(open)
	pg.awaitState("active")
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := rec.Meta
	if m.Session != id || m.Asset != asset1 || m.User != "alice" || m.UserName != "ALICE" || m.Protocol != "ssh" ||
		m.Size != (pam.Size{Cols: 100, Rows: 30}) || len(m.Rules) != 1 || m.Policy == 0 || m.Started.IsZero() {
		t.Errorf("meta = %+v", m)
	}
	if got := rec.Entries(); len(got) == 0 || got[0].Kind != pam.EntryJoin {
		t.Errorf("entries %+v, want a join first", got)
	}
}

// TestRecord_S03_FaultMidSession: after the fault nothing typed reaches the target, and everybody hears why.
func TestRecord_S03_FaultMidSession(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(r *rig, rec *pamtest.Recording, pg *page)
	}{
		{"the recorder says so", func(_ *rig, rec *pamtest.Recording, _ *page) { rec.Break(errFake) }},
		{"the entry of an input fails", func(r *rig, _ *pamtest.Recording, pg *page) {
			r.recorder.At("Append", 0, pamtest.Fault{Err: errFake})
			pg.key("before the end")
		}},
		{"the entry of an output fails", func(r *rig, _ *pamtest.Recording, _ *page) {
			r.recorder.At("Append", 0, pamtest.Fault{Err: errFake})
			c := r.target(1)
			_ = c.Output(r.ctx, "never shown")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.recorded()
			id, pg, c := r.begin()
			rec, err := r.recorder.Recording(r.ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			r.say(c, "shown")
			pg.awaitOutput("shown")
			pg.key("good")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "good" }); err != nil {
				t.Fatal(err)
			}
			tc.do(r, rec, pg)
			<-c.Closed()
			pg.key("bad")
			if got := pg.awaitEnd(); got != pam.CodeRecordingFailed {
				t.Errorf("page: %q", got)
			}
			info := r.completed(id)
			if info.Reason != pam.EndRecordingFailed || info.Code != pam.CodeRecordingFailed {
				t.Errorf("info = %+v", info)
			}
			evs := r.events.Events(pam.CompleteSession)
			if len(evs) != 1 || evs[0].Reason != pam.EndRecordingFailed || evs[0].Detail == "" {
				t.Errorf("events %+v", evs)
			}
			if got := c.Typed(); got != "good" {
				t.Errorf("typed %q", got)
			}
			if strings.Contains(pg.all.String(), "never shown") {
				t.Errorf("shown %q", pg.all.String())
			}
		})
	}
}

// TestRecord_S03_AnyAppend makes each append of a session fail in turn: what reached the target was recorded.
func TestRecord_S03_AnyAppend(t *testing.T) {
	for nth := 1; nth <= 8; nth++ {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			inner := &pamtest.Recorder{}
			faulty := &pamtest.FaultRecorder{Recorder: inner}
			faulty.At("Append", nth, pamtest.Fault{Err: errFake})
			r := newRig(t, func(c *pam.Config) { c.Recorder = faulty })
			r.recorded()
			p := r.alice()
			id := p.start()
			pg := p.attach(id)
			if nth > 1 {
				c := r.target(1)
				pg.awaitState("active")
				for i := range 8 {
					pg.key(fmt.Sprint(i))
					_ = c.Output(r.ctx, "x")
				}
			}
			if got := pg.awaitEnd(); got != pam.CodeRecordingFailed {
				t.Errorf("page: %q", got)
			}
			if info := r.completed(id); info.Reason != pam.EndRecordingFailed {
				t.Errorf("info = %+v", info)
			}
			if nth == 1 {
				if n := r.protocol.Calls("Connect"); n != 0 {
					t.Errorf("%d connects", n)
				}
				return
			}
			rec, _ := inner.Recording(r.ctx, 1)
			c := r.target(1)
			if typed, entries := len(c.Inputs()), len(rec.Entries(pam.EntryInput)); typed > entries {
				t.Errorf("%d inputs at the target, %d recorded", typed, entries)
			}
			if shown := pg.all.String(); !strings.HasPrefix(rec.Output(), shown) {
				t.Errorf("shown %q, recorded %q", shown, rec.Output())
			}
		})
	}
}

// writtenOf returns what a recording had written when Written was asked: its output, and how many inputs.
func writtenOf(rec *pamtest.Recording) (output string, inputs int) {
	n := rec.Written()
	for i, e := range rec.Entries() {
		if uint64(i) >= n {
			break
		}
		switch {
		case e.Kind == pam.EntryFrame && e.Frame == pam.FrameOutput:
			output += string(e.Data)
		case e.Kind == pam.EntryInput:
			inputs++
		}
	}
	return output, inputs
}

// TestRecord_S03_S27_ShownIsAPrefixOfWritten runs random schedules of output, input and a recorder that stops and goes on:
// at every moment the page has seen, and the target has got, no more than is written.
func TestRecord_S03_S27_ShownIsAPrefixOfWritten(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { pamtest.Unthrottle(&c.Limits) })
	r.recorded()
	nth := 0
	rapid.Check(t, func(rt *rapid.T) {
		nth++
		p := r.alice()
		id := p.start()
		pg := p.attach(id)
		c := r.target(nth)
		pg.awaitState("active")
		rec, err := r.recorder.Recording(r.ctx, nth)
		if err != nil {
			rt.Fatal(err)
		}
		check := func() {
			pg.mu.Lock()
			shown := pg.all.String()
			pg.mu.Unlock()
			typed := len(c.Inputs())
			written, inputs := writtenOf(rec)
			if !strings.HasPrefix(written, shown) {
				rt.Fatalf("shown %q, written %q", shown, written)
			}
			if typed > inputs {
				rt.Fatalf("%d inputs at the target, %d written", typed, inputs)
			}
		}
		said, keys := "", 0
		for i, what := range rapid.SliceOfN(rapid.IntRange(0, 3), 1, 30).Draw(rt, "schedule") {
			switch what {
			case 0:
				text := fmt.Sprintf("<%d>", i)
				said += text
				r.say(c, text)
			case 1:
				pg.key("k")
				keys++
			case 2:
				rec.Hold(true)
			case 3:
				rec.Hold(false)
			}
			check()
		}
		rec.Hold(false)
		pg.awaitOutput(said)
		if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Inputs()) == keys }); err != nil {
			rt.Fatalf("%d of %d inputs", len(c.Inputs()), keys)
		}
		check()
		pg.send(frame.Frame{Kind: frame.Disconnect})
		if got := pg.awaitEnd(); got != pam.CodeUserDisconnect {
			rt.Fatalf("end %q", got)
		}
	})
}

// TestRecord_S27_SlowRecorder: output waits, the target is slowed, memory stays bounded, and after the limit the
// session ends. A recorder that is only slow does not end it.
func TestRecord_S27_SlowRecorder(t *testing.T) {
	const backlog = 64 << 10
	flood := func(r *rig, c *pamtest.Conn) (sent int, err error) {
		block := strings.Repeat("x", 4<<10)
		for sent = 0; sent < 10*backlog; sent += len(block) {
			if err := c.Output(r.ctx, block); err != nil {
				return sent, err
			}
		}
		return sent, nil
	}
	t.Run("stopped under load", func(t *testing.T) {
		r := newRig(t, func(c *pam.Config) { c.Limits.Backlog, c.Limits.RecorderLag = backlog, 50*time.Millisecond })
		r.recorded()
		id, pg, c := r.begin()
		rec, _ := r.recorder.Recording(r.ctx, 1)
		rec.Hold(true)
		sent, err := flood(r, c)
		if err == nil || sent > backlog+8<<10 {
			t.Errorf("the target could say %d bytes (%v), the backlog is %d", sent, err, backlog)
		}
		if got := pg.awaitEnd(); got != pam.CodeRecordingFailed {
			t.Errorf("page: %q", got)
		}
		if n := pg.all.Len(); n != 0 {
			t.Errorf("%d bytes shown, none is written", n)
		}
		rec.Hold(false)
		if info := r.completed(id); info.Reason != pam.EndRecordingFailed {
			t.Errorf("info = %+v", info)
		}
	})
	t.Run("stopped in silence", func(t *testing.T) {
		r := newRig(t, func(c *pam.Config) { c.Limits.RecorderLag = 50 * time.Millisecond })
		r.recorded()
		_, pg, c := r.begin()
		rec, _ := r.recorder.Recording(r.ctx, 1)
		rec.Hold(true)
		r.say(c, "a word")
		if got := pg.awaitEnd(); got != pam.CodeRecordingFailed {
			t.Errorf("page: %q", got)
		}
		rec.Hold(false)
	})
	t.Run("stopped at an input", func(t *testing.T) {
		r := newRig(t, func(c *pam.Config) { c.Limits.RecorderLag = 50 * time.Millisecond })
		r.recorded()
		_, pg, c := r.begin()
		rec, _ := r.recorder.Recording(r.ctx, 1)
		rec.Hold(true)
		pg.key("x")
		if got := pg.awaitEnd(); got != pam.CodeRecordingFailed {
			t.Errorf("page: %q", got)
		}
		if got := c.Typed(); got != "" {
			t.Errorf("typed %q", got)
		}
		rec.Hold(false)
	})
	t.Run("only slow", func(t *testing.T) {
		r := newRig(t, func(c *pam.Config) { c.Limits.Backlog = backlog })
		r.recorded()
		_, pg, c := r.begin()
		rec, _ := r.recorder.Recording(r.ctx, 1)
		rec.Hold(true)
		done := make(chan error, 1)
		go func() { _, err := flood(r, c); done <- err }()
		for len(rec.Entries(pam.EntryFrame))*4<<10 < backlog/2 && r.ctx.Err() == nil {
			runtime.Gosched()
		}
		rec.Hold(false)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		r.say(c, "end")
		pg.awaitOutput("end")
	})
}

// TestRecord_R4_KeysForTheRecorderAlone: what an adapter gives as echoed keystrokes is stored only where keyboard is
// Record, and never shown. Input itself is stored as its length.
func TestRecord_R4_KeysForTheRecorderAlone(t *testing.T) {
	for _, val := range []pam.Value{pam.Allow, pam.Record} {
		t.Run(val.String(), func(t *testing.T) {
			r := newRig(t)
			if r.recorded(); val == pam.Record {
				r.recorded(pam.Keyboard)
			}
			_, pg, c := r.begin()
			pg.key("typed-by-hand")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() != "" }); err != nil {
				t.Fatal(err)
			}
			if err := c.Emit(r.ctx, pam.Frame{Kind: pam.FrameKeys, Payload: []byte("echoed-keys")}); err != nil {
				t.Fatal(err)
			}
			r.say(c, "output")
			pg.awaitOutput("output")
			rec, _ := r.recorder.Recording(r.ctx, 1)
			if got := len(rec.Entries(pam.EntryKeys)); got != map[pam.Value]int{pam.Allow: 0, pam.Record: 1}[val] {
				t.Errorf("%d entries of keys", got)
			}
			for _, e := range rec.Entries() {
				if e.Kind != pam.EntryKeys && strings.Contains(string(e.Data), "echoed-keys") || strings.Contains(string(e.Data), "typed-by-hand") {
					t.Errorf("entry %+v", e)
				}
			}
			in := rec.Entries(pam.EntryInput)
			if len(in) != 1 || string(in[0].Data) != `{"kind":"key","length":13}` || in[0].Participant == "" {
				t.Errorf("inputs %+v", in)
			}
			if strings.Contains(pg.all.String(), "keys") {
				t.Errorf("shown %q", pg.all.String())
			}
		})
	}
}

// TestRecord_I8_Clipboard: a paste and a copy where the declaration says Record.
func TestRecord_I8_I6_Clipboard(t *testing.T) {
	r := newRig(t)
	r.recorded(pam.ClipboardUpload, pam.ClipboardDownload)
	id, pg, c := r.begin()
	const up, down = "pasted text\nwith lines", "copied text"
	pg.send(frame.Frame{Kind: frame.Paste, Flags: frame.FlagBracketed, Payload: []byte(up)})
	pg.send(frame.Frame{Kind: frame.Copied, Payload: []byte(down)})
	if _, err := r.events.Await(r.ctx, pam.DownloadClipboard, 1); err != nil {
		t.Fatal(err)
	}
	pg.key("x")
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "x" }); err != nil {
		t.Fatal(err)
	}
	if got := c.Pastes(); len(got) != 1 || got[0].Text != up || !got[0].Bracketed {
		t.Errorf("pastes %+v", got)
	}
	rec, _ := r.recorder.Recording(r.ctx, 1)
	entries := rec.Entries(pam.EntryEvent)
	if len(entries) != 2 {
		t.Fatalf("%d events in the recording, want 2", len(entries))
	}
	for i, want := range []pam.SessionEvent{
		{Type: "clipboard_upload", Direction: "up", Length: len(up), SHA256: "?", Text: up},
		{Type: "clipboard_download", Direction: "down", Length: len(down), SHA256: "?", Text: down},
	} {
		var got pam.SessionEvent
		if err := json.Unmarshal(entries[i].Data, &got); err != nil {
			t.Fatal(err)
		}
		if len(got.SHA256) != 64 {
			t.Errorf("hash %q", got.SHA256)
		}
		if got.SHA256 = "?"; got != want {
			t.Errorf("event %d = %+v", i, got)
		}
	}
	for _, e := range r.events.Events(pam.UploadClipboard, pam.DownloadClipboard) {
		if e.Session != id || e.User != "alice" || strings.Contains(e.Detail, "text") || !strings.Contains(e.Detail, "sha256") {
			t.Errorf("event %+v", e)
		}
	}
}

// TestRecord_AllowOpensNoRecording: Allow on web_session opens no recording, whatever else says Record.
func TestRecord_AllowOpensNoRecording(t *testing.T) {
	r := newRig(t)
	r.policy.Set("alice", asset1, pamtest.Recorded(pamtest.Permit(pam.RoleViewer, everything...), pam.Keyboard, pam.ClipboardUpload))
	_, pg, c := r.begin()
	pg.send(frame.Frame{Kind: frame.Paste, Payload: []byte("p")})
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Pastes()) == 1 }); err != nil {
		t.Fatal(err)
	}
	if n := r.recorder.Calls("Open"); n != 0 {
		t.Errorf("%d recordings", n)
	}
	if n := len(r.events.Events(pam.UploadClipboard)); n != 1 {
		t.Errorf("%d clipboard events, want 1", n)
	}
}
