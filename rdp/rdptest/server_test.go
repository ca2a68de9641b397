package rdptest_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/credssp"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func newServer(t *testing.T, change func(*rdptest.Config)) *rdptest.Server {
	t.Helper()
	cfg := rdptest.Config{Passwords: map[string]string{"anna": password}, Still: true, Now: noon}
	if change != nil {
		change(&cfg)
	}
	s, err := rdptest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func session(t *testing.T, s *rdptest.Server) *rdptest.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := s.WaitSession(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestServer_ShowsItsDesktop: with every security, path and depth, what the client draws is what the server shows, within what
// the depth can say.
func TestServer_ShowsItsDesktop(t *testing.T) {
	for _, p := range []pdu.Protocols{pdu.ProtocolSSL, pdu.ProtocolHybrid | pdu.ProtocolSSL, pdu.ProtocolHybridEx | pdu.ProtocolHybrid | pdu.ProtocolSSL} {
		for _, slow := range []bool{false, true} {
			for depth, tolerance := range map[uint16]int{32: 0, 24: 0, 16: 7, 15: 7} {
				s := newServer(t, func(c *rdptest.Config) { c.SlowPath = slow })
				c, err := dial(t, s, clientConfig(p, depth))
				if err != nil {
					t.Fatalf("%v: %v", p, err)
				}
				d := session(t, s).Desktop()
				want := d.Image()
				for c.drawn < len(want.Pix)/4 { // Still: each pixel comes once
					c.hear()
				}
				for i, v := range want.Pix {
					if d := int(v) - int(c.pic.Pix[i]); d > tolerance || -d > tolerance {
						t.Fatalf("%v, %d bits, slow path %v: byte %d is %d, not %d", p, depth, slow, i, c.pic.Pix[i], v)
					}
				}
				if a := s.Attempts(); len(a) != 1 || !a[0].OK || a[0].User != "anna" || a[0].Password != password || a[0].NLA != (p != pdu.ProtocolSSL) {
					t.Errorf("%v: attempts %+v", p, a)
				}
				s.Close()
			}
		}
	}
}

// TestServer_WrongPassword: the password is refused by CredSSP, or with an error info when it comes with the client info.
func TestServer_WrongPassword(t *testing.T) {
	cfg := clientConfig(pdu.ProtocolHybrid, 32)
	cfg.Info.Password = "wrong"
	s := newServer(t, nil)
	if _, err := dial(t, s, cfg); !errors.Is(err, credssp.ErrDenied) {
		t.Errorf("CredSSP: %v", err)
	}
	cfg.Protocols = pdu.ProtocolSSL
	var info *pdu.ErrorInfo
	if _, err := dial(t, s, cfg); !errors.As(err, &info) || info.Code != pdu.ErrorInfoDenied {
		t.Errorf("TLS: %v", err)
	}
	if a := s.Attempts(); len(a) != 2 || a[0].OK || a[1].OK {
		t.Errorf("attempts %+v", a)
	}
}

// TestServer_RefusesToNegotiate: what the server does not agree to gets its failure code.
func TestServer_RefusesToNegotiate(t *testing.T) {
	for security, want := range map[rdptest.Security]pdu.FailureCode{rdptest.SecurityNLA: pdu.HybridRequired, rdptest.SecurityTLS: pdu.SSLRequired} {
		s := newServer(t, func(c *rdptest.Config) { c.Security = security })
		p := pdu.ProtocolSSL
		if security == rdptest.SecurityTLS {
			p = pdu.ProtocolHybrid
		}
		var refused *connect.NegotiationError
		if _, err := dial(t, s, clientConfig(p, 32)); !errors.As(err, &refused) || refused.Code != want {
			t.Errorf("%v: %v", security, err)
		}
	}
}

// TestServer_Input: keys, characters, mouse and wheel arrive, do something, and are there to be read.
func TestServer_Input(t *testing.T) {
	s := newServer(t, nil)
	c, err := dial(t, s, clientConfig(pdu.ProtocolSSL, 32))
	if err != nil {
		t.Fatal(err)
	}
	d := session(t, s).Desktop()
	before := d.Image()
	go func() { // the pipe has no room: the server must be able to draw
		for {
			if _, err := c.unit(pdu.FrameSize); err != nil {
				return
			}
		}
	}()
	send := func(events ...[]byte) {
		t.Helper()
		b := bytes.Join(events, nil)
		if _, err := c.conn.Write(append([]byte{byte(len(events) << 2), byte(2 + len(b))}, b...)); err != nil {
			t.Fatal(err)
		}
	}
	send([]byte{0x00, 0x2a}, []byte{0x00, 0x23}, []byte{0x01, 0x23}, []byte{0x01, 0x2a}, []byte{0x00, 0x17}, []byte{0x01, 0x17}) // H i
	send([]byte{4 << 5, 0xe9, 0x00}, []byte{4 << 5, 0x3d, 0xd8}, []byte{4 << 5, 0x00, 0xde})                                     // é and an emoji
	send([]byte{1 << 5, 0x00, 0x90, 0xc0, 0x02, 0x90, 0x00}, []byte{1 << 5, 0x00, 0x10, 0xc0, 0x02, 0x90, 0x00})                 // click at 704,144
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Wait(ctx, func(d *rdptest.Desktop) bool { return len(d.Events()) == 11 }); err != nil {
		t.Fatal(err)
	}
	if got := d.Text(); got != "Hié😀" {
		t.Errorf("text %q", got)
	}
	if bytes.Equal(before.Pix, d.Image().Pix) {
		t.Error("nothing was drawn")
	}
}

// TestServer_CloseEndsEverything: with a client in each phase, Close returns, and the leak check of the package stays quiet.
func TestServer_CloseEndsEverything(t *testing.T) {
	s := newServer(t, nil)
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := handshake(t, conn, clientConfig(pdu.ProtocolHybrid, 32)); err != nil {
		t.Fatal(err)
	}
	session(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.ServeConn(silent); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
