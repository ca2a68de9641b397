package sshx

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
)

// signIn provides the authentication methods of one handshake. All of its callbacks run after the key exchange,
// in the goroutine of the handshake: no field leaves the vault before the host key is verified (S05), and none
// is kept (S13).
type signIn struct {
	ctx   context.Context
	field func(ctx context.Context, name string) (pam.Secret, error)

	verified bool  // the host key was accepted
	tried    bool  // something was presented to the target
	password bool  // the password went to the target; it is sent once
	err      error // *pam.TargetError: the vault or the record is at fault, not the target
}

func (s *signIn) methods() []ssh.AuthMethod {
	return []ssh.AuthMethod{
		ssh.PublicKeysCallback(s.signers),
		ssh.PasswordCallback(s.passwordOnce),
		ssh.KeyboardInteractive(s.challenge),
	}
}

var errHostKeyFirst = errors.New("sign-in before the host key was verified")

func (s *signIn) fetch(name string) (pam.Secret, error) {
	if !s.verified {
		return pam.Secret{}, errHostKeyFirst
	}
	v, err := s.field(s.ctx, name)
	if err != nil && !errors.Is(err, pam.ErrNoField) {
		s.fail(pam.CodeInternal, fmt.Errorf("vault: field %s: %w", name, err))
	}
	if err == nil && v.Empty() {
		err = pam.ErrNoField
	}
	return v, err
}

func (s *signIn) fail(code pam.Code, err error) {
	if s.err == nil {
		s.err = &pam.TargetError{Code: code, Err: err}
	}
}

func (s *signIn) signers() ([]ssh.Signer, error) {
	key, err := s.fetch(pam.FieldPrivateKey)
	if errors.Is(err, pam.ErrNoField) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// Parser errors are not passed on: they may quote what they could not parse.
	signer, err := ssh.ParsePrivateKey([]byte(key.Reveal()))
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		phrase, perr := s.fetch(pam.FieldPassphrase)
		if perr != nil {
			err = errors.New("the private key is encrypted and there is no passphrase")
			s.fail(pam.CodeTargetConfig, err)
			return nil, err
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(key.Reveal()), []byte(phrase.Reveal()))
		if errors.Is(err, x509.IncorrectPasswordError) {
			err = errors.New("the passphrase does not open the private key")
			s.fail(pam.CodeTargetConfig, err)
			return nil, err
		}
	}
	if err != nil {
		err = errors.New("the private key is not in a format that can be read")
		s.fail(pam.CodeTargetConfig, err)
		return nil, err
	}
	s.tried = true
	return []ssh.Signer{signer}, nil
}

func (s *signIn) passwordOnce() (string, error) {
	if s.password {
		return "", errors.New("the password was already refused")
	}
	pw, err := s.fetch(pam.FieldPassword)
	if err != nil {
		return "", err
	}
	s.tried, s.password = true, true
	return pw.Reveal(), nil
}

// challenge answers keyboard-interactive (RFC 4256). Servers with PAM ask for the password this way. Only the
// one expected question is answered, a single prompt without echo; anything else may be an attempt to have
// the password shown or repeated (S05).
func (s *signIn) challenge(_, _ string, questions []string, echos []bool) ([]string, error) {
	if len(questions) == 0 {
		return nil, nil
	}
	if len(questions) != 1 || len(echos) != 1 || echos[0] {
		return nil, fmt.Errorf("the target asks %d questions; only one without echo is answered", len(questions))
	}
	pw, err := s.passwordOnce()
	if err != nil {
		return nil, err
	}
	return []string{pw}, nil
}
