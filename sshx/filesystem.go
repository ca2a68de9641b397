package sshx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx/internal/sftp"
)

// minFileRate is the slowest transfer, in bytes per second, that a large call's deadline allows for.
const minFileRate = 16 << 10

var (
	errFileTimeout = errors.New("the target did not answer in time")
	errNotRegular  = errors.New("not a regular file")
	errOffset      = errors.New("the offset is out of range")
)

// fileSystem implements pam.FileSystem on a shared channel.
type fileSystem struct {
	files   *files
	service *fileService
	life    context.Context // ends with Close
	end     context.CancelCauseFunc

	mu     sync.Mutex // guards open
	open   map[*file]struct{}
	closed bool
}

var _ pam.FileSystem = (*fileSystem)(nil)

func newFileSystem(f *files, s *fileService) *fileSystem {
	x := &fileSystem{files: f, service: s, open: make(map[*file]struct{})}
	x.life, x.end = context.WithCancelCause(context.Background())
	return x
}

// Close gives the file system back: its files are closed and calls under way fail.
func (x *fileSystem) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	x.end(net.ErrClosed)
	for f := range x.open {
		if f.handle != "" { // else it is being opened
			x.service.client.Discard(f.handle)
		}
	}
	x.open = nil
	x.files.release(x.service)
	return nil
}

// do runs one call with its deadline, which allows for the transfer of size bytes.
func (x *fileSystem) do(ctx context.Context, op, name string, size int, call func(ctx context.Context, c *sftp.Client) error) error {
	limit := x.files.timeout + time.Duration(size)*time.Second/minFileRate
	caller := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(limit, func() { cancel(errFileTimeout) }).Stop()
	defer context.AfterFunc(x.life, func() { cancel(context.Cause(x.life)) })()
	err := context.Cause(x.life)
	if err == nil {
		err = call(ctx, x.service.client)
	}
	if err == nil || err == io.EOF {
		return err
	}
	if errors.Is(err, errFileTimeout) {
		// The server works off one request after the other: what is stuck holds up all that follows.
		x.service.client.Break(errFileTimeout)
	}
	return fileError(op, name, givenUp(caller, err))
}

// givenUp tells an error that is the caller's own end of patience from what the target did.
func givenUp(caller context.Context, err error) error {
	if cause := context.Cause(caller); cause != nil && errors.Is(err, cause) {
		code := pam.CodeFileFailed
		if errors.Is(cause, context.DeadlineExceeded) {
			code = pam.CodeFileTimeout
		}
		return &coded{code, err}
	}
	return err
}

// doPath is do for a call on a path.
func (x *fileSystem) doPath(ctx context.Context, op, name string, call func(ctx context.Context, c *sftp.Client, raw string) error) error {
	raw, err := pam.RawFilePath(name)
	if err != nil {
		return &pam.FileError{Op: op, Name: name, Code: pam.CodeFileBadName, Err: err}
	}
	return x.do(ctx, op, name, 0, func(ctx context.Context, c *sftp.Client) error { return call(ctx, c, raw) })
}

// coded is an error whose code is known where it arises.
type coded struct {
	code pam.Code
	err  error
}

func (e *coded) Error() string { return e.err.Error() }
func (e *coded) Unwrap() error { return e.err }

// fileError finds the code for a failed call.
func fileError(op, name string, err error) error {
	code := pam.CodeFileFailed
	var (
		known    *coded
		status   *sftp.StatusError
		protocol *sftp.ProtocolError
	)
	switch {
	case errors.As(err, &known):
		code, err = known.code, known.err
	case errors.As(err, &status):
		code = statusCode(status.Code)
	case errors.As(err, &protocol):
		code = pam.CodeTargetProtocol
	case errors.Is(err, errFileTimeout):
		code = pam.CodeFileTimeout
	default: // the channel or the connection is gone
		code = pam.CodeFilesUnavailable
	}
	return &pam.FileError{Op: op, Name: name, Code: code, Err: err}
}

func statusCode(status uint32) pam.Code {
	switch status {
	case sftp.StatusNoSuchFile:
		return pam.CodeFileNotFound
	case sftp.StatusPermissionDenied:
		return pam.CodeFileDenied
	case sftp.StatusBadMessage: // OpenSSH's word for ENAMETOOLONG and EINVAL
		return pam.CodeFileBadName
	case sftp.StatusExists:
		return pam.CodeFileExists
	case sftp.StatusQuota:
		return pam.CodeFileTooLarge
	}
	return pam.CodeFileFailed
}

// orExists explains a failure that has no finer word: something is at that path already.
func orExists(ctx context.Context, c *sftp.Client, raw string, err error) error {
	var status *sftp.StatusError
	if errors.As(err, &status) && status.Code == sftp.StatusFailure {
		if _, lerr := c.Lstat(ctx, raw); lerr == nil {
			return &coded{pam.CodeFileExists, err}
		}
	}
	return err
}

// isMissing reports whether the server says that nothing is there.
func isMissing(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.Code == sftp.StatusNoSuchFile
}

// Home returns the account's home folder, which is where the server begins.
func (x *fileSystem) Home(ctx context.Context) (home string, err error) {
	err = x.do(ctx, "home", ".", 0, func(ctx context.Context, c *sftp.Client) error {
		raw, err := c.RealPath(ctx, ".")
		if err != nil {
			return err
		}
		home, err = shownPath(raw)
		return err
	})
	return home, err
}

// shownPath is the inverse of pam.RawFilePath.
func shownPath(raw string) (string, error) {
	bad := func(format string, args ...any) error {
		return &coded{pam.CodeFileBadName, fmt.Errorf("the target's path: "+format, args...)}
	}
	if len(raw) > pam.MaxFilePath || !strings.HasPrefix(raw, "/") {
		return "", bad("%d bytes, not absolute or too long", len(raw))
	}
	shown := "/"
	for element := range strings.SplitSeq(strings.Trim(raw, "/"), "/") {
		if element == "" && shown == "/" {
			continue // the root
		}
		e, ok := pam.ShowFileName(element)
		if !ok {
			return "", bad("%q is not the name of a folder", element[:min(len(element), 64)])
		}
		shown = path.Join(shown, e)
	}
	if _, err := pam.RawFilePath(shown); err != nil {
		return "", bad("%w", err)
	}
	return shown, nil
}

// List returns the entries of a folder.
func (x *fileSystem) List(ctx context.Context, dir string) (pam.Listing, error) {
	var l lister
	err := x.doPath(ctx, "list", dir, func(ctx context.Context, c *sftp.Client, raw string) error {
		return c.ReadDir(ctx, raw, l.add)
	})
	if err != nil {
		return pam.Listing{}, err
	}
	return l.Listing, nil
}

// lister makes a listing of what a server says.
type lister struct {
	pam.Listing
	dots int // entries "." and ".."
}

// add takes an entry and reports whether there is room for more. Refused ones count too, so that a folder of nothing
// else has an end.
func (l *lister) add(name []byte, a sftp.Attrs) (more bool) {
	if n := string(name[:min(len(name), 3)]); (n == "." || n == "..") && l.dots < 2 {
		l.dots++
		return true
	}
	if len(l.Files)+l.Refused == pam.MaxListed {
		l.Truncated = true
		return false
	}
	var shown string
	ok := len(name) <= pam.MaxFileName
	if ok {
		shown, ok = pam.ShowFileName(string(name))
	}
	if !ok {
		l.Refused++
		return true
	}
	l.Files = append(l.Files, fileInfo(shown, a))
	return true
}

// Stat describes one name; for a link also where it points.
func (x *fileSystem) Stat(ctx context.Context, name string) (info pam.FileInfo, err error) {
	err = x.doPath(ctx, "stat", name, func(ctx context.Context, c *sftp.Client, raw string) error {
		a, err := c.Lstat(ctx, raw)
		if err != nil {
			return err
		}
		info = fileInfo(path.Base(name), a)
		if info.Mode.Type() != fs.ModeSymlink {
			return nil
		}
		// A link that cannot be read is a link all the same.
		to, err := c.ReadLink(ctx, raw)
		var status *sftp.StatusError
		if err != nil && !errors.As(err, &status) {
			return err
		}
		info.Link = pam.ShowFileText(to[:min(len(to), pam.MaxFilePath)])
		return nil
	})
	return info, err
}

// fileInfo makes a claim of the target one of ours. What sets rights on this side is left out (S17).
func fileInfo(name string, a sftp.Attrs) pam.FileInfo {
	return pam.FileInfo{Name: name, Size: int64(min(a.Size, math.MaxInt64)), Mode: fileMode(a.Mode), ModTime: a.ModTime}
}

// Types of stat(2).
const (
	modeType    = 0o170000
	modeRegular = 0o100000
)

func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & modeType {
	case modeRegular:
	case 0o040000:
		m |= fs.ModeDir
	case 0o120000:
		m |= fs.ModeSymlink
	case 0o010000:
		m |= fs.ModeNamedPipe
	case 0o140000:
		m |= fs.ModeSocket
	case 0o060000:
		m |= fs.ModeDevice
	case 0o020000:
		m |= fs.ModeDevice | fs.ModeCharDevice
	default:
		m |= fs.ModeIrregular
	}
	return m
}

// mayOpen reports whether a file is regular, or of a kind that the server does not tell.
func mayOpen(a sftp.Attrs) bool { return a.Mode&modeType == modeRegular || a.Mode&modeType == 0 }

// Open opens a regular file.
func (x *fileSystem) Open(ctx context.Context, name string, how pam.OpenMode) (pam.File, error) {
	f := &file{fs: x, name: name}
	// Taken before the server is asked, so that concurrent calls cannot pass the limit together.
	if err := x.hold(f); err != nil {
		return nil, fileError("open", name, err)
	}
	err := x.doPath(ctx, "open", name, func(ctx context.Context, c *sftp.Client, raw string) error {
		handle, err := openFile(ctx, c, raw, how)
		if err != nil {
			return err
		}
		return x.opened(f, handle)
	})
	if err != nil {
		x.drop(f)
		return nil, err
	}
	return f, nil
}

func openFile(ctx context.Context, c *sftp.Client, raw string, how pam.OpenMode) (handle string, err error) {
	switch how {
	case pam.OpenRead:
		a, err := c.Stat(ctx, raw)
		if err != nil {
			return "", err
		}
		if !mayOpen(a) {
			return "", &coded{pam.CodeFileFailed, errNotRegular}
		}
		return c.Open(ctx, raw, sftp.FlagRead)
	case pam.OpenOverwrite:
		switch a, err := c.Lstat(ctx, raw); {
		case isMissing(err): // made below
		case err != nil:
			return "", err
		case !mayOpen(a): // a link too: what it leads to was not named
			return "", &coded{pam.CodeFileFailed, errNotRegular}
		default:
			return c.Open(ctx, raw, sftp.FlagWrite)
		}
	case pam.OpenCreate:
	default:
		return "", &coded{pam.CodeFileFailed, fmt.Errorf("unknown way to open: %d", how)}
	}
	handle, err = c.Open(ctx, raw, sftp.FlagWrite|sftp.FlagCreate|sftp.FlagExclusive)
	return handle, orExists(ctx, c, raw, err)
}

// hold takes a place among the open files.
func (x *fileSystem) hold(f *file) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return net.ErrClosed
	}
	if len(x.open) == pam.MaxOpenFiles {
		return &coded{pam.CodeLimitReached, fmt.Errorf("%d files are open", pam.MaxOpenFiles)}
	}
	x.open[f] = struct{}{}
	return nil
}

// opened notes a file's handle, unless the file system was closed meanwhile.
func (x *fileSystem) opened(f *file, handle string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		x.service.client.Discard(handle)
		return net.ErrClosed
	}
	f.handle = handle
	return nil
}

// drop removes a file and reports whether it was there.
func (x *fileSystem) drop(f *file) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ok := x.open[f]
	delete(x.open, f)
	return ok
}

// Rename moves a file or folder.
func (x *fileSystem) Rename(ctx context.Context, from, to string, replace bool) error {
	rawTo, err := pam.RawFilePath(to)
	if err != nil {
		return &pam.FileError{Op: "rename", Name: to, Code: pam.CodeFileBadName, Err: err}
	}
	return x.doPath(ctx, "rename", from, func(ctx context.Context, c *sftp.Client, raw string) error {
		if replace && c.Extension(sftp.PosixRenameExtension, "1") {
			return c.PosixRename(ctx, raw, rawTo)
		}
		if !replace {
			// Servers that keep to the protocol refuse by themselves; not all do.
			if _, err := c.Lstat(ctx, rawTo); !isMissing(err) {
				if err == nil {
					err = &coded{pam.CodeFileExists, fs.ErrExist}
				}
				return err
			}
		}
		return orExists(ctx, c, rawTo, c.Rename(ctx, raw, rawTo))
	})
}

// Remove deletes a file, a link or an empty folder.
func (x *fileSystem) Remove(ctx context.Context, name string) error {
	return x.doPath(ctx, "remove", name, func(ctx context.Context, c *sftp.Client, raw string) error {
		a, err := c.Lstat(ctx, raw)
		if err != nil {
			return err
		}
		if fileMode(a.Mode).IsDir() {
			return c.RemoveDir(ctx, raw)
		}
		return c.Remove(ctx, raw)
	})
}

// Mkdir makes one folder.
func (x *fileSystem) Mkdir(ctx context.Context, name string) error {
	return x.doPath(ctx, "mkdir", name, func(ctx context.Context, c *sftp.Client, raw string) error {
		return orExists(ctx, c, raw, c.Mkdir(ctx, raw))
	})
}

// file implements pam.File.
type file struct {
	fs     *fileSystem
	name   string
	handle string // set before the caller sees the file; guarded by fs.mu until then
}

var _ pam.File = (*file)(nil)

func (f *file) do(ctx context.Context, op string, size int, call func(ctx context.Context, c *sftp.Client) error) error {
	return f.fs.do(ctx, op, f.name, size, func(ctx context.Context, c *sftp.Client) error {
		f.fs.mu.Lock()
		_, open := f.fs.open[f]
		f.fs.mu.Unlock()
		if !open {
			return &coded{pam.CodeFileFailed, fs.ErrClosed}
		}
		return call(ctx, c)
	})
}

// span checks what is read or written.
func (f *file) span(op string, n int, off int64) error {
	if off < 0 || off > math.MaxInt64-int64(n) {
		return &pam.FileError{Op: op, Name: f.name, Code: pam.CodeFileFailed, Err: errOffset}
	}
	return nil
}

// ReadAt reads with several requests on their way.
func (f *file) ReadAt(ctx context.Context, p []byte, off int64) (n int, err error) {
	if err := f.span("read", len(p), off); err != nil {
		return 0, err
	}
	err = f.do(ctx, "read", len(p), func(ctx context.Context, c *sftp.Client) (err error) {
		n, err = c.ReadAt(ctx, f.handle, p, uint64(off))
		return err
	})
	return n, err
}

// WriteAt writes with several requests on their way.
func (f *file) WriteAt(ctx context.Context, p []byte, off int64) (n int, err error) {
	if err := f.span("write", len(p), off); err != nil {
		return 0, err
	}
	err = f.do(ctx, "write", len(p), func(ctx context.Context, c *sftp.Client) (err error) {
		n, err = c.WriteAt(ctx, f.handle, p, uint64(off))
		return err
	})
	return n, err
}

// Truncate sets the size.
func (f *file) Truncate(ctx context.Context, size int64) error {
	if err := f.span("truncate", 0, size); err != nil {
		return err
	}
	return f.do(ctx, "truncate", 0, func(ctx context.Context, c *sftp.Client) error {
		return c.Truncate(ctx, f.handle, uint64(size))
	})
}

// Stat describes the open file.
func (f *file) Stat(ctx context.Context) (info pam.FileInfo, err error) {
	err = f.do(ctx, "stat", 0, func(ctx context.Context, c *sftp.Client) error {
		a, err := c.Fstat(ctx, f.handle)
		info = fileInfo(path.Base(f.name), a)
		return err
	})
	return info, err
}

// Close closes the file.
func (f *file) Close(ctx context.Context) error {
	if !f.fs.drop(f) {
		return nil
	}
	return f.fs.do(ctx, "close", f.name, 0, func(ctx context.Context, c *sftp.Client) error {
		return c.CloseHandle(ctx, f.handle)
	})
}
