package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"
)

// Authority signs certificates for users and hosts, as ssh-keygen -s does.
type Authority struct {
	signer ssh.Signer
}

// NewAuthority returns an authority with a new Ed25519 key.
func NewAuthority() (*Authority, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("sshtest: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, fmt.Errorf("sshtest: %w", err)
	}
	return &Authority{signer}, nil
}

// PublicKey returns the authority's key as an authorized_keys line.
func (a *Authority) PublicKey() string { return AuthorizedKey(a.signer.PublicKey()) }

// SignUser certifies a public key, given as an authorized_keys line, for the named accounts, from an hour ago until the
// given time. change may alter the certificate before it is signed; nil is fine. It returns one line.
func (a *Authority) SignUser(publicKey string, until time.Time, principals []string, change func(*ssh.Certificate)) (string, error) {
	return a.sign(publicKey, ssh.UserCert, until, principals, change)
}

// SignHost certifies a host's public key for the named hosts, as SignUser does for accounts.
func (a *Authority) SignHost(publicKey string, until time.Time, principals []string, change func(*ssh.Certificate)) (string, error) {
	return a.sign(publicKey, ssh.HostCert, until, principals, change)
}

func (a *Authority) sign(publicKey string, kind uint32, until time.Time, principals []string, change func(*ssh.Certificate)) (string, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(publicKey))
	if err != nil {
		return "", fmt.Errorf("sshtest: %w", err)
	}
	cert := &ssh.Certificate{
		Key: key, CertType: kind, KeyId: "sshtest", ValidPrincipals: principals,
		ValidAfter: uint64(min(time.Now().Unix(), until.Unix()) - 3600), ValidBefore: uint64(until.Unix()),
	}
	if kind == ssh.UserCert {
		cert.Extensions = map[string]string{"permit-pty": ""}
	}
	if change != nil {
		change(cert)
	}
	if err := cert.SignCert(rand.Reader, a.signer); err != nil {
		return "", fmt.Errorf("sshtest: %w", err)
	}
	return AuthorizedKey(cert), nil
}
