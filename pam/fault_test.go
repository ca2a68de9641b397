package pam_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// asking is a protocol that fetches a password when it connects, as real ones do.
type asking struct{ *pamtest.Protocol }

func (a asking) Connect(ctx context.Context, q pam.ConnectRequest) (pam.Conn, error) {
	if _, err := q.Field(ctx, pam.FieldPassword); err != nil {
		return nil, &pam.TargetError{Code: pam.CodeTargetAuthFailed, Err: err}
	}
	return a.Protocol.Connect(ctx, q)
}

// trapStore is a memory store of which one method panics once.
type trapStore struct {
	pam.Store
	mu   sync.Mutex
	trap string
	with any
}

func (s *trapStore) spring(method string) {
	s.mu.Lock()
	hit := s.trap == method
	if hit {
		s.trap = ""
	}
	s.mu.Unlock()
	if hit {
		panic(s.with)
	}
}

func (s *trapStore) set(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trap = method
}

func (s *trapStore) PutSession(ctx context.Context, i pam.SessionInfo) error {
	s.spring("PutSession")
	if i.State == pam.StateCompleted {
		s.spring("PutSession completed")
	}
	return s.Store.PutSession(ctx, i)
}

func (s *trapStore) PutTicket(ctx context.Context, h pam.TicketHash, t pam.Ticket) error {
	s.spring("PutTicket")
	return s.Store.PutTicket(ctx, h, t)
}

func (s *trapStore) TakeTicket(ctx context.Context, h pam.TicketHash) (pam.Ticket, error) {
	s.spring("TakeTicket")
	return s.Store.TakeTicket(ctx, h)
}

func (s *trapStore) DropTickets(ctx context.Context, f pam.TicketFilter) error {
	s.spring("DropTickets")
	return s.Store.DropTickets(ctx, f)
}

func (s *trapStore) Params(ctx context.Context, u pam.UserID, a pam.AssetID) (pam.Params, error) {
	s.spring("Params")
	return s.Store.Params(ctx, u, a)
}

func (s *trapStore) PutParams(ctx context.Context, u pam.UserID, a pam.AssetID, p pam.Params) error {
	s.spring("PutParams")
	return s.Store.PutParams(ctx, u, a, p)
}

// TestPanic_S28_AnyCallback makes each method of everything that a host gives panic, in turn, in one session, while
// another one is live. The other goes on, a third one can be started, and the panic's value is in no log.
func TestPanic_S28_AnyCallback(t *testing.T) {
	const canary = "canary/panic/value/of/a/secret"
	type trap struct {
		name string
		set  func(r *rig, s *trapStore, v *pamtest.Vault)
	}
	at := func(f func(r *rig) *pamtest.Faults, method string, nth int) func(*rig, *trapStore, *pamtest.Vault) {
		return func(r *rig, _ *trapStore, _ *pamtest.Vault) {
			f(r).At(method, nth, pamtest.Fault{Panic: canary})
		}
	}
	protocol := func(r *rig) *pamtest.Faults { return &r.protocol.Faults }
	recorder := func(r *rig) *pamtest.Faults { return &r.recorder.Faults }
	// The numbers count the calls of the session that runs before.
	traps := []trap{
		{"Protocol.Connect", at(protocol, "Connect", 2)},
		{"Conn.Run", at(protocol, "Run", 2)},
		{"Conn.Input", at(protocol, "Input", 1)},
		{"Conn.Resize", at(protocol, "Resize", 1)},
		{"Conn.Paste", at(protocol, "Paste", 1)},
		{"Conn.KeyFrame", at(protocol, "KeyFrame", 1)},
		{"Conn.Close", at(protocol, "Close", 1)},
		{"Recorder.Open", at(recorder, "Open", 2)},
		{"Recording.Close", at(recorder, "Close", 1)},
		{"Policy.Grants at attach", func(r *rig, _ *trapStore, _ *pamtest.Vault) {
			r.policy.At("Grants", r.policy.Calls("Grants")+1, pamtest.Fault{Panic: canary})
		}},
		{"Inventory.Asset at attach", func(r *rig, _ *trapStore, _ *pamtest.Vault) {
			r.inventory.At("Asset", r.inventory.Calls("Asset")+1, pamtest.Fault{Panic: canary})
		}},
		{"Vault.Field", func(_ *rig, _ *trapStore, v *pamtest.Vault) { v.At("Field", 2, pamtest.Fault{Panic: canary}) }},
		{"EventSink.Write", func(r *rig, _ *trapStore, _ *pamtest.Vault) {
			r.events.At("Write", r.events.Calls("Write")+1, pamtest.Fault{Panic: canary})
		}},
		{"Recording.Append of the join", func(r *rig, _ *trapStore, _ *pamtest.Vault) {
			r.recorder.At("Append", r.recorder.Calls("Append")+1, pamtest.Fault{Panic: canary})
		}},
		{"Recording.Append later", func(r *rig, _ *trapStore, _ *pamtest.Vault) {
			r.recorder.At("Append", r.recorder.Calls("Append")+3, pamtest.Fault{Panic: canary})
		}},
	}
	for _, m := range []string{"PutSession completed", "PutTicket", "TakeTicket", "DropTickets"} {
		traps = append(traps, trap{"Store." + m, func(_ *rig, s *trapStore, _ *pamtest.Vault) { s.set(m) }})
	}
	for _, tr := range traps {
		t.Run(tr.name, func(t *testing.T) {
			store := &trapStore{Store: pam.NewMemoryStore(), with: canary}
			vault := &pamtest.Vault{}
			vault.Set(asset1, pam.FieldPassword, "password")
			r := newRig(t, func(c *pam.Config) {
				c.Store, c.Vault = store, vault
				c.Protocols = []pam.Protocol{asking{c.Protocols[0].(*pamtest.Protocol)}}
			})
			r.recorded()
			_, bystander, c := r.begin()
			p := r.alice()
			id := p.start()
			tr.set(r, store, vault)
			r.drive(id)
			r.awaitLive(1)
			info, err := r.broker.Session(r.ctx, id)
			if err != nil || info.State != pam.StateCompleted {
				t.Errorf("info = %+v, %v", info, err)
			}
			r.say(c, "alive")
			bystander.awaitOutput("alive")
			bystander.key("k")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "k" }); err != nil {
				t.Fatal(err)
			}
			third := p.attach(p.start())
			third.awaitState("active")
			if tr.name == "Recording.Close" { // the fake's own goroutine, which a panic has left behind
				rec, _ := r.recorder.Recording(r.ctx, 2)
				rec.Break(errFake)
			}
			if log := r.log.String(); strings.Contains(log, canary) {
				t.Errorf("the log holds the panic's value")
			} else if !strings.Contains(log, "panic") {
				t.Errorf("the trap was not sprung")
			}
		})
	}
}

// drive takes a session through all that a page can do, whatever goes wrong, and to its end.
func (r *rig) drive(id pam.SessionID) {
	p := r.alice()
	open := func() *page {
		st, body := p.call("POST", "api/session/"+string(id)+"/attach", map[string]any{})
		if st != http.StatusOK {
			return nil
		}
		return p.attachWith(id, body["ticket"].(string))
	}
	for range 3 {
		pg := open()
		if pg == nil {
			continue
		}
		pg.await("active or gone", func() bool {
			return pg.state["state"] == "active" || pg.end != nil || pg.closed != ""
		})
		for _, c := range r.conns() {
			if c.Request.Session != id {
				continue
			}
			_ = c.Output(r.ctx, "output")
			before := len(c.Typed())
			pg.send(frame.Frame{Kind: frame.Paste, Payload: []byte("p")})
			pg.send(frame.Frame{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 99, Rows: 9})})
			pg.key("k") // all of it has arrived when this has
			ctx, cancel := context.WithCancel(r.ctx)
			var wg sync.WaitGroup
			wg.Go(func() {
				select {
				case <-pg.done:
				case <-c.Closed():
				case <-ctx.Done():
				}
				cancel()
			})
			_ = c.Await(ctx, func(c *pamtest.Conn) bool { return len(c.Typed()) > before })
			cancel()
			wg.Wait()
		}
	}
	_, _ = p.call("POST", "api/session/"+string(id)+"/end", map[string]any{})
}

// conns returns the connections made so far.
func (r *rig) conns() (out []*pamtest.Conn) {
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	for nth := 1; ; nth++ {
		c, err := r.protocol.Conn(ctx, nth)
		if err != nil {
			return out
		}
		out = append(out, c)
	}
}

// TestPanic_S28_AtStart: the same for what is called by the request itself: it answers an error and takes no slot.
func TestPanic_S28_AtStart(t *testing.T) {
	const canary = "canary/panic/value/of/a/secret"
	for _, where := range []string{"Asset", "Grants", "Write", "Params of the protocol", "PutSession", "Params", "PutParams"} {
		t.Run(where, func(t *testing.T) {
			store := &trapStore{Store: pam.NewMemoryStore(), with: canary}
			r := newRig(t, func(c *pam.Config) { c.Store, c.Limits.PerUser = store, 1 })
			f := pamtest.Fault{Panic: canary}
			switch where {
			case "Asset":
				r.inventory.At(where, 1, f)
			case "Grants":
				r.policy.At(where, 1, f)
			case "Write":
				r.events.At(where, 1, f)
			case "Params of the protocol":
				r.protocol.At("Params", r.protocol.Calls("Params")+1, f)
			default:
				store.set(where)
			}
			status, want := http.StatusInternalServerError, pam.CodeInternal
			if where == "Write" { // whatever becomes of an event that is not written, nothing is done
				status, want = http.StatusServiceUnavailable, pam.CodeAuditFailed
			}
			if st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{}); st != status || code(body) != want {
				t.Errorf("%d %v", st, body)
			}
			r.alice().start() // the only slot is free again
			if strings.Contains(r.log.String(), canary) {
				t.Error("the log holds the panic's value")
			}
		})
	}
}

// TestAudit_S31_EachWriteFails runs the same story again and again, each time with another write of the sink failing: what has
// no event did not happen.
func TestAudit_S31_EachWriteFails(t *testing.T) {
	for nth := 1; nth <= 7; nth++ {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			r := newRig(t)
			r.recorded(pam.ClipboardUpload, pam.ClipboardDownload)
			r.policy.Set("bob", asset1, pamtest.Permit(pam.RoleViewer))
			r.events.At("Write", nth, pamtest.Fault{Err: errFake})
			p := r.alice()
			// 1: a refusal, which stays one
			if st, body := r.person("bob", "b").call("POST", "api/asset/server-1/sessions", map[string]any{}); st != http.StatusForbidden {
				t.Errorf("bob: %d %v", st, body)
			}
			// 2: a start
			st, body := p.call("POST", "api/asset/server-1/sessions", map[string]any{})
			if nth == 2 {
				if st != http.StatusServiceUnavailable || code(body) != pam.CodeAuditFailed {
					t.Errorf("start: %d %v", st, body)
				}
				if list, _ := r.broker.Sessions(r.ctx, pam.SessionFilter{}); len(list) != 0 || r.broker.Health().Live != 0 {
					t.Errorf("a session without an event: %v", list)
				}
				if n := r.protocol.Calls("Connect") + r.recorder.Calls("Open"); n != 0 {
					t.Errorf("%d calls to recorder and target", n)
				}
				return
			}
			if st != http.StatusCreated {
				t.Fatalf("start: %d %v", st, body)
			}
			id := pam.SessionID(body["id"].(string))
			pg := p.attach(id)
			c := r.target(1)
			pg.awaitState("active")
			// 3: a paste
			pg.send(frame.Frame{Kind: frame.Paste, Payload: []byte("p")})
			pg.key("after")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "after" }); err != nil {
				t.Fatal(err)
			}
			if got, want := len(c.Pastes()), len(r.events.Events(pam.UploadClipboard)); got != want || (nth == 3) != (got == 0) {
				t.Errorf("%d pastes at the target, %d events", got, want)
			}
			// 4: a termination
			err := r.broker.Terminate(r.ctx, admin, id, "text")
			if (err != nil) != (nth == 4) {
				t.Errorf("Terminate: %v", err)
			}
			if nth == 4 {
				r.say(c, "goes on")
				pg.awaitOutput("goes on")
				pg.send(frame.Frame{Kind: frame.Disconnect})
			}
			// 5: the end, which happens whatever the sink says
			pg.awaitEnd()
			<-c.Closed()
			r.awaitLive(0)
			info, err := r.broker.Session(r.ctx, id)
			if err != nil || info.State != pam.StateCompleted {
				t.Errorf("info %+v, %v", info, err)
			}
			if n := len(r.events.Events(pam.CompleteSession)); (n == 0) != (nth == 5) {
				t.Errorf("%d Complete Session events", n)
			}
			if nth == 5 {
				if !strings.Contains(r.log.String(), "audit event not written") {
					t.Error("the log does not say that an event was not written")
				}
				if err := r.broker.Shutdown(r.ctx); err != nil { // or a moment later by itself
					t.Error(err)
				}
				if n := len(r.events.Events(pam.CompleteSession)); n != 1 {
					t.Errorf("%d Complete Session events after the shutdown, want 1", n)
				}
			}
			checkSequence(t, r.events.Events())
		})
	}
}

// TestAudit_S31_SequenceUnderLoad: numbers have no gap, with many writers and a sink that fails now and then.
func TestAudit_S31_SequenceUnderLoad(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { pamtest.Unthrottle(&c.Limits) })
	for nth := 3; nth < 200; nth += 3 {
		r.events.At("Write", nth, pamtest.Fault{Err: errFake})
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, _ = r.broker.Start(r.ctx, pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{Asset: asset1})
			_, _ = r.broker.Start(r.ctx, pam.Identity{User: "mallory", LoginID: "l"}, pam.StartRequest{Asset: asset1})
		})
	}
	wg.Wait()
	if err := r.broker.EndUser(r.ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	r.awaitLive(0)
	events := r.events.Events()
	if len(events) < 100 {
		t.Errorf("%d events", len(events))
	}
	checkSequence(t, events)
}

// TestAudit_S31_NamesForgeNoLine: whatever people and assets are called, an event is one line of JSON without a control
// character, and reads back as it was.
func TestAudit_S31_NamesForgeNoLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a\nb", "a\r\n{\"seq\":1}", "\x1b[31mred\x1b]0;title\a", "\u2028\u2029", "\x00", "a\"b\\"})).Draw(t, "name")
		var out bytes.Buffer
		sink := pam.NewJSONEvents(&out)
		want := pam.Event{
			Seq: 1, At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Verb: pam.StartSession, User: pam.UserID(name), Login: name,
			Asset: pam.AssetID(name), Session: pam.SessionID(name), Detail: name, Rules: []string{name},
		}
		for range 2 {
			if err := sink.Write(context.Background(), want); err != nil {
				t.Fatal(err)
			}
		}
		lines := strings.Split(out.String(), "\n")
		if len(lines) != 3 || lines[2] != "" {
			t.Fatalf("%d lines: %q", len(lines), out.String())
		}
		if i := strings.IndexFunc(lines[0], func(r rune) bool { return r < ' ' }); i >= 0 {
			t.Fatalf("control character at %d of %q", i, lines[0])
		}
		var got pam.Event
		if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

// TestAudit_E5_DenialsAreEvents: a refused start leaves a Deny Session event with the rules that decided.
func TestAudit_E5_S31_DenialsAreEvents(t *testing.T) {
	r := newRig(t)
	g := pamtest.Permit(pam.RoleViewer)
	g.Rules = []string{"rule-7"}
	r.policy.Set("alice", asset1, g)
	p := r.alice()
	st, access := p.call("GET", "api/asset/server-1/access", nil)
	if st != http.StatusOK || access["code"] != string(pam.CodeProfileDenied) || len(access["capabilities"].(map[string]any)) != 0 {
		t.Errorf("access: %d %v", st, access)
	}
	if n := len(r.events.Events()); n != 0 {
		t.Errorf("asking left %d events", n)
	}
	st, body := p.call("POST", "api/asset/server-1/sessions", map[string]any{"reason": "why", "ticket_id": "T-1"})
	if st != http.StatusForbidden || code(body) != pam.CodeProfileDenied {
		t.Errorf("start: %d %v", st, body)
	}
	evs := r.events.Events()
	if len(evs) != 1 {
		t.Fatalf("events %+v", evs)
	}
	e := evs[0]
	if e.Verb != pam.DenySession || e.User != "alice" || e.Login != "login-1" || e.Asset != asset1 || e.Code != pam.CodeProfileDenied ||
		len(e.Rules) != 1 || e.Rules[0] != "rule-7" || e.Policy == 0 || e.ClientAddr != "127.0.0.1" || e.Detail != "reason: why; ticket: T-1" || e.At.IsZero() {
		t.Errorf("event %+v", e)
	}
	if s := fmt.Sprint(body); strings.Contains(s, "rule-7") {
		t.Errorf("the answer names the rule: %s", s)
	}
}

// TestJSONEvents_S31_WhatCannotBeSynced: a pipe takes events though it cannot be synced, and a closed one refuses them.
func TestJSONEvents_S31_WhatCannotBeSynced(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sink := pam.NewJSONEvents(w)
	if err := sink.Write(t.Context(), pam.Event{Verb: pam.StartSession}); err != nil {
		t.Errorf("into a pipe: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if line, err := io.ReadAll(r); err != nil || !bytes.Contains(line, []byte(`"Start Session"`)) {
		t.Errorf("read %q, %v", line, err)
	}
	if err := sink.Write(t.Context(), pam.Event{Verb: pam.StartSession}); err == nil {
		t.Error("a closed pipe takes an event")
	}
}
