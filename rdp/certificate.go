package rdp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// UnknownCertificate is a certificate about which nothing is known.
type UnknownCertificate struct {
	ServerName  string
	Chain       []*x509.Certificate // the server's own first
	Fingerprint string              // of the first, in the form of Config.Pins
}

// Fingerprint returns sha256: and the hash of a certificate's DER in hexadecimal.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return pinPrefix + hex.EncodeToString(sum[:])
}

const pinPrefix = "sha256:"

// CheckPin says what is wrong with a fingerprint in the form of Config.Pins: sha256: and 64 hexadecimal digits of either case, with colons
// between them or without.
func CheckPin(pin string) error {
	_, err := parsePin(pin)
	return err
}

func parsePin(s string) ([sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	digits, ok := strings.CutPrefix(strings.ToLower(s), pinPrefix)
	digits = strings.ReplaceAll(digits, ":", "")
	if n, err := hex.Decode(sum[:], []byte(digits[:min(len(digits), 2*len(sum))])); !ok || err != nil || n != len(sum) || len(digits) != 2*len(sum) {
		return sum, fmt.Errorf("%q: want sha256: and 64 hexadecimal digits", s)
	}
	return sum, nil
}

// errUntrusted says that nothing makes the certificate trusted.
var errUntrusted = errors.New("nothing says that this certificate is to be trusted: pin it (Config.Pins), name its authority (Config.RootCAs), or decide by Config.ConfirmCertificate")

// tlsConfig decides about the server's certificate inside the handshake: before it ends, no byte of the sequence after it can go out (S05).
// Self-signed certificates are usual, so that the decision is all ours; sessions are not resumed, since that would skip it.
func (c *Config) tlsConfig(ctx context.Context, accepted func(*x509.Certificate)) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         c.ServerName,
		InsecureSkipVerify: true, // VerifyConnection below verifies
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the server has no certificate")
			}
			leaf := s.PeerCertificates[0]
			if err := c.trust(ctx, s.PeerCertificates); err != nil {
				return &Error{Code: CodeCertificate, Phase: "TLS", Fingerprint: Fingerprint(leaf), Err: err}
			}
			accepted(leaf)
			return nil
		},
	}
}

// trust returns why a chain is not trusted.
func (c *Config) trust(ctx context.Context, chain []*x509.Certificate) error {
	sum := sha256.Sum256(chain[0].Raw)
	for _, pin := range c.Pins {
		if want, err := parsePin(pin); err == nil && want == sum {
			return nil
		}
	}
	switch {
	case c.RootCAs != nil:
		between := x509.NewCertPool()
		for _, cert := range chain[1:] {
			between.AddCert(cert)
		}
		_, err := chain[0].Verify(x509.VerifyOptions{Roots: c.RootCAs, Intermediates: between, DNSName: c.ServerName})
		return err
	case len(c.Pins) > 0:
		return errors.New("it is none of those that are pinned: the server has a new one, or somebody stands in between")
	case c.ConfirmCertificate != nil:
		return c.ConfirmCertificate(ctx, UnknownCertificate{ServerName: c.ServerName, Chain: chain, Fingerprint: Fingerprint(chain[0])})
	case c.InsecureAcceptAnyCertificate:
		return nil
	}
	return errUntrusted
}
