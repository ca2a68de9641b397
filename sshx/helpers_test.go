package sshx_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

const patience = 2 * time.Minute // how long a test waits for what must happen

// fields is a vault of one asset.
type fields map[string]string

func (f fields) get(_ context.Context, name string) (pam.Secret, error) {
	v, ok := f[name]
	if !ok {
		return pam.Secret{}, pam.ErrNoField
	}
	return pam.NewSecret(v), nil
}

func allCapabilities() pam.Capabilities {
	return pam.NewCapabilities(pam.Declarations{pam.Keyboard: pam.Record, pam.ClipboardUpload: pam.Allow})
}

func request(address, account, hostKeys string, vault fields) pam.ConnectRequest {
	return pam.ConnectRequest{
		Session: "s1",
		Asset: pam.Asset{
			ID: "a1", Name: "target", Address: address, Account: account,
			Type:       pam.AssetType{ID: "linux", Name: "Linux", Protocol: "ssh", OS: pam.OSUnix},
			Attributes: map[string]string{sshx.AttrHostKeys: hostKeys},
		},
		Params:       pam.Params{},
		Size:         pam.Size{Cols: 80, Rows: 24},
		Capabilities: allCapabilities(),
		Field:        vault.get,
	}
}

// sink collects what a connection emits.
type sink struct {
	mu      sync.Mutex
	frames  []pam.Frame
	output  bytes.Buffer
	changed chan struct{}
	discard bool // count only
	bytes   int64
}

func newSink() *sink { return &sink{changed: make(chan struct{})} }

func (s *sink) Emit(ctx context.Context, f pam.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind == pam.FrameOutput {
		s.bytes += int64(len(f.Payload))
		if !s.discard {
			s.output.Write(f.Payload)
		}
	}
	if !s.discard {
		s.frames = append(s.frames, f)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return ctx.Err()
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

func (s *sink) keys() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	for _, f := range s.frames {
		if f.Kind == pam.FrameKeys {
			b.Write(f.Payload)
		}
	}
	return b.String()
}

// until waits until cond holds, which is asked after every frame.
func (s *sink) until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("waiting for %s; output so far: %q", what, tail(s.text()))
		}
	}
}

func (s *sink) wait(t testing.TB, text string) {
	t.Helper()
	s.until(t, text, func() bool { return bytes.Contains([]byte(s.text()), []byte(text)) })
}

func tail(s string) string {
	if len(s) > 2000 {
		return "…" + s[len(s)-2000:]
	}
	return s
}

// live is a connection that runs.
type live struct {
	t    testing.TB
	conn pam.Conn
	sink *sink
	end  chan error
}

func run(t testing.TB, c pam.Conn, s *sink) *live {
	t.Helper()
	l := &live{t: t, conn: c, sink: s, end: make(chan error, 1)}
	go func() { l.end <- c.Run(context.Background(), s) }()
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return l
}

func (l *live) keys(text string) {
	l.t.Helper()
	if err := l.conn.Input(context.Background(), pam.Input{Kind: pam.InputKey, Participant: "p1", Data: []byte(text)}); err != nil {
		l.t.Fatalf("Input(%q): %v", text, err)
	}
}

func (l *live) ended() error {
	l.t.Helper()
	select {
	case err := <-l.end:
		return err
	case <-time.After(patience):
		l.t.Fatalf("Run did not return; output so far: %q", tail(l.sink.text()))
		return nil
	}
}

func (l *live) endedWith(reason pam.EndReason) *pam.End {
	l.t.Helper()
	err := l.ended()
	var end *pam.End
	if !errors.As(err, &end) || end.Reason != reason {
		l.t.Fatalf("Run = %v, want an end with reason %s", err, reason)
	}
	return end
}

func newProtocol(t testing.TB, cfg sshx.Config) *sshx.Protocol {
	t.Helper()
	p, err := sshx.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func connect(t testing.TB, p *sshx.Protocol, r pam.ConnectRequest) pam.Conn {
	t.Helper()
	c, err := p.Connect(context.Background(), r)
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	return c
}

func wantCode(t testing.TB, err error, code pam.Code) {
	t.Helper()
	var te *pam.TargetError
	if !errors.As(err, &te) || te.Code != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

// server starts an in-process server and returns its address.
func server(t testing.TB, cfg sshtest.Config) (*sshtest.Server, string) {
	t.Helper()
	if cfg.Passwords == nil && cfg.AuthorizedKeys == nil {
		cfg.Passwords = map[string]string{"demo": "demo-password"}
	}
	s, err := sshtest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, address
}

var demoVault = fields{pam.FieldPassword: "demo-password"}

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	s, _ := newKey(t)
	return s
}

func newKey(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// dialer counts and answers dials from a function.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (f dialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}
