package rdptest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// TestReconnect_ByTheCookie: a client whose connection broke comes back without a password, inside TLS and with standard security, where the
// proof is bound to the connection. A cookie is good for one time, and for its user.
func TestReconnect_ByTheCookie(t *testing.T) {
	for _, security := range []rdptest.Security{rdptest.SecurityTLS, rdptest.SecurityStandard} {
		s := newServer(t, func(c *rdptest.Config) { c.Security, c.AutoReconnect = security, true })
		addr, err := s.Listen()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		connect := func(user, pass string, cookie *rdp.Reconnect) (*rdp.Client, error) {
			cfg := rdp.Config{
				Credentials: func(context.Context) (rdp.Credentials, error) {
					return rdp.Credentials{User: user, Password: rdp.Password(pass)}, nil
				},
				Width: 320, Height: 240, Reconnect: cookie,
			}
			if security == rdptest.SecurityStandard {
				cfg.Security, cfg.InsecureAllowStandardSecurity = rdp.SecurityStandard, true
			} else {
				cfg.Pins = []string{rdp.Fingerprint(s.Certificate())}
			}
			return rdp.Dial(ctx, addr, &cfg)
		}
		c, err := connect("anna", password, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Reconnect() != nil {
			t.Error("a cookie before the server has given one")
		}
		for c.Reconnect() == nil {
			if _, err := c.Next(ctx); err != nil {
				t.Fatal(err)
			}
		}
		first := c.Reconnect()
		if s := fmt.Sprintf("%v %+v %x", first, first, first); s != "[redacted] [redacted] [redacted]" {
			t.Errorf("a cookie prints as %s", s)
		}
		s.Drop()
		for err == nil {
			_, err = c.Next(ctx)
		}
		if code := rdp.CodeOf(err); code != rdp.CodeNetwork {
			t.Errorf("after the connection was cut: %v", err)
		}
		c.Close()
		if _, err := connect("mallory", "", first); rdp.CodeOf(err) != rdp.CodeAuth {
			t.Errorf("somebody else with the cookie: %v", err)
		}
		back, err := connect("anna", "", c.Reconnect())
		if err != nil {
			t.Fatal(err)
		}
		attempts := s.Attempts()
		if a := attempts[len(attempts)-1]; !a.Reconnected || !a.OK || a.Password != "" {
			t.Errorf("attempt %+v", a)
		}
		back.Close()
		if _, err := connect("anna", "", first); rdp.CodeOf(err) != rdp.CodeAuth {
			t.Errorf("the cookie a second time: %v", err)
		}
	}
}

// TestXfreerdp_Reconnects: a client that somebody else has written keeps the cookie, and proves that it has it when its connection was cut.
func TestXfreerdp_Reconnects(t *testing.T) {
	s := newServer(t, func(c *rdptest.Config) { c.Security, c.AutoReconnect = rdptest.SecurityTLS, true })
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	screen, _ := xfreerdp(t, addr, "/sec:tls", pin(s), "+auto-reconnect")
	screen.shows(t, session(t, s).Desktop())
	if n := s.Drop(); n != 1 {
		t.Fatalf("%d connections cut", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	again, err := s.WaitSession(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	attempts := s.Attempts()
	if a := attempts[len(attempts)-1]; !a.Reconnected || !a.OK {
		t.Errorf("attempts %+v", attempts)
	}
	screen.shows(t, again.Desktop())
}

// TestSession_DisconnectCodes: what a server gives as its reason is the code of the client's error.
func TestSession_DisconnectCodes(t *testing.T) {
	for reason, want := range map[uint32]rdp.Code{
		0: rdp.CodeDisconnected, 1: rdp.CodeAdmin, 2: rdp.CodeAdmin, 3: rdp.CodeIdle, 5: rdp.CodeReplaced, 11: rdp.CodeDisconnected, 12: rdp.CodeLoggedOff,
	} {
		s := newServer(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c := dialAs(ctx, t, s, rdp.Config{Width: 320, Height: 240})
		if err := session(t, s).Disconnect(reason); err != nil {
			t.Fatal(err)
		}
		var err error
		for err == nil {
			_, err = c.Next(ctx)
		}
		if code := rdp.CodeOf(err); code != want {
			t.Errorf("reason %d: %v, want %s", reason, err, want)
		}
	}
}
