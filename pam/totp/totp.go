// Package totp checks time-based one-time codes (RFC 6238) as second factors of the broker: six digits, steps of 30 s,
// HMAC-SHA-1, which is what every authenticator app speaks.
//
// The way in is [New], whose result goes into pam.Config.MFA; the host keeps each user's secret and hands it out
// through [Config.Secret]. [Enroll] makes a new secret and the address that an authenticator reads as a QR code.
//
// The package neither stores anything nor counts: that a code is good once, and that guessing ends in a lock, is the
// broker's doing.
package totp

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/sallyport/sallyport/pam"
)

const (
	period = 30 * time.Second // X of RFC 6238, section 4.1
	digits = otp.DigitsSix
	// skew is how many steps around the present one are accepted: a phone's clock may be off, and typing takes time
	// (RFC 6238, section 5.2).
	skew = 1
	// minSecret is the least length of a secret in bytes: 128 bits (RFC 4226, section 4, R6).
	minSecret = 16
)

var unpadded = base32.StdEncoding.WithPadding(base32.NoPadding)

// Config is what a Verifier needs from the host.
type Config struct {
	// Secret returns a user's shared secret in base32, as Enroll made it, or an error matching
	// pam.ErrMFANotEnrolled. It is called at every attempt, and the value is kept nowhere. Required.
	Secret func(ctx context.Context, u pam.UserID) (pam.Secret, error)
	Now    func() time.Time // nil: time.Now
}

// Verifier is a pam.MFAVerifier.
type Verifier struct{ cfg Config }

var _ pam.MFAVerifier = (*Verifier)(nil)

// New returns a verifier over a copy of cfg.
func New(cfg Config) (*Verifier, error) {
	if cfg.Secret == nil {
		return nil, errors.New("totp: Config.Secret is nil")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Verifier{cfg}, nil
}

// Verify implements pam.MFAVerifier. Spaces in the token do not count, since authenticators show codes in two groups.
// The proof names the step whose code it was.
func (v *Verifier) Verify(ctx context.Context, r pam.MFARequest) (pam.MFAProof, error) {
	secret, err := v.cfg.Secret(ctx, r.User)
	if err != nil {
		return pam.MFAProof{}, fmt.Errorf("totp: secret: %w", err)
	}
	if err := usable(secret); err != nil {
		return pam.MFAProof{}, fmt.Errorf("totp: secret of user %q: %w", r.User, err)
	}
	token := strings.ReplaceAll(r.Token.Reveal(), " ", "")
	found, matched := 0, 0
	now := v.cfg.Now().Unix() / int64(period/time.Second)
	for step := now - skew; step <= now+skew; step++ { // all of them, whichever matches: the time taken tells nothing
		code, err := hotp.GenerateCodeCustom(secret.Reveal(), uint64(step), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return pam.MFAProof{}, fmt.Errorf("totp: %w", err)
		}
		same := subtle.ConstantTimeCompare([]byte(code), []byte(token))
		found |= same
		// Of two steps with one code the later: it is the one that the code is still good for when the other has gone.
		matched = subtle.ConstantTimeSelect(same, int(step), matched)
	}
	if found == 0 {
		return pam.MFAProof{}, fmt.Errorf("totp: %w", pam.ErrMFAInvalid)
	}
	return pam.MFAProof{
		Used:  "totp:" + strconv.Itoa(matched),
		Until: time.Unix(int64(matched+skew+2)*int64(period/time.Second), 0), // with one step for gateways whose clocks differ
	}, nil
}

// usable reports why a secret cannot be used, without a word of it.
func usable(s pam.Secret) error {
	raw, err := unpadded.DecodeString(strings.TrimRight(strings.ToUpper(s.Reveal()), "="))
	switch {
	case err != nil:
		return errors.New("not base32")
	case len(raw) < minSecret:
		return fmt.Errorf("%d bytes, want at least %d", len(raw), minSecret)
	}
	return nil
}
