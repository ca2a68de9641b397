package rdp

import (
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

// Attributes of an asset. All are text.
const (
	// AttrCertificates are the certificates that are trusted, as in Config.Pins, separated by white space. With them nothing
	// else is trusted.
	AttrCertificates = "certificates"
	// AttrCertificateCAs are authorities, in PEM, whose certificates are trusted for AttrServerName.
	AttrCertificateCAs = "certificate_cas"
	// AttrServerName is the name that a certificate by such an authority must have. Missing: the host of the address.
	AttrServerName = "server_name"
	// AttrDomain is the account's domain. An account DOMAIN\name or name@domain needs none.
	AttrDomain = "domain"
	// AttrSecurity says what is offered to the target: nla, tls, or any, which is both. Missing: any.
	AttrSecurity = "security"
	// AttrRestrictedAdmin is "true" to sign in without handing over the password, where the target allows that; it needs security nla.
	AttrRestrictedAdmin = "restricted_admin"
)

// securities are the values of AttrSecurity.
var securities = map[string]Security{"": SecurityAny, "any": SecurityAny, "nla": SecurityNLA, "tls": SecurityTLS}

// applyAsset takes over what an asset's record says about trust and sign-in.
func (c *Config) applyAsset(a *pam.Asset) error {
	bad := func(attr string, err error) error {
		return &pam.TargetError{Code: pam.CodeTargetConfig, Err: fmt.Errorf("asset %s: attribute %s: %w", a.ID, attr, err)}
	}
	if name := a.Attributes[AttrServerName]; name != "" {
		c.ServerName = name
	}
	c.Pins = strings.Fields(a.Attributes[AttrCertificates])
	for _, pin := range c.Pins {
		if err := CheckPin(pin); err != nil {
			return bad(AttrCertificates, err)
		}
	}
	if pem := a.Attributes[AttrCertificateCAs]; pem != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return bad(AttrCertificateCAs, fmt.Errorf("it holds no certificate in PEM"))
		}
	}
	var ok bool
	if c.Security, ok = securities[a.Attributes[AttrSecurity]]; !ok {
		return bad(AttrSecurity, fmt.Errorf("%q: want any, nla or tls", a.Attributes[AttrSecurity]))
	}
	switch v := a.Attributes[AttrRestrictedAdmin]; v {
	case "", "false":
	case "true":
		if c.Security != SecurityNLA {
			return bad(AttrRestrictedAdmin, fmt.Errorf("it needs %s to be nla", AttrSecurity))
		}
		c.RestrictedAdmin = true
	default:
		return bad(AttrRestrictedAdmin, fmt.Errorf("%q: want true or false", v))
	}
	return nil
}

// known says whether the record names whom to trust.
func (c *Config) known() bool { return len(c.Pins) > 0 || c.RootCAs != nil }
