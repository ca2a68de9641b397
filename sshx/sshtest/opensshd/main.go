// Command opensshd runs the real sshd on a free port of loopback for tests that are not written in Go. It prints
// one line of JSON with address, user, host_key (authorized_keys line) and private_key (path), and runs until its
// standard input ends, so that it cannot outlive who started it. What the servers log is in DIR/log.
//
//	go run ./sshx/sshtest/opensshd [-sshd /usr/sbin/sshd] [-dir DIR] [-o LINE]...
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/sshx/sshtest"
)

func main() {
	sshd := flag.String("sshd", "/usr/sbin/sshd", "path of sshd")
	dir := flag.String("dir", "", "directory for keys and configuration (default: a temporary one)")
	var options []string
	flag.Func("o", "a further line of sshd_config, before the others (may be given several times)", func(line string) error {
		options = append(options, line)
		return nil
	})
	flag.Parse()
	if err := run(*sshd, *dir, options); err != nil {
		fmt.Fprintln(os.Stderr, "opensshd:", err)
		os.Exit(1)
	}
}

func run(sshd, dir string, options []string) error {
	if dir == "" {
		d, err := os.MkdirTemp("", "opensshd-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(d)
		dir = d
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	s, err := sshtest.RunOpenSSH(sshtest.OpenSSHConfig{Program: sshd, Dir: dir, Options: options})
	if err != nil {
		return err
	}
	defer s.Close()
	key := filepath.Join(dir, "client_key")
	if err := os.WriteFile(key, []byte(s.PrivateKey), 0o600); err != nil {
		return err
	}
	err = json.NewEncoder(os.Stdout).Encode(map[string]string{
		"address": s.Address, "user": s.User, "host_key": s.HostKey, "private_key": key, "dir": dir,
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
