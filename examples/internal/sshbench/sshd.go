package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/examples/internal/spine"
)

// sshd is a real OpenSSH server on loopback with keys of its own.
type sshd struct {
	cmd                       *exec.Cmd
	target                    spine.Target
	port, keyFile, knownHosts string
	file                      string // the text that a flood prints
}

const sshdConfig = `ListenAddress 127.0.0.1
Port %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
PrintMotd no
PrintLastLog no
MaxStartups 200
UseDNS no
`

func startSSHD(dir string, size int) (*sshd, error) {
	path, err := exec.LookPath("sshd")
	if err != nil {
		path = "/usr/sbin/sshd"
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	hostPEM, hostPub, err := newKey()
	if err != nil {
		return nil, err
	}
	userPEM, userPub, err := newKey()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	d := &sshd{port: port, keyFile: in("user_key"), knownHosts: in("known_hosts"), file: in("flood.txt")}
	files := map[string][]byte{
		"host_key": hostPEM, "user_key": userPEM, "authorized_keys": userPub,
		"known_hosts": fmt.Appendf(nil, "[127.0.0.1]:%s %s", port, hostPub),
		"config":      fmt.Appendf(nil, sshdConfig, port, in("host_key"), in("authorized_keys")),
		"flood.txt":   floodText(size),
	}
	for name, content := range files {
		if err := os.WriteFile(in(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	// sshd wants its privilege separation directory.
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	d.cmd = exec.Command(path, "-D", "-e", "-f", in("config"))
	var log bytes.Buffer
	d.cmd.Stderr = &log
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	d.target = spine.Target{Address: "127.0.0.1:" + port, User: me.Username, HostKey: string(bytes.TrimSpace(hostPub)), KeyPEM: string(userPEM)}
	for range 100 {
		c, err := net.Dial("tcp", d.target.Address)
		if err == nil {
			return d, c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	d.stop()
	return nil, fmt.Errorf("sshd did not start: %s", log.Bytes())
}

func (d *sshd) stop() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

func newKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, nil, err
	}
	sp, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(block), ssh.MarshalAuthorizedKey(sp), nil
}

// floodText is what a build or a log looks like: lines of text, some of them coloured.
func floodText(size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		if i%5 == 0 {
			fmt.Fprintf(&b, "\x1b[32m[%8d]\x1b[0m \x1b[1mbuild\x1b[0m step %d of many: compiling package number %d\r\n", i, i%97, i%1013)
			continue
		}
		fmt.Fprintf(&b, "[%8d] the quick brown fox jumps over the lazy dog and goes on to line %d\r\n", i, i)
	}
	return b.Bytes()[:size]
}
