package sshx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
)

// AttrAuthMethods is the asset attribute that lists the sign-in methods which may be used, in order, separated by commas
// or spaces. Of those that the target accepts at a time the first one that was not used yet is tried, which also
// serves targets that ask for several in a row. Missing means all, in the order of the constants below.
const AttrAuthMethods = "auth_methods"

// Sign-in methods, for AttrAuthMethods. The first three are the publickey method of SSH.
const (
	AuthCertificate         = "certificate"          // pam.FieldCertificate with the private key
	AuthPrivateKey          = "private_key"          // pam.FieldPrivateKey
	AuthAgent               = "agent"                // Config.Signers
	AuthPassword            = "password"             // pam.FieldPassword
	AuthKeyboardInteractive = "keyboard_interactive" // pam.FieldPassword, or as AttrAuthPrompts says
)

// AttrUserPrincipals is the asset attribute with the principals, separated by commas or spaces, one of which a user
// certificate has to name. Missing means the account's name; a target that maps principals to accounts
// (AuthorizedPrincipalsFile) needs another.
const AttrUserPrincipals = "user_principals"

var authMethods = []string{AuthCertificate, AuthPrivateKey, AuthAgent, AuthPassword, AuthKeyboardInteractive}

// wireMethod is the name of a method in RFC 4252.
func wireMethod(method string) string {
	switch method {
	case AuthPassword:
		return "password"
	case AuthKeyboardInteractive:
		return "keyboard-interactive"
	}
	return "publickey"
}

// signInPlan is what the record of one machine says about signing in there.
type signInPlan struct {
	methods    []string
	principals []string     // a user certificate has to name one of them
	agentKeys  keyList      // if not empty, the only keys of the agent that are used
	prompts    []promptRule // nil: the password for a single question without echo
}

func parseSignInPlan(a pam.Asset) (signInPlan, error) {
	plan := signInPlan{methods: authMethods, principals: []string{a.Account}}
	attribute := func(name string, err error) error { return fmt.Errorf("attribute %s: %w", name, err) }
	if named := words(a.Attributes[AttrAuthMethods]); len(named) > 0 {
		for i, m := range named {
			if !slices.Contains(authMethods, m) {
				return plan, attribute(AttrAuthMethods, fmt.Errorf("unknown method %q; there are %s", m, strings.Join(authMethods, ", ")))
			}
			if slices.Contains(named[:i], m) {
				return plan, attribute(AttrAuthMethods, fmt.Errorf("%q stands there twice", m))
			}
		}
		plan.methods = named
	}
	if named := words(a.Attributes[AttrUserPrincipals]); len(named) > 0 {
		plan.principals = named
	}
	var err error
	if plan.agentKeys, err = parseKeyList(a.Attributes[AttrAgentKeys]); err != nil {
		return plan, attribute(AttrAgentKeys, err)
	}
	if plan.prompts, err = parsePrompts(a.Attributes[AttrAuthPrompts]); err != nil {
		return plan, attribute(AttrAuthPrompts, err)
	}
	return plan, nil
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// signIn provides the authentication methods of one handshake. All of its callbacks run after the key exchange,
// in the goroutine of the handshake: no field leaves the vault before the host key is verified (S05) nor before the
// target accepts the method that needs it, and none is kept (S13) beyond the handshake.
type signIn struct {
	ctx        context.Context
	plan       signInPlan
	field      func(ctx context.Context, name string) (pam.Secret, error)
	signers    func(ctx context.Context) ([]ssh.Signer, error) // nil: no agent
	publicKeys []string                                        // permitted signature algorithms
	now        func() time.Time

	verified func() bool         // the host key was accepted
	used     map[string]bool     // methods that had their turn
	tried    []string            // methods that something was presented by
	accepts  []string            // what the target accepts, by its last word
	key      ssh.Signer          // the private key, once parsed
	sent     map[string]struct{} // fields that went to the target: each is sent once
	rounds   int                 // of keyboard-interactive
	odd      error               // why a question was not answered
	over     bool                // the target refused, and nothing is left to try
	err      error               // *pam.TargetError: the vault or the record is at fault, not the target
}

var errHostKeyFirst = errors.New("sign-in before the host key was verified")

// next chooses the method to go on with. It is an ssh.ClientAuthCallback.
func (s *signIn) next(ac *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	s.accepts = ac.AllowedMethods
	for _, m := range s.plan.methods {
		if s.used[m] || !slices.Contains(ac.AllowedMethods, wireMethod(m)) {
			continue
		}
		if s.used == nil {
			s.used = make(map[string]bool)
		}
		s.used[m] = true
		auth, err := s.prepare(m)
		if err != nil {
			return nil, err
		}
		if auth != nil {
			s.tried = append(s.tried, m)
			return auth, nil
		}
	}
	s.over = true
	return nil, nil
}

// prepare returns nil when the vault has nothing for the method.
func (s *signIn) prepare(method string) (ssh.AuthMethod, error) {
	switch method {
	case AuthCertificate, AuthPrivateKey, AuthAgent:
		signers, err := s.publicKey(method)
		if err != nil || len(signers) == 0 {
			return nil, err
		}
		return ssh.PublicKeys(signers...), nil
	case AuthPassword:
		pw, err := s.send(pam.FieldPassword)
		if errors.Is(err, pam.ErrNoField) || errors.Is(err, errSentBefore) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return ssh.Password(pw), nil
	default:
		return ssh.KeyboardInteractive(s.challenge), nil
	}
}

// fetch asks the vault. The error is pam.ErrNoField for a field that is missing or empty.
func (s *signIn) fetch(name string) (pam.Secret, error) {
	if !s.verified() {
		return pam.Secret{}, errHostKeyFirst
	}
	v, err := s.field(s.ctx, name)
	if err != nil && !errors.Is(err, pam.ErrNoField) {
		return v, s.fail(pam.CodeInternal, fmt.Errorf("vault: field %s: %w", name, err))
	}
	if err == nil && v.Empty() {
		err = pam.ErrNoField
	}
	return v, err
}

var errSentBefore = errors.New("the target had it already")

// send fetches a field whose text goes to the target. What was refused once is not sent again: it may lock the account.
func (s *signIn) send(name string) (string, error) {
	if _, before := s.sent[name]; before {
		return "", fmt.Errorf("field %s: %w", name, errSentBefore)
	}
	v, err := s.fetch(name)
	if err != nil {
		return "", err
	}
	if s.sent == nil {
		s.sent = make(map[string]struct{})
	}
	s.sent[name] = struct{}{}
	return v.Reveal(), nil
}

// fail notes what ends the handshake although the target is not at fault, and returns it.
func (s *signIn) fail(code pam.Code, err error) error {
	if s.err == nil {
		s.err = &pam.TargetError{Code: code, Err: err}
	}
	return s.err
}

// decided says whether a handshake that failed with err after the key exchange means that the target lets nobody in: it
// refused all there was, asked what is not answered, or ended the connection, which servers do after too many attempts. All else breaks the protocol.
func (s *signIn) decided(err error) bool {
	var netErr net.Error
	return s.over || s.odd != nil || errors.Is(err, errPeerClosed) || errors.As(err, &netErr) || strings.Contains(err.Error(), disconnected)
}

// disconnected is how the SSH library begins the text of SSH_MSG_DISCONNECT (RFC 4253, section 11.1), for which it has no type.
const disconnected = "ssh: disconnect, reason"

// refused explains that the target took nothing.
func (s *signIn) refused(err error) error {
	accepts := plainText(strings.Join(s.accepts, ", "), 256)
	switch {
	case s.odd != nil:
		err = fmt.Errorf("%w: %w", s.odd, err)
	case len(s.tried) == 0:
		err = fmt.Errorf("nothing in the vault fits what the target accepts (%s; allowed here: %s): %w", accepts, strings.Join(s.plan.methods, ", "), err)
	default:
		err = fmt.Errorf("tried %s; the target accepts %s: %w", strings.Join(s.tried, ", "), accepts, err)
	}
	return &pam.TargetError{Code: pam.CodeTargetAuthFailed, Err: err}
}
