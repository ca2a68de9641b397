//go:build unix

package sshx_test

import (
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// TestFiles_I11_I12_I13_S18_OpenSSH runs what the broker promises of files on a real sshd.
func TestFiles_I11_I12_I13_S18_OpenSSH(t *testing.T) {
	pamtest.FileSuite(t, func(t *testing.T) pamtest.FileTarget {
		s := sshtest.StartOpenSSH(t)
		r := request(s.Address, s.User, s.HostKey, nil)
		return pamtest.FileTarget{
			Protocol: newProtocol(t, sshx.Config{}), Asset: r.Asset, Secrets: map[string]string{pam.FieldPrivateKey: s.PrivateKey}, Dir: t.TempDir(),
		}
	})
}

// TestFiles_I11_I12_I13_S18_Memory runs it on a server without a disk.
func TestFiles_I11_I12_I13_S18_Memory(t *testing.T) {
	pamtest.FileSuite(t, func(t *testing.T) pamtest.FileTarget {
		srv, addr := server(t, sshtest.Config{Handler: lines})
		r := request(addr, "demo", srv.HostKey(), nil)
		return pamtest.FileTarget{Protocol: newProtocol(t, sshx.Config{}), Asset: r.Asset, Secrets: demoVault, Dir: "/"}
	})
}
