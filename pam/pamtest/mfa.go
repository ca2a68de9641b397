package pamtest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// MFA is a pam.MFAVerifier that accepts the tokens which the test has set, and always accepts them: that each is good
// once is the broker's doing. The zero value knows nobody; Faults knows its method "Verify".
type MFA struct {
	Faults
	mu       sync.Mutex // guards all below
	tokens   map[pam.UserID][]string
	requests []pam.MFARequest
}

var _ pam.MFAVerifier = (*MFA)(nil)

// Set makes tokens good for a user.
func (m *MFA) Set(u pam.UserID, tokens ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tokens == nil {
		m.tokens = make(map[pam.UserID][]string)
	}
	m.tokens[u] = slices.Clone(tokens)
}

// Requests returns every question so far, in order, failed ones included.
func (m *MFA) Requests() []pam.MFARequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// Verify implements pam.MFAVerifier.
func (m *MFA) Verify(ctx context.Context, r pam.MFARequest) (pam.MFAProof, error) {
	m.mu.Lock()
	m.requests = append(m.requests, r)
	tokens, enrolled := m.tokens[r.User]
	n := slices.Index(tokens, r.Token.Reveal())
	m.mu.Unlock()
	switch err := m.enter(ctx, "Verify"); {
	case err != nil:
		return pam.MFAProof{}, err
	case !enrolled:
		return pam.MFAProof{}, pam.ErrMFANotEnrolled
	case n < 0:
		return pam.MFAProof{}, pam.ErrMFAInvalid
	}
	return pam.MFAProof{Used: fmt.Sprint("token ", n)}, nil
}
