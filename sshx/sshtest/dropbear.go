//go:build unix

package sshtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// Dropbear is the SSH server of small devices, on loopback like OpenSSH. It serves the accounts of this machine, with
// password or with a key in their home folder.
type Dropbear struct {
	Address string // host:port
	HostKey string // authorized_keys line

	*inetd
}

// StartDropbear runs dropbear for the length of a test. Without one on the machine it does what pamtest.Peer does. options
// are further arguments of the program. In this mode it logs to syslog alone.
func StartDropbear(t testing.TB, options ...string) *Dropbear {
	t.Helper()
	program, keygen := pamtest.Peer(t, "dropbear"), pamtest.Peer(t, "dropbearkey")
	dir := t.TempDir()
	key := filepath.Join(dir, "host_key")
	out, err := exec.Command(keygen, "-t", "ed25519", "-f", key).Output()
	if err != nil {
		t.Fatalf("dropbearkey: %v", err)
	}
	d := &Dropbear{}
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(line, []byte("ssh-ed25519 ")) {
			d.HostKey = string(bytes.TrimSpace(line))
		}
	}
	if d.HostKey == "" {
		t.Fatalf("dropbearkey shows no public key: %s", out)
	}
	if d.inetd, err = startInetd(filepath.Join(dir, "log"), program, append([]string{"-i", "-m", "-r", key}, options...)...); err != nil {
		t.Fatal(err)
	}
	d.Address = d.address()
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// AuthorizeDropbear makes the given line the only one of the file where dropbear looks for keys of the account.
func (a *Account) AuthorizeDropbear(key string) error {
	dir := filepath.Join(a.Home, ".ssh")
	file := filepath.Join(dir, "authorized_keys")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		return err
	}
	return errors.Join(a.Own(dir), a.Own(file))
}
