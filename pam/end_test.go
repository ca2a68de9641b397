package pam_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// endings are the ways in which a session may end, each with the reason that it gives.
var endings = []struct {
	reason pam.EndReason
	do     func(r *rig, id pam.SessionID, pg *page, c *pamtest.Conn, rec *pamtest.Recording)
}{
	{pam.EndUserDisconnect, func(_ *rig, _ pam.SessionID, pg *page, _ *pamtest.Conn, _ *pamtest.Recording) {
		pg.send(frame.Frame{Kind: frame.Disconnect})
	}},
	{pam.EndUserDisconnect, func(r *rig, id pam.SessionID, _ *page, _ *pamtest.Conn, _ *pamtest.Recording) {
		r.alice().call("POST", "api/session/"+string(id)+"/end", map[string]any{})
	}},
	{pam.EndTerminated, func(r *rig, id pam.SessionID, _ *page, _ *pamtest.Conn, _ *pamtest.Recording) {
		_ = r.broker.Terminate(r.ctx, admin, id, "text")
	}},
	{pam.EndRevoked, func(r *rig, _ pam.SessionID, _ *page, _ *pamtest.Conn, _ *pamtest.Recording) {
		_ = r.broker.EndUser(r.ctx, "alice")
	}},
	{pam.EndRevoked, func(r *rig, _ pam.SessionID, _ *page, _ *pamtest.Conn, _ *pamtest.Recording) {
		_ = r.broker.EndLogin(r.ctx, "login-1")
	}},
	{pam.EndRemoteLogoff, func(_ *rig, _ pam.SessionID, _ *page, c *pamtest.Conn, _ *pamtest.Recording) {
		c.End(&pam.End{Reason: pam.EndRemoteLogoff})
	}},
	{pam.EndTargetError, func(_ *rig, _ pam.SessionID, _ *page, c *pamtest.Conn, _ *pamtest.Recording) {
		c.End(errFake)
	}},
	{pam.EndRecordingFailed, func(_ *rig, _ pam.SessionID, _ *page, _ *pamtest.Conn, rec *pamtest.Recording) {
		rec.Break(errFake)
	}},
	{pam.EndNetworkLost, func(_ *rig, _ pam.SessionID, pg *page, _ *pamtest.Conn, _ *pamtest.Recording) {
		pg.conn.Abort()
	}},
}

// TestEnd_S39_ThousandRaces ends sessions in several ways at once. Each is completed exactly once, with the reason of
// one of them; connection, recording and slot are free.
func TestEnd_S39_ThousandRaces(t *testing.T) {
	pamtest.NoLeaks(t)
	const brokers, races = 20, 50
	random := rand.New(rand.NewPCG(1, 39))
	for n := range brokers {
		t.Run(fmt.Sprint(n), func(t *testing.T) { endRaces(t, random, races, n%2 == 1) })
	}
}

func endRaces(t *testing.T, random *rand.Rand, races int, expiring bool) {
	registry := metrics.NewRegistry()
	r := newRig(t, func(c *pam.Config) {
		c.Limits.Reconnect, c.Metrics = time.Millisecond, registry
		pamtest.Unthrottle(&c.Limits)
		if expiring {
			c.Limits.MaxDuration = 3 * time.Millisecond
		}
	})
	r.recorded()
	may := map[pam.SessionID][]pam.EndReason{}
	var conns []*pamtest.Conn
	p := r.alice()
	for nth := 1; nth <= races; nth++ {
		id := p.start()
		pg := p.attach(id)
		if expiring {
			may[id] = append(may[id], pam.EndExpired)
		}
		c, rec := r.partsOf(id, pg)
		if c == nil { // expired before it was connected
			r.completed(id)
			continue
		}
		conns = append(conns, c)
		var wg sync.WaitGroup
		for range 2 + random.IntN(3) {
			e := endings[random.IntN(len(endings))]
			may[id] = append(may[id], e.reason)
			wg.Go(func() { e.do(r, id, pg, c, rec) })
		}
		if nth == races { // the last one races with the broker's own end
			may[id] = append(may[id], pam.EndGatewayShutdown)
			wg.Go(func() {
				if err := orderly(r.broker.Shutdown(r.ctx)); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
			})
		}
		wg.Wait()
		info := r.completed(id)
		if info.State != pam.StateCompleted || !slices.Contains(may[id], info.Reason) || info.Completed.IsZero() {
			t.Errorf("ended by %v: %+v", may[id], info)
		}
		<-c.Closed()
		<-rec.Done()
		if e := rec.End(); e == nil || !strings.Contains(string(e.Data), string(info.Reason)) {
			t.Errorf("reason %s, the recording's end %+v", info.Reason, e)
		}
	}
	r.awaitLive(0)
	count := map[pam.SessionID]int{}
	for _, e := range r.events.Events(pam.CompleteSession) {
		count[e.Session]++
		if !slices.Contains(may[e.Session], e.Reason) {
			t.Errorf("event %+v, ended by %v", e, may[e.Session])
		}
	}
	for id := range may {
		if count[id] != 1 {
			t.Errorf("%d Complete Session events of %s", count[id], id)
		}
	}
	for _, c := range conns {
		if n := len(c.Inputs()); n != 0 {
			t.Errorf("%d inputs", n)
		}
	}
	checkSequence(t, r.events.Events())
	if n := metrics.GetOrRegisterGauge("pam.sessions.live", registry).Value(); n != 0 {
		t.Errorf("gauge of live sessions: %d", n)
	}
}

// partsOf waits until a session is active and returns its connection and recording, or nil if it ended before it had
// them.
func (r *rig) partsOf(id pam.SessionID, pg *page) (*pamtest.Conn, *pamtest.Recording) {
	r.t.Helper()
	pg.await("active or gone", func() bool { return pg.state["state"] == "active" || pg.end != nil || pg.closed != "" })
	ctx, cancel := context.WithCancel(r.ctx)
	cancel() // asks for what is there
	for _, c := range r.conns() {
		for nth := 1; c.Request.Session == id; nth++ {
			rec, err := r.recorder.Recording(ctx, nth)
			if err != nil {
				r.t.Fatalf("session %s has a connection and no recording", id)
			}
			if rec.Meta.Session == id {
				return c, rec
			}
		}
	}
	return nil, nil
}

// checkSequence fails if the numbers of events have a gap or are out of order.
func checkSequence(t *testing.T, events []pam.Event) {
	t.Helper()
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
	}
}

// TestEnd_S39_WhileConnecting: sessions that end while Connect is under way or is just returning. A connection that
// came too late is closed all the same.
func TestEnd_S39_WhileConnecting(t *testing.T) {
	pamtest.NoLeaks(t)
	r := newRig(t, func(c *pam.Config) { pamtest.Unthrottle(&c.Limits) })
	p := r.alice()
	for nth := 1; nth <= 50; nth++ {
		connect := make(chan struct{})
		r.protocol.At("Connect", nth, pamtest.Fault{Gate: connect})
		id := p.start()
		pg := p.attach(id)
		pg.awaitState("connecting")
		var wg sync.WaitGroup
		wg.Go(func() { close(connect) })
		wg.Go(func() { _ = r.broker.Terminate(r.ctx, admin, id, "") })
		wg.Wait()
		if info := r.completed(id); info.Reason != pam.EndTerminated {
			t.Errorf("info = %+v", info)
		}
	}
	for nth := 1; ; nth++ {
		ctx, cancel := context.WithCancel(r.ctx)
		cancel()
		c, err := r.protocol.Conn(ctx, nth)
		if err != nil {
			t.Logf("%d of 50 connects returned a connection", nth-1)
			break
		}
		select {
		case <-c.Closed():
		default:
			t.Errorf("connection %d was never closed", nth)
		}
	}
}

// stubborn is a protocol whose Connect returns a connection though its context has ended.
type stubborn struct {
	*pamtest.Protocol
	asked, release chan struct{}
}

func (s stubborn) Connect(ctx context.Context, q pam.ConnectRequest) (pam.Conn, error) {
	close(s.asked)
	<-s.release
	return s.Protocol.Connect(context.WithoutCancel(ctx), q)
}

// TestEnd_S39_LateConnectionIsClosed: the target must not be left signed in by a session that is over.
func TestEnd_S39_LateConnectionIsClosed(t *testing.T) {
	s := stubborn{&pamtest.Protocol{Key: "ssh"}, make(chan struct{}), make(chan struct{})}
	r := newRig(t, func(c *pam.Config) { c.Protocols = []pam.Protocol{s} })
	p := r.alice()
	id := p.start()
	p.attach(id)
	<-s.asked
	if err := r.broker.Terminate(r.ctx, admin, id, ""); err != nil {
		t.Fatal(err)
	}
	close(s.release)
	c, err := s.Conn(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Closed():
	case <-r.ctx.Done():
		t.Fatal("the connection was never closed")
	}
	if info := r.completed(id); info.Reason != pam.EndTerminated {
		t.Errorf("info = %+v", info)
	}
}

// TestEnd_I26_TellsEveryPart: an orderly end by the owner reaches target, recording, page, report and audit.
func TestEnd_I26_TellsEveryPart(t *testing.T) {
	r := newRig(t)
	r.recorded()
	id, pg, c := r.begin()
	r.say(c, "last words")
	pg.send(frame.Frame{Kind: frame.Disconnect})
	if got := pg.awaitEnd(); got != pam.CodeUserDisconnect {
		t.Errorf("page: %q", got)
	}
	if got := pg.awaitClose(); got != "user_disconnect" {
		t.Errorf("close reason %q", got)
	}
	if pg.out.String() != "last words" {
		t.Errorf("the page missed the end of the output: %q", pg.out.String())
	}
	<-c.Closed()
	rec, _ := r.recorder.Recording(r.ctx, 1)
	if e := rec.End(); e == nil || string(e.Data) != `{"reason":"user_disconnect"}` {
		t.Errorf("the recording's end: %+v", e)
	}
	info := r.completed(id)
	if info.Reason != pam.EndUserDisconnect || info.Recording == "" {
		t.Errorf("info = %+v", info)
	}
}

// TestEnd_WhatTheTargetSaid: what a shell exits with, and a target's own words, as text.
func TestEnd_WhatTheTargetSaid(t *testing.T) {
	status := 3
	for _, tc := range []struct {
		name string
		end  error
		code pam.Code
		want map[string]any
	}{
		{"exit", &pam.End{Reason: pam.EndRemoteLogoff, Status: &status}, pam.CodeRemoteLogoff, map[string]any{"status": 3.0}},
		{"signal", &pam.End{Reason: pam.EndRemoteLogoff, Signal: "KILL"}, pam.CodeRemoteLogoff, map[string]any{"signal": "KILL"}},
		{"words", &pam.End{Reason: pam.EndRemoteLogoff, Text: "<b>bye</b>"}, pam.CodeRemoteLogoff, map[string]any{"text": "<b>bye</b>"}},
		{"lost", &pam.End{Reason: pam.EndTargetError, Code: pam.CodeTargetLost, Err: errFake}, pam.CodeTargetLost, nil},
		{"an error of no kind", errFake, pam.CodeTargetLost, nil},
		{"a target error", &pam.TargetError{Code: pam.CodeTargetProtocol, Err: errFake}, pam.CodeTargetProtocol, nil},
		{"nothing", nil, pam.CodeRemoteLogoff, nil},
		{"no reason", &pam.End{}, pam.CodeTargetError, nil},
		{"an invented reason", &pam.End{Reason: "../../x\n"}, pam.CodeTargetError, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			id, pg, c := r.begin()
			c.End(tc.end)
			if got := pg.awaitEnd(); got != tc.code {
				t.Errorf("code %q, want %q", got, tc.code)
			}
			for k, v := range tc.want {
				if pg.end[k] != v {
					t.Errorf("end %v, want %s %v", pg.end, k, v)
				}
			}
			if strings.Contains(fmt.Sprint(pg.end), errFake.Error()) {
				t.Errorf("the page was told the cause: %v", pg.end)
			}
			if info := r.completed(id); info.Code != tc.code {
				t.Errorf("info = %+v", info)
			}
		})
	}
}

// TestConnect_FailuresTellACode: what a failed connect tells the page, and that no cause reaches it.
func TestConnect_FailuresTellACode(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		code pam.Code
	}{
		{"unreachable", &pam.TargetError{Code: pam.CodeTargetUnreachable, Err: errors.New("dial 192.0.2.1:22")}, pam.CodeTargetUnreachable},
		{"host key", fmt.Errorf("ssh: %w", &pam.TargetError{Code: pam.CodeHostKeyMismatch, Err: errors.New("SHA256:secret")}), pam.CodeHostKeyMismatch},
		{"of no kind", errors.New("192.0.2.1"), pam.CodeTargetLost},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.recorded()
			r.protocol.At("Connect", 1, pamtest.Fault{Err: tc.err})
			p := r.alice()
			id := p.start()
			pg := p.attach(id)
			if got := pg.awaitEnd(); got != tc.code {
				t.Errorf("code %q, want %q", got, tc.code)
			}
			if s := fmt.Sprint(pg.end); strings.Contains(s, "192.0.2.1") || strings.Contains(s, "SHA256") {
				t.Errorf("the page was told %s", s)
			}
			info := r.completed(id)
			rec, _ := r.recorder.Recording(r.ctx, 1)
			if info.Reason != pam.EndTargetError || rec.End() == nil {
				t.Errorf("info %+v, the recording's end %v", info, rec.End())
			}
		})
	}
}

// TestConnect_TakesTooLong: recorder, vault and target together have one deadline.
func TestConnect_TakesTooLong(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Connect = 30 * time.Millisecond })
	r.protocol.At("Connect", 1, pamtest.Fault{Block: true})
	p := r.alice()
	pg := p.attach(p.start())
	if got := pg.awaitEnd(); got != pam.CodeTargetUnreachable {
		t.Errorf("code %q", got)
	}
}

// TestEnd_MaxDuration: the server ends what has run for too long, with the page there or not.
func TestEnd_MaxDuration(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.MaxDuration = 50 * time.Millisecond })
	p := r.alice()
	id := p.start()
	pg := p.attach(id)
	if got := pg.awaitEnd(); got != pam.CodeMaxDuration {
		t.Errorf("page: %q", got)
	}
	if info := r.completed(id); info.Reason != pam.EndExpired {
		t.Errorf("info = %+v", info)
	}
	away := p.start()
	pg = p.attach(away)
	pg.conn.Abort()
	if info := r.completed(away); info.Reason != pam.EndExpired {
		t.Errorf("info = %+v", info)
	}
}

// TestEnd_S37_Shutdown: no new sessions, the live ones end with gateway_shutdown, recordings are sealed, and an adapter
// that does not come back is named.
func TestEnd_S37_Shutdown(t *testing.T) {
	t.Run("in order", func(t *testing.T) {
		r := newRig(t, func(c *pam.Config) { pamtest.Unthrottle(&c.Limits) })
		r.recorded()
		var pages []*page
		for range 10 {
			pages = append(pages, r.alice().attach(r.alice().start()))
		}
		waiting := r.alice().start()
		for _, pg := range pages {
			pg.awaitState("active")
		}
		if err := r.broker.Shutdown(r.ctx); err != nil {
			t.Fatal(err)
		}
		for i, pg := range pages {
			if got := pg.awaitEnd(); got != pam.CodeGatewayShutdown {
				t.Errorf("page: %q", got)
			}
			rec, _ := r.recorder.Recording(r.ctx, i+1)
			select {
			case <-rec.Done():
			default:
				t.Errorf("recording %d is not sealed after Shutdown", i+1)
			}
		}
		if info, _ := r.broker.Session(r.ctx, waiting); info.Reason != pam.EndGatewayShutdown {
			t.Errorf("the waiting one: %+v", info)
		}
		if st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{}); st != http.StatusServiceUnavailable || code(body) != pam.CodeShuttingDown {
			t.Errorf("start afterwards: %d %v", st, body)
		}
		h := signed()
		h.Set("Origin", r.server.URL)
		if st := r.handshake(t, "/ws/"+string(waiting), "", h); st != http.StatusServiceUnavailable {
			t.Errorf("socket afterwards: %d", st)
		}
		if h := r.broker.Health(); !h.Closing || h.Live != 0 {
			t.Errorf("health %+v", h)
		}
		if err := r.broker.Shutdown(r.ctx); err != nil {
			t.Errorf("second Shutdown: %v", err)
		}
	})
	t.Run("out of time", func(t *testing.T) {
		r := newRig(t)
		r.recorded()
		open := make(chan struct{})
		r.recorder.At("Close", 1, pamtest.Fault{Gate: open})
		id, pg, _ := r.begin()
		ctx, cancel := context.WithCancel(r.ctx)
		done := make(chan error, 1)
		go func() { done <- r.broker.Shutdown(ctx) }()
		pg.awaitState("ending")
		cancel()
		if err := <-done; err == nil || !strings.Contains(err.Error(), string(id)) {
			t.Errorf("Shutdown: %v; want an error that names %s", err, id)
		}
		close(open)
		r.completed(id)
	})
}

// TestEnd_S39_EachStepHasItsTime: a recording that cannot be closed takes neither the report nor the event along.
func TestEnd_S39_S37_EachStepHasItsTime(t *testing.T) {
	// Long enough for the steps that nothing holds up, short enough to wait for it twice.
	r := newRig(t, func(c *pam.Config) { c.Limits.CloseTimeout = 2 * time.Second })
	r.recorded()
	r.recorder.At("Close", 1, pamtest.Fault{Block: true})
	r.protocol.At("Close", 1, pamtest.Fault{Block: true})
	id, pg, _ := r.begin()
	pg.send(frame.Frame{Kind: frame.Disconnect})
	info := r.completed(id)
	if info.Reason != pam.EndUserDisconnect {
		t.Errorf("info = %+v", info)
	}
	stored, err := r.store.Session(r.ctx, id)
	if err != nil || stored.State != pam.StateCompleted {
		t.Errorf("stored %+v, %v", stored, err)
	}
	if ev := r.events.Events(pam.CompleteSession); len(ev) != 1 || ev[0].Detail == "" {
		t.Errorf("events %+v; want one that tells of the recording", ev)
	}
}
