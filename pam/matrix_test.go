package pam

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/pam/internal/frame"
)

// The neighbours of a broker that the tests of its inside need: package pamtest cannot be imported from here.
type neighbours struct{}

func (neighbours) Asset(context.Context, AssetID) (Asset, error) { return Asset{}, ErrNotFound }

func (neighbours) Field(context.Context, FieldRequest) (Secret, error)   { return Secret{}, ErrNoField }
func (neighbours) Grants(context.Context, Query) (Grants, error)         { return Grants{}, nil }
func (neighbours) Write(context.Context, Event) error                    { return nil }
func (neighbours) Name() string                                          { return "none" }
func (neighbours) Params() []Param                                       { return nil }
func (neighbours) Connect(context.Context, ConnectRequest) (Conn, error) { return nil, ErrClosed }
func (neighbours) identify(*http.Request) (Identity, error)              { return Identity{}, ErrUnauthenticated }
func (neighbours) SessionPage(http.ResponseWriter, *http.Request, Page)  {}
func (neighbours) Assets() http.Handler                                  { return http.NotFoundHandler() }

// insideBroker is a broker whose sessions the test makes and moves by hand.
func insideBroker(t testing.TB) *Broker {
	t.Helper()
	n := neighbours{}
	b, err := New(Config{
		Identify: n.identify, Inventory: n, Vault: n, Policy: n, Events: n, Store: NewMemoryStore(), Protocols: []Protocol{n}, UI: n,
		Origins: []string{"https://pam.example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// callConn notes which of its methods are called.
type callConn struct {
	mu    sync.Mutex
	calls []string
}

func (c *callConn) note(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, name)
	return nil
}

func (c *callConn) Run(ctx context.Context, _ Sink) error { <-ctx.Done(); return context.Cause(ctx) }
func (c *callConn) Close(context.Context) error           { return nil }
func (c *callConn) Resize(context.Context, Size) error    { return c.note("resize") }
func (c *callConn) Paste(context.Context, Paste) error    { return c.note("paste") }
func (c *callConn) Input(_ context.Context, in Input) error {
	return c.note(inputNames[in.Kind])
}

// insideSession is a session in the given state with one participant, whose page is there or not.
func insideSession(t testing.TB, b *Broker, st State, m Mode, attached bool, caps Declarations) (*viewer, *callConn) {
	t.Helper()
	s, err := b.newSession(Identity{User: "u", LoginID: "l"}, evaluation{protocol: neighbours{}, grants: Grants{Declarations: caps}}, nil, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	conn := &callConn{}
	s.state, s.conn, s.running = st, conn, true
	p := s.owner
	if m != ModeOwner {
		if p, err = b.newParticipant(Identity{User: "u2", LoginID: "l2"}, m, Grants{Declarations: caps}, netip.Addr{}); err != nil {
			t.Fatal(err)
		}
		if code := s.admit(p); code != "" {
			t.Fatal(code)
		}
	}
	v := newViewer(s, p, nil)
	if attached {
		p.viewer = v
	}
	t.Cleanup(func() { v.cancel(nil); s.cancel(ErrClosed) })
	return v, conn
}

// sample is a valid frame of each kind that a client may send after its hello.
var sample = map[frame.Kind]frame.Frame{
	frame.Key:        {Kind: frame.Key, Payload: []byte("x")},
	frame.Pointer:    {Kind: frame.Pointer, Payload: []byte{1}},
	frame.Resize:     {Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 132, Rows: 43})},
	frame.Paste:      {Kind: frame.Paste, Payload: []byte("text")},
	frame.Copied:     {Kind: frame.Copied, Payload: []byte("text")},
	frame.Ack:        {Kind: frame.Ack, Payload: frame.AppendAck(nil, 0)},
	frame.Visible:    {Kind: frame.Visible, Payload: []byte{1}},
	frame.Listen:     {Kind: frame.Listen, Payload: []byte{1}},
	frame.Disconnect: {Kind: frame.Disconnect},
	frame.Probe:      {Kind: frame.Probe, Payload: make([]byte, 8)},
}

// reaches is what must come through to the target, said once more and independently of the table in the code: the
// call, the declaration that it needs, and who may.
var reaches = map[frame.Kind]struct {
	call  string
	needs Declaration
	modes []Mode
}{
	frame.Key:     {"key", Keyboard, []Mode{ModeOwner, ModeParticipate}},
	frame.Pointer: {"pointer", Keyboard, []Mode{ModeOwner, ModeParticipate}},
	frame.Resize:  {"resize", "", []Mode{ModeOwner}},
	frame.Paste:   {"paste", ClipboardUpload, []Mode{ModeOwner, ModeParticipate}},
	// Nothing of these goes to a target.
	frame.Copied: {}, frame.Ack: {}, frame.Visible: {}, frame.Disconnect: {}, frame.Probe: {}, frame.Listen: {},
}

// permitting says for each state whether operations reach the target: never, or while the page is attached.
var permitting = map[State]bool{
	StateRequested: false, StateLaunching: false, StateConnecting: false, StateActive: true, StateSuspended: false,
	StateReconnecting: true, StateEnding: false, StateCompleted: false,
}

// TestMatrix_S04_S23_EveryStateModeOperation sends each kind of frame in each state, as each mode, with the page
// attached and replaced, and with all declarations, none, and all but the one that is needed.
func TestMatrix_S04_S23_EveryStateModeOperation(t *testing.T) {
	b := insideBroker(t)
	all := Declarations{}
	for _, d := range constants[Declaration](t, "grants.go", "Declaration") {
		all[d] = Allow
	}
	cases := 0
	for _, st := range constants[State](t, "session.go", "State") {
		permitted, ok := permitting[st]
		if !ok {
			t.Errorf("state %q has no row", st)
		}
		for _, m := range constants[Mode](t, "session.go", "Mode") {
			for kind, f := range sample {
				row, ok := reaches[kind]
				if !ok {
					t.Errorf("%v has no row", kind)
				}
				for _, attached := range []bool{true, false} {
					for _, caps := range []string{"all", "none", "all but needed"} {
						decl := all
						switch caps {
						case "none":
							decl = nil
						case "all but needed":
							decl = without(all, row.needs)
						}
						want := permitted && attached && row.call != "" && slices.Contains(row.modes, m) &&
							(row.needs == "" || decl[row.needs] == Allow)
						cases++
						v, conn := insideSession(t, b, st, m, attached, decl)
						dropped := b.met.droppedOps.Count()
						err := v.dispatch(f)
						v.work.Wait()
						if err != nil && !(kind == frame.Disconnect && errors.Is(err, errLeft)) {
							t.Errorf("%v: %v", kind, err)
						}
						name := fmt.Sprintf("%v in %s as %s, attached %v, capabilities %s", kind, st, m, attached, caps)
						if got := slices.Contains(conn.calls, row.call); got != want || len(conn.calls) > 1 {
							t.Errorf("%s: target got %q, want it to %v", name, conn.calls, want)
						}
						if row.call != "" {
							early := kind == frame.Resize && m == ModeOwner && attached && (st == StateLaunching || st == StateConnecting)
							if counted := b.met.droppedOps.Count() > dropped; counted == (want || early) {
								t.Errorf("%s: dropped operation counted: %v", name, counted)
							}
						}
					}
				}
			}
		}
	}
	if cases < 8*3*8*2*3 {
		t.Errorf("only %d cases", cases)
	}
}

// TestMatrix_S23_EveryClientKindHasARow: a kind that the codec learns to read must be an operation of the table or
// be known here as none, and the table may hold no kind that cannot come in.
func TestMatrix_S23_EveryClientKindHasARow(t *testing.T) {
	noOperation := []frame.Kind{frame.Hello, frame.Ack, frame.Visible, frame.Probe, frame.Listen}
	for n := range 256 {
		kind := frame.Kind(n)
		_, err := frame.SplitClient(frame.Append(nil, frame.Frame{Kind: kind}))
		known := err == nil || !strings.Contains(err.Error(), "unknown kind")
		_, op := operations[kind]
		if known != (op || slices.Contains(noOperation, kind)) {
			t.Errorf("%v: known to the codec %v, in the table of operations %v", kind, known, op)
		}
		if known && kind != frame.Hello && sample[kind].Kind != kind {
			t.Errorf("%v has no sample in this test", kind)
		}
	}
	for k, op := range operations {
		if op.name != k.String() {
			t.Errorf("%v is called %q in the table", k, op.name)
		}
	}
}

// TestMatrix_S23_HelloOutOfPlace: nothing that is no operation is dispatched.
func TestMatrix_S23_HelloOutOfPlace(t *testing.T) {
	v, _ := insideSession(t, insideBroker(t), StateActive, ModeOwner, true, Declarations{Keyboard: Allow})
	for n := range 256 {
		kind := frame.Kind(n)
		if _, ok := sample[kind]; ok {
			continue
		}
		if err := v.dispatch(frame.Frame{Kind: kind, Payload: []byte("{}")}); !errors.Is(err, frame.ErrViolation) {
			t.Errorf("%v: %v, want a violation", kind, err)
		}
	}
}

// TestMatrix_I26_ReplacedPageEndsNothing: only the owner's present page may end the session.
func TestMatrix_I26_ReplacedPageEndsNothing(t *testing.T) {
	b := insideBroker(t)
	for _, tc := range []struct {
		mode     Mode
		attached bool
		ends     bool
	}{
		{ModeOwner, true, true}, {ModeOwner, false, false}, {ModeParticipate, true, false}, {ModeMonitor, true, false},
	} {
		v, _ := insideSession(t, b, StateActive, tc.mode, tc.attached, nil)
		err := v.dispatch(sample[frame.Disconnect])
		if ended := v.s.ctx.Err() != nil; ended != tc.ends || errors.Is(err, errLeft) == tc.ends {
			t.Errorf("%s, attached %v: session ended %v, err %v", tc.mode, tc.attached, ended, err)
		}
	}
}

// TestMatrix_I7_OutgoingFramesNeedTheirDeclaration: what a target emits is held back where the decision says so.
func TestMatrix_I7_OutgoingFramesNeedTheirDeclaration(t *testing.T) {
	b := insideBroker(t)
	needs := map[FrameKind]Declaration{FrameClipboard: ClipboardDownload, FrameAudio: Audio}
	for _, k := range []FrameKind{FrameOutput, FrameScreen, FrameCursor, FrameClipboard, FrameAudio, FrameNotice} {
		for _, val := range []Value{Deny, Allow, Record, 7} {
			v, _ := insideSession(t, b, StateActive, ModeOwner, true, Declarations{needs[k]: val})
			want := needs[k] == "" || val == Allow || val == Record
			if got := v.p.mayReceive(k); got != want {
				t.Errorf("kind %#x with %v: %v, want %v", uint8(k), val, got, want)
			}
		}
	}
}

func without(all Declarations, d Declaration) Declarations {
	out := Declarations{}
	for k, v := range all {
		if k != d {
			out[k] = v
		}
	}
	return out
}

// constants returns the values of all string constants of one type in a file of this package: the enum itself, so
// that a new value cannot be forgotten here.
func constants[T ~string](t testing.TB, file, typ string) []T {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			vs, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			if id, ok := vs.Type.(*ast.Ident); !ok || id.Name != typ {
				continue
			}
			for _, v := range vs.Values {
				lit, ok := v.(*ast.BasicLit)
				if !ok {
					continue
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, T(text))
			}
		}
	}
	if len(out) < 2 {
		t.Fatalf("%s: found %d constants of type %s", file, len(out), typ)
	}
	return out
}

// TestQueue_S39_LastWordReachesThePage: a job that fails because its session has begun to end does not cut the page off,
// which is still to hear why; one that fails by itself does.
func TestQueue_S39_LastWordReachesThePage(t *testing.T) {
	b := insideBroker(t)
	fault := errors.New("fault")
	for _, ending := range []bool{true, false} {
		v, _ := insideSession(t, b, StateActive, ModeOwner, true, nil)
		if ending { // the moment in finish before the context ends
			v.s.mu.Lock()
			v.s.end = &End{Reason: EndRecordingFailed}
			v.s.mu.Unlock()
		}
		v.enqueue(0, func() error { return fault })
		v.work.Wait()
		if cut := errors.Is(context.Cause(v.ctx), fault); cut == ending {
			t.Errorf("session ending %v: page cut off %v", ending, cut)
		}
	}
}
