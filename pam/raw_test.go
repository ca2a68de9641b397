package pam_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// rawConn is a WebSocket spoken by hand: a client that keeps to the protocol could not send what an attacker does.
type rawConn struct {
	net.Conn
	br *bufio.Reader
}

// upgrade asks for a WebSocket. The answer's body has been read into it.
func (r *rig) upgrade(t testing.TB, path, host string, h http.Header) (*rawConn, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", r.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("GET", r.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	for k, v := range h {
		req.Header[k] = v
	}
	for k, v := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": frame.Subprotocol,
	} {
		req.Header.Set(k, v)
	}
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body = io.NopCloser(bytes.NewReader(raw))
	}
	return &rawConn{conn, br}, resp
}

// rawSocket opens a socket of a session by hand.
func (p *person) rawSocket(t testing.TB, id pam.SessionID) (*rawConn, *http.Response) {
	t.Helper()
	h := http.Header{}
	p.sign(h)
	return p.r.upgrade(t, "/deep/pam/api/session/"+string(id)+"/socket", "", h)
}

// masked is a client's frame whose masking key is zero, so that the payload stands there as it is.
func masked(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// frame reads one frame of the gateway, which are never masked and never fragmented.
func (c *rawConn) frame() (opcode byte, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c.br, head); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var l [2]byte
		_, err = io.ReadFull(c.br, l[:])
		n = uint64(binary.BigEndian.Uint16(l[:]))
	case 127:
		var l [8]byte
		_, err = io.ReadFull(c.br, l[:])
		n = binary.BigEndian.Uint64(l[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(c.br, payload)
	return head[0] & 0x0f, payload, err
}

// closing reads until the gateway closes: the reason of its close frame, or "cut" when it just cuts the connection.
func (c *rawConn) closing(t testing.TB) string {
	t.Helper()
	for {
		op, payload, err := c.frame()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			t.Fatal("the gateway has not closed")
		case err != nil:
			return "cut"
		case op == 8 && len(payload) >= 2:
			return string(payload[2:])
		}
	}
}

// attacks are what a client that keeps to no protocol may send (S29). Each is written until the connection breaks, at most
// times times.
var attacks = []struct {
	name  string
	bytes []byte
	times int
}{
	{"an unmasked frame", []byte{0x82, 1, 'x'}, 1},
	{"a text frame", masked(0x81, []byte("{}")), 1},
	{"a compressed frame", masked(0xc2, bytes.Repeat([]byte{0}, 100)), 1},
	{"a reserved opcode", masked(0x83, []byte("x")), 1},
	{"a continuation of nothing", masked(0x80, []byte("x")), 1},
	{"a fragmented ping", masked(0x09, nil), 1},
	{"a ping of 126 bytes", masked(0x89, make([]byte, 126)), 1},
	{"a frame of 8 EiB", []byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 1},
	{"a frame of negative length", []byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 1},
	{"more than the largest message", masked(0x82, make([]byte, frame.MaxClientMessage+4096)), 1},
	{"fragments without end", masked(0x02, make([]byte, 60_000)), 1},
	{"pings", masked(0x89, []byte("x")), 100_000},
	{"pongs", masked(0x8a, []byte("x")), 100_000},
	{"empty fragments", masked(0x00, nil), 100_000},
	{"rubbish", bytes.Repeat([]byte{0xff}, 64), 1},
}

// TestAdmission_S29_RawAttacks: each attack ends its own connection, before and after a ticket, and neither the session nor
// the gateway notices.
func TestAdmission_S29_RawAttacks(t *testing.T) {
	for _, a := range attacks {
		for _, attached := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, attached %v", a.name, attached), func(t *testing.T) {
				r := newRig(t)
				p := r.alice()
				id := p.start()
				ticket := p.ticket(id)
				c, resp := p.rawSocket(t, id)
				defer c.Close()
				if resp.StatusCode != http.StatusSwitchingProtocols || strings.Contains(fmt.Sprint(resp.Header), "permessage-deflate") {
					t.Fatalf("%d %v", resp.StatusCode, resp.Header)
				}
				if attached {
					if _, err := c.Write(masked(0x82, helloMessage(ticket))); err != nil {
						t.Fatal(err)
					}
					if op, _, err := c.frame(); err != nil || op != 2 {
						t.Fatalf("opcode %d, %v", op, err)
					}
				}
				go func() { // the answer is read at the same time, as a full socket would hold the attacker up
					for range a.times {
						if _, err := c.Write(a.bytes); err != nil {
							return
						}
					}
					if a.name == "fragments without end" {
						for range 1000 {
							if _, err := c.Write(masked(0x00, make([]byte, 60_000))); err != nil {
								return
							}
						}
					}
					// What the attack has left open must not be what closes it.
					if a.name == "a frame of 8 EiB" {
						for range 1000 {
							if _, err := c.Write(make([]byte, 60_000)); err != nil {
								return
							}
						}
					}
				}()
				t.Logf("closed with %q", c.closing(t))
				again := p.attach(id)
				again.awaitState("active")
				again.key("still")
				conn := r.target(1)
				if err := conn.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "still" }); err != nil {
					t.Errorf("typed %q: %v", conn.Typed(), err)
				}
			})
		}
	}
}

// TestAdmission_S29_AnswersPings: a client that pings now and then is answered and stays.
func TestAdmission_S29_AnswersPings(t *testing.T) {
	r := newRig(t)
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	c, _ := p.rawSocket(t, id)
	defer c.Close()
	if _, err := c.Write(masked(0x82, helloMessage(ticket))); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if _, err := c.Write(masked(0x89, fmt.Append(nil, n))); err != nil {
			t.Fatal(err)
		}
		for {
			op, payload, err := c.frame()
			if err != nil {
				t.Fatal(err)
			}
			if op == 0x0a && string(payload) == fmt.Sprint(n) {
				break
			}
		}
	}
}

// TestAdmission_S29_SlowBody: a request whose body does not come is given up, whatever deadlines the host's server has.
func TestAdmission_S29_SlowBody(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Body = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", r.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /deep/pam/api/asset/server-1/sessions HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nX-User: alice\r\nX-Login: l\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", r.server.Listener.Addr(), r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || code(body) != pam.CodeBadRequest || r.broker.Health().Live != 0 {
		t.Errorf("%d %v", resp.StatusCode, body)
	}
}

// TestSocket_S29_RoleLimits: what a message may hold grows with what its sender may do.
func TestSocket_S29_RoleLimits(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	mon := r.carol().joined(id, pam.ModeMonitor)
	mon.awaitState("active")
	paste := func(n int) frame.Frame { return frame.Frame{Kind: frame.Paste, Payload: bytes.Repeat([]byte("x"), n)} }
	pg.send(paste(frame.MaxPayload))
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Pastes()) == 1 }); err != nil {
		t.Errorf("the owner's largest paste: %v", err)
	}
	mon.send(paste(60 << 10))
	mon.await("a notice", func() bool { return len(mon.notice) > 0 })
	mon.send(paste(65 << 10))
	if got := mon.awaitClose(); got != string(pam.CodeProtocolViolation) {
		t.Errorf("a monitor's large message: closed with %q", got)
	}
	if len(c.Pastes()) != 1 {
		t.Errorf("pastes %d", len(c.Pastes()))
	}
}
