package pam_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestWire_S23_ViolationsClose sends what no client may send; each time the page hears protocol_violation, the session
// goes on, and nothing has reached the target.
func TestWire_S23_ViolationsClose(t *testing.T) {
	huge := make([]byte, frame.MaxClientMessage+1)
	for name, msg := range map[string][]byte{
		"empty message": {}, "short header": {0x81, 0, 0}, "unknown kind": unhex("7f0000000000"),
		"kind of a gateway": unhex("100000000001" + "61"), "kind of an adapter": unhex("1f0000000001" + "61"),
		"unknown flag": unhex("810100000001" + "61"), "length beyond the message": unhex("810000000002" + "61"),
		"length of all ones": unhex("8100ffffffff" + "61"), "left over byte": unhex("810000000001" + "6100"),
		"empty key": unhex("810000000000"), "long key": frame.Append(nil, frame.Frame{Kind: frame.Key, Payload: make([]byte, 64<<10+1)}),
		"short resize": unhex("830000000007" + "00500018000000"), "resize to nothing": unhex("830000000008" + "0000001800000000"),
		"resize to too much": unhex("830000000008" + "03e9001800000000"), "paste of no UTF-8": unhex("840000000001" + "ff"),
		"copy of no UTF-8": unhex("880000000001" + "ff"), "visible is neither": unhex("860000000001" + "02"),
		"listen is neither": unhex("8a0000000001" + "02"), "listen says nothing": unhex("8a0000000000"),
		"disconnect with payload": unhex("870000000001" + "00"), "ack of what was not sent": unhex("850000000008" + "00000000000f4240"),
		"second hello":        helloMessage("x"),
		"good then bad frame": append(frame.Append(nil, frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, 0)}), 0x81),
		"beyond the limit":    huge,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			id, pg, c := r.begin()
			if err := pg.conn.Write(r.ctx, msg); err != nil {
				t.Logf("write: %v", err)
			}
			if got := pg.awaitClose(); got != string(pam.CodeProtocolViolation) {
				t.Errorf("closed with %q", got)
			}
			again := r.alice().attach(id)
			again.key("still")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "still" }); err != nil {
				t.Errorf("typed %q", c.Typed())
			}
		})
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestWire_S23_FirstMessage: what is no hello opens nothing.
func TestWire_S23_FirstMessage(t *testing.T) {
	r := newRig(t)
	p := r.alice()
	id := p.start()
	text := func(s string) []byte { return frame.Append(nil, frame.Frame{Kind: frame.Hello, Payload: []byte(s)}) }
	good := `{"ticket":"t","cols":80,"rows":24,"width":0,"height":0`
	for name, msg := range map[string][]byte{
		"a key": frame.Append(nil, frame.Frame{Kind: frame.Key, Payload: []byte("x")}), "nothing": {},
		"two hellos": append(text(good+"}"), text(good+"}")...), "unknown member": text(good + `,"host":"192.0.2.9"}`),
		"no JSON": text("{{"), "two values": text(good + "}{}"), "no size": text(`{"ticket":"t"}`),
		"size beyond": text(`{"ticket":"t","cols":1001,"rows":24}`), "negative": text(`{"ticket":"t","cols":-1,"rows":24}`),
		"too long": text(good + strings.Repeat(" ", 5000) + "}"), "huge": make([]byte, frame.MaxClientMessage+1),
	} {
		conn := p.dial(id)
		if err := conn.Write(r.ctx, msg); err != nil {
			t.Logf("%s: write: %v", name, err)
		}
		_, err := conn.Read(r.ctx)
		if got := closeReason(err); got != string(pam.CodeProtocolViolation) {
			t.Errorf("%s: closed with %q (%v)", name, got, err)
		}
		conn.Abort()
	}
}

// TestOps_S23_DeniedAreDroppedAndCounted: operations that the decision denies reach nothing, are counted each, and
// their sender hears of it once, not a thousand times.
func TestOps_S23_DeniedAreDroppedAndCounted(t *testing.T) {
	registry := metrics.NewRegistry()
	r := newRig(t, func(c *pam.Config) { c.Metrics = registry })
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, pam.WebSession))
	_, pg, c := r.begin()
	const n = 1000
	dropped := metrics.GetOrRegisterCounter("pam.operations.dropped", registry)
	for range n {
		pg.key("x")
	}
	pg.send(frame.Frame{Kind: frame.Paste, Payload: []byte("p")})
	pg.send(frame.Frame{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 10, Rows: 10})})
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Sizes()) == 1 }); err != nil {
		t.Fatal(err)
	}
	if got := dropped.Count(); got != n+1 {
		t.Errorf("%d counted, want %d", got, n+1)
	}
	if c.Typed() != "" || len(c.Pastes()) != 0 {
		t.Errorf("typed %q, pasted %v", c.Typed(), c.Pastes())
	}
	r.say(c, "end")
	pg.awaitOutput("end")
	pg.mu.Lock()
	defer pg.mu.Unlock()
	if len(pg.notice) < 1 || len(pg.notice) > 3 || pg.notice[0]["code"] != string(pam.CodeCapabilityDenied) {
		t.Errorf("notices %v", pg.notice)
	}
}

// TestFlow_NoDeadlock: a target that takes no input while the page floods it, and that waits for its output to be
// taken: acknowledgements on the same socket must get through.
func TestFlow_NoDeadlock(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Window, c.Limits.Backlog = 32<<10, 32<<10 })
	open := make(chan struct{})
	r.protocol.At("Input", 0, pamtest.Fault{Gate: open})
	_, pg, c := r.begin()
	key := frame.Frame{Kind: frame.Key, Payload: bytes.Repeat([]byte("k"), 32<<10)}
	for range 100 { // 3.2 MB: more than is queued
		pg.send(key)
	}
	block := strings.Repeat("o", 16<<10)
	for range 40 { // 20 windows
		r.say(c, block)
	}
	r.say(c, "end")
	pg.awaitOutput("end")
	pg.await("a notice of what was lost", func() bool {
		for _, n := range pg.notice {
			if n["code"] == string(pam.CodeRateLimited) {
				return true
			}
		}
		return false
	})
	close(open)
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Typed()) >= 1<<20 }); err != nil {
		t.Fatal(err)
	}
	if got := len(c.Typed()); got > 3<<20 {
		t.Errorf("%d bytes were queued", got)
	}
}

// TestFlow_S26_WindowIsExact: a page that acknowledges nothing gets the window and not a byte more, however much there is; a
// page that acknowledges goes on.
func TestFlow_S26_WindowIsExact(t *testing.T) {
	const window = 64 << 10
	r := newRig(t, func(c *pam.Config) { c.Limits.Window, c.Limits.Backlog = window, 256<<10 })
	id, first, c := r.begin()
	first.change(func() { first.hold = true })
	block := strings.Repeat("x", 1<<10)
	said := 0
	ctx, cancel := context.WithCancel(r.ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for c.Output(ctx, block) == nil {
			said += len(block)
		}
	}()
	first.await("a window of output", func() bool { return first.acked >= window-1<<10 })
	// The target is slowed once backlog and window are full: then all that will come has come.
	for n := -1; ; {
		now := r.emitted(c)
		if now == n && now*len(block) > window {
			break
		}
		n = now
		first.send(frame.Frame{Kind: frame.Visible, Payload: []byte{1}})
		want := len(c.Typed()) + 1
		first.key("k") // a round trip
		if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Typed()) >= want }); err != nil {
			t.Fatal(err)
		}
	}
	first.mu.Lock()
	got := first.acked
	first.mu.Unlock()
	if got > window {
		t.Errorf("%d bytes came unacknowledged, the window is %d", got, window)
	}
	first.send(frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, got)})
	first.await("more after the acknowledgement", func() bool { return first.acked > got })
	cancel()
	<-stopped
	if limit := 256<<10 + 2*window; said > limit+int(got) {
		t.Errorf("the target could say %d bytes to a page that takes none", said)
	}
	_ = id
}

// emitted counts the frames that a connection has handed over, by its key frame.
func (r *rig) emitted(c *pamtest.Conn) int {
	_, n, err := c.KeyFrame(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return int(n)
}

// TestFlow_S26_AcksThatLie: beyond what was sent, and backwards.
func TestFlow_S26_AcksThatLie(t *testing.T) {
	for _, tc := range []struct {
		name string
		acks []uint64
	}{{"beyond", []uint64{11}}, {"far beyond", []uint64{1<<64 - 1}}, {"backwards", []uint64{10, 9}}} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			_, pg, c := r.begin()
			pg.change(func() { pg.hold = true })
			r.say(c, "0123456789")
			pg.awaitOutput("0123456789")
			for _, a := range tc.acks {
				pg.send(frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, a)})
			}
			if got := pg.awaitClose(); got != string(pam.CodeProtocolViolation) {
				t.Errorf("closed with %q", got)
			}
		})
	}
}

// TestFlow_S26_StoppedPageDoesNotHoldUpTheEnd: a page that reads nothing at all, with its window full, when the
// session ends.
func TestFlow_S26_StoppedPageDoesNotHoldUpTheEnd(t *testing.T) {
	r := newRig(t, func(c *pam.Config) {
		c.Limits.CloseTimeout, c.Limits.Window = 100*time.Millisecond, 64<<20
		c.Limits.WriteTimeout, c.Limits.Heartbeat = time.Hour, time.Hour // so that nothing else frees what waits for the page
	})
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	conn := p.dial(id)
	defer conn.Abort()
	if err := conn.Write(r.ctx, helloMessage(ticket)); err != nil { // and never reads
		t.Fatal(err)
	}
	c := r.target(1)
	ctx, cancel := context.WithCancel(r.ctx)
	said := make(chan struct{})
	go func() {
		defer close(said)
		for c.Output(ctx, strings.Repeat("x", 64<<10)) == nil {
			said <- struct{}{}
		}
	}()
	for slowed := false; !slowed; { // until the socket's buffers, the window and the backlog are full
		select {
		case <-said:
		case <-time.After(100 * time.Millisecond):
			slowed = true
		}
	}
	if err := r.broker.Terminate(r.ctx, admin, id, ""); err != nil {
		t.Fatal(err)
	}
	if info := r.completed(id); info.Reason != pam.EndTerminated {
		t.Errorf("info = %+v", info)
	}
	if err := r.broker.Shutdown(r.ctx); err != nil {
		t.Error(err)
	}
	cancel()
	for range said {
	}
}

// TestFlow_DrainAtTheEnd: all that the target said before it ended is shown, also when it is more than a window.
func TestFlow_DrainAtTheEnd(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Window = 16 << 10 })
	r.recorded()
	_, pg, c := r.begin()
	var want strings.Builder
	for i := range 100 {
		text := fmt.Sprintf("%d%s", i, strings.Repeat(".", 1<<10))
		want.WriteString(text)
		r.say(c, text)
	}
	c.End(&pam.End{Reason: pam.EndRemoteLogoff})
	if got := pg.awaitEnd(); got != pam.CodeRemoteLogoff {
		t.Errorf("end %q", got)
	}
	if pg.out.String() != want.String() {
		t.Errorf("%d of %d bytes shown", pg.out.Len(), want.Len())
	}
}

// TestFlow_S26_PacedOwnerSlowsNobody: with a protocol that paces itself a page that takes nothing holds back
// neither the target nor memory, and comes back with a key frame.
func TestFlow_S26_PacedOwnerSlowsNobody(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Window, c.Limits.Backlog = 16<<10, 64<<10 })
	r.protocol.Wrap = nil // every ability, pacing too
	_, pg, c := r.begin()
	pg.change(func() { pg.hold = true })
	for range 100 {
		r.say(c, strings.Repeat("x", 8<<10)) // 800 KB: does not wait
	}
	r.say(c, "newest")
	pg.mu.Lock()
	total := pg.acked
	pg.mu.Unlock()
	pg.change(func() { pg.hold = false })
	for !pg.shows("newest") && r.ctx.Err() == nil {
		pg.mu.Lock()
		now, moved := pg.acked, pg.moved
		pg.mu.Unlock()
		if now != total || total > 0 {
			pg.send(frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, now)})
			total = now
		}
		if pg.shows("newest") {
			break
		}
		select {
		case <-moved:
		case <-r.ctx.Done():
		}
	}
	pg.mu.Lock()
	defer pg.mu.Unlock()
	if pg.keys < 1 || !strings.HasSuffix(pg.out.String(), "newest") {
		t.Errorf("%d key frames, picture ends with %q", pg.keys, pg.out.String()[max(0, pg.out.Len()-20):])
	}
}

func (pg *page) shows(text string) bool {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	return strings.Contains(pg.out.String(), text)
}

// TestFlow_S23_KindsOfAdapters: a connection cannot speak in the gateway's name.
func TestFlow_S23_KindsOfAdapters(t *testing.T) {
	for _, k := range []pam.FrameKind{0, 0x01, 0x02, 0x16, 0x80, 0xff} {
		r := newRig(t)
		_, pg, c := r.begin()
		if err := c.Emit(r.ctx, pam.Frame{Kind: k, Payload: []byte(`{"state":"x"}`)}); err == nil {
			t.Errorf("kind %#x was taken", uint8(k))
		}
		if got := pg.awaitEnd(); got != pam.CodeTargetLost {
			t.Errorf("kind %#x: end %q", uint8(k), got)
		}
	}
}

// TestHeartbeat_S29_DeadPeerIsFound: a page whose connection is dead without a word is found out by the gateway's pings.
func TestHeartbeat_S29_DeadPeerIsFound(t *testing.T) {
	r := newRig(t, func(c *pam.Config) {
		c.Limits.Heartbeat, c.Limits.WriteTimeout = 10*time.Millisecond, 50*time.Millisecond
	})
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	conn := p.dial(id)
	defer conn.Abort()
	if err := conn.Write(r.ctx, helloMessage(ticket)); err != nil {
		t.Fatal(err)
	}
	r.target(1) // nobody reads the socket, so nobody answers pings
	p.awaitAPIState(id, "reconnecting")
}

func closeReason(err error) string {
	reason, _ := edge.CloseReason(err)
	return reason
}
