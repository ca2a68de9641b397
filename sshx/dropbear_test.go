//go:build unix

package sshx_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

func TestDropbear_SignInShellAndLoss(t *testing.T) {
	a := sshtest.NewAccount(t)
	signer, key := newKey(t)
	if err := a.AuthorizeDropbear(sshtest.AuthorizedKey(signer.PublicKey())); err != nil {
		t.Fatal(err)
	}
	s := sshtest.StartDropbear(t)
	p := newProtocol(t, sshx.Config{KeepAliveInterval: 300 * time.Millisecond, KeepAliveTimeout: 5 * time.Second})
	byKey := request(s.Address, a.Name, s.HostKey, fields{pam.FieldPrivateKey: key})
	signsIn(t, p, byKey)
	signsIn(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPassword: a.Password}))
	refusedWith(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPassword: "wrong"}), pam.CodeTargetAuthFailed, "tried password")
	refusedWith(t, p, request(s.Address, a.Name, sshtest.AuthorizedKey(newSigner(t).PublicKey()), fields{pam.FieldPassword: a.Password}), pam.CodeHostKeyMismatch, "")

	l := run(t, connect(t, p, byKey), newSink())
	l.keys("PS1='ready> '; echo begun\r")
	l.sink.wait(t, "begun\r\n")
	if err := l.conn.(pam.Resizer).Resize(context.Background(), pam.Size{Cols: 99, Rows: 33}); err != nil {
		t.Fatal(err)
	}
	l.keys("stty size\r")
	l.sink.wait(t, "33 99\r\n")
	if n, err := s.Signal(syscall.SIGSTOP); n < 1 || err != nil {
		t.Fatalf("stopped %d, %v", n, err)
	}
	if end := l.endedWith(pam.EndTargetError); end.Code != pam.CodeTargetLost {
		t.Errorf("code = %s, want %s", end.Code, pam.CodeTargetLost)
	}
}

// Both factors: dropbear asks for the key first, then for the password.
func TestDropbear_TwoFactors(t *testing.T) {
	a := sshtest.NewAccount(t)
	signer, key := newKey(t)
	if err := a.AuthorizeDropbear(sshtest.AuthorizedKey(signer.PublicKey())); err != nil {
		t.Fatal(err)
	}
	s := sshtest.StartDropbear(t, "-t")
	p := newProtocol(t, sshx.Config{})
	signsIn(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPrivateKey: key, pam.FieldPassword: a.Password}))
	refusedWith(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPrivateKey: key}), pam.CodeTargetAuthFailed, "")
}

func TestDropbear_JumpHost(t *testing.T) {
	a := sshtest.NewAccount(t)
	hop := sshtest.StartDropbear(t)
	target := sshtest.StartOpenSSH(t)
	jump := request(hop.Address, a.Name, hop.HostKey, fields{pam.FieldPassword: a.Password})
	jump.Asset.ID = "gate"
	r := request(target.Address, target.User, target.HostKey, fields{pam.FieldPrivateKey: target.PrivateKey})
	r.Via = []pam.Hop{{Asset: jump.Asset, Field: jump.Field}}
	p := newProtocol(t, sshx.Config{})
	signsIn(t, p, r)
	closed := sshtest.StartDropbear(t, "-j")
	r.Via[0].Asset.Address, r.Via[0].Asset.Attributes = closed.Address, map[string]string{sshx.AttrHostKeys: closed.HostKey}
	c, err := p.Connect(context.Background(), r)
	if err == nil {
		_ = c.Close(context.Background())
	}
	if err == nil || !strings.Contains(err.Error(), `jump host "gate"`) {
		t.Errorf("Connect = %v, want the jump host's refusal", err)
	}
}
