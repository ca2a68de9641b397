package totp_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/totp"
)

// rfcSecret is the shared secret of RFC 6238, appendix B.
var rfcSecret = base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))

// verify asks a verifier whose clock stands at sec seconds after 1970.
func verify(t *testing.T, secret string, sec int64, token string) (pam.MFAProof, error) {
	t.Helper()
	v, err := totp.New(totp.Config{
		Secret: func(context.Context, pam.UserID) (pam.Secret, error) { return pam.NewSecret(secret), nil },
		Now:    func() time.Time { return time.Unix(sec, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v.Verify(t.Context(), pam.MFARequest{User: "alice", Token: pam.NewSecret(token)})
}

// TestTOTP_L4_Vectors are the times and codes of RFC 6238, appendix B, in six digits.
func TestTOTP_L4_Vectors(t *testing.T) {
	for sec, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		got, err := verify(t, rfcSecret, sec, code)
		want := pam.MFAProof{Used: fmt.Sprint("totp:", sec/30), Until: time.Unix((sec/30+3)*30, 0)}
		if err != nil || got.Used != want.Used || !got.Until.Equal(want.Until) {
			t.Errorf("at %d: %+v, %v; want %+v", sec, got, err, want)
		}
	}
}

// TestTOTP_L4_Window: a code is good in its own step and in those beside it, and always names its own step, so that one
// use is one use.
func TestTOTP_L4_Window(t *testing.T) {
	const step, code = 1111111111 / 30, "050471"
	for d := int64(-3); d <= 3; d++ {
		for _, within := range []int64{0, 29} {
			got, err := verify(t, rfcSecret, (step+d)*30+within, code)
			if good := d >= -1 && d <= 1; good != (err == nil) || !good && !errors.Is(err, pam.ErrMFAInvalid) {
				t.Errorf("%d steps away, second %d: %v", d, within, err)
			} else if good && got.Used != fmt.Sprint("totp:", step) {
				t.Errorf("%d steps away: used %q", d, got.Used)
			}
		}
	}
}

// TestTOTP_L4_UntilOutlivesTheWindow: a proof names a time at which its code is no longer accepted.
func TestTOTP_L4_UntilOutlivesTheWindow(t *testing.T) {
	got, err := verify(t, rfcSecret, 1111111111, "050471")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, rfcSecret, got.Until.Unix(), "050471"); !errors.Is(err, pam.ErrMFAInvalid) {
		t.Errorf("at its end: %v", err)
	}
}

func TestTOTP_L4_WhatIsTyped(t *testing.T) {
	for token, good := range map[string]bool{
		"050471": true, "050 471": true, " 050471 ": true, "05047": false, "0504711": false, "50471": false, "": false,
		"050471\x00": false, "０５０４７１": false, "+50471": false, "050472": false, strings.Repeat("0", 4096): false,
	} {
		if _, err := verify(t, rfcSecret, 1111111111, token); good != (err == nil) || !good && !errors.Is(err, pam.ErrMFAInvalid) {
			t.Errorf("%.20q: %v", token, err)
		}
	}
}

// TestTOTP_S13_UnusableSecrets are no wrong tokens, and no error shows a secret.
func TestTOTP_S13_UnusableSecrets(t *testing.T) {
	for _, secret := range []string{"", "CANARY", "CANARY01CANARY01CANARY01CANARY", strings.Repeat("A", 24), "CANA RYCA NARY CANA RYCA NARY CANA"} {
		_, err := verify(t, secret, 59, "287082")
		if err == nil || errors.Is(err, pam.ErrMFAInvalid) || errors.Is(err, pam.ErrMFANotEnrolled) || strings.Contains(err.Error(), "CANA") {
			t.Errorf("%q: %v", secret, err)
		}
	}
	for _, secret := range []string{strings.ToLower(rfcSecret), rfcSecret + "="} { // as others write it
		if _, err := verify(t, strings.TrimRight(secret, "="), 59, "287082"); err != nil {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

func TestTOTP_S46_NotEnrolledAndUnavailable(t *testing.T) {
	cause := errors.New("directory is down")
	for _, want := range []error{pam.ErrMFANotEnrolled, cause} {
		v, err := totp.New(totp.Config{Secret: func(context.Context, pam.UserID) (pam.Secret, error) { return pam.Secret{}, want }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), pam.MFARequest{Token: pam.NewSecret("000000")}); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if _, err := totp.New(totp.Config{}); err == nil {
		t.Error("New without a source of secrets has no error")
	}
}

// TestEnroll_L4 reads the address as an authenticator does.
func TestEnroll_L4(t *testing.T) {
	e, err := totp.Enroll("Sallyport & Co", "alice@example.com", bytes.NewReader([]byte("12345678901234567890")))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v %s", e, e); strings.Contains(got, rfcSecret) {
		t.Errorf("an enrolment prints its secret: %s", got)
	}
	u, err := url.Parse(e.URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"secret": {rfcSecret}, "issuer": {"Sallyport & Co"}, "period": {"30"}, "digits": {"6"}, "algorithm": {"SHA1"}}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Sallyport & Co:alice@example.com" {
		t.Errorf("address %v", u)
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if _, err := verify(t, e.Secret.Reveal(), 59, "287082"); err != nil {
		t.Error(err)
	}
}

func TestEnroll_S46_Randomness(t *testing.T) {
	a, err := totp.Enroll("i", "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := totp.Enroll("i", "a", nil)
	if err != nil || a.Secret.Reveal() == b.Secret.Reveal() || len(a.Secret.Reveal()) != 32 {
		t.Errorf("two secrets of %d characters, equal %v, %v", len(a.Secret.Reveal()), a.Secret.Reveal() == b.Secret.Reveal(), err)
	}
	for _, fault := range []error{
		func() error { _, err := totp.Enroll("i", "a", bytes.NewReader(make([]byte, 19))); return err }(),
		func() error { _, err := totp.Enroll("", "a", nil); return err }(),
		func() error { _, err := totp.Enroll("i", "", nil); return err }(),
		func() error { _, err := totp.Enroll("i:j", "a", nil); return err }(),
	} {
		if fault == nil {
			t.Error("enrolled with too little randomness or without a name")
		}
	}
}
