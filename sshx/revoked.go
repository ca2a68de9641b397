package sshx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

const (
	maxRevokedFile = 16 << 20
	maxRevokedKeys = 1 << 20
)

// trustFiles is what the files of Config say about host keys. It is replaced as a whole.
type trustFiles struct {
	known   *knownhosts.HostKeyDB // nil: no files
	revoked *revocations
}

// loadTrustFiles reads the files of cfg. A file that cannot be read or understood is an error, never an empty one.
func loadTrustFiles(cfg Config) (*trustFiles, error) {
	f := &trustFiles{revoked: &revocations{keys: make(map[string]struct{})}}
	var errs []error
	if len(cfg.KnownHosts) > 0 {
		known, err := knownhosts.NewDB(cfg.KnownHosts...)
		if err != nil {
			errs = append(errs, fmt.Errorf("Config.KnownHosts: %w", err))
		}
		f.known = known
	}
	for _, name := range cfg.KnownHosts {
		if err := f.revoked.addKnownHosts(name); err != nil {
			errs = append(errs, fmt.Errorf("Config.KnownHosts: %s: %w", name, err))
		}
	}
	for _, name := range cfg.RevokedKeys {
		if err := f.revoked.addFile(name); err != nil {
			errs = append(errs, fmt.Errorf("Config.RevokedKeys: %s: %w", name, err))
		}
	}
	return f, errors.Join(errs...)
}

// Reload reads the files of Config.KnownHosts and Config.RevokedKeys again, for connections from now on. On an error what
// was read before stays in force.
func (p *Protocol) Reload() error {
	f, err := loadTrustFiles(p.cfg)
	if err != nil {
		return fmt.Errorf("sshx: %w", err)
	}
	p.files.Store(f)
	return nil
}

// revocations are keys and certificates that are trusted no more, whatever else says so.
type revocations struct {
	keys map[string]struct{} // SHA256 fingerprints
	krls []*krl
}

// check reports why a host key must not be trusted: its own key, the authority of its certificate, or the certificate
// itself is revoked.
func (r *revocations) check(key ssh.PublicKey) error {
	cert, isCert := key.(*ssh.Certificate)
	if isCert {
		if err := r.check(cert.SignatureKey); err != nil {
			return fmt.Errorf("the authority of its certificate: %w", err)
		}
		key = cert.Key
	}
	if _, ok := r.keys[ssh.FingerprintSHA256(key)]; ok {
		return errRevoked
	}
	for _, k := range r.krls {
		if k.revokesKey(key) || (isCert && k.revokesCertificate(cert)) {
			return errRevoked
		}
	}
	return nil
}

var errRevoked = errors.New("the key is revoked")

func (r *revocations) add(l keyList) {
	for _, k := range l.keys {
		r.keys[ssh.FingerprintSHA256(k)] = struct{}{}
	}
	for _, sum := range l.fingerprints {
		r.keys[sum] = struct{}{}
	}
}

// addFile adds a file of Config.RevokedKeys.
func (r *revocations) addFile(name string) error {
	b, err := readBounded(name)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(b, []byte(krlMagic)) {
		k, err := parseKRL(b)
		if err != nil {
			return err
		}
		r.krls = append(r.krls, k)
		return nil
	}
	l, err := readKeyList(bytes.NewReader(b), maxRevokedKeys)
	if err != nil {
		return err
	}
	r.add(l)
	return nil
}

// addKnownHosts adds the @revoked lines of a known_hosts file. They hold for every host, also for those whose record pins
// keys and for which the file is not asked.
func (r *revocations) addKnownHosts(name string) error {
	b, err := readBounded(name)
	if err != nil {
		return err
	}
	for len(b) > 0 {
		marker, _, key, _, rest, err := ssh.ParseKnownHosts(b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if b = rest; marker == "revoked" {
			r.add(keyList{keys: []ssh.PublicKey{key}})
		}
	}
	return nil
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRevokedFile+1))
	if err == nil && len(b) > maxRevokedFile {
		err = fmt.Errorf("larger than %d bytes", maxRevokedFile)
	}
	return b, err
}
