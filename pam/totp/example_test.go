package totp_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/totp"
)

// A host hands a verifier to its broker as pam.Config.MFA. Here it is asked by hand.
func Example() {
	secrets := map[pam.UserID]pam.Secret{"alice": pam.NewSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")}
	mfa, err := totp.New(totp.Config{
		Secret: func(_ context.Context, u pam.UserID) (pam.Secret, error) {
			s, ok := secrets[u]
			if !ok {
				return pam.Secret{}, pam.ErrMFANotEnrolled
			}
			return s, nil
		},
		Now: func() time.Time { return time.Unix(1111111111, 0) },
	})
	if err != nil {
		panic(err)
	}
	proof, err := mfa.Verify(context.Background(), pam.MFARequest{User: "alice", Token: pam.NewSecret("050 471")})
	fmt.Println(proof.Used, err)
	_, err = mfa.Verify(context.Background(), pam.MFARequest{User: "bob", Token: pam.NewSecret("050 471")})
	fmt.Println(err)
	// Output:
	// totp:37037037 <nil>
	// totp: secret: the user has no second factor
}
