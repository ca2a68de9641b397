package sshx

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sallyport/sallyport/pam"
)

// AttrAgentKeys is the asset attribute that names which keys of Config.Signers may be used, one per line, in the form of
// AttrHostKeys. Missing means all of them, up to MaxSigners.
const AttrAgentKeys = "agent_keys"

// MaxSigners bounds how many keys of an agent are offered to a target. A server counts each as a failed attempt, and
// OpenSSH hangs up after six.
const MaxSigners = 6

// SignersRequest says where signatures are wanted, and for whom.
type SignersRequest struct {
	Session pam.SessionID
	User    pam.UserID
	Asset   pam.Asset // the target, or a jump host on the way
}

// AgentSigners returns a Config.Signers that signs through an ssh-agent: a local one, a sidecar with keys in hardware.
// dial opens the connection to the agent that serves r, usually a Unix socket. The connection lasts as long as ctx,
// which is the handshake with the target, and nothing of it reaches the target but signatures.
func AgentSigners(dial func(ctx context.Context, r SignersRequest) (net.Conn, error)) func(ctx context.Context, r SignersRequest) ([]ssh.Signer, error) {
	return func(ctx context.Context, r SignersRequest) ([]ssh.Signer, error) {
		c, err := dial(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("agent: %w", err)
		}
		// The client of the agent knows no context: its calls end with the connection.
		context.AfterFunc(ctx, func() { _ = c.Close() })
		signers, err := agent.NewClient(c).Signers()
		if err != nil {
			_ = c.Close()
			return nil, err // it names the agent already
		}
		return signers, nil
	}
}

// publicKey returns the signers of one of the three methods, none when there is nothing to sign with.
func (s *signIn) publicKey(method string) ([]ssh.Signer, error) {
	if method == AuthAgent {
		return s.agent()
	}
	key, err := s.privateKey()
	if err != nil || key == nil {
		return nil, err
	}
	if method == AuthCertificate {
		if key, err = s.certificate(key); err != nil || key == nil {
			return nil, err
		}
	}
	signers := []ssh.Signer{key}
	if as, ok := key.(ssh.AlgorithmSigner); ok {
		// Where SHA-1 is permitted it is tried in the end: there are targets that announce SHA-2 and refuse it.
		if old, err := ssh.NewSignerWithAlgorithms(as, []string{ssh.KeyAlgoRSA}); err == nil {
			signers = append(signers, old)
		}
	}
	return signers, nil
}

// privateKey returns the vault's key, nil if it has none.
func (s *signIn) privateKey() (ssh.Signer, error) {
	if s.key != nil {
		return s.key, nil
	}
	text, err := s.fetch(pam.FieldPrivateKey)
	if errors.Is(err, pam.ErrNoField) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	unusable := func(why string) (ssh.Signer, error) {
		return nil, s.fail(pam.CodeTargetConfig, errors.New(why))
	}
	// Parser errors are not passed on: they may quote what they could not parse.
	signer, err := ssh.ParsePrivateKey([]byte(text.Reveal()))
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		phrase, perr := s.fetch(pam.FieldPassphrase)
		if errors.Is(perr, pam.ErrNoField) {
			return unusable("the private key is encrypted and there is no passphrase")
		}
		if perr != nil {
			return nil, perr
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(text.Reveal()), []byte(phrase.Reveal()))
		if errors.Is(err, x509.IncorrectPasswordError) {
			return unusable("the passphrase does not open the private key")
		}
	}
	if err != nil {
		return unusable("the private key is not in a format that can be read")
	}
	if s.key, err = restrict(signer, s.publicKeys); err != nil {
		return nil, s.fail(pam.CodeTargetConfig, fmt.Errorf("private key: %w", err))
	}
	return s.key, nil
}

// certificate joins key and the vault's certificate, if there is one. A certificate that the target could only refuse
// is not sent: what is wrong with it is a better message.
func (s *signIn) certificate(key ssh.Signer) (ssh.Signer, error) {
	text, err := s.fetch(pam.FieldCertificate)
	if errors.Is(err, pam.ErrNoField) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text.Reveal()))
	cert, ok := pub.(*ssh.Certificate)
	if err != nil || !ok {
		return nil, s.fail(pam.CodeTargetConfig, errors.New("the certificate is not one in OpenSSH format"))
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		return nil, s.fail(pam.CodeTargetConfig, errors.New("the certificate does not belong to the private key"))
	}
	if err := checkUserCertificate(cert, s.plan.principals, s.now()); err != nil {
		return nil, s.fail(pam.CodeTargetConfig, fmt.Errorf("user certificate %q: %w", plainText(cert.KeyId, 128), err))
	}
	return signer, nil
}

// agent returns the signers of the host that fit.
func (s *signIn) agent() ([]ssh.Signer, error) {
	if s.signers == nil {
		return nil, nil
	}
	if !s.verified() {
		return nil, errHostKeyFirst
	}
	all, err := s.signers(s.ctx)
	if err != nil {
		return nil, s.fail(pam.CodeInternal, fmt.Errorf("signers: %w", err))
	}
	var fit []ssh.Signer
	for _, signer := range all {
		pub, err := ssh.ParsePublicKey(signer.PublicKey().Marshal())
		if err != nil {
			continue // of a kind that only the agent knows
		}
		if cert, ok := pub.(*ssh.Certificate); ok {
			if checkUserCertificate(cert, s.plan.principals, s.now()) != nil {
				continue // it may be for other targets
			}
			pub = cert.Key
		}
		if !s.plan.agentKeys.empty() && !s.plan.agentKeys.match(pub) {
			continue
		}
		if signer, err = restrict(signer, s.publicKeys); err == nil {
			fit = append(fit, signer)
		}
	}
	if len(fit) > MaxSigners {
		return nil, s.fail(pam.CodeTargetConfig, fmt.Errorf("%d keys could sign in, at most %d are offered: name those of this asset in the attribute %s",
			len(fit), MaxSigners, AttrAgentKeys))
	}
	return fit, nil
}

// restrict makes signer use only the permitted algorithms: by itself an RSA key falls back to SHA-1.
func restrict(signer ssh.Signer, permitted []string) (ssh.Signer, error) {
	keyType := keyTypeOf(signer.PublicKey().Type())
	algorithms := signatureAlgorithms(keyType)
	if m, ok := signer.(ssh.MultiAlgorithmSigner); ok {
		algorithms = m.Algorithms()
	}
	algorithms = slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return !slices.Contains(permitted, a) })
	if len(algorithms) == 0 {
		return nil, fmt.Errorf("no permitted algorithm signs with a key of type %s", keyType)
	}
	as, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		// It signs by the name of its type alone.
		if !slices.Contains(algorithms, keyType) {
			return nil, fmt.Errorf("the signer of a key of type %s cannot sign with %s", keyType, strings.Join(algorithms, ", "))
		}
		return signer, nil
	}
	return ssh.NewSignerWithAlgorithms(as, algorithms)
}

// checkUserCertificate reports why a target would refuse cert.
func checkUserCertificate(cert *ssh.Certificate, principals []string, now time.Time) error {
	if cert.CertType != ssh.UserCert {
		return errors.New("it is not a certificate for users")
	}
	i := slices.IndexFunc(principals, func(p string) bool { return slices.Contains(cert.ValidPrincipals, p) })
	if i < 0 {
		return fmt.Errorf("it is for %s and not for %s", quoted(cert.ValidPrincipals), quoted(principals))
	}
	// What the options mean is the target's business.
	return checkCertificate(cert, principals[i], now, slices.Collect(maps.Keys(cert.CriticalOptions)))
}

// checkCertificate is what user and host certificates have in common.
func checkCertificate(cert *ssh.Certificate, principal string, now time.Time, options []string) error {
	unix := uint64(max(now.Unix(), 0))
	if unix < cert.ValidAfter {
		return fmt.Errorf("it is valid from %s on", stamp(cert.ValidAfter))
	}
	if cert.ValidBefore != ssh.CertTimeInfinity && unix >= cert.ValidBefore {
		return fmt.Errorf("it was valid until %s", stamp(cert.ValidBefore))
	}
	checker := ssh.CertChecker{SupportedCriticalOptions: options, Clock: func() time.Time { return now }}
	return checker.CheckCert(principal, cert)
}

func stamp(seconds uint64) string {
	const last = 253402300799 // of the year 9999
	return time.Unix(int64(min(seconds, last)), 0).UTC().Format(time.RFC3339)
}

// quoted lists names that may come from a target.
func quoted(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return plainText(fmt.Sprintf("%q", names), 256)
}
