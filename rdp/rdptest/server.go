package rdptest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// Security says which protocols the server agrees to (2.2.1.2.1).
type Security uint8

const (
	SecurityAny      Security = iota // network level authentication if the client offers it, else TLS
	SecurityNLA                      // network level authentication alone; others are told HYBRID_REQUIRED_BY_SERVER
	SecurityTLS                      // TLS alone; the password comes with the client info
	SecurityStandard                 // standard RDP security alone, which proves nothing: Encryption says how
)

// Config describes a server. Without Passwords NewServer refuses it.
type Config struct {
	// Passwords by user name. The domain is not looked at.
	Passwords map[string]string
	// Certificate of the TLS server. Nil means a new self-signed one.
	Certificate *tls.Certificate
	// Security says what is agreed to. The zero value prefers network level authentication.
	Security Security
	// Encryption and CertificateChain are the method of SecurityStandard, and whether its certificate is a chain of X.509 ones instead of a
	// proprietary one.
	Encryption       Encryption
	CertificateChain bool
	// SlowPath sends every update in share data PDUs, although the client takes the fast path.
	SlowPath bool
	// DisplayControl lets clients ask for another size of the desktop, if they have dynamic channels.
	DisplayControl bool
	// Clipboard shares a clipboard of text with clients that have one: Session.Copy and Session.Paste, or Ctrl+C and Ctrl+V on the desktop.
	Clipboard bool
	// Drive takes the drive that a client gives its session: Session.Drive.
	Drive bool
	// Sound plays to clients that take it: Session.Play, or a tone for as long as the desktop's button is held.
	Sound bool
	// AutoReconnect gives clients a cookie to come back with, which counts like a password, once.
	AutoReconnect bool
	// NoRefresh lets the server not draw what a client asks for by a Refresh Rect PDU, which servers only should (3.3.5.3.1).
	NoRefresh bool
	// Animation moves on the desktop, by the clock Now. Still does not stop it.
	Animation Animation
	// Codec is how pictures are sent to clients that take it; others get raw bitmaps.
	Codec Codec
	// Bulk compresses updates on the fast path for clients that take it, with 64 KiB of history, or 8 if the client has no more (3.1.8).
	Bulk bool
	// HalfChroma makes CodecPlanar and CodecNSCodec send colour at half the width and height, which loses some of it.
	HalfChroma bool
	// Hostile names the way in which the server breaks the protocol: see Variants. Empty means that it keeps to it.
	Hostile string
	// Still keeps the clock of the desktop where it was at the start: nothing is drawn by itself.
	Still bool
	// Now is the clock that the desktop shows. Nil means time.Now.
	Now func() time.Time
}

// Attempt is one sign-in that a client tried.
type Attempt struct {
	User, Domain string
	Password     string // in clear, if it was handed over: after network level authentication, or in the client info
	NLA          bool
	Reconnected  bool // by the cookie of Config.AutoReconnect
	OK           bool
}

// Server is a running RDP server. Close ends it.
type Server struct {
	cfg     Config
	leaf    *x509.Certificate
	ctx     context.Context
	cancel  context.CancelFunc
	accepts pamtest.Acceptor

	variant  *variant  // nil: none
	standard *standard // nil: TLS

	mu       sync.Mutex // guards what follows
	attempts []Attempt
	tokens   int
	secured  int
	taken    int
	heard    int
	sessions []*Session
	tickets  map[uint32]ticket // by logon id
	// lastTicket is the last logon id that was given out.
	lastTicket uint32
	changed    chan struct{} // closed and replaced when sessions or attempts changes
}

// NewServer validates cfg. Serve, Listen or ServeConn bring it to life.
func NewServer(cfg Config) (*Server, error) {
	if len(cfg.Passwords) == 0 {
		return nil, errors.New("rdptest: Config has no Passwords")
	}
	if err := cfg.Animation.check(); err != nil {
		return nil, fmt.Errorf("rdptest: %w", err)
	}
	if cfg.Codec > CodecRemoteFX3 {
		return nil, fmt.Errorf("rdptest: Config.Codec is %d", cfg.Codec)
	}
	hostile, err := findVariant(cfg.Hostile)
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Certificate == nil {
		c, err := selfSigned()
		if err != nil {
			return nil, fmt.Errorf("rdptest: %w", err)
		}
		cfg.Certificate = c
	}
	if len(cfg.Certificate.Certificate) == 0 {
		return nil, errors.New("rdptest: Config.Certificate is empty")
	}
	leaf, err := x509.ParseCertificate(cfg.Certificate.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("rdptest: certificate: %w", err)
	}
	s := &Server{cfg: cfg, leaf: leaf, variant: hostile, changed: make(chan struct{})}
	if cfg.Security == SecurityStandard {
		if hostile != nil {
			return nil, errors.New("rdptest: hostile variants need TLS")
		}
		if s.standard, err = newStandard(&s.cfg); err != nil {
			return nil, fmt.Errorf("rdptest: %w", err)
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

func selfSigned() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	const validity = 365 * 24 * time.Hour
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "rdptest"}, DNSNames: []string{"rdptest", "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Certificate returns the server's certificate, which is what a pin is made of.
func (s *Server) Certificate() *x509.Certificate { return s.leaf }

// Listen serves on a free port of 127.0.0.1 and returns its address.
func (s *Server) Listen() (address string, err error) {
	address, err = s.accepts.Listen(func(c net.Conn) { _ = s.ServeConn(c) })
	if err != nil {
		return "", fmt.Errorf("rdptest: %w", err)
	}
	return address, nil
}

// Serve accepts connections until the listener fails or Close is called; it closes the listener.
func (s *Server) Serve(l net.Listener) error {
	return s.accepts.Serve(l, func(c net.Conn) { _ = s.ServeConn(c) })
}

// ServeConn serves one connection and returns why it ended: nil when the client left in an orderly way.
func (s *Server) ServeConn(c net.Conn) error {
	defer c.Close()
	release, err := s.accepts.Hold(c)
	if err != nil {
		return err
	}
	defer release()
	return s.serve(c)
}

// Drop cuts every connection without a word, as a power failure would, and returns how many there were.
func (s *Server) Drop() int { return s.accepts.Drop() }

// Close ends all connections and waits for every goroutine.
func (s *Server) Close() error {
	s.cancel()
	s.accepts.Close()
	return nil
}

// Attempts returns the sign-ins so far.
func (s *Server) Attempts() []Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.attempts)
}

// Handshakes returns how many TLS handshakes clients have begun: they have seen the certificate.
func (s *Server) Handshakes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secured
}

// Tokens returns how many messages of network level authentication have arrived. A client that does not trust the certificate sends
// none.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

func (s *Server) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

// WaitSession returns the nth session, counted from 0, that became active since the start, however it ended. It waits for it
// until ctx ends, and then returns the cause.
func (s *Server) WaitSession(ctx context.Context, n int) (*Session, error) {
	for {
		s.mu.Lock()
		var found *Session
		if n < len(s.sessions) {
			found = s.sessions[n]
		}
		changed := s.changed
		s.mu.Unlock()
		if found != nil {
			return found, nil
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, fmt.Errorf("rdptest: session %d: %w", n, context.Cause(ctx))
		}
	}
}

// Bounds of what is kept for tests: a demonstration runs for long.
const (
	maxAttempts = 1000
	maxSessions = 1000
)

func (s *Server) note(a Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.attempts) < maxAttempts {
		s.attempts = append(s.attempts, a)
	}
}

func (s *Server) add(c *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) < maxSessions {
		s.sessions = append(s.sessions, c)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}
