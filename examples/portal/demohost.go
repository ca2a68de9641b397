package main

import (
	"crypto/rand"
	"fmt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

func (c *config) needsDemoHost() bool {
	for _, a := range c.Assets {
		if a.Demo {
			return true
		}
	}
	return false
}

// startDemoHost runs the machine behind assets with demo: true: a small shell over a file system in memory,
// on a free port of loopback, with a password and host key that no one has seen before.
func startDemoHost() (t demoTarget, stop func(), err error) {
	const account = "demo"
	password := rand.Text()
	srv, err := sshtest.NewServer(sshtest.Config{Passwords: map[string]string{account: password}})
	if err != nil {
		return demoTarget{}, nil, err
	}
	address, err := srv.Listen()
	if err != nil {
		return demoTarget{}, nil, fmt.Errorf("portal: demo host: %w", err)
	}
	t = demoTarget{address: address, account: account, hostKey: srv.HostKey(), password: pam.NewSecret(password)}
	return t, func() { _ = srv.Close() }, nil
}
