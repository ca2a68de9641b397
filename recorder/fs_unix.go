//go:build linux || darwin || freebsd

package recorder

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openFlags: a link planted in the directory must not lead a write elsewhere.
const openFlags = unix.O_NOFOLLOW

// lockFile takes the lock that tells a live recording from an orphan. The kernel drops it when the process dies.
func lockFile(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	if err := raw.Control(func(fd uintptr) { callErr = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		return err
	}
	switch {
	case errors.Is(callErr, unix.EWOULDBLOCK):
		return ErrInUse
	case callErr != nil:
		return os.NewSyscallError("flock", callErr)
	}
	return nil
}

// freeBytes returns what an unprivileged process may use, so that the floor holds for root too.
func freeBytes(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, os.NewSyscallError("statfs", err)
	}
	if st.Bavail <= 0 { // signed on FreeBSD: negative inside the reserve
		return 0, nil
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

// syncDir makes names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
