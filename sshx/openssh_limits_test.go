//go:build unix

package sshx_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// rsaKey makes an RSA key, for a host or a user, and writes its private half.
func rsaKey(t *testing.T) (public, private, file string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	private = string(pem.EncodeToMemory(block))
	return sshtest.AuthorizedKey(pub), private, writeFile(t, "rsa", private)
}

// A device of the 2000s is reached by the legacy set, which its record must choose and the host must permit; one weak
// algorithm of any kind is enough to be refused without.
func TestOpenSSH_S16_LegacyAlgorithms(t *testing.T) {
	hostKey, _, hostFile := rsaKey(t)
	public, private, _ := rsaKey(t)
	authorized := writeFile(t, "authorized_keys", public+"\n")
	modern, permitted := newProtocol(t, sshx.Config{}), newProtocol(t, sshx.Config{InsecureLegacyAlgorithms: true})
	for name, options := range map[string][]string{
		"key exchange with SHA-1": {"KexAlgorithms diffie-hellman-group14-sha1"},
		"the first group":         {"KexAlgorithms diffie-hellman-group1-sha1"},
		"CBC":                     {"Ciphers aes128-cbc", "MACs hmac-sha2-256"},
		"Triple DES":              {"Ciphers 3des-cbc", "MACs hmac-sha1-96"},
		"HMAC with SHA-1":         {"Ciphers aes128-ctr", "MACs hmac-sha1"},
		"host key with SHA-1":     {"HostKeyAlgorithms ssh-rsa"},
		"signatures with SHA-1":   {"PubkeyAcceptedAlgorithms ssh-rsa"},
		"all of it": {
			"KexAlgorithms diffie-hellman-group1-sha1", "Ciphers 3des-cbc", "MACs hmac-sha1",
			"HostKeyAlgorithms ssh-rsa", "PubkeyAcceptedAlgorithms ssh-rsa",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sshtest.StartOpenSSH(t, append(options, "HostKey "+hostFile, "AuthorizedKeysFile "+authorized, "RequiredRSASize 1024")...)
			r, _ := watched(s, map[string]string{sshx.AttrHostKeys: hostKey})
			r.Field = fields{pam.FieldPrivateKey: private}.get
			for _, p := range []*sshx.Protocol{modern, permitted} {
				if c, err := p.Connect(context.Background(), r); err == nil {
					_ = c.Close(context.Background())
					t.Error("connected without the legacy set")
				}
			}
			r.Asset.Attributes[sshx.AttrAlgorithms] = sshx.AlgorithmsLegacy
			refusedWith(t, modern, r, pam.CodeTargetConfig, "needs Config.InsecureLegacyAlgorithms")
			if err := connect(t, permitted, r).Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a modern target stays modern", func(t *testing.T) {
		s := sshtest.StartOpenSSH(t, "HostKey "+hostFile, "AuthorizedKeysFile "+authorized, "LogLevel DEBUG1")
		r, _ := watched(s, map[string]string{sshx.AttrHostKeys: hostKey, sshx.AttrAlgorithms: sshx.AlgorithmsLegacy})
		r.Field = fields{pam.FieldPrivateKey: private}.get
		if err := connect(t, permitted, r).Close(context.Background()); err != nil {
			t.Error(err)
		}
		for _, weak := range []string{"sha1", "-cbc", "kex: host key algorithm: ssh-rsa ", "ssh2: RSA SHA1"} {
			for line := range strings.Lines(s.Log()) {
				if strings.Contains(line, "kex: ") && strings.Contains(line, weak) {
					t.Errorf("weak algorithm in use: %s", line)
				}
			}
		}
		if !strings.Contains(s.Log(), "cipher: aes128-gcm@openssh.com") {
			t.Errorf("the log does not tell the cipher:\n%s", s.Log())
		}
	})
}

// S16: both sides change keys every few kilobytes, through two jump hosts as well, and no byte is lost.
func TestOpenSSH_S16_RekeyEveryFewKilobytes(t *testing.T) {
	for name, via := range map[string]bool{"directly": false, "by jump hosts": true} {
		t.Run(name, func(t *testing.T) {
			s := sshtest.StartOpenSSH(t, "RekeyLimit 16K", "LogLevel DEBUG1")
			l := openSSH(t, s, sshx.Config{RekeyThreshold: 24 << 10}, func(r *pam.ConnectRequest) {
				if via {
					c := newChain(t)
					r.Via = []pam.Hop{hopTo(c.hops[0], "outer"), hopTo(c.hops[1], "inner")}
				}
			})
			l.keys("i=0; while [ $i -lt 6000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123456789 $i; i=$((i+1)); done; echo finished\r")
			l.sink.wait(t, "\nfinished\r\n")
			if n := len(regexp.MustCompile(`(?m)^0123456789.* \d+\r$`).FindAllString(l.sink.text(), -1)); n != 6000 {
				t.Errorf("%d lines came, want 6000", n)
			}
			if n := strings.Count(s.Log(), "SSH2_MSG_NEWKEYS received"); n < 10 {
				t.Errorf("keys were changed %d times, want often", n)
			}
			closeSoon(t, l.conn)
		})
	}
}

// S16: a server that permits no session, or one, and that asks whether we are alive.
func TestOpenSSH_S16_MaxSessionsAndClientAlive(t *testing.T) {
	none := sshtest.StartOpenSSH(t, "MaxSessions 0")
	r, _ := watched(none, map[string]string{sshx.AttrHostKeys: none.HostKey})
	refusedWith(t, newProtocol(t, sshx.Config{}), r, pam.CodeTargetNoShell, "session channel")

	one := sshtest.StartOpenSSH(t, "MaxSessions 1", "ClientAliveInterval 1", "ClientAliveCountMax 2", "LogLevel DEBUG2")
	l := openSSH(t, one, sshx.Config{})
	// Silent for longer than the server's patience; its question is answered by a refusal, which is an answer.
	l.keys("sleep 4; echo still here\r")
	l.sink.wait(t, "\nstill here\r\n")
	l.keys("exit 0\r")
	l.endedWith(pam.EndRemoteLogoff)
}

// S05: the host key that known_hosts names is asked for, whatever the server would rather show; a rotated one is not.
func TestOpenSSH_S05_RotatedHostKeyInKnownHosts(t *testing.T) {
	s := sshtest.StartOpenSSH(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	write := func() {
		host := "[" + strings.Replace(s.Address, ":", "]:", 1)
		if err := os.WriteFile(file, []byte(host+" "+s.HostKey+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	p := newProtocol(t, sshx.Config{KnownHosts: []string{file}})
	accepts(t, p, s, nil)
	if err := s.RotateHostKey(); err != nil {
		t.Fatal(err)
	}
	distrusts(t, p, s, nil, pam.CodeHostKeyMismatch, "mismatch")
	write()
	if err := p.Reload(); err != nil {
		t.Fatal(err)
	}
	accepts(t, p, s, nil)
}
