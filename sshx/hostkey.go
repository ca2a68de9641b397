package sshx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/sallyport/sallyport/pam"
)

// Attributes that say which host key a target may have. Any of the first two replaces known_hosts for that asset.
const (
	// AttrHostKeys pins host keys: one per line, each a public key in authorized_keys format or a fingerprint as
	// ssh-keygen -l prints it ("SHA256:…"). Empty lines and lines starting with # are skipped.
	AttrHostKeys = "host_keys"
	// AttrHostCAKeys pins keys of certificate authorities, in the same form: a host certificate by one of them is
	// accepted if it is valid now and names the host.
	AttrHostCAKeys = "host_ca_keys"
	// AttrHostPrincipals lists the names, separated by commas or spaces, one of which a host certificate has to
	// bear. Missing means the host of the asset's address.
	AttrHostPrincipals = "host_principals"
)

// UnknownHostKey is what Config.ConfirmHostKey is asked about.
type UnknownHostKey struct {
	Session     pam.SessionID
	User        pam.UserID
	Asset       pam.Asset // the target, or a jump host on the way
	Address     string    // host:port
	Type        string    // for example "ssh-ed25519"
	Fingerprint string    // "SHA256:…"
	Key         string    // a line for AttrHostKeys
}

// trust is what makes one machine's host key acceptable.
type trust struct {
	address    string // host:port as known_hosts names it
	algorithms []string
	known      bool // keys are known, so another one is a mismatch
	check      func(ctx context.Context, remote net.Addr, key ssh.PublicKey) error
}

// hostTrust decides how to verify the machine of an asset: by its record, else by known_hosts, else by asking the host.
// offer are the permitted host key algorithms. r tells whom the question is for.
func (p *Protocol) hostTrust(a pam.Asset, host, port string, offer []string, r pam.ConnectRequest) (trust, error) {
	pinned, err := parseKeyList(a.Attributes[AttrHostKeys])
	if err != nil {
		return trust{}, fmt.Errorf("attribute %s: %w", AttrHostKeys, err)
	}
	authorities, err := parseKeyList(a.Attributes[AttrHostCAKeys])
	if err != nil {
		return trust{}, fmt.Errorf("attribute %s: %w", AttrHostCAKeys, err)
	}
	principals := words(a.Attributes[AttrHostPrincipals])
	if len(principals) == 0 {
		principals = []string{host}
	}
	t := trust{address: net.JoinHostPort(host, port)}
	files := p.files.Load()
	switch {
	case !pinned.empty() || !authorities.empty():
		p.trustRecord(&t, pinned, authorities, principals, offer)
	case p.trustKnownHosts(&t, files.known, principals, offer):
	default:
		// A certificate by an authority that nobody knows says nothing: the bare key is asked about.
		t.algorithms = slices.DeleteFunc(slices.Clone(offer), isCertAlgorithm)
		t.check = func(ctx context.Context, _ net.Addr, key ssh.PublicKey) error {
			return p.confirm(ctx, t.address, a, key, r)
		}
	}
	if len(t.algorithms) == 0 {
		return trust{}, errors.New("no permitted algorithm can present the known host keys")
	}
	check := t.check
	t.check = func(ctx context.Context, remote net.Addr, key ssh.PublicKey) error {
		if why := files.revoked.check(key); why != nil {
			return t.mismatch(key, why)
		}
		return check(ctx, remote, key)
	}
	return t, nil
}

// trustRecord trusts the keys and authorities of the asset's record.
func (p *Protocol) trustRecord(t *trust, pinned, authorities keyList, principals, offer []string) {
	t.known = true
	keys := pinned.algorithms(offer)
	t.algorithms = slices.DeleteFunc(slices.Clone(offer), func(a string) bool {
		return !slices.Contains(keys, a) && !(isCertAlgorithm(a) && !authorities.empty())
	})
	t.check = func(_ context.Context, _ net.Addr, key ssh.PublicKey) error {
		cert, ok := key.(*ssh.Certificate)
		switch {
		case !ok && pinned.match(key):
			return nil
		case !ok:
			return t.mismatch(key, errors.New("it is none of the asset's pins"))
		case !authorities.match(cert.SignatureKey):
			return t.mismatch(key, fmt.Errorf("its certificate is by %s, which is none of the asset's authorities", fingerprint(cert.SignatureKey)))
		}
		if err := checkHostCertificate(cert, principals, p.cfg.Now()); err != nil {
			return t.mismatch(key, err)
		}
		return nil
	}
}

// trustKnownHosts trusts what the files say, and reports whether they decide about this address.
func (p *Protocol) trustKnownHosts(t *trust, known *knownhosts.HostKeyDB, principals, offer []string) bool {
	if known == nil {
		return false
	}
	keys := known.HostKeys(t.address)
	if len(keys) == 0 {
		return false
	}
	t.known = true
	// Without this restriction the server would choose a key type by its own preference, and a type that is not in
	// the file would look like a changed key.
	t.algorithms = knownAlgorithms(keys, offer)
	lookup := known.HostKeyCallback()
	t.check = func(_ context.Context, remote net.Addr, key ssh.PublicKey) error {
		if err := lookup(t.address, remote, key); err != nil {
			return t.mismatch(key, err)
		}
		if cert, ok := key.(*ssh.Certificate); ok {
			if err := checkHostCertificate(cert, principals, p.cfg.Now()); err != nil {
				return t.mismatch(key, err)
			}
		}
		return nil
	}
	return true
}

// confirm decides about a key of which nothing is known.
func (p *Protocol) confirm(ctx context.Context, address string, a pam.Asset, key ssh.PublicKey, r pam.ConnectRequest) error {
	if p.cfg.InsecureAcceptAnyHostKey {
		return nil
	}
	unknown := func(err error) error {
		return &pam.TargetError{Code: pam.CodeHostKeyUnknown, Err: err}
	}
	if p.cfg.ConfirmHostKey == nil {
		return unknown(fmt.Errorf("no host key is known for %s; it presented %s key %s", address, key.Type(), fingerprint(key)))
	}
	ok, err := p.cfg.ConfirmHostKey(ctx, UnknownHostKey{
		Session: r.Session, User: r.User, Asset: a, Address: address, Type: key.Type(),
		Fingerprint: fingerprint(key), Key: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))),
	})
	switch {
	case ctx.Err() != nil:
		return ended(ctx, pam.CodeHostKeyUnknown, errors.New("the question about the host key was not answered in time"))
	case err != nil:
		return unknown(fmt.Errorf("asking about %s key %s of %s: %w", key.Type(), fingerprint(key), address, err))
	case !ok:
		return unknown(fmt.Errorf("%s key %s of %s was not confirmed", key.Type(), fingerprint(key), address))
	}
	return nil
}

// checkHostCertificate reports what is wrong with a certificate whose authority is trusted. A certificate for every host
// is refused: who can read one machine's key could play all others.
func checkHostCertificate(cert *ssh.Certificate, principals []string, now time.Time) error {
	if cert.CertType != ssh.HostCert {
		return errors.New("its certificate is not for a host")
	}
	for _, want := range principals {
		for _, p := range cert.ValidPrincipals {
			if strings.EqualFold(want, p) { // names of hosts know no case
				return checkCertificate(cert, p, now, nil)
			}
		}
	}
	return fmt.Errorf("its certificate is for %s and not for %s", quoted(cert.ValidPrincipals), quoted(principals))
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

// mismatch refuses a key although keys are known: a changed, revoked or badly certified one means that something else
// answers.
func (t *trust) mismatch(key ssh.PublicKey, why error) error {
	code := pam.CodeHostKeyMismatch
	var ke *xknownhosts.KeyError
	if errors.As(why, &ke) && len(ke.Want) == 0 {
		code = pam.CodeHostKeyUnknown
	}
	return &pam.TargetError{Code: code, Err: fmt.Errorf("%s presented %s key %s: %w", t.address, key.Type(), fingerprint(key), why)}
}

// identity verifies the host key of one connection. The library asks at every key exchange; once a key was accepted, a
// later exchange has to show the same one.
type identity struct {
	check    func(remote net.Addr, key ssh.PublicKey) error
	accepted []byte // nil: not yet
	refused  error  // why the first key exchange failed
}

var errOtherKey = errors.New("another host key appeared when the connection changed its keys")

func (i *identity) verify(_ string, remote net.Addr, key ssh.PublicKey) error {
	blob := key.Marshal()
	if i.accepted != nil {
		// Nothing may be written any more: who signs in reads.
		if !bytes.Equal(i.accepted, blob) {
			return errOtherKey
		}
		return nil
	}
	if i.refused = i.check(remote, key); i.refused == nil {
		i.accepted = blob
	}
	return i.refused
}
