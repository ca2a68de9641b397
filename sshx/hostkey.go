package sshx

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/sallyport/sallyport/pam"
)

// AttrHostKeys is the asset attribute that pins host keys: one per line, each a public key in authorized_keys
// format or a fingerprint as ssh-keygen -l prints it ("SHA256:…"). Empty lines and lines starting with # are
// skipped. Pins replace known_hosts for that asset.
const AttrHostKeys = "host_keys"

const maxPins = 64

// pins are the host keys that an asset's record names.
type pins struct {
	keys         []ssh.PublicKey
	fingerprints []string
}

func parsePins(text string) (pins, error) {
	var p pins
	sc := bufio.NewScanner(strings.NewReader(text))
	sc.Buffer(nil, 64<<10) // an RSA key of 16384 bits has 2.8 KB
	for line := 1; sc.Scan(); line++ {
		s := strings.TrimSpace(sc.Text())
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		if len(p.keys)+len(p.fingerprints) == maxPins {
			return pins{}, fmt.Errorf("more than %d pins", maxPins)
		}
		if b64, ok := strings.CutPrefix(s, "SHA256:"); ok {
			sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(b64, "="))
			if err != nil || len(sum) != sha256.Size {
				return pins{}, fmt.Errorf("line %d: not a SHA256 fingerprint", line)
			}
			p.fingerprints = append(p.fingerprints, "SHA256:"+base64.RawStdEncoding.EncodeToString(sum))
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s))
		if err != nil {
			return pins{}, fmt.Errorf("line %d: not a public key: %w", line, err)
		}
		p.keys = append(p.keys, key)
	}
	return p, sc.Err()
}

func (p pins) empty() bool { return len(p.keys) == 0 && len(p.fingerprints) == 0 }

func (p pins) match(key ssh.PublicKey) bool {
	blob := key.Marshal()
	if slices.ContainsFunc(p.keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), blob) }) {
		return true
	}
	return slices.Contains(p.fingerprints, ssh.FingerprintSHA256(key))
}

// algorithms returns which of the offered host key algorithms can present a pinned key. A fingerprint may be of
// any type; certificates cannot match a pin.
func (p pins) algorithms(offer []string) []string {
	var types []string
	for _, k := range p.keys {
		types = append(types, signatureAlgorithms(k.Type())...)
	}
	return slices.DeleteFunc(slices.Clone(offer), func(a string) bool {
		return isCertAlgorithm(a) || (len(p.fingerprints) == 0 && !slices.Contains(types, a))
	})
}

// signatureAlgorithms lists the names under which a key of that type is negotiated.
func signatureAlgorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSA}
	}
	return []string{keyType}
}

func isCertAlgorithm(a string) bool { return strings.HasSuffix(a, "-cert-v01@openssh.com") }

// trust is what makes one target's host key acceptable.
type trust struct {
	address    string // host:port as known_hosts names it
	algorithms []string
	known      bool // keys are known, so another one is a mismatch
	check      func(remote net.Addr, key ssh.PublicKey) error
}

// hostTrust decides how to verify the target of an asset: pins, else known_hosts, else nothing.
func (p *Protocol) hostTrust(a pam.Asset, host, port string) (trust, error) {
	address := net.JoinHostPort(host, port)
	t := trust{address: address, algorithms: p.cfg.HostKeyAlgorithms}

	pinned, err := parsePins(a.Attributes[AttrHostKeys])
	if err != nil {
		return trust{}, fmt.Errorf("attribute %s: %w", AttrHostKeys, err)
	}
	if !pinned.empty() {
		t.known = true
		t.algorithms = pinned.algorithms(p.cfg.HostKeyAlgorithms)
		t.check = func(_ net.Addr, key ssh.PublicKey) error {
			if pinned.match(key) {
				return nil
			}
			return &pam.TargetError{Code: pam.CodeHostKeyMismatch, Err: fmt.Errorf(
				"the target at %s presented %s key %s, which is none of the asset's pins", address, key.Type(), fingerprint(key))}
		}
		return t, nil
	}

	if p.known != nil {
		keys := p.known.HostKeys(address)
		if t.known = len(keys) > 0; t.known {
			// Without this restriction the server would choose a key type by its own preference, and a
			// type that is not in the file would look like a changed key.
			t.algorithms = knownAlgorithms(keys, p.cfg.HostKeyAlgorithms)
		}
		if t.known || !p.cfg.InsecureAcceptAnyHostKey {
			cb := p.known.HostKeyCallback()
			t.check = func(remote net.Addr, key ssh.PublicKey) error {
				return knownHostsError(address, key, cb(address, remote, key))
			}
			return t, nil
		}
	}

	t.check = func(_ net.Addr, key ssh.PublicKey) error {
		if p.cfg.InsecureAcceptAnyHostKey {
			return nil
		}
		return &pam.TargetError{Code: pam.CodeHostKeyUnknown, Err: fmt.Errorf(
			"no host key is known for %s; it presented %s key %s", address, key.Type(), fingerprint(key))}
	}
	return t, nil
}

func knownAlgorithms(keys []knownhosts.PublicKey, offer []string) []string {
	return slices.DeleteFunc(slices.Clone(offer), func(a string) bool {
		return !slices.ContainsFunc(keys, func(k knownhosts.PublicKey) bool {
			if k.Cert {
				// The file names the CA's key; what the host's own certified key is, it does not say.
				return isCertAlgorithm(a)
			}
			return slices.Contains(signatureAlgorithms(k.Type()), a)
		})
	})
}

// knownHostsError turns the callback's verdict into a code.
func knownHostsError(address string, key ssh.PublicKey, err error) error {
	if err == nil {
		return nil
	}
	code := pam.CodeHostKeyMismatch // revoked keys and bad certificates too: something else answered
	var ke *xknownhosts.KeyError
	if errors.As(err, &ke) && len(ke.Want) == 0 {
		code = pam.CodeHostKeyUnknown
	}
	return &pam.TargetError{Code: code, Err: fmt.Errorf(
		"the target at %s presented %s key %s: %w", address, key.Type(), fingerprint(key), err)}
}

func fingerprint(key ssh.PublicKey) string {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	return ssh.FingerprintSHA256(key)
}
