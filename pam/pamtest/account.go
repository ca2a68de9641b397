//go:build unix

package pamtest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Account is an account of this machine that lives as long as a test. Real servers check passwords only of such.
type Account struct {
	Name     string
	Password string
	Home     string
}

// NewAccount makes an account with a password and /bin/sh, and deletes it after the test. Only root can; others are
// treated as Peer treats a missing program.
func NewAccount(t testing.TB) *Account {
	t.Helper()
	Root(t)
	useradd, chpasswd, userdel := Peer(t, "useradd"), Peer(t, "chpasswd"), Peer(t, "userdel")
	a := &Account{Name: "sptest-" + strings.ToLower(rand.Text()[:10]), Password: rand.Text()}
	run := func(program, input string, args ...string) error {
		// The tools give up when another holds the lock of the user database.
		unlock, err := lockAccounts()
		if err != nil {
			return err
		}
		defer unlock()
		cmd := exec.Command(program, args...)
		cmd.Stdin = strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, bytes.TrimSpace(out))
		}
		return nil
	}
	home, err := os.MkdirTemp("", "pamtest-home-")
	if err != nil {
		t.Fatal(err)
	}
	a.Home = home
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	if err := run(useradd, "", "--no-create-home", "--home-dir", home, "--shell", "/bin/sh", "--user-group", a.Name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run(userdel, "", "--force", a.Name); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Log(err)
		}
	})
	if err := run(chpasswd, a.Name+":"+a.Password+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := a.Own(home); err != nil {
		t.Fatal(err)
	}
	return a
}

// Own gives a file or folder to the account.
func (a *Account) Own(path string) error {
	u, err := user.Lookup(a.Name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}

// lockAccounts keeps several tests, also of several processes, from changing accounts at once.
func lockAccounts() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "pamtest-accounts.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
