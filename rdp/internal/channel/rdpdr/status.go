package rdpdr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/sallyport/sallyport/rdp/drive"
)

// Status is how a request has ended ([MS-ERREF] 2.3).
type Status uint32

// The results in use.
const (
	StatusOK                Status = 0
	StatusNotifyEnumDir     Status = 0x0000010c // something has changed: list the folder anew
	StatusNoMoreFiles       Status = 0x80000006
	StatusUnsuccessful      Status = 0xc0000001
	StatusNotImplemented    Status = 0xc0000002
	StatusInvalidClass      Status = 0xc0000003
	StatusInvalidHandle     Status = 0xc0000008
	StatusInvalidParameter  Status = 0xc000000d
	StatusNoSuchDevice      Status = 0xc000000e
	StatusNoSuchFile        Status = 0xc000000f // also of names that do not exist: some servers know no other status for that
	StatusInvalidRequest    Status = 0xc0000010
	StatusEndOfFile         Status = 0xc0000011
	StatusAccessDenied      Status = 0xc0000022
	StatusNameInvalid       Status = 0xc0000033
	StatusNameCollision     Status = 0xc0000035
	StatusPathNotFound      Status = 0xc000003a
	StatusDeletePending     Status = 0xc0000056
	StatusDiskFull          Status = 0xc000007f
	StatusResources         Status = 0xc000009a
	StatusIOTimeout         Status = 0xc00000b5
	StatusIsDirectory       Status = 0xc00000ba
	StatusNotSupported      Status = 0xc00000bb
	StatusUnexpectedIO      Status = 0xc00000e9
	StatusDirectoryNotEmpty Status = 0xc0000101
	StatusNotADirectory     Status = 0xc0000103
	StatusTooManyOpen       Status = 0xc000011f
	StatusCancelled         Status = 0xc0000120
	StatusCannotDelete      Status = 0xc0000121
)

// Error makes a Status an error, which statusOf takes for what it is.
func (s Status) Error() string { return fmt.Sprintf("status %#08x", uint32(s)) }

// statusOf says what an error of a FileSystem is for the server.
func statusOf(err error) Status {
	var s Status
	switch {
	case err == nil:
		return StatusOK
	case errors.As(err, &s):
		return s
	case errors.Is(err, fs.ErrNotExist):
		return StatusNoSuchFile
	case errors.Is(err, fs.ErrExist):
		return StatusNameCollision
	case errors.Is(err, fs.ErrPermission):
		return StatusAccessDenied
	case errors.Is(err, fs.ErrInvalid):
		return StatusNameInvalid
	case errors.Is(err, fs.ErrClosed):
		return StatusInvalidHandle
	case errors.Is(err, drive.ErrFull):
		return StatusDiskFull
	case errors.Is(err, drive.ErrNotEmpty):
		return StatusDirectoryNotEmpty
	case errors.Is(err, drive.ErrIsDir):
		return StatusIsDirectory
	case errors.Is(err, drive.ErrNotDir):
		return StatusNotADirectory
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return StatusIOTimeout
	}
	return StatusUnexpectedIO
}
