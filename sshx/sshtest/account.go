//go:build unix

package sshtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// Account is an account of this machine that lives as long as a test. Real servers check passwords only of such.
type Account struct {
	*pamtest.Account

	// AuthorizedKeysFile is in the home folder and empty; see Authorize.
	AuthorizedKeysFile string
}

// NewAccount is pamtest.NewAccount with an empty AuthorizedKeysFile.
func NewAccount(t testing.TB) *Account {
	t.Helper()
	a := &Account{Account: pamtest.NewAccount(t)}
	a.AuthorizedKeysFile = filepath.Join(a.Home, "authorized_keys")
	if err := a.Authorize(""); err != nil {
		t.Fatal(err)
	}
	return a
}

// Authorize makes the given line the only one of AuthorizedKeysFile.
func (a *Account) Authorize(key string) error {
	if err := os.WriteFile(a.AuthorizedKeysFile, []byte(key+"\n"), 0o600); err != nil {
		return err
	}
	return a.Own(a.AuthorizedKeysFile)
}
