package main

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// demoAccount is the account on demo hosts.
const demoAccount = "demo"

func (c *config) needsDemoHost() bool {
	for _, a := range c.Assets {
		if a.Demo {
			return true
		}
	}
	return false
}

// demoTarget is what a demo host is reached by.
type demoTarget struct {
	address  string
	identity map[string]string // the attribute that pins it
	password pam.Secret
}

// demoHosts are the demo hosts by protocol.
type demoHosts map[string]demoTarget

// startDemoHosts runs the machines behind assets with demo: true, on free ports of loopback, with a password, a host key and a
// certificate that no one has seen before: a small shell over a file system in memory, and a small desktop.
func startDemoHosts() (hosts demoHosts, stop func(), err error) {
	password := rand.Text()
	shell, err := sshtest.NewServer(sshtest.Config{Passwords: map[string]string{demoAccount: password}})
	if err != nil {
		return nil, nil, err
	}
	desktop, err := rdptest.NewServer(rdptest.Config{
		Passwords: map[string]string{demoAccount: password}, Codec: rdptest.CodecPlanar, DisplayControl: true, Clipboard: true, Drive: true, Sound: true, AutoReconnect: true,
	})
	if err != nil {
		return nil, nil, errors.Join(err, shell.Close())
	}
	stop = func() { _, _ = shell.Close(), desktop.Close() }
	address, err := shell.Listen()
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("portal: demo host: %w", err)
	}
	screen, err := desktop.Listen()
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("portal: demo desktop: %w", err)
	}
	return demoHosts{
		"ssh": {address, map[string]string{sshx.AttrHostKeys: shell.HostKey()}, pam.NewSecret(password)},
		"rdp": {screen, map[string]string{rdp.AttrCertificates: rdp.Fingerprint(desktop.Certificate())}, pam.NewSecret(password)},
	}, stop, nil
}
