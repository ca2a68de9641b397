package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// OpenSSHConfig describes a real sshd.
type OpenSSHConfig struct {
	// Program is the path of sshd.
	Program string
	// Dir is an existing, private directory for configuration and keys.
	Dir string
	// Options are further lines of sshd_config. sshd takes the first of two that contradict each other, and
	// these come first.
	Options []string
}

// OpenSSH is the real sshd on loopback: a listener on a free port that runs `sshd -i` for each connection, so
// that no port is taken twice. It serves the account of the caller, which may be root, by a key made for it.
type OpenSSH struct {
	Address    string // host:port
	User       string // account that may sign in
	PrivateKey string // OpenSSH format, for that account
	HostKey    string // authorized_keys line; also in HostKeyFile

	HostKeyFile   string // private key; replaced by RotateHostKey
	PublicKeyFile string // authorized_keys of the account

	*inetd
}

// StartOpenSSH runs sshd for the length of a test. Without an sshd on the machine it does what pamtest.Peer does.
// options are further lines of sshd_config.
func StartOpenSSH(t testing.TB, options ...string) *OpenSSH {
	t.Helper()
	s, err := RunOpenSSH(OpenSSHConfig{Program: pamtest.Peer(t, "sshd"), Dir: t.TempDir(), Options: options})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		if t.Failed() {
			t.Logf("sshd said:\n%s", s.Log())
		}
	})
	return s
}

// RunOpenSSH runs sshd until Close.
func RunOpenSSH(cfg OpenSSHConfig) (*OpenSSH, error) {
	s, err := newOpenSSH(cfg)
	if err != nil {
		return nil, fmt.Errorf("sshtest: sshd: %w", err)
	}
	return s, nil
}

func newOpenSSH(cfg OpenSSHConfig) (*OpenSSH, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	account, err := user.Current()
	if err != nil {
		return nil, err
	}
	s := &OpenSSH{
		User:        account.Username,
		HostKeyFile: filepath.Join(dir, "host_key"), PublicKeyFile: filepath.Join(dir, "authorized_keys"),
	}
	config := filepath.Join(dir, "sshd_config")
	if os.Geteuid() == 0 {
		// sshd drops privileges into this directory and does not make it.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	if err := s.RotateHostKey(); err != nil {
		return nil, err
	}
	private, public, err := newKeyPair()
	if err != nil {
		return nil, err
	}
	s.PrivateKey = string(private)
	if err := os.WriteFile(s.PublicKeyFile, []byte(public+"\n"), 0o600); err != nil {
		return nil, err
	}
	lines := append(append([]string{}, cfg.Options...),
		"HostKey "+s.HostKeyFile,
		"AuthorizedKeysFile "+s.PublicKeyFile,
		"PidFile none",
		"UsePAM no",
		"UseDNS no",
		"StrictModes no",
		"PermitRootLogin yes",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"PrintMotd no",
		"PrintLastLog no",
		"AcceptEnv LANG LC_*",
		"LogLevel VERBOSE",
	)
	if !slices.ContainsFunc(cfg.Options, func(o string) bool { return strings.HasPrefix(o, "Subsystem ") }) {
		lines = append(lines, "Subsystem sftp internal-sftp") // here the first of two is an error
	}
	if !slices.ContainsFunc(cfg.Options, func(o string) bool { return strings.HasPrefix(o, "SetEnv ") }) {
		// The start-up files of whoever runs the tests are not a part of them: they may be slow, print, or wait for a lock
		// that a killed shell has left.
		home := filepath.Join(dir, "home")
		if err := os.Mkdir(home, 0o755); err != nil {
			return nil, err
		}
		lines = append(lines, "SetEnv HOME="+home)
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command(cfg.Program, "-t", "-f", config).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("configuration: %w: %s", err, out)
	}
	if s.inetd, err = startInetd(filepath.Join(dir, "log"), cfg.Program, "-i", "-e", "-f", config); err != nil {
		return nil, err
	}
	s.Address = s.address()
	return s, nil
}

// RotateHostKey gives the server a new host key for later connections.
func (s *OpenSSH) RotateHostKey() error {
	private, public, err := newKeyPair()
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.HostKeyFile, private, 0o600); err != nil {
		return err
	}
	s.HostKey = public
	return nil
}

func newKeyPair() (private []byte, public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	block, err := ssh.MarshalPrivateKey(key, "sshtest")
	if err != nil {
		return nil, "", err
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, "", err
	}
	return pem.EncodeToMemory(block), AuthorizedKey(sshPub), nil
}
