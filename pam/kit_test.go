package pam_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

// patience is how long a test waits for what must happen: it only ends tests that fail.
const patience = 2 * time.Minute

// rig is a broker over fakes, served over HTTP.
type rig struct {
	t         testing.TB
	broker    *pam.Broker
	server    *httptest.Server
	protocol  *pamtest.Protocol
	inventory *pamtest.Inventory
	policy    *pamtest.Policy
	recorder  *pamtest.Recorder
	events    *pamtest.EventSink
	store     pam.Store
	log       *pamtest.LogBuffer
	registry  metrics.Registry
	ctx       context.Context
}

// server-1 is an asset that alice may work on, recorded.
const asset1 = pam.AssetID("server-1")

// admin is who terminates sessions in tests.
var admin = pam.Identity{User: "root", LoginID: "login-root"}

var everything = []pam.Declaration{
	pam.WebSession, pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload, pam.SessionURL,
}

// identify believes the test's headers: X-User, X-Login, X-Token for a client that is no browser.
func identify(r *http.Request) (pam.Identity, error) {
	user, login := r.Header.Get("X-User"), r.Header.Get("X-Login")
	if user == "" {
		return pam.Identity{}, pam.ErrUnauthenticated
	}
	return pam.Identity{User: pam.UserID(user), Name: strings.ToUpper(user), LoginID: login, Cookie: r.Header.Get("X-Token") == ""}, nil
}

func newRig(t testing.TB, change ...func(*pam.Config)) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	r := &rig{
		t: t, protocol: &pamtest.Protocol{Key: "ssh", Wrap: paceless}, policy: &pamtest.Policy{}, recorder: &pamtest.Recorder{},
		events: &pamtest.EventSink{}, store: pam.NewMemoryStore(), log: &pamtest.LogBuffer{}, registry: metrics.NewRegistry(), ctx: ctx,
		inventory: pamtest.NewInventory(pam.Asset{
			ID: asset1, Name: "Server <b>one</b>", Type: pam.AssetType{ID: "linux", Name: "Linux", Protocol: "ssh", OS: pam.OSUnix},
			Address: "192.0.2.1:22", Account: "root",
		}),
	}
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	r.server = httptest.NewUnstartedServer(nil)
	addr := r.server.Listener.Addr().String()
	cfg := pam.Config{
		Gateway:  "gw-kit",
		Identify: identify, Inventory: r.inventory, Vault: &pamtest.Vault{}, Policy: r.policy, Events: r.events, Store: r.store,
		Protocols: []pam.Protocol{r.protocol}, Recorder: r.recorder, Origins: []string{"http://" + addr}, Metrics: r.registry,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&cfg)
	}
	broker, err := pam.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.broker = broker
	mux := http.NewServeMux()
	mux.Handle("/deep/pam/", http.StripPrefix("/deep/pam", broker.Handler()))
	mux.Handle("GET /ws/{id}", broker.SessionHandler())
	r.server.Config.Handler = mux
	r.server.Start()
	t.Cleanup(func() {
		if err := orderly(broker.Shutdown(ctx)); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		r.server.Close()
		if t.Failed() {
			t.Logf("log:\n%s", r.log)
		}
	})
	return r
}

// orderly takes out of a shutdown's error what a test brings about itself: recordings that cannot be sealed because the
// recorder was made to fail.
func orderly(err error) error {
	var fault *pam.ShutdownError
	if errors.As(err, &fault) && len(fault.Unfinished) == 0 && fault.Err == nil {
		return nil
	}
	return err
}

// paceless takes the pacing ability away: the owner slows the target, as with SSH.
func paceless(c *pamtest.Conn) pam.Conn {
	return struct {
		pam.Conn
		pam.Resizer
		pam.Paster
		pam.KeyFramer
	}{c, c, c, c}
}

// recorded makes alice's sessions recorded.
func (r *rig) recorded(more ...pam.Declaration) {
	r.policy.Set("alice", asset1, pamtest.Recorded(pamtest.Permit(pam.RoleViewer, everything...), append(more, pam.WebSession)...))
}

// counter returns the value of one of the broker's counters.
func (r *rig) counter(name string) int64 {
	return metrics.GetOrRegisterCounter(name, r.registry).Count()
}

// person is a browser with a login.
type person struct {
	r           *rig
	user, login string
	header      http.Header
}

func (r *rig) person(user, login string) *person {
	return &person{r: r, user: user, login: login, header: http.Header{"Origin": {r.server.URL}}}
}

func (r *rig) alice() *person { return r.person("alice", "login-1") }

// answer is what came of a request.
type answer struct {
	status int
	header http.Header
	raw    []byte
}

// request makes a request to a path of the broker. A body, if it is not nil, is sent as JSON.
func (p *person) request(method, path string, body any) answer {
	p.r.t.Helper()
	var rd io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			p.r.t.Fatal(err)
		}
		rd = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(p.r.ctx, method, p.r.server.URL+"/deep/pam/"+path, rd)
	if err != nil {
		p.r.t.Fatal(err)
	}
	p.sign(req.Header)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.r.server.Client().Do(req)
	if err != nil {
		p.r.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, raw}
}

// full makes a request and returns the status, the header and the decoded body.
func (p *person) full(method, path string, body any) (int, http.Header, map[string]any) {
	p.r.t.Helper()
	a := p.request(method, path, body)
	out := map[string]any{}
	if len(a.raw) > 0 {
		if err := json.Unmarshal(a.raw, &out); err != nil {
			p.r.t.Fatalf("%s %s: %d %q: %v", method, path, a.status, a.raw, err)
		}
	}
	return a.status, a.header, out
}

// call is full without the header.
func (p *person) call(method, path string, body any) (int, map[string]any) {
	p.r.t.Helper()
	status, _, out := p.full(method, path, body)
	return status, out
}

func (p *person) sign(h http.Header) {
	for k, v := range p.header {
		h[k] = v
	}
	if p.user != "" {
		h.Set("X-User", p.user)
		h.Set("X-Login", p.login)
	}
}

// code returns the error code of an answer.
func code(body map[string]any) pam.Code {
	e, _ := body["error"].(map[string]any)
	c, _ := e["code"].(string)
	return pam.Code(c)
}

// start creates a session and returns its id.
func (p *person) start() pam.SessionID {
	p.r.t.Helper()
	st, body := p.call("POST", "api/asset/"+string(asset1)+"/sessions", map[string]any{})
	if st != http.StatusCreated {
		p.r.t.Fatalf("start: %d %v", st, body)
	}
	return pam.SessionID(body["id"].(string))
}

// ticket asks for an attach ticket.
func (p *person) ticket(id pam.SessionID) string {
	p.r.t.Helper()
	st, body := p.call("POST", "api/session/"+string(id)+"/attach", map[string]any{})
	if st != http.StatusOK {
		p.r.t.Fatalf("attach: %d %v", st, body)
	}
	return body["ticket"].(string)
}

// page is an attached browser page.
type page struct {
	p    *person
	conn *edge.Conn

	mu     sync.Mutex
	out    bytes.Buffer // since the last key flag
	all    bytes.Buffer // ever
	keys   int
	state  map[string]any
	end    map[string]any
	closed string // the close reason
	notice []map[string]any
	probed []byte
	acked  uint64
	hold   bool // do not acknowledge
	moved  chan struct{}
	done   chan struct{}
}

func (p *person) dial(id pam.SessionID) *edge.Conn {
	p.r.t.Helper()
	conn, err := p.tryDial(id)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return conn
}

func (p *person) tryDial(id pam.SessionID) (*edge.Conn, error) {
	h := http.Header{}
	p.sign(h)
	url := "ws" + strings.TrimPrefix(p.r.server.URL, "http") + "/deep/pam/api/session/" + string(id) + "/socket"
	conn, _, err := edge.Dial(p.r.ctx, url, frame.Subprotocol, h)
	return conn, err
}

// attach opens a page on a session.
func (p *person) attach(id pam.SessionID) *page {
	p.r.t.Helper()
	return p.attachWith(id, p.ticket(id))
}

func (p *person) attachWith(id pam.SessionID, ticket string) *page {
	p.r.t.Helper()
	pg := &page{p: p, conn: p.dial(id), moved: make(chan struct{}), done: make(chan struct{})}
	hello, _ := json.Marshal(map[string]any{"ticket": ticket, "cols": 100, "rows": 30, "width": 0, "height": 0})
	pg.send(frame.Frame{Kind: frame.Hello, Payload: hello})
	go pg.read()
	p.r.t.Cleanup(func() {
		pg.conn.Abort()
		<-pg.done
	})
	return pg
}

func (pg *page) send(f frame.Frame) {
	pg.p.r.t.Helper()
	if err := pg.conn.Write(pg.p.r.ctx, frame.Append(nil, f)); err != nil {
		pg.p.r.t.Logf("send %v: %v", f.Kind, err)
	}
}

func (pg *page) key(text string) { pg.send(frame.Frame{Kind: frame.Key, Payload: []byte(text)}) }

func (pg *page) read() {
	defer close(pg.done)
	for {
		msg, err := pg.conn.Read(pg.p.r.ctx)
		if err != nil {
			reason, _ := edge.CloseReason(err)
			pg.change(func() { pg.closed = reason })
			if reason == "" {
				pg.change(func() { pg.closed = "lost" })
			}
			return
		}
		frames, err := frame.SplitGateway(msg)
		if err != nil {
			pg.p.r.t.Errorf("gateway's message: %v", err)
			return
		}
		var total uint64
		pg.change(func() {
			for _, f := range frames {
				pg.take(f)
			}
			total = pg.acked
		})
		if total > 0 && !pg.held() {
			_ = pg.conn.Write(pg.p.r.ctx, frame.Append(nil, frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, total)}))
		}
	}
}

func (pg *page) held() bool {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	return pg.hold
}

func (pg *page) take(f frame.Frame) {
	if f.Kind.Counted() {
		pg.acked += uint64(len(f.Payload))
	}
	switch f.Kind {
	case frame.State:
		pg.state = map[string]any{}
		_ = json.Unmarshal(f.Payload, &pg.state)
	case frame.End:
		pg.end = map[string]any{}
		_ = json.Unmarshal(f.Payload, &pg.end)
	case frame.Probed:
		pg.probed = append(pg.probed, f.Payload...)
	case frame.Notice:
		n := map[string]any{}
		_ = json.Unmarshal(f.Payload, &n)
		pg.notice = append(pg.notice, n)
	case frame.Output:
		if f.Flags&frame.FlagKey != 0 {
			pg.out.Reset()
			pg.keys++
		}
		pg.out.Write(f.Payload)
		pg.all.Write(f.Payload)
	}
}

func (pg *page) change(f func()) {
	pg.mu.Lock()
	f()
	close(pg.moved)
	pg.moved = make(chan struct{})
	pg.mu.Unlock()
}

// await waits until ok holds; it is asked under the page's lock.
func (pg *page) await(what string, ok func() bool) {
	pg.p.r.t.Helper()
	for {
		pg.mu.Lock()
		good, moved := ok(), pg.moved
		pg.mu.Unlock()
		if good {
			return
		}
		select {
		case <-moved:
		case <-pg.p.r.ctx.Done():
			pg.mu.Lock()
			defer pg.mu.Unlock()
			pg.p.r.t.Fatalf("waiting for %s: state %v, end %v, closed %q, output %q", what, pg.state, pg.end, pg.closed, clip(pg.out.String()))
		}
	}
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

func (pg *page) awaitState(state string) {
	pg.p.r.t.Helper()
	pg.await("state "+state, func() bool { return pg.state["state"] == state })
}

func (pg *page) awaitOutput(text string) {
	pg.p.r.t.Helper()
	pg.await("output "+text, func() bool { return strings.Contains(pg.out.String(), text) })
}

// awaitEnd waits for the end frame and returns its code.
func (pg *page) awaitEnd() pam.Code {
	pg.p.r.t.Helper()
	pg.await("end", func() bool { return pg.end != nil })
	pg.mu.Lock()
	defer pg.mu.Unlock()
	c, _ := pg.end["code"].(string)
	return pam.Code(c)
}

// awaitClose waits for the socket's end and returns the reason text.
func (pg *page) awaitClose() string {
	pg.p.r.t.Helper()
	pg.await("close", func() bool { return pg.closed != "" })
	pg.mu.Lock()
	defer pg.mu.Unlock()
	return pg.closed
}

// target waits for the nth connection.
func (r *rig) target(n int) *pamtest.Conn {
	r.t.Helper()
	c, err := r.protocol.Conn(r.ctx, n)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// say lets the target say something.
func (r *rig) say(c *pamtest.Conn, text string) {
	r.t.Helper()
	if err := c.Output(r.ctx, text); err != nil {
		r.t.Fatalf("target output: %v", err)
	}
}

// completed waits until a session is over and returns its record.
func (r *rig) completed(id pam.SessionID) pam.SessionInfo {
	r.t.Helper()
	for {
		evs, err := r.events.Await(r.ctx, pam.CompleteSession, 1)
		if err != nil {
			r.t.Fatalf("session %s did not complete: %v; events %v", id, err, evs)
		}
		for _, e := range evs {
			if e.Session == id {
				info, err := r.broker.Session(r.ctx, id)
				if err != nil {
					r.t.Fatal(err)
				}
				return info
			}
		}
		if _, err := r.events.Await(r.ctx, pam.CompleteSession, len(evs)+1); err != nil {
			r.t.Fatalf("session %s did not complete: %v", id, err)
		}
	}
}

// begin starts a session with an attached page and a connected target.
func (r *rig) begin() (pam.SessionID, *page, *pamtest.Conn) {
	r.t.Helper()
	p := r.alice()
	id := p.start()
	pg := p.attach(id)
	c := r.target(1)
	pg.awaitState("active")
	return id, pg, c
}

var errFake = errors.New("fake fault")
