package recorder

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve allocates blocks up to size and keeps the length, so that a reader never sees zeros at the end.
func reserve(f *os.File, size int64) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	if err := raw.Control(func(fd uintptr) {
		for {
			callErr = unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, 0, size)
			if !errors.Is(callErr, unix.EINTR) {
				return
			}
		}
	}); err != nil {
		return err
	}
	if errors.Is(callErr, unix.EOPNOTSUPP) || errors.Is(callErr, unix.ENOSYS) {
		return errors.ErrUnsupported
	}
	if callErr != nil {
		return os.NewSyscallError("fallocate", callErr)
	}
	return nil
}
