package sshtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam/pamtest"
)

const handshakeTimeout = 20 * time.Second

// Handler runs one session and returns its exit status. The session's context ends with the connection.
type Handler func(s *Session) int

// Config describes a server. Without any way to sign in NewServer refuses it.
type Config struct {
	// Handler runs sessions. Nil means Demo.
	Handler Handler
	// HostKey identifies the server. Nil means a new Ed25519 key.
	HostKey ssh.Signer
	// Passwords by user name.
	Passwords map[string]string
	// AuthorizedKeys may sign in as any user.
	AuthorizedKeys []ssh.PublicKey
	// KeyboardInteractive asks for the password by a single prompt, as servers with PAM do, and offers no
	// password method.
	KeyboardInteractive bool
	// Prompts replaces the single prompt of KeyboardInteractive, to play a server with more questions, or a hostile
	// one. Who gives the Answer of each signs in; without answers nobody does.
	Prompts []Prompt
	// SFTP runs sessions of the sftp subsystem. Nil means a tree in memory that the server's sessions share
	// (NewMemSFTP).
	SFTP Handler
	// RefuseEnv, RefusePTY, RefuseShell and RefuseSFTP make the server say no.
	RefuseEnv, RefusePTY, RefuseShell, RefuseSFTP bool
	// MaxSessions bounds the open session channels of a connection, as sshd's option does. Zero means no bound.
	MaxSessions int
	// Forward makes the server a jump host: it returns the connection to an address that a client asks for, over c.
	// Nil forwards nothing.
	Forward func(c ssh.Conn, address string) (net.Conn, error)
	// Server is a template for the rest (algorithms, banner); authentication in it is replaced. Nil is fine.
	Server *ssh.ServerConfig
}

// Prompt is one question of keyboard-interactive.
type Prompt struct {
	Text   string
	Echo   bool
	Answer string // the right one; "": there is none
	Round  bool   // it begins a round of its own, after the answers to those before
}

// Attempt is one credential that a client presented.
type Attempt struct {
	User     string
	Method   string // publickey, password or keyboard-interactive
	Password string // in clear, for password and keyboard-interactive
	OK       bool
}

// Server is a running SSH server. Close ends it.
type Server struct {
	cfg     Config
	server  *ssh.ServerConfig
	ctx     context.Context
	cancel  context.CancelFunc
	accepts pamtest.Acceptor

	mu       sync.Mutex // guards what follows
	attempts []Attempt
	answers  []string
	sessions int           // open session channels
	changed  chan struct{} // closed and replaced when sessions changes
}

// NewServer validates cfg. Serve, Listen or ServeConn bring it to life.
func NewServer(cfg Config) (*Server, error) {
	if len(cfg.Passwords) == 0 && len(cfg.AuthorizedKeys) == 0 && len(cfg.Prompts) == 0 {
		return nil, errors.New("sshtest: Config has neither Passwords nor AuthorizedKeys")
	}
	if cfg.Handler == nil {
		cfg.Handler = Demo
	}
	if cfg.SFTP == nil {
		cfg.SFTP = NewMemSFTP()
	}
	if cfg.HostKey == nil {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("sshtest: %w", err)
		}
		if cfg.HostKey, err = ssh.NewSignerFromKey(key); err != nil {
			return nil, fmt.Errorf("sshtest: %w", err)
		}
	}
	s := &Server{cfg: cfg, server: &ssh.ServerConfig{}, changed: make(chan struct{})}
	if cfg.Server != nil {
		c := *cfg.Server
		s.server = &c
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.server.NoClientAuth = false
	s.server.PublicKeyCallback = s.publicKey
	s.server.PasswordCallback = nil
	s.server.KeyboardInteractiveCallback = nil
	if cfg.KeyboardInteractive || len(cfg.Prompts) > 0 {
		s.server.KeyboardInteractiveCallback = s.keyboardInteractive
	} else if len(cfg.Passwords) > 0 {
		s.server.PasswordCallback = s.password
	}
	s.server.AddHostKey(cfg.HostKey)
	return s, nil
}

// Listen serves on a free port of 127.0.0.1 and returns its address.
func (s *Server) Listen() (address string, err error) {
	address, err = s.accepts.Listen(s.ServeConn)
	if err != nil {
		return "", fmt.Errorf("sshtest: %w", err)
	}
	return address, nil
}

// Serve accepts connections until the listener fails or Close is called; it closes the listener.
func (s *Server) Serve(l net.Listener) error { return s.accepts.Serve(l, s.ServeConn) }

// ServeConn serves one connection and returns when it has ended.
func (s *Server) ServeConn(c net.Conn) {
	defer c.Close()
	release, err := s.accepts.Hold(c)
	if err != nil {
		return
	}
	defer release()

	_ = c.SetDeadline(time.Now().Add(handshakeTimeout))
	sc, chans, reqs, err := ssh.NewServerConn(c, s.server)
	if err != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	ctx, cancel := context.WithCancel(s.ctx)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer cancel()
	sessions.Go(func() { ssh.DiscardRequests(reqs) })
	var open atomic.Int32
	for nc := range chans {
		if nc.ChannelType() == "direct-tcpip" && s.cfg.Forward != nil {
			sessions.Go(func() { s.forward(ctx, sc, nc) })
			continue
		}
		if nc.ChannelType() != "session" {
			_ = nc.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		if s.cfg.MaxSessions > 0 && int(open.Load()) >= s.cfg.MaxSessions {
			_ = nc.Reject(ssh.ConnectionFailed, "open failed")
			continue
		}
		ch, requests, err := nc.Accept()
		if err != nil {
			continue
		}
		open.Add(1)
		s.count(1)
		sessions.Go(func() {
			defer s.count(-1)
			defer open.Add(-1)
			s.session(ctx, sc, ch, requests)
		})
	}
}

// Drop cuts every connection without a word, as a power failure would, and returns how many there were.
func (s *Server) Drop() int { return s.accepts.Drop() }

func (s *Server) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions += n
	close(s.changed)
	s.changed = make(chan struct{})
}

// WaitSessions returns when n session channels are open on all connections together, or ctx has ended: then it
// returns the cause.
func (s *Server) WaitSessions(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		now, changed := s.sessions, s.changed
		s.mu.Unlock()
		if now == n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("sshtest: %d sessions are open, not %d: %w", now, n, context.Cause(ctx))
		}
	}
}

// Close ends all connections and waits for every goroutine.
func (s *Server) Close() error {
	s.cancel()
	s.accepts.Close()
	return nil
}

// HostKey returns the server's public key as an authorized_keys line, which is what a pin takes.
func (s *Server) HostKey() string { return AuthorizedKey(s.cfg.HostKey.PublicKey()) }

// Attempts returns what clients presented so far.
func (s *Server) Attempts() []Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.attempts)
}

// Answers returns what clients answered to questions of keyboard-interactive, also where they then gave up.
func (s *Server) Answers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}

// AuthorizedKey formats a public key as a line of authorized_keys, without the newline.
func AuthorizedKey(k ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
}

func (s *Server) note(a Attempt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	const maxAttempts = 1000 // a demo runs for long
	if len(s.attempts) < maxAttempts {
		s.attempts = append(s.attempts, a)
	}
	if !a.OK {
		return errors.New("no")
	}
	return nil
}

func (s *Server) publicKey(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	blob := key.Marshal()
	ok := slices.ContainsFunc(s.cfg.AuthorizedKeys, func(k ssh.PublicKey) bool { return slices.Equal(k.Marshal(), blob) })
	return nil, s.note(Attempt{User: c.User(), Method: "publickey", OK: ok})
}

func (s *Server) checkPassword(user, password string) bool {
	want, known := s.cfg.Passwords[user]
	same := subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1
	return known && same
}

func (s *Server) password(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	ok := s.checkPassword(c.User(), string(password))
	return nil, s.note(Attempt{User: c.User(), Method: "password", Password: string(password), OK: ok})
}

func (s *Server) keyboardInteractive(c ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	prompts := s.cfg.Prompts
	if len(prompts) == 0 {
		prompts = []Prompt{{Text: "Password: "}}
	}
	a := Attempt{User: c.User(), Method: "keyboard-interactive", OK: true}
	var given []string
	for len(prompts) > 0 {
		n := 1
		for n < len(prompts) && !prompts[n].Round {
			n++
		}
		answers, err := askRound(ask, prompts[:n])
		if err != nil {
			return nil, err
		}
		for i, p := range prompts[:n] {
			right := p.Answer != "" && answers[i] == p.Answer
			if len(s.cfg.Prompts) == 0 {
				right = s.checkPassword(c.User(), answers[i])
			}
			a.OK = a.OK && right
		}
		given = append(given, answers...)
		s.mu.Lock()
		s.answers = append(s.answers, answers...)
		s.mu.Unlock()
		prompts = prompts[n:]
	}
	a.Password = strings.Join(given, "\n")
	return nil, s.note(a)
}

func askRound(ask ssh.KeyboardInteractiveChallenge, prompts []Prompt) ([]string, error) {
	questions, echos := make([]string, len(prompts)), make([]bool, len(prompts))
	for i, p := range prompts {
		questions[i], echos[i] = p.Text, p.Echo
	}
	answers, err := ask("", "", questions, echos)
	if err == nil && len(answers) != len(prompts) {
		err = fmt.Errorf("%d answers to %d questions", len(answers), len(prompts))
	}
	return answers, err
}
