package totp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// newSecret is the length of secrets that Enroll makes, in bytes: 160 bits (RFC 4226, section 4, R6).
const newSecret = 20

// Enrollment is a new second factor of one user. Both members let anyone who reads them make the user's codes.
type Enrollment struct {
	Secret pam.Secret // base32, for the host to keep and to hand out through Config.Secret
	URL    pam.Secret // otpauth address, to be shown once as a QR code
}

// Enroll makes a secret for an account. Issuer and account are what the authenticator shows: the host's name, without a
// colon, and the user's. The host should ask for a code before it relies on the factor. A nil random is crypto/rand.
func Enroll(issuer, account string, random io.Reader) (Enrollment, error) {
	if issuer == "" || account == "" || strings.Contains(issuer, ":") {
		return Enrollment{}, errors.New("totp: enrolling: want an issuer without a colon, and an account")
	}
	if random == nil {
		random = rand.Reader
	}
	raw := make([]byte, newSecret)
	if _, err := io.ReadFull(random, raw); err != nil {
		return Enrollment{}, fmt.Errorf("totp: enrolling: random source: %w", err)
	}
	secret := unpadded.EncodeToString(raw)
	// Written out: authenticators show a plus that stands for a blank as a plus.
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	address := fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		escape(issuer), escape(account), secret, escape(issuer), digits, period/time.Second)
	return Enrollment{Secret: pam.NewSecret(secret), URL: pam.NewSecret(address)}, nil
}
