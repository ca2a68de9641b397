//go:build unix

package sshx_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// signsIn connects, sees that the shell of the account answers, and leaves.
func signsIn(t *testing.T, p *sshx.Protocol, r pam.ConnectRequest) {
	t.Helper()
	l := run(t, connect(t, p, r), newSink())
	l.keys("echo I am $(id -un) here; exit 3\r")
	l.sink.wait(t, "I am "+r.Asset.Account+" here")
	if end := l.endedWith(pam.EndRemoteLogoff); end.Status == nil || *end.Status != 3 {
		t.Errorf("status = %v, want 3", end.Status)
	}
}

func refusedWith(t *testing.T, p *sshx.Protocol, r pam.ConnectRequest, code pam.Code, says string) {
	t.Helper()
	c, err := p.Connect(context.Background(), r)
	if err == nil {
		_ = c.Close(context.Background())
		t.Fatalf("Connect succeeded, want %s", code)
	}
	wantCode(t, err, code)
	if !strings.Contains(err.Error(), says) {
		t.Errorf("Connect = %v, want a word of %q", err, says)
	}
}

func newAuthority(t *testing.T) *sshtest.Authority {
	t.Helper()
	a, err := sshtest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSSH_Password(t *testing.T) {
	a := sshtest.NewAccount(t)
	s := sshtest.StartOpenSSH(t, "PasswordAuthentication yes")
	p := newProtocol(t, sshx.Config{})
	signsIn(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPassword: a.Password}))
	refusedWith(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPassword: "wrong"}), pam.CodeTargetAuthFailed, "tried password")
}

func TestOpenSSH_KeyboardInteractive(t *testing.T) {
	a := sshtest.NewAccount(t)
	s := sshtest.StartOpenSSH(t, "UsePAM yes", "KbdInteractiveAuthentication yes")
	p := newProtocol(t, sshx.Config{})
	r := request(s.Address, a.Name, s.HostKey, fields{pam.FieldPassword: a.Password})
	signsIn(t, p, r)
	r.Asset.Attributes[sshx.AttrAuthPrompts] = "password = .*password:"
	signsIn(t, p, r)
	r.Asset.Attributes[sshx.AttrAuthPrompts] = "password = .*token:"
	refusedWith(t, p, r, pam.CodeTargetAuthFailed, "which no line of the attribute auth_prompts expects")
}

// Two methods in a row, as targets with a second factor ask for them, in one order and only with both.
func TestOpenSSH_SeveralMethodsInARow(t *testing.T) {
	a := sshtest.NewAccount(t)
	signer, key := newKey(t)
	if err := a.Authorize(sshtest.AuthorizedKey(signer.PublicKey())); err != nil {
		t.Fatal(err)
	}
	p := newProtocol(t, sshx.Config{})
	for _, methods := range []string{"publickey,password", "password,publickey", "publickey,keyboard-interactive"} {
		t.Run(methods, func(t *testing.T) {
			s := sshtest.StartOpenSSH(t, "AuthorizedKeysFile "+a.AuthorizedKeysFile, "AuthenticationMethods "+methods,
				"UsePAM yes", "PasswordAuthentication yes", "KbdInteractiveAuthentication yes")
			signsIn(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPrivateKey: key, pam.FieldPassword: a.Password}))
			refusedWith(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPrivateKey: key}), pam.CodeTargetAuthFailed, "")
			refusedWith(t, p, request(s.Address, a.Name, s.HostKey, fields{pam.FieldPassword: a.Password}), pam.CodeTargetAuthFailed, "")
		})
	}
}

func TestOpenSSH_UserCertificate(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	s := sshtest.StartOpenSSH(t, "TrustedUserCAKeys "+writeFile(t, "ca.pub", ca.PublicKey()+"\n"), "AuthorizedKeysFile none")
	signer, key := newKey(t)
	public := sshtest.AuthorizedKey(signer.PublicKey())
	hour := time.Now().Add(time.Hour)
	sign := func(by *sshtest.Authority, public string, until time.Time, principals []string, change func(*ssh.Certificate)) string {
		t.Helper()
		line, err := by.SignUser(public, until, principals, change)
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	p := newProtocol(t, sshx.Config{})
	with := func(cert string) pam.ConnectRequest {
		return request(s.Address, s.User, s.HostKey, fields{pam.FieldPrivateKey: key, pam.FieldCertificate: cert})
	}
	signsIn(t, p, with(sign(ca, public, hour, []string{"somebody", s.User}, nil)))

	// Only the target can know that it does not trust the authority; all else is said before anything is sent.
	refusedWith(t, p, with(sign(other, public, hour, []string{s.User}, nil)), pam.CodeTargetAuthFailed, "tried certificate, private_key")
	for name, tc := range map[string]struct{ cert, says string }{
		"expired":           {sign(ca, public, time.Now().Add(-time.Hour), []string{s.User}, nil), "it was valid until 20"},
		"not yet valid":     {sign(ca, public, hour, []string{s.User}, func(c *ssh.Certificate) { c.ValidAfter = uint64(hour.Unix()) - 1 }), "it is valid from 20"},
		"another account":   {sign(ca, public, hour, []string{"nobody-else"}, nil), `it is for ["nobody-else"] and not for ["` + s.User + `"]`},
		"nobody":            {sign(ca, public, hour, nil, nil), "it is for nobody"},
		"another key":       {sign(ca, sshtest.AuthorizedKey(newSigner(t).PublicKey()), hour, []string{s.User}, nil), "does not belong to the private key"},
		"for a host":        {sign(ca, public, hour, []string{s.User}, func(c *ssh.Certificate) { c.CertType = ssh.HostCert }), "not a certificate for users"},
		"a bare public key": {public, "not one in OpenSSH format"},
		"nonsense":          {"canary nonsense", "not one in OpenSSH format"},
	} {
		t.Run(name, func(t *testing.T) { refusedWith(t, p, with(tc.cert), pam.CodeTargetConfig, tc.says) })
	}

	t.Run("principals of the target's own", func(t *testing.T) {
		s := sshtest.StartOpenSSH(t, "TrustedUserCAKeys "+writeFile(t, "ca.pub", ca.PublicKey()+"\n"), "AuthorizedKeysFile none",
			"AuthorizedPrincipalsFile "+writeFile(t, "principals", "role-admin\n"))
		r := request(s.Address, s.User, s.HostKey, fields{pam.FieldPrivateKey: key, pam.FieldCertificate: sign(ca, public, hour, []string{"role-admin"}, nil)})
		refusedWith(t, p, r, pam.CodeTargetConfig, "it is for")
		r.Asset.Attributes[sshx.AttrUserPrincipals] = "role-dba role-admin"
		signsIn(t, p, r)
	})
}

// sshAgent starts a real ssh-agent and returns its socket.
func sshAgent(t *testing.T, keys ...string) string {
	t.Helper()
	agent, add := pamtest.Peer(t, "ssh-agent"), pamtest.Peer(t, "ssh-add")
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command(agent, "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for start := time.Now(); ; {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			break
		} else if time.Since(start) > patience {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, key := range keys {
		cmd := exec.Command(add, "-q", "-")
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		cmd.Stdin = strings.NewReader(key)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %v: %s", err, out)
		}
	}
	return socket
}

func TestOpenSSH_Agent(t *testing.T) {
	s := sshtest.StartOpenSSH(t, "AllowAgentForwarding yes")
	var others []string
	for range sshx.MaxSigners - 1 {
		_, key := newKey(t)
		others = append(others, key)
	}
	socket := sshAgent(t, append(others[:2:2], s.PrivateKey)...)
	var asked []sshx.SignersRequest
	agent := sshx.AgentSigners(func(ctx context.Context, r sshx.SignersRequest) (net.Conn, error) {
		asked = append(asked, r)
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	})
	p := newProtocol(t, sshx.Config{Signers: agent})
	r := request(s.Address, s.User, s.HostKey, nil)
	r.User = "u1"
	signsIn(t, p, r)
	if len(asked) != 1 || asked[0].User != "u1" || asked[0].Session != "s1" || asked[0].Asset.ID != "a1" {
		t.Errorf("the host was asked for %+v", asked)
	}
	// It is not forwarded: the target has no socket of ours.
	l := openSSH(t, s, sshx.Config{Signers: agent}, func(r *pam.ConnectRequest) { r.Field = fields(nil).get })
	l.keys("echo sock=[$SSH_AUTH_SOCK]\r")
	l.sink.wait(t, "sock=[]\r\n")

	// The record may name the keys, and a method list may leave the agent out.
	r.Asset.Attributes[sshx.AttrAgentKeys] = sshtest.AuthorizedKey(newSigner(t).PublicKey())
	refusedWith(t, p, r, pam.CodeTargetAuthFailed, "nothing in the vault fits")
	r.Asset.Attributes[sshx.AttrAgentKeys] = ""
	asked = nil
	r.Asset.Attributes[sshx.AttrAuthMethods] = "private_key, password"
	refusedWith(t, p, r, pam.CodeTargetAuthFailed, "nothing in the vault fits")
	if len(asked) > 0 {
		t.Error("the agent was asked although it is not in the list")
	}

	// An agent full of keys must not use up the attempts unseen.
	crowd := sshAgent(t, append(others, s.PrivateKey, func() string { _, k := newKey(t); return k }())...)
	p = newProtocol(t, sshx.Config{Signers: sshx.AgentSigners(func(ctx context.Context, _ sshx.SignersRequest) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", crowd)
	})})
	r = request(s.Address, s.User, s.HostKey, nil)
	refusedWith(t, p, r, pam.CodeTargetConfig, "attribute agent_keys")
	key, err := ssh.ParsePrivateKey([]byte(s.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	r.Asset.Attributes[sshx.AttrAgentKeys] = ssh.FingerprintSHA256(key.PublicKey())
	signsIn(t, p, r)

	p = newProtocol(t, sshx.Config{Signers: sshx.AgentSigners(func(context.Context, sshx.SignersRequest) (net.Conn, error) {
		return nil, errors.New("no agent today")
	})})
	refusedWith(t, p, request(s.Address, s.User, s.HostKey, nil), pam.CodeInternal, "no agent today")
}
