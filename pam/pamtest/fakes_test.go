package pamtest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

var errBroken = errors.New("broken on purpose")

// sinkFunc is a pam.Sink.
type sinkFunc func(context.Context, pam.Frame) error

func (f sinkFunc) Emit(ctx context.Context, fr pam.Frame) error { return f(ctx, fr) }

func connect(t *testing.T, p *pamtest.Protocol) (pam.Conn, *pamtest.Conn) {
	t.Helper()
	got, err := p.Connect(t.Context(), pam.ConnectRequest{Session: "s1"})
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	c, err := p.Conn(t.Context(), p.Calls("Connect"))
	if err != nil {
		t.Fatalf("Conn: %v", err)
	}
	return got, c
}

func TestConnCarriesFramesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pamtest.Protocol{}
		conn, target := connect(t, p)
		gate := make(chan struct{})
		var out []string
		ran := make(chan error, 1)
		go func() {
			ran <- conn.Run(t.Context(), sinkFunc(func(ctx context.Context, f pam.Frame) error {
				select {
				case <-gate:
				case <-ctx.Done():
				}
				out = append(out, string(f.Payload))
				return nil
			}))
		}()
		emitted := make(chan error, 1)
		go func() { emitted <- target.Output(t.Context(), "hello") }()
		synctest.Wait()
		select {
		case err := <-emitted:
			t.Fatalf("Emit returned %v while the sink held back", err)
		default:
		}
		frames, n, err := target.KeyFrame(t.Context())
		if err != nil || n != 1 || len(frames) != 1 || string(frames[0].Payload) != "hello" || frames[0].Flags != pam.FlagKey {
			t.Errorf("KeyFrame = %v, %d, %v; want hello as frame 1, with the key flag", frames, n, err)
		}
		close(gate)
		if err := <-emitted; err != nil {
			t.Errorf("Emit: %v", err)
		}
		want := &pam.End{Reason: pam.EndRemoteLogoff}
		target.End(want)
		target.End(nil) // the first counts
		if got := <-ran; got != error(want) {
			t.Errorf("Run = %v, want %v", got, want)
		}
		if err := target.Output(t.Context(), "late"); !errors.Is(err, pamtest.ErrConnClosed) {
			t.Errorf("Emit after the end: %v, want ErrConnClosed", err)
		}
		if diff := cmp.Diff([]string{"hello"}, out); diff != "" {
			t.Errorf("emitted (-want +got):\n%s", diff)
		}
	})
}

func TestConnKeepsWhatCameIn(t *testing.T) {
	conn, target := connect(t, &pamtest.Protocol{})
	data := []byte("ls\r")
	if err := conn.Input(t.Context(), pam.Input{Kind: pam.InputKey, Participant: "p1", Data: data}); err != nil {
		t.Fatal(err)
	}
	data[0] = 'X' // the broker reuses its buffer
	if got := target.Typed(); got != "ls\r" {
		t.Errorf("Typed() = %q, want %q", got, "ls\r")
	}
	if err := conn.(pam.Resizer).Resize(t.Context(), pam.Size{Cols: 80, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	if err := target.Await(t.Context(), func(c *pamtest.Conn) bool { return len(c.Sizes()) == 1 }); err != nil {
		t.Errorf("Await: %v", err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-target.Closed()
	if err := conn.Input(t.Context(), pam.Input{Kind: pam.InputKey}); !errors.Is(err, pamtest.ErrConnClosed) {
		t.Errorf("Input after Close: %v, want ErrConnClosed", err)
	}
	if err := conn.Run(t.Context(), nil); !errors.Is(err, pamtest.ErrConnClosed) {
		t.Errorf("Run after Close: %v, want ErrConnClosed", err)
	}
}

func TestPlainHasNoAbility(t *testing.T) {
	conn, _ := connect(t, &pamtest.Protocol{Wrap: pamtest.Plain})
	_, resizes := conn.(pam.Resizer)
	_, pastes := conn.(pam.Paster)
	_, frames := conn.(pam.KeyFramer)
	_, paces := conn.(pam.Pacer)
	if resizes || pastes || frames || paces {
		t.Errorf("abilities of a plain connection: %t %t %t %t, want none", resizes, pastes, frames, paces)
	}
}

func TestFaultsReachEveryMethod(t *testing.T) {
	ctx := t.Context()
	tests := map[string]func(pam.Conn) error{
		"Run":      func(c pam.Conn) error { return c.Run(ctx, nil) },
		"Input":    func(c pam.Conn) error { return c.Input(ctx, pam.Input{}) },
		"Close":    func(c pam.Conn) error { return c.Close(ctx) },
		"Resize":   func(c pam.Conn) error { return c.(pam.Resizer).Resize(ctx, pam.Size{}) },
		"Paste":    func(c pam.Conn) error { return c.(pam.Paster).Paste(ctx, pam.Paste{}) },
		"KeyFrame": func(c pam.Conn) error { _, _, err := c.(pam.KeyFramer).KeyFrame(ctx); return err },
	}
	for method, call := range tests {
		t.Run(method, func(t *testing.T) {
			p := &pamtest.Protocol{}
			p.At(method, 1, pamtest.Fault{Err: errBroken})
			conn, _ := connect(t, p)
			if err := call(conn); !errors.Is(err, errBroken) {
				t.Errorf("error: got %v, want the injected one", err)
			}
			p.Heal(method)
			p.At(method, 0, pamtest.Fault{Panic: "on purpose"})
			conn, _ = connect(t, p)
			func() {
				defer func() {
					if got := recover(); got != "on purpose" {
						t.Errorf("panic: got %v, want the injected one", got)
					}
				}()
				_ = call(conn)
			}()
			if got := p.Calls(method); got != 2 {
				t.Errorf("Calls(%s) = %d, want 2", method, got)
			}
		})
	}
	p := &pamtest.Protocol{}
	p.At("Connect", 1, pamtest.Fault{Err: errBroken})
	if _, err := p.Connect(ctx, pam.ConnectRequest{}); !errors.Is(err, errBroken) {
		t.Errorf("Connect: %v, want the injected error", err)
	}
}

func TestFaultBlockAndGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &pamtest.EventSink{}
		sink.At("Write", 1, pamtest.Fault{Block: true})
		gate := make(chan struct{})
		sink.At("Write", 2, pamtest.Fault{Gate: gate})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := sink.Write(ctx, pam.Event{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("blocked Write: %v, want the end of its context", err)
		}
		done := make(chan error)
		go func() { done <- sink.Write(t.Context(), pam.Event{Verb: pam.StartSession}) }()
		synctest.Wait()
		if got := len(sink.Events()); got != 0 {
			t.Errorf("%d events before the gate opened, want none", got)
		}
		close(gate)
		if err := <-done; err != nil {
			t.Errorf("Write after the gate: %v", err)
		}
		if got, err := sink.Await(t.Context(), pam.StartSession, 1); err != nil || len(got) != 1 {
			t.Errorf("Await = %v, %v; want one event", got, err)
		}
	})
}

func TestInventoryVaultPolicy(t *testing.T) {
	ctx := t.Context()
	in := pamtest.NewInventory(pam.Asset{ID: "a1", Name: "web"})
	if a, err := in.Asset(ctx, "a1"); err != nil || a.Name != "web" {
		t.Errorf("Asset = %v, %v; want web", a, err)
	}
	in.Remove("a1")
	if _, err := in.Asset(ctx, "a1"); !errors.Is(err, pam.ErrNotFound) {
		t.Errorf("Asset after Remove: %v, want ErrNotFound", err)
	}

	v := &pamtest.Vault{}
	v.Set("a1", pam.FieldPassword, "hunter2")
	ask := pam.FieldRequest{Asset: "a1", Field: pam.FieldPassword, User: "u1", Session: "s1"}
	if got, err := v.Field(ctx, ask); err != nil || got.Reveal() != "hunter2" {
		t.Errorf("Field = %v, %v; want the password", got, err)
	}
	if _, err := v.Field(ctx, pam.FieldRequest{Asset: "a1", Field: pam.FieldPrivateKey}); !errors.Is(err, pam.ErrNoField) {
		t.Errorf("Field that is not set: %v, want ErrNoField", err)
	}
	if got := v.Requests(); len(got) != 2 || got[0] != ask {
		t.Errorf("Requests() = %v, want both", got)
	}

	p := &pamtest.Policy{}
	q := pam.Query{User: "u1", Asset: "a1", Operation: pam.OpAccess}
	if g, err := p.Grants(ctx, q); err != nil || g.Permitted || g.Role != pam.RoleNone {
		t.Errorf("Grants of an empty policy = %v, %v; want nothing", g, err)
	}
	p.Set("u1", "a1", pamtest.Recorded(pamtest.Permit(pam.RoleViewer, pam.WebSession, pam.Keyboard), pam.WebSession))
	g, err := p.Grants(ctx, q)
	want := pam.Declarations{pam.WebSession: pam.Record, pam.Keyboard: pam.Allow}
	if err != nil || !g.Permitted || g.Version != 1 || !cmp.Equal(want, g.Declarations) {
		t.Errorf("Grants = %v, %v; want %v at version 1", g, err, want)
	}
	p.Revoke("u1", "a1")
	if g, _ := p.Grants(ctx, q); g.Permitted || g.Version != 2 {
		t.Errorf("Grants after Revoke = %v, want nothing at version 2", g)
	}
	if got := len(p.Queries()); got != 3 {
		t.Errorf("%d queries, want 3", got)
	}
}

// watcher records what a recording tells.
type watcher struct {
	mu      sync.Mutex // guards both
	written []uint64
	failed  []error
}

func (w *watcher) Written(i uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written = append(w.written, i)
}

func (w *watcher) Failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, err)
}

func (w *watcher) heard() ([]uint64, []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written, w.failed
}

func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := &pamtest.Recorder{}, &watcher{}
		rec, err := r.Open(t.Context(), pam.RecordingMeta{Session: "s1"}, w)
		if err != nil {
			t.Fatal(err)
		}
		mem, err := r.Recording(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		mem.Hold(true)
		for i := range 3 {
			data := []byte("abc")[i : i+1]
			if index, err := rec.Append(pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: data}); err != nil || index != uint64(i+1) {
				t.Errorf("Append = %d, %v; want %d", index, err, i+1)
			}
		}
		synctest.Wait()
		if got, _ := w.heard(); len(got) != 0 {
			t.Errorf("written %v while held, want nothing", got)
		}
		mem.Hold(false)
		synctest.Wait()
		if got, _ := w.heard(); !cmp.Equal(got, []uint64{3}) {
			t.Errorf("written %v, want 3", got)
		}
		if err := rec.Close(t.Context(), pam.Entry{Kind: pam.EntryEnd}); err != nil {
			t.Errorf("Close: %v", err)
		}
		if mem.Output() != "abc" || mem.End() == nil || mem.End().Kind != pam.EntryEnd {
			t.Errorf("recorded %q with end %v; want abc and an end", mem.Output(), mem.End())
		}
		if _, err := rec.Append(pam.Entry{}); !errors.Is(err, pamtest.ErrRecordingClosed) {
			t.Errorf("Append after Close: %v, want ErrRecordingClosed", err)
		}
	})
}

// Both recorders keep the contract of a failure: the error sticks, the watcher hears it once and nothing after it.
func TestRecorderFailure(t *testing.T) {
	inner := &pamtest.Recorder{}
	plain, wrapped := &pamtest.Recorder{}, &pamtest.FaultRecorder{Recorder: inner}
	plain.At("Append", 2, pamtest.Fault{Err: errBroken})
	wrapped.At("Append", 2, pamtest.Fault{Err: errBroken})
	for name, r := range map[string]pam.Recorder{"memory": plain, "wrapper": wrapped} {
		t.Run(name, func(t *testing.T) {
			w := &watcher{}
			rec, err := r.Open(t.Context(), pam.RecordingMeta{Session: "s1"}, w)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rec.Append(pam.Entry{}); err != nil {
				t.Errorf("first Append: %v", err)
			}
			for range 2 {
				if _, err := rec.Append(pam.Entry{}); !errors.Is(err, errBroken) {
					t.Errorf("later Append: %v, want the injected error", err)
				}
			}
			if err := rec.Close(t.Context(), pam.Entry{}); !errors.Is(err, errBroken) {
				t.Errorf("Close: %v, want the injected error", err)
			}
			if _, failed := w.heard(); len(failed) != 1 || !errors.Is(failed[0], errBroken) {
				t.Errorf("the watcher heard %v, want the injected error once", failed)
			}
		})
	}
	refusing := &pamtest.FaultRecorder{Recorder: inner}
	refusing.At("Open", 1, pamtest.Fault{Err: errBroken})
	if _, err := refusing.Open(t.Context(), pam.RecordingMeta{}, &watcher{}); !errors.Is(err, errBroken) {
		t.Errorf("Open: %v, want the injected error", err)
	}
}
