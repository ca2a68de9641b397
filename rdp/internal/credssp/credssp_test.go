package credssp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// certificate makes a self-signed certificate.
func certificate(t testing.TB) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "host"}, NotBefore: epoch(), NotAfter: epoch().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const thePassword = "Rdp-Test-123"

// exchange runs a client against a server and returns the first error of each. tamper may change each message.
func exchange(t *testing.T, c *Client, s *Server, tamper func(toServer bool, nth int, msg []byte) []byte) (toServer [][]byte, clientErr, serverErr error) {
	t.Helper()
	if tamper == nil {
		tamper = func(_ bool, _ int, msg []byte) []byte { return msg }
	}
	msg, err := c.Start()
	if err != nil {
		return nil, err, nil
	}
	for n := 0; ; n++ {
		toServer = append(toServer, msg)
		answer, serr := s.Step(tamper(true, n, msg))
		if serr != nil && serverErr == nil {
			serverErr = serr
		}
		if answer == nil {
			return toServer, clientErr, serverErr
		}
		if msg, clientErr = c.Step(tamper(false, n, answer)); clientErr != nil {
			return toServer, clientErr, serverErr
		}
	}
}

func newPair(t *testing.T, password string, change func(*Config, *ServerConfig)) (*Client, *Server) {
	t.Helper()
	cert := certificate(t)
	cfg := Config{Credentials: Credentials{Domain: "corp", User: "rdptest", Password: password}, Certificate: cert, Target: "TERMSRV/host", Now: epoch}
	scfg := ServerConfig{Certificate: cert, Random: rand.Reader, Password: func(domain, user string) (string, bool) {
		return thePassword, domain == "corp" && user == "rdptest"
	}}
	if change != nil {
		change(&cfg, &scfg)
	}
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(scfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// TestExchange_Versions: the credentials arrive under every version that a server may have, and only they, sealed.
func TestExchange_Versions(t *testing.T) {
	for v := leastVersion; v <= version+1; v++ {
		c, s := newPair(t, thePassword, func(_ *Config, s *ServerConfig) { s.Version = v })
		sent, cerr, serr := exchange(t, c, s, nil)
		if cerr != nil || serr != nil || !c.Done() || !s.Done() {
			t.Errorf("version %d: client %v, server %v", v, cerr, serr)
		}
		if want := (Credentials{"corp", "rdptest", thePassword}); s.Credentials != want {
			t.Errorf("version %d: the server got %v", v, s.Credentials)
		}
		for _, msg := range sent {
			if bytes.Contains(msg, []byte("R\x00d\x00p\x00-\x00")) || bytes.Contains(msg, []byte(thePassword)) {
				t.Errorf("version %d: the password is readable", v)
			}
		}
	}
}

// TestExchange_RestrictedAdmin: the server learns who it is and gets no credentials.
func TestExchange_RestrictedAdmin(t *testing.T) {
	c, s := newPair(t, thePassword, func(c *Config, _ *ServerConfig) { c.RestrictedAdmin = true })
	if _, cerr, serr := exchange(t, c, s, nil); cerr != nil || serr != nil || s.Credentials != (Credentials{}) || s.User != "rdptest" {
		t.Errorf("client %v, server %v, got %v", cerr, serr, s.Credentials)
	}
}

// TestExchange_WrongPassword: the server's status is told, and matches ErrDenied.
func TestExchange_WrongPassword(t *testing.T) {
	c, s := newPair(t, "wrong", nil)
	_, cerr, serr := exchange(t, c, s, nil)
	if !errors.Is(cerr, ErrDenied) || !errors.Is(serr, ErrDenied) || !strings.Contains(cerr.Error(), "wrong user name or password") {
		t.Errorf("client %v, server %v", cerr, serr)
	}
	if _, err := c.Step(nil); !errors.Is(err, ErrDenied) {
		t.Errorf("the error does not stick: %v", err)
	}
}

// TestExchange_S05_ManInTheMiddle: one who relays the messages over a TLS channel of its own gets no credentials, whichever side
// notices, and neither does one who changes a byte of any message.
func TestExchange_S05_ManInTheMiddle(t *testing.T) {
	other := certificate(t)
	for _, v := range []int{2, 4, 5, 6} {
		c, s := newPair(t, thePassword, func(c *Config, s *ServerConfig) { s.Certificate, s.Version = other, v })
		if sent, cerr, _ := exchange(t, c, s, nil); cerr == nil || s.Done() || len(sent) > 2 {
			t.Errorf("version %d, relayed: client %v, %d messages sent", v, cerr, len(sent))
		}
	}
	for n := range 3 {
		for _, toServer := range []bool{true, false} {
			for _, at := range []int{-1, -20} {
				c, s := newPair(t, thePassword, nil)
				changed := false
				_, cerr, serr := exchange(t, c, s, func(ts bool, nth int, msg []byte) []byte {
					if ts != toServer || nth != n || len(msg)+at < 0 {
						return msg
					}
					changed = true
					msg = bytes.Clone(msg)
					msg[len(msg)+at] ^= 0x01
					return msg
				})
				if changed && cerr == nil && serr == nil && n > 0 {
					t.Errorf("message %d (to the server: %v) with byte %d changed passes", n, toServer, at)
				}
			}
		}
	}
}

// TestExchange_S13_CredentialsDoNotPrint: no verb shows the password, in a struct or alone.
func TestExchange_S13_CredentialsDoNotPrint(t *testing.T) {
	cfg := Config{Credentials: Credentials{"corp", "rdptest", "c4nary"}}
	for _, v := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if s := fmt.Sprintf(v, cfg) + fmt.Sprintf(v, cfg.Credentials); strings.Contains(s, "c4nary") || strings.Contains(s, "63346e617279") {
			t.Errorf("%s: %s", v, s)
		}
	}
}

// TestRequestSize tells a whole request from the beginning of one.
func TestRequestSize(t *testing.T) {
	for _, n := range []int{1, 100, 127, 128, 300, 60_000} {
		b, err := (&request{version: 6, token: make([]byte, n)}).append()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			if got, err := RequestSize(b[:i]); err != nil || got != 0 && got != len(b) {
				t.Errorf("%d bytes of %d: %d, %v", i, len(b), got, err)
			}
		}
		if got, err := RequestSize(b); err != nil || got != len(b) {
			t.Errorf("got %d, %v; want %d", got, err, len(b))
		}
	}
	for _, bad := range [][]byte{{0x31, 0}, {0x30, 0x80}, {0x30, 0x85, 0, 0, 0, 0, 1}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}} {
		if _, err := RequestSize(bad); err == nil {
			t.Errorf("% x is taken", bad)
		}
	}
}
