package sshx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
)

// Defaults of Config.
const (
	DefaultHandshakeTimeout  = 20 * time.Second
	DefaultKeepAliveInterval = 10 * time.Second
	DefaultKeepAliveTimeout  = 15 * time.Second
	DefaultFileTimeout       = 30 * time.Second
)

// Dialer opens the connection to a target. *net.Dialer is one; a jump host or a test can be another.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Config says how targets are reached and trusted. The zero value works for assets that carry their own pins
// (AttrHostKeys) and refuses every other target.
type Config struct {
	// Dialer opens connections. Nil means a net.Dialer.
	Dialer Dialer
	// CheckAddr refuses addresses after the name was resolved (S30); the connection then goes to the very
	// address that was checked. host is the name or literal of the asset's record. Nil means
	// CheckResolved with the default Dialer, and no resolving and no check with a Dialer of your own, which
	// may live where names mean something else.
	CheckAddr func(host string, addr netip.Addr) error

	// KnownHosts names known_hosts files for assets without pins. They are read once, by New. Hashed names,
	// @cert-authority and @revoked lines work as in OpenSSH. Empty means none.
	KnownHosts []string
	// InsecureAcceptAnyHostKey trusts whatever answers, for assets without pins that no known_hosts file
	// names. Credentials can then be stolen by whoever stands in between.
	InsecureAcceptAnyHostKey bool

	// HandshakeTimeout covers dialling, key exchange, sign-in and opening the shell together. Zero means
	// DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration
	// KeepAliveInterval is how often a connection without incoming data is probed. Zero means
	// DefaultKeepAliveInterval.
	KeepAliveInterval time.Duration
	// KeepAliveTimeout is how long a probed target may stay silent before it counts as lost. Zero means
	// DefaultKeepAliveTimeout. With both defaults a dead target is found within 25 s (S35).
	KeepAliveTimeout time.Duration
	// FileTimeout bounds each call on a target's files; large reads and writes get a second more for each 16
	// KiB. Zero means DefaultFileTimeout.
	FileTimeout time.Duration

	// Algorithms that are offered, in order of preference; nil means this package's own modern list. Names
	// outside ssh.SupportedAlgorithms are an error unless InsecureWeakAlgorithms is set.
	KeyExchanges, Ciphers, MACs, HostKeyAlgorithms []string
	// InsecureWeakAlgorithms permits names of ssh.InsecureAlgorithms in the four lists, for old devices.
	InsecureWeakAlgorithms bool
}

// Protocol is the SSH adapter. It is safe for concurrent use and holds no connection.
type Protocol struct {
	cfg   Config
	known *knownhosts.HostKeyDB // nil: no files
}

var _ pam.Protocol = (*Protocol)(nil)

// New validates cfg, reads the known_hosts files and returns the adapter.
func New(cfg Config) (*Protocol, error) {
	var errs []error
	setDefault := func(name string, d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
		if *d < 0 {
			errs = append(errs, fmt.Errorf("negative Config.%s: %v", name, *d))
		}
	}
	setDefault("HandshakeTimeout", &cfg.HandshakeTimeout, DefaultHandshakeTimeout)
	setDefault("KeepAliveInterval", &cfg.KeepAliveInterval, DefaultKeepAliveInterval)
	setDefault("KeepAliveTimeout", &cfg.KeepAliveTimeout, DefaultKeepAliveTimeout)
	setDefault("FileTimeout", &cfg.FileTimeout, DefaultFileTimeout)

	if cfg.Dialer == nil {
		cfg.Dialer = &net.Dialer{}
		if cfg.CheckAddr == nil {
			cfg.CheckAddr = CheckResolved
		}
	}

	good, weak := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	setList := func(name string, list *[]string, def, good, weak []string) {
		if *list == nil {
			*list = def
		}
		*list = slices.Clone(*list)
		for _, a := range *list {
			switch {
			case slices.Contains(good, a):
			case slices.Contains(weak, a) && cfg.InsecureWeakAlgorithms:
			case slices.Contains(weak, a):
				errs = append(errs, fmt.Errorf("weak algorithm in Config.%s: %q needs InsecureWeakAlgorithms", name, a))
			default:
				errs = append(errs, fmt.Errorf("unknown algorithm in Config.%s: %q", name, a))
			}
		}
		if len(*list) == 0 {
			errs = append(errs, fmt.Errorf("empty Config.%s", name))
		}
	}
	setList("KeyExchanges", &cfg.KeyExchanges, defaultKeyExchanges, good.KeyExchanges, weak.KeyExchanges)
	setList("Ciphers", &cfg.Ciphers, defaultCiphers, good.Ciphers, weak.Ciphers)
	setList("MACs", &cfg.MACs, defaultMACs, good.MACs, weak.MACs)
	setList("HostKeyAlgorithms", &cfg.HostKeyAlgorithms, defaultHostKeyAlgorithms, good.HostKeys, weak.HostKeys)

	p := &Protocol{}
	if len(cfg.KnownHosts) > 0 {
		cfg.KnownHosts = slices.Clone(cfg.KnownHosts)
		db, err := knownhosts.NewDB(cfg.KnownHosts...)
		if err != nil {
			errs = append(errs, fmt.Errorf("Config.KnownHosts: %w", err))
		}
		p.known = db
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("sshx: %w", errors.Join(errs...))
	}
	p.cfg = cfg
	return p, nil
}

// Name returns "ssh".
func (p *Protocol) Name() string { return "ssh" }

// The modern lists. AES-GCM comes first because it is the fastest where the processor helps, which is
// everywhere that matters for a gateway; everything here is either authenticated encryption or, for older
// servers, CTR with an encrypt-then-MAC hash.
var (
	defaultKeyExchanges = []string{
		ssh.KeyExchangeMLKEM768X25519,
		ssh.KeyExchangeCurve25519,
		ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521,
		ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDHGEXSHA256, ssh.KeyExchangeDH14SHA256,
	}
	defaultCiphers = []string{
		ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305,
		ssh.CipherAES256CTR, ssh.CipherAES192CTR, ssh.CipherAES128CTR,
	}
	defaultMACs = []string{
		ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512,
	}
	defaultHostKeyAlgorithms = []string{
		ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
		ssh.CertAlgoRSASHA256v01, ssh.CertAlgoRSASHA512v01,
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
	}
)
