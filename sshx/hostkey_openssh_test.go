//go:build unix

package sshx_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// certified is an sshd whose host key is certified; certify replaces the certificate for later connections.
type certified struct {
	*sshtest.OpenSSH
	t    *testing.T
	cert string
}

func newCertified(t *testing.T) *certified {
	t.Helper()
	cert := filepath.Join(t.TempDir(), "host-cert.pub")
	return &certified{sshtest.StartOpenSSH(t, "HostCertificate "+cert), t, cert}
}

func (c *certified) certify(by *sshtest.Authority, until time.Time, change func(*ssh.Certificate), names ...string) {
	c.t.Helper()
	line, err := by.SignHost(c.HostKey, until, names, change)
	if err == nil {
		err = os.WriteFile(c.cert, []byte(line+"\n"), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// watched is a request whose vault notes what it was asked for.
func watched(s *sshtest.OpenSSH, attributes map[string]string) (r pam.ConnectRequest, asked *[]string) {
	r = request(s.Address, s.User, "", nil)
	r.Asset.Attributes = attributes
	r.Params[sshx.ParamInitialCommand] = "exit 0"
	vault := fields{pam.FieldPrivateKey: s.PrivateKey}
	asked = new([]string)
	r.Field = func(ctx context.Context, name string) (pam.Secret, error) {
		*asked = append(*asked, name)
		return vault.get(ctx, name)
	}
	return r, asked
}

// accepts and distrusts connect once; who is distrusted saw no signature, and the vault was not asked.
func accepts(t *testing.T, p *sshx.Protocol, s *sshtest.OpenSSH, attributes map[string]string) {
	t.Helper()
	r, _ := watched(s, attributes)
	if err := connect(t, p, r).Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func distrusts(t *testing.T, p *sshx.Protocol, s *sshtest.OpenSSH, attributes map[string]string, code pam.Code, says string) {
	t.Helper()
	r, asked := watched(s, attributes)
	before := strings.Count(s.Log(), "publickey")
	refusedWith(t, p, r, code, says)
	if len(*asked) > 0 || strings.Count(s.Log(), "publickey") > before {
		t.Errorf("the vault was asked for %q; the server says:\n%s", *asked, s.Log())
	}
}

func TestOpenSSH_S05_HostCertificate(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	s := newCertified(t)
	hour := time.Now().Add(time.Hour)
	plain := newProtocol(t, sshx.Config{})
	file := writeFile(t, "known_hosts", "@cert-authority * "+ca.PublicKey()+"\n")
	byFile := newProtocol(t, sshx.Config{KnownHosts: []string{file}})
	record := map[string]string{sshx.AttrHostCAKeys: "# our authority\n" + ca.PublicKey()}
	for name, way := range map[string]struct {
		p          *sshx.Protocol
		attributes map[string]string
	}{
		"by the record":      {plain, record},
		"by its fingerprint": {plain, map[string]string{sshx.AttrHostCAKeys: fingerprintOf(t, ca.PublicKey())}},
		"by known_hosts":     {byFile, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s.certify(ca, hour, nil, "elsewhere", "127.0.0.1")
			accepts(t, way.p, s.OpenSSH, way.attributes)
			for what, again := range map[string]func(){
				"expired": func() { s.certify(ca, time.Now().Add(-time.Minute), nil, "127.0.0.1") },
				"not yet valid": func() {
					s.certify(ca, hour, func(c *ssh.Certificate) { c.ValidAfter = c.ValidBefore - 1 }, "127.0.0.1")
				},
				"another name":   func() { s.certify(ca, hour, nil, "elsewhere") },
				"every name":     func() { s.certify(ca, hour, nil) },
				"another CA":     func() { s.certify(other, hour, nil, "127.0.0.1") },
				"no certificate": func() { _ = os.Remove(s.cert) },
				"critical option": func() {
					s.certify(ca, hour, func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": ""} }, "127.0.0.1")
				},
			} {
				t.Run(what, func(t *testing.T) {
					again()
					distrusts(t, way.p, s.OpenSSH, way.attributes, pam.CodeHostKeyMismatch, "")
				})
			}
		})
	}
	t.Run("a name of its own", func(t *testing.T) {
		s.certify(ca, hour, nil, "DB7.example")
		attributes := map[string]string{sshx.AttrHostCAKeys: ca.PublicKey(), sshx.AttrHostPrincipals: "db7.example, db8.example"}
		accepts(t, plain, s.OpenSSH, attributes)
	})
	t.Run("beside a pin", func(t *testing.T) {
		s.certify(other, hour, nil, "127.0.0.1")
		attributes := map[string]string{sshx.AttrHostCAKeys: ca.PublicKey(), sshx.AttrHostKeys: s.HostKey}
		distrusts(t, plain, s.OpenSSH, attributes, pam.CodeHostKeyMismatch, "none of the asset's authorities")
		_ = os.Remove(s.cert)
		accepts(t, plain, s.OpenSSH, attributes)
	})
}

func fingerprintOf(t *testing.T, line string) string {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(key)
}

// A key or an authority that is revoked is trusted no more, whatever trusts it (the lesson of CVE-2026-42508).
func TestOpenSSH_S05_RevokedKeysAndAuthorities(t *testing.T) {
	keygen := pamtest.Peer(t, "ssh-keygen")
	ca := newAuthority(t)
	s := newCertified(t)
	s.certify(ca, time.Now().Add(time.Hour), func(c *ssh.Certificate) { c.Serial, c.KeyId = 4711, "db7" }, "127.0.0.1")
	caFile := writeFile(t, "ca.pub", ca.PublicKey()+"\n")
	authority := map[string]string{sshx.AttrHostCAKeys: ca.PublicKey()}
	pin := map[string]string{sshx.AttrHostKeys: s.HostKey}
	innocent := sshtest.AuthorizedKey(newSigner(t).PublicKey())

	// krl makes a revocation list from a specification, as an administrator would.
	krl := func(spec string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "krl")
		out, err := exec.Command(keygen, "-q", "-k", "-f", file, "-s", caFile, writeFile(t, "spec", spec)).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
		return file
	}
	for name, tc := range map[string]struct {
		revoked   string // file of RevokedKeys
		known     string // known_hosts
		host, cas bool   // what is distrusted: the pinned key, the authority's certificate
	}{
		"nothing of it":                {revoked: writeFile(t, "r", "# none of ours\n"+innocent+"\n")},
		"the host key":                 {revoked: writeFile(t, "r", s.HostKey+"\n"), host: true, cas: true},
		"the host key's fingerprint":   {revoked: writeFile(t, "r", fingerprintOf(t, s.HostKey)+"\n"), host: true, cas: true},
		"the authority":                {revoked: writeFile(t, "r", ca.PublicKey()+"\n"), cas: true},
		"the authority's fingerprint":  {revoked: writeFile(t, "r", fingerprintOf(t, ca.PublicKey())), cas: true},
		"the host key in known_hosts":  {known: "@revoked * " + s.HostKey + "\n", host: true, cas: true},
		"the authority in known_hosts": {known: "@revoked * " + ca.PublicKey() + "\n", cas: true},
		"KRL, nothing of it":           {revoked: krl("serial: 4710\nserial: 4712-5000\nid: db8\nkey: " + innocent + "\nsha256: " + innocent + "\n")},
		"KRL, serial":                  {revoked: krl("serial: 4711\n"), cas: true},
		"KRL, range of serials":        {revoked: krl("serial: 1-1000000\n"), cas: true},
		"KRL, many serials":            {revoked: krl(serials(4600, 4800)), cas: true},
		"KRL, id":                      {revoked: krl("id: db7\n"), cas: true},
		"KRL, key":                     {revoked: krl("key: " + s.HostKey + "\n"), host: true, cas: true},
		"KRL, sum of the key":          {revoked: krl("sha256: " + s.HostKey + "\n"), host: true, cas: true},
		"KRL, old sum of the key":      {revoked: krl("sha1: " + s.HostKey + "\n"), host: true, cas: true},
		"KRL, the authority's key":     {revoked: krl("key: " + ca.PublicKey() + "\n"), cas: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := sshx.Config{}
			if tc.revoked != "" {
				cfg.RevokedKeys = []string{tc.revoked}
			}
			if tc.known != "" {
				// The file trusts both as well; being revoked goes first.
				host := "@cert-authority * " + ca.PublicKey() + "\n"
				cfg.KnownHosts = []string{writeFile(t, "known_hosts", host+tc.known)}
			}
			p := newProtocol(t, cfg)
			for _, way := range []struct {
				attributes map[string]string
				revoked    bool
			}{{pin, tc.host}, {authority, tc.cas}} {
				if way.revoked {
					distrusts(t, p, s.OpenSSH, way.attributes, pam.CodeHostKeyMismatch, "revoked")
				} else {
					accepts(t, p, s.OpenSSH, way.attributes)
				}
			}
			if tc.known != "" {
				distrusts(t, p, s.OpenSSH, nil, pam.CodeHostKeyMismatch, "revoked")
			}
		})
	}

	t.Run("later, by Reload", func(t *testing.T) {
		file := writeFile(t, "revoked", "")
		p := newProtocol(t, sshx.Config{RevokedKeys: []string{file}})
		accepts(t, p, s.OpenSSH, pin)
		put := func(content string) {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		put(s.HostKey + "\n")
		if err := p.Reload(); err != nil {
			t.Fatal(err)
		}
		distrusts(t, p, s.OpenSSH, pin, pam.CodeHostKeyMismatch, "revoked")
		// What cannot be read changes nothing.
		put("half a li")
		if err := p.Reload(); err == nil {
			t.Error("Reload took a broken file")
		}
		distrusts(t, p, s.OpenSSH, pin, pam.CodeHostKeyMismatch, "revoked")
	})
}

// serials are every second one, which ssh-keygen stores as a bitmap.
func serials(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		if n%2 == 1 {
			fmt.Fprintf(&b, "serial: %d\n", n)
		}
	}
	return b.String()
}

// An unknown host key is a question to the host: only a yes goes on, and what contradicts a pin is no question.
func TestOpenSSH_S05_ConsentToAnUnknownHostKey(t *testing.T) {
	s := newCertified(t)
	s.certify(newAuthority(t), time.Now().Add(time.Hour), nil, "127.0.0.1") // nobody's authority: it says nothing
	var asked []sshx.UnknownHostKey
	answer, failure := true, error(nil)
	ask := func(_ context.Context, k sshx.UnknownHostKey) (bool, error) {
		asked = append(asked, k)
		return answer, failure
	}
	p := newProtocol(t, sshx.Config{ConfirmHostKey: ask})
	accepts(t, p, s.OpenSSH, nil)
	if len(asked) != 1 {
		t.Fatalf("asked %d times, want once", len(asked))
	}
	k := asked[0]
	if k.Asset.ID != "a1" || k.Session != "s1" || k.Address != s.Address || k.Type != "ssh-ed25519" ||
		k.Fingerprint != fingerprintOf(t, s.HostKey) || fingerprintOf(t, k.Key) != k.Fingerprint {
		t.Errorf("asked about %+v", k)
	}
	// What was confirmed makes a pin.
	accepts(t, newProtocol(t, sshx.Config{}), s.OpenSSH, map[string]string{sshx.AttrHostKeys: k.Key})

	answer = false
	distrusts(t, p, s.OpenSSH, nil, pam.CodeHostKeyUnknown, "was not confirmed")
	answer, failure = true, errors.New("nobody is there")
	distrusts(t, p, s.OpenSSH, nil, pam.CodeHostKeyUnknown, "nobody is there")
	distrusts(t, newProtocol(t, sshx.Config{}), s.OpenSSH, nil, pam.CodeHostKeyUnknown, "no host key is known")
	slow := newProtocol(t, sshx.Config{HandshakeTimeout: 5 * time.Second, ConfirmHostKey: func(ctx context.Context, _ sshx.UnknownHostKey) (bool, error) {
		<-ctx.Done()
		return true, nil
	}})
	distrusts(t, slow, s.OpenSSH, nil, pam.CodeHostKeyUnknown, "not answered in time")

	asked, failure = nil, nil
	wrong := sshtest.AuthorizedKey(newSigner(t).PublicKey())
	distrusts(t, p, s.OpenSSH, map[string]string{sshx.AttrHostKeys: wrong}, pam.CodeHostKeyMismatch, "none of the asset's pins")
	distrusts(t, p, s.OpenSSH, map[string]string{sshx.AttrHostCAKeys: wrong}, pam.CodeHostKeyMismatch, "")
	pub, _, _, _, err := ssh.ParseAuthorizedKey([]byte(wrong))
	if err != nil {
		t.Fatal(err)
	}
	known := writeFile(t, "known_hosts", knownhosts.Line([]string{s.Address}, pub)+"\n")
	distrusts(t, newProtocol(t, sshx.Config{ConfirmHostKey: ask, KnownHosts: []string{known}}), s.OpenSSH, nil, pam.CodeHostKeyMismatch, "")
	revoked := newProtocol(t, sshx.Config{ConfirmHostKey: ask, RevokedKeys: []string{writeFile(t, "r", s.HostKey)}})
	distrusts(t, revoked, s.OpenSSH, nil, pam.CodeHostKeyMismatch, "revoked")
	if len(asked) > 0 {
		t.Errorf("asked about %+v, which contradicts what is known", asked)
	}
	if _, err := sshx.New(sshx.Config{ConfirmHostKey: ask, InsecureAcceptAnyHostKey: true}); err == nil {
		t.Error("New takes a question that is never asked")
	}
}
