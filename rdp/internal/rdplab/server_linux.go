package rdplab

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// Width and Height are the size of every desktop of this package.
const (
	Width  = 800
	Height = 600
)

// Options say what a server is to be like. The zero value is a screen that stands still.
type Options struct {
	// Moving keeps pictures coming: a text that scrolls, a clock. GNOME and weston stand still all the same.
	Moving bool
	// Apart gives each connection to xrdp a session of its own. Otherwise there is one, which connections share.
	Apart bool
}

// Server is a real server in a box.
type Server struct {
	*Box
	Name           string // for messages
	Addr           string // of the machine itself: host:port
	Port           int    // inside the box
	User, Password string
	Certificate    *x509.Certificate
	// Home is the folder in which a shell on the screen stands.
	Home string
	// Display is the X display that is shown, if it is one.
	Display string

	account *pamtest.Account // of the machine; nil if User is none
}

// at is the same server, as it is found on another port of its box.
func (s *Server) at(name string, port int) *Server {
	same := *s
	same.Name, same.Port, same.Addr = name, port, s.Relay(port)
	return &same
}

//go:embed templates/session.sh
var sessionScript string

//go:embed templates/terminal.sh
var terminalScript string

// identity is a certificate and its key, made once for all servers of a test process: RSA, since xrdp and FreeRDP sign with it too.
var identity = sync.OnceValues(func() (id struct {
	cert     *x509.Certificate
	crt, key string
}, err error,
) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return id, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return id, err
	}
	if id.cert, err = x509.ParseCertificate(der); err != nil {
		return id, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return id, err
	}
	id.crt = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	id.key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return id, nil
})

// newServer is a server without its programs: a box with tls.crt and tls.key in it.
func newServer(t testing.TB, name string, port int, account *pamtest.Account) *Server {
	t.Helper()
	id, err := identity()
	if err != nil {
		t.Fatal(err)
	}
	var shared []string
	if account != nil {
		shared = []string{account.Home}
	}
	b := NewBox(t, shared...)
	s := &Server{Box: b, Name: name, Port: port, Certificate: id.cert, Home: filepath.Join(b.Dir, "home")}
	b.WriteFile("tls.crt", id.crt, 0o644)
	key := b.WriteFile("tls.key", id.key, 0o600)
	b.WriteFile("session.sh", sessionScript, 0o755)
	b.WriteFile("terminal.sh", terminalScript, 0o755)
	if account != nil {
		s.User, s.Password, s.Home, s.account = account.Name, account.Password, account.Home, account
		if err := account.Own(key); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s.User, s.Password = "lab", rand.Text()
	if err := os.Mkdir(s.Home, 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// Connections returns how many connections the server holds, also those that the client has closed.
func (s *Server) Connections() int { return s.sockets(s.Port, "01", "08") }

// session is the command of an X session.
func (s *Server) session(o Options) []string {
	how := "still"
	if o.Moving {
		how = "moving"
	}
	return []string{filepath.Join(s.Dir, "session.sh"), how, filepath.Join(s.Dir, "terminal.sh")}
}

// Ready says whether the terminal on the screen has shown all that it shows by itself.
func (s *Server) Ready() bool {
	_, err := os.Stat(filepath.Join(s.Home, "ready"+s.Display))
	return err == nil
}

// Typed waits until a file in Home has the given text: proof that something typed was run by the shell on the screen.
func (s *Server) Typed(ctx context.Context, file, text string) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		p, err := os.ReadFile(filepath.Join(s.Home, file))
		if string(p) == text {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("rdplab: %s has %q: %w (%w)", file, p, context.Cause(ctx), err)
		}
	}
}
