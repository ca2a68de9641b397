package rdp

import (
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// The encryption methods of standard security, for OfferMethods.
const (
	Methods40   = pdu.Encryption40
	Methods56   = pdu.Encryption56
	Methods128  = pdu.Encryption128
	MethodsFIPS = pdu.EncryptionFIPS
)

// OfferMethods returns a Config that offers standard security with the given encryption methods alone.
func OfferMethods(m pdu.EncryptionMethods) Config {
	return Config{Security: SecurityStandard, InsecureAllowStandardSecurity: true, methods: m}
}

// Answers says whether the server was seen to draw what it is asked to, and nothing is waited for.
func (c *Client) Answers() bool { return c.alive.ready.Load() }

// Answers does so for the adapter's connection.
func Answers(c pam.Conn) bool { return c.(*conn).connection().Answers() }
