package sshx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/dial"
)

// Defaults of Config.
const (
	DefaultHandshakeTimeout  = 20 * time.Second
	DefaultKeepAliveInterval = 10 * time.Second
	DefaultKeepAliveTimeout  = 15 * time.Second
	DefaultFileTimeout       = 30 * time.Second

	minRekeyThreshold = 1 << 10
)

// Config says how targets are reached and trusted. The zero value works for assets that carry their own pins
// (AttrHostKeys) and refuses every other target.
type Config struct {
	// Dialer opens the first connection of the way, to the target or to its first jump host. Nil means a net.Dialer.
	Dialer dial.Dialer
	// CheckAddr refuses addresses after the name was resolved (S30); the connection then goes to the very
	// address that was checked. host is the name or literal of the asset's record. Nil means
	// dial.CheckResolved with the default Dialer, and no resolving and no check with a Dialer of your own, which
	// may live where names mean something else.
	CheckAddr dial.Check

	// KnownHosts names known_hosts files for assets without pins (AttrHostKeys, AttrHostCAKeys). They are read by
	// New and Reload. Hashed names and @cert-authority lines work as in OpenSSH; @revoked lines hold for every
	// target. Empty means none.
	KnownHosts []string
	// RevokedKeys names files with host keys, and keys of certificate authorities, that are trusted no more: lines
	// with public keys or SHA256 fingerprints, or key revocation lists of ssh-keygen -k. They are read by New and
	// Reload, and go before everything that is trusted. Empty means none.
	RevokedKeys []string
	// ConfirmHostKey decides about a host key when nothing is known about the target: no pin, no authority and no
	// line of KnownHosts. Only (true, nil) accepts the key, for this one connection: the host stores k.Key in
	// the asset's record if it is to be known from then on. It runs within HandshakeTimeout; a person who needs
	// longer is better asked between two attempts. It is never asked about a key that contradicts what is known,
	// or that is revoked. Nil refuses unknown keys.
	ConfirmHostKey func(ctx context.Context, k UnknownHostKey) (bool, error)
	// InsecureAcceptAnyHostKey trusts whatever answers, for assets without pins that no known_hosts file
	// names. Credentials can then be stolen by whoever stands in between.
	InsecureAcceptAnyHostKey bool

	// Signers provides keys whose private half the vault does not hold, such as those of an ssh-agent (see
	// AgentSigners), for the method "agent" of AttrAuthMethods. It is asked after the host key was verified, and
	// when the target accepts public keys. ctx ends with Connect: signers may hold on to it, not longer. Nil
	// means none.
	Signers func(ctx context.Context, r SignersRequest) ([]ssh.Signer, error)

	// HandshakeTimeout covers everything up to the shell together: dialling, and key exchange and sign-in on
	// every jump host and the target. Zero means DefaultHandshakeTimeout.
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
	// outside ssh.SupportedAlgorithms are an error unless InsecureWeakAlgorithms is set. PublicKeyAlgorithms are
	// those of our signatures.
	KeyExchanges, Ciphers, MACs, HostKeyAlgorithms, PublicKeyAlgorithms []string
	// InsecureWeakAlgorithms permits names of ssh.InsecureAlgorithms in the five lists, for every target.
	InsecureWeakAlgorithms bool
	// InsecureLegacyAlgorithms permits assets to ask for weak algorithms by AttrAlgorithms, for old devices that
	// have no others. They can then be listened to, or played by others, by who breaks those.
	InsecureLegacyAlgorithms bool
	// RekeyThreshold is after how many bytes new keys are negotiated; at least 1024. Zero means what suits the
	// cipher: 1 GiB or more.
	RekeyThreshold uint64

	// Now is the clock by which certificates are valid. Nil means time.Now.
	Now func() time.Time
}

// Protocol is the SSH adapter. It is safe for concurrent use and holds no connection.
type Protocol struct {
	cfg            Config
	modern, legacy algorithmSet
	files          atomic.Pointer[trustFiles]
}

var _ pam.Protocol = (*Protocol)(nil)

// New validates cfg, reads the files it names and returns the adapter.
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

	cfg.Dialer, cfg.CheckAddr = dial.Defaults(cfg.Dialer, cfg.CheckAddr)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.InsecureAcceptAnyHostKey && cfg.ConfirmHostKey != nil {
		errs = append(errs, errors.New("both Config.InsecureAcceptAnyHostKey and Config.ConfirmHostKey: the question would never be asked"))
	}
	if t := cfg.RekeyThreshold; t != 0 && t < minRekeyThreshold {
		errs = append(errs, fmt.Errorf("too small Config.RekeyThreshold: %d, want at least %d", t, minRekeyThreshold))
	}
	cfg.KnownHosts, cfg.RevokedKeys = slices.Clone(cfg.KnownHosts), slices.Clone(cfg.RevokedKeys)

	p := &Protocol{cfg: cfg}
	var err error
	if p.modern, err = newAlgorithmSet(cfg); err != nil {
		errs = append(errs, err)
	}
	p.legacy = p.modern.before(legacy)
	files, err := loadTrustFiles(cfg)
	if err != nil {
		errs = append(errs, err)
	}
	p.files.Store(files)
	if len(errs) > 0 {
		return nil, fmt.Errorf("sshx: %w", errors.Join(errs...))
	}
	return p, nil
}

// Name returns "ssh".
func (p *Protocol) Name() string { return "ssh" }
