package eventlog_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/eventlog"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// message is what a strict reader of RFC 5424 makes of a datagram or frame.
type message struct {
	pri                    int
	at                     time.Time
	host, app, proc, msgID string
	sdID, text             string
	params                 map[string][]string
}

var headerForm = regexp.MustCompile(`^<([1-9]\d{0,2})>1 (\S{1,32}) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) \[([!#-<>-\\^-~]{1,32})`)

// parse reads one message; anything that the grammar does not allow is an error.
func parse(b []byte) (m message, err error) {
	h := headerForm.FindSubmatch(b)
	if h == nil {
		return m, fmt.Errorf("header: %q", b)
	}
	m.pri, _ = strconv.Atoi(string(h[1]))
	if m.at, err = time.Parse("2006-01-02T15:04:05.000000Z", string(h[2])); err != nil {
		return m, err
	}
	m.host, m.app, m.proc, m.msgID, m.sdID = string(h[3]), string(h[4]), string(h[5]), string(h[6]), string(h[7])
	m.params = map[string][]string{}
	rest := b[len(h[0]):]
	param := regexp.MustCompile(`^ ([!#-<>-\\^-~]{1,32})="`)
	for {
		p := param.FindSubmatch(rest)
		if p == nil {
			break
		}
		rest = rest[len(p[0]):]
		var value []byte
		for {
			if len(rest) == 0 {
				return m, errors.New("a value without an end")
			}
			c := rest[0]
			rest = rest[1:]
			if c == '"' {
				break
			}
			if c == ']' {
				return m, errors.New("a bare ] in a value")
			}
			if c == '\\' {
				if !bytes.ContainsAny(rest[:1], `"]\`) {
					return m, fmt.Errorf("escape of %q", rest[:1])
				}
				c, rest = rest[0], rest[1:]
			}
			value = append(value, c)
		}
		m.params[string(p[1])] = append(m.params[string(p[1])], string(value))
	}
	text, ok := bytes.CutPrefix(rest, []byte("] "))
	if !ok {
		return m, fmt.Errorf("after the parameters: %q", rest)
	}
	m.text = string(text)
	return m, nil
}

// unsee is the reverse of how text is made visible.
func unsee(t *testing.T, text string) string {
	t.Helper()
	out, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		t.Errorf("%q cannot be read back: %v", text, err)
	}
	return out
}

// syslogServer takes messages on one network.
type syslogServer struct {
	address string
	got     chan []byte
	client  *tls.Config
	ln      net.Listener
	conns   chan net.Conn
}

func serve(t *testing.T, network string) *syslogServer {
	t.Helper()
	s := &syslogServer{got: make(chan []byte, 100), conns: make(chan net.Conn, 10)}
	where := "127.0.0.1:0"
	if strings.HasPrefix(network, "unix") {
		dir, err := os.MkdirTemp("", "syslog") // t.TempDir is too long a name for a socket
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		where = filepath.Join(dir, "log")
	}
	switch network {
	case "udp", "unixgram":
		pc, err := net.ListenPacket(network, where)
		if err != nil {
			t.Fatal(err)
		}
		s.address = pc.LocalAddr().String()
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, 64<<10)
			for {
				n, _, err := pc.ReadFrom(buf)
				if err != nil {
					return
				}
				s.got <- bytes.Clone(buf[:n])
			}
		}()
		t.Cleanup(func() { _ = pc.Close(); <-done })
		return s
	}
	plain := network
	if network == "tls" {
		plain = "tcp"
	}
	ln, err := net.Listen(plain, where)
	if err != nil {
		t.Fatal(err)
	}
	s.address, s.ln = ln.Addr().String(), ln
	if network == "tls" {
		server, client := certificate(t)
		s.ln, s.client = tls.NewListener(ln, server), client
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := s.ln.Accept()
			if err != nil {
				return
			}
			s.conns <- conn
			go s.read(conn)
		}
	}()
	t.Cleanup(func() {
		_ = s.ln.Close()
		<-done
		close(s.conns)
		for c := range s.conns {
			_ = c.Close()
		}
	})
	return s
}

// read takes frames of octet counting.
func (s *syslogServer) read(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		length, err := r.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSpace(length))
		if err != nil || n <= 0 || n > 64<<10 {
			s.got <- []byte("bad frame " + length)
			return
		}
		msg := make([]byte, n)
		if _, err := io.ReadFull(r, msg); err != nil {
			return
		}
		s.got <- msg
	}
}

func (s *syslogServer) next(t *testing.T) message {
	t.Helper()
	select {
	case b := <-s.got:
		m, err := parse(b)
		if err != nil {
			t.Fatalf("%v\nin %q", err, b)
		}
		checkPrintable(t, string(b))
		return m
	case <-time.After(2 * time.Minute): // only ends a test that fails
		t.Fatal("no message")
		return message{}
	}
}

// certificate returns the two sides of TLS for 127.0.0.1.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: roots}
}

func newSyslog(t *testing.T, c eventlog.SyslogConfig) *eventlog.Syslog {
	t.Helper()
	s, err := eventlog.NewSyslog(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var networks = []string{"unixgram", "udp", "unix", "tcp", "tls"}

// TestSyslog_S31_Forged sends hostile text over every network: a strict reader of the format finds one message for each
// event, with the text inside its parameter and nothing that a terminal acts on.
func TestSyslog_S31_Forged(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			server := serve(t, network)
			s := newSyslog(t, eventlog.SyslogConfig{Network: network, Address: server.address, TLS: server.client, Host: "gw.example.com"})
			for n, text := range pamtest.ForgedTexts() {
				e := event(n + 1)
				e.User, e.Detail, e.Verb, e.Rules = pam.UserID(text), text, pam.Verb(text), []string{text, "second"}
				if err := s.Write(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				m := server.next(t)
				for name, values := range m.params {
					if name == "seq" {
						continue
					}
					if got := unsee(t, values[0]); got != text {
						t.Errorf("%s = %q, want %q", name, got, text)
					}
				}
				if len(m.params["rule"]) != 2 || m.params["seq"][0] != fmt.Sprint(n+1) || m.host != "gw.example.com" || m.app != "sallyport" {
					t.Errorf("%+v", m)
				}
				if got := unsee(t, m.text); got != text {
					t.Errorf("text %q, want %q", got, text)
				}
			}
		})
	}
}

// TestSyslog_Fields: every field of an event is there, under its name.
func TestSyslog_Fields(t *testing.T) {
	server := serve(t, "unixgram")
	s := newSyslog(t, eventlog.SyslogConfig{Network: "unixgram", Address: server.address, Facility: 16, App: "portal", SDID: "pam@99999"})
	e := pam.Event{
		Seq: 7, Gateway: "gw-1", At: at, Verb: pam.DenySession, User: "alice", Login: "l", Asset: "a", Session: "s", ClientAddr: "192.0.2.1",
		SocketAddr: "127.0.0.1:1", Code: pam.CodeRestricted, Reason: pam.EndIdle, Detail: "d", Rules: []string{"r1", "r2"}, Policy: 9,
	}
	if err := s.Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	m := server.next(t)
	if m.pri != 16*8+4 || !m.at.Equal(at) || m.app != "portal" || m.proc != fmt.Sprint(os.Getpid()) || m.msgID != "DenySession" || m.sdID != "pam@99999" ||
		m.text != "Deny Session: restricted" {
		t.Errorf("%+v", m)
	}
	want := map[string][]string{
		"seq": {"7"}, "gateway": {"gw-1"}, "user": {"alice"}, "login": {"l"}, "asset": {"a"}, "session": {"s"}, "client": {"192.0.2.1"},
		"socket": {"127.0.0.1:1"}, "code": {"restricted"}, "reason": {"idle"}, "detail": {"d"}, "rule": {"r1", "r2"}, "policy": {"9"},
	}
	if fmt.Sprint(m.params) != fmt.Sprint(want) {
		t.Errorf("parameters %v, want %v", m.params, want)
	}
	e.Verb, e.Code = pam.StartSession, pam.CodeAllowed
	if err := s.Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if m := server.next(t); m.pri != 16*8+5 {
		t.Errorf("priority %d of an allowed start, want notice", m.pri)
	}
}

// TestSyslog_Reconnects: a server that goes away and comes back gets the events from then on.
func TestSyslog_Reconnects(t *testing.T) {
	server := serve(t, "tcp")
	s := newSyslog(t, eventlog.SyslogConfig{Network: "tcp", Address: server.address})
	for n := 1; n <= 5; n++ {
		put(t, s, n, n)
		if m := server.next(t); m.params["seq"][0] != fmt.Sprint(n) {
			t.Errorf("event %v, want %d", m.params["seq"], n)
		}
		conn := <-server.conns
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		eventlog.AwaitGone(s)
	}
}

// TestSyslog_StuckServer: a server that reads nothing costs a write no more than its context allows.
func TestSyslog_StuckServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := newSyslog(t, eventlog.SyslogConfig{Network: "tcp", Address: ln.Addr().String()})
	e := event(1)
	e.Detail = strings.Repeat("x", 1<<20)
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = s.Write(ctx, e)
		cancel()
		if err != nil {
			break
		}
		if n > 100 {
			t.Fatal("100 MB were taken by a server that reads nothing")
		}
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's cause", err)
	}
}

// TestSyslog_Unreachable, and a server that TLS does not believe: errors, and nothing is sent.
func TestSyslog_Unreachable(t *testing.T) {
	server := serve(t, "tls")
	for name, c := range map[string]eventlog.SyslogConfig{
		"nobody there":      {Network: "unix", Address: filepath.Join(t.TempDir(), "absent")},
		"unknown authority": {Network: "tls", Address: server.address},
		"another name":      {Network: "tls", Address: server.address, TLS: &tls.Config{RootCAs: server.client.RootCAs, ServerName: "other.example.com"}},
	} {
		if err := newSyslog(t, c).Write(t.Context(), event(1)); err == nil || !strings.Contains(err.Error(), "eventlog: syslog") {
			t.Errorf("%s: %v", name, err)
		}
	}
	select {
	case b := <-server.got:
		t.Errorf("sent in spite of it: %q", b)
	default:
	}
}

func TestSyslog_Refused(t *testing.T) {
	for name, c := range map[string]eventlog.SyslogConfig{
		"no network": {Address: "a"}, "no address": {Network: "udp"}, "facility": {Network: "udp", Address: "a:1", Facility: 24},
		"host": {Network: "udp", Address: "a:1", Host: "a b"}, "app": {Network: "udp", Address: "a:1", App: strings.Repeat("a", 49)},
		"element": {Network: "udp", Address: "a:1", SDID: `a]b`}, "TLS without a port": {Network: "tls", Address: "a"},
	} {
		if s, err := eventlog.NewSyslog(c); err == nil {
			t.Errorf("%s: %v", name, s)
		}
	}
}

func FuzzSyslogFormat(f *testing.F) {
	for _, text := range pamtest.ForgedTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := event(1)
		e.User, e.Verb, e.Rules = pam.UserID(text), pam.Verb(text), []string{text}
		m, err := parse(eventlog.Format(e))
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(text, "\ufffd"); text != "" && len(text) < 1000 && unsee(t, m.params["rule"][0]) != want && strings.ToValidUTF8(text, "") == text {
			t.Errorf("got %q, want %q", m.params["rule"][0], want)
		}
	})
}
