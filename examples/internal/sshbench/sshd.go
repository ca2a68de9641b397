package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// sshd is the real OpenSSH server, with what ssh needs to reach it and a file that a flood prints.
type sshd struct {
	server                    *sshtest.OpenSSH
	target                    spine.Target
	port, keyFile, knownHosts string
	file                      string
}

func startSSHD(dir string, size int) (*sshd, error) {
	program, err := exec.LookPath("sshd")
	if err != nil {
		program = "/usr/sbin/sshd"
	}
	own := filepath.Join(dir, "sshd")
	if err := os.Mkdir(own, 0o700); err != nil {
		return nil, err
	}
	s, err := sshtest.RunOpenSSH(sshtest.OpenSSHConfig{Program: program, Dir: own})
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	d := &sshd{server: s, keyFile: in("user_key"), knownHosts: in("known_hosts"), file: in("flood.txt")}
	d.target = spine.Target{Address: s.Address, User: s.User, HostKey: s.HostKey, KeyPEM: s.PrivateKey}
	_, d.port, err = net.SplitHostPort(s.Address)
	err = errors.Join(
		err,
		os.WriteFile(d.keyFile, []byte(s.PrivateKey), 0o600),
		os.WriteFile(d.knownHosts, fmt.Appendf(nil, "[127.0.0.1]:%s %s\n", d.port, s.HostKey), 0o600),
		os.WriteFile(d.file, floodText(size), 0o600),
	)
	if err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func (d *sshd) stop() { d.server.Close() }

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
