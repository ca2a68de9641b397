package sshx

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"net"
	"path"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx/internal/sftp"
)

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
