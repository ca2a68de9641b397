package sshx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// doPath is do for a call on a path.
func (x *fileSystem) doPath(ctx context.Context, op, name string, call func(ctx context.Context, c *sftp.Client, raw string) error) error {
	raw, err := pam.RawFilePath(name)
	if err != nil {
		return &pam.FileError{Op: op, Name: name, Code: pam.CodeFileBadName, Err: err}
	}
	return x.do(ctx, op, name, 0, func(ctx context.Context, c *sftp.Client) error { return call(ctx, c, raw) })
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
