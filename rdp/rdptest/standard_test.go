package rdptest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// standards are the methods of standard RDP security, and what package rdp calls them.
var standards = map[rdptest.Encryption]string{
	rdptest.Encryption40: "RC4-40", rdptest.Encryption56: "RC4-56", rdptest.Encryption128: "RC4-128", rdptest.EncryptionFIPS: "3DES",
}

func standardServer(t *testing.T, e rdptest.Encryption, chain bool) (*rdptest.Server, string) {
	t.Helper()
	s := newServer(t, func(c *rdptest.Config) {
		c.Security, c.Encryption, c.CertificateChain = rdptest.SecurityStandard, e, chain
	})
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	return s, addr
}

func credentials(context.Context) (rdp.Credentials, error) {
	return rdp.Credentials{User: "anna", Password: password}, nil
}

// TestServer_StandardSecurity: with each method and both kinds of certificates package rdp signs in, draws, and types, over more packets than
// one key is for; a wrong password is refused.
func TestServer_StandardSecurity(t *testing.T) {
	for method, name := range standards {
		for _, chain := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", name, chain), func(t *testing.T) {
				s, addr := standardServer(t, method, chain)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				cfg := &rdp.Config{
					Credentials: credentials, Security: rdp.SecurityStandard, InsecureAllowStandardSecurity: true, Width: 402, Height: 290,
				}
				c, err := rdp.Dial(ctx, addr, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if i := c.Info(); i.Protocol != "RDP" || i.CipherSuite != name || i.Fingerprint != "" || i.TLSVersion != "" {
					t.Errorf("info %+v", i)
				}
				far := session(t, s).Desktop()
				f, err := rdp.NewFramebuffer(c.Size())
				if err != nil {
					t.Fatal(err)
				}
				draw(ctx, t, c, f, far, 0)
				const moves = 4200
				for i := range moves { // more than one key of a client is for
					if err := c.MouseMove(i%400, i%290); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.Type("Ünï"); err != nil {
					t.Fatal(err)
				}
				if err := far.Wait(ctx, func(d *rdptest.Desktop) bool { return d.Text() == "Ünï" }); err != nil {
					t.Fatal(err)
				}
				draw(ctx, t, c, f, far, 0)
			})
		}
	}
	_, addr := standardServer(t, rdptest.Encryption128, false)
	_, err := rdp.Dial(t.Context(), addr, &rdp.Config{
		Credentials: func(context.Context) (rdp.Credentials, error) {
			return rdp.Credentials{User: "anna", Password: "wrong"}, nil
		},
		Security:                      rdp.SecurityStandard,
		InsecureAllowStandardSecurity: true,
	})
	if code := rdp.CodeOf(err); code != rdp.CodeAuth {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestStandardSecurity_S05_OnlyByName: a client does not take standard security unless its Config says so twice, and does not ask for credentials
// before it has refused.
func TestStandardSecurity_S05_OnlyByName(t *testing.T) {
	_, addr := standardServer(t, rdptest.Encryption128, false)
	asked := false
	ask := func(context.Context) (rdp.Credentials, error) { asked = true; return rdp.Credentials{}, nil }
	for _, security := range []rdp.Security{rdp.SecurityAny, rdp.SecurityNLA, rdp.SecurityTLS} {
		_, err := rdp.Dial(t.Context(), addr, &rdp.Config{Credentials: ask, Security: security, InsecureAcceptAnyCertificate: true})
		if code := rdp.CodeOf(err); code != rdp.CodeNegotiation || asked {
			t.Errorf("security %d: %v, asked for credentials: %v", security, err, asked)
		}
	}
	for name, cfg := range map[string]rdp.Config{
		"without permission":    {Security: rdp.SecurityStandard},
		"permission alone":      {InsecureAllowStandardSecurity: true},
		"a pin of nothing":      {Security: rdp.SecurityStandard, InsecureAllowStandardSecurity: true, Pins: []string{"sha256:00"}},
		"a decision of nothing": {Security: rdp.SecurityStandard, InsecureAllowStandardSecurity: true, ConfirmCertificate: func(context.Context, rdp.UnknownCertificate) error { return nil }},
	} {
		cfg.Credentials = ask
		if _, err := rdp.Dial(t.Context(), addr, &cfg); err == nil || rdp.CodeOf(err) != "" || asked {
			t.Errorf("%s: %v, asked for credentials: %v", name, err, asked)
		}
	}
	tls := newServer(t, nil)
	there, err := tls.Listen()
	if err != nil {
		t.Fatal(err)
	}
	_, err = rdp.Dial(t.Context(), there, &rdp.Config{Credentials: credentials, Security: rdp.SecurityStandard, InsecureAllowStandardSecurity: true})
	if code := rdp.CodeOf(err); code != rdp.CodeNegotiation {
		t.Errorf("a server with TLS alone: %v", err)
	}
}

// TestXfreerdp_StandardSecurity: a client that somebody else has written signs in with each method and with both kinds of certificates, and shows
// the desktop; its codes of authentication are salted ones.
func TestXfreerdp_StandardSecurity(t *testing.T) {
	for method, name := range standards {
		for _, chain := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", name, chain), func(t *testing.T) {
				s, addr := standardServer(t, method, chain)
				args := []string{"/sec:rdp", "/cert:ignore"}
				if method == rdptest.EncryptionFIPS {
					args = append(args, "/encryption-methods:FIPS")
				}
				screen, _ := xfreerdp(t, addr, args...)
				screen.shows(t, session(t, s).Desktop())
			})
		}
	}
}
