package rdp

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/drive"
)

// Files opens the session's drive, from the side of the browser (I11). The drive has no permissions and no links.
func (c *conn) Files(context.Context) (pam.FileSystem, error) {
	if c.way.files == nil {
		return nil, &pam.FileError{Op: "files", Code: pam.CodeFilesUnavailable, Err: errors.New("the session has no drive")}
	}
	x := &driveFiles{files: c.way.files, changed: func(dir string) { _ = c.connection().DriveChanged(dir) }, open: map[*driveFile]struct{}{}}
	x.stop = context.AfterFunc(c.life, func() { _ = x.Close() })
	return x, nil
}

// driveFiles implements pam.FileSystem.
type driveFiles struct {
	files   drive.FileSystem
	changed func(dir string) // tells programs of the session that show the folder
	stop    func() bool

	mu      sync.Mutex // guards what follows
	open    map[*driveFile]struct{}
	opening int
	closed  bool
}

var _ pam.FileSystem = (*driveFiles)(nil)

// fileCodes say in the words of the browser what a drive has said.
var fileCodes = []struct {
	err  error
	code pam.Code
}{
	{fs.ErrNotExist, pam.CodeFileNotFound},
	{fs.ErrExist, pam.CodeFileExists},
	{fs.ErrPermission, pam.CodeFileDenied},
	{fs.ErrInvalid, pam.CodeFileBadName},
	{drive.ErrFull, pam.CodeFileTooLarge},
	{fs.ErrClosed, pam.CodeFilesUnavailable},
	{context.DeadlineExceeded, pam.CodeFileTimeout},
}

func fileError(op, name string, err error) error {
	var known *pam.FileError
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &known) {
		return err
	}
	code := pam.CodeFileFailed
	for _, c := range fileCodes {
		if errors.Is(err, c.err) {
			code = c.code
			break
		}
	}
	return &pam.FileError{Op: op, Name: name, Code: code, Err: err}
}

// do runs a call on a path.
func (x *driveFiles) do(op, name string, call func(raw string) error) error {
	raw, err := pam.RawFilePath(name)
	if err != nil {
		return &pam.FileError{Op: op, Name: name, Code: pam.CodeFileBadName, Err: err}
	}
	x.mu.Lock()
	closed := x.closed
	x.mu.Unlock()
	if closed {
		return fileError(op, name, fs.ErrClosed)
	}
	return fileError(op, name, call(raw))
}

// change is do for a call that changes the folder that a name is in.
func (x *driveFiles) change(op, name string, call func(raw string) error) error {
	return x.do(op, name, func(raw string) error {
		err := call(raw)
		if err == nil {
			x.changed(path.Dir(raw))
		}
		return err
	})
}

// Home returns the root.
func (x *driveFiles) Home(context.Context) (string, error) { return "/", nil }

// List returns the content of a folder.
func (x *driveFiles) List(ctx context.Context, dir string) (pam.Listing, error) {
	var l pam.Listing
	err := x.do("list", dir, func(raw string) error {
		all, err := x.files.List(ctx, raw)
		for _, i := range all {
			info, ok := fileInfo(i)
			switch {
			case !ok:
				l.Refused++
			case len(l.Files) == pam.MaxListed:
				l.Truncated = true
			default:
				l.Files = append(l.Files, info)
			}
		}
		return err
	})
	return l, err
}

func fileInfo(i drive.Info) (pam.FileInfo, bool) {
	name, ok := i.Name, true
	if name != "/" {
		name, ok = pam.ShowFileName(i.Name)
	}
	mode := fs.FileMode(0o644)
	if i.Dir {
		mode = fs.ModeDir | 0o755
	}
	return pam.FileInfo{Name: name, Size: i.Size, Mode: mode, ModTime: i.ModTime}, ok
}

// Stat describes a file or folder.
func (x *driveFiles) Stat(ctx context.Context, name string) (pam.FileInfo, error) {
	var info pam.FileInfo
	err := x.do("stat", name, func(raw string) error {
		i, err := x.files.Stat(ctx, raw)
		info, _ = fileInfo(i)
		return err
	})
	return info, err
}

// Open opens a file.
func (x *driveFiles) Open(ctx context.Context, name string, how pam.OpenMode) (pam.File, error) {
	f := &driveFile{x: x, name: name}
	x.mu.Lock()
	full := len(x.open)+x.opening == pam.MaxOpenFiles
	if !full {
		x.opening++
	}
	x.mu.Unlock()
	if full {
		return nil, &pam.FileError{Op: "open", Name: name, Code: pam.CodeLimitReached, Err: errors.New("too many open files")}
	}
	err := x.do("open", name, func(raw string) error {
		var err error
		f.raw = raw
		switch how {
		case pam.OpenRead:
			f.File, err = x.files.Open(ctx, raw, drive.Read)
		case pam.OpenCreate:
			f.File, err = x.files.Open(ctx, raw, drive.Write|drive.Create)
		default:
			if f.File, err = x.files.Open(ctx, raw, drive.Write); errors.Is(err, fs.ErrNotExist) {
				f.File, err = x.files.Open(ctx, raw, drive.Write|drive.Create)
			}
		}
		return err
	})
	f.writes = how != pam.OpenRead
	x.mu.Lock()
	x.opening--
	closed := x.closed
	if err == nil && !closed {
		x.open[f] = struct{}{}
	}
	x.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if closed {
		_ = f.File.Close(ctx)
		return nil, fileError("open", name, fs.ErrClosed)
	}
	return f, nil
}

func (x *driveFiles) forget(f *driveFile) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.open, f)
}

// Rename moves a file or folder.
func (x *driveFiles) Rename(ctx context.Context, from, to string, replace bool) error {
	return x.change("rename", from, func(raw string) error {
		target, err := pam.RawFilePath(to)
		if err != nil {
			return &pam.FileError{Op: "rename", Name: to, Code: pam.CodeFileBadName, Err: err}
		}
		if err := x.files.Rename(ctx, raw, target, replace); err != nil {
			return err
		}
		if path.Dir(target) != path.Dir(raw) {
			x.changed(path.Dir(target))
		}
		return nil
	})
}

// Remove deletes a file or an empty folder.
func (x *driveFiles) Remove(ctx context.Context, name string) error {
	return x.change("remove", name, func(raw string) error { return x.files.Remove(ctx, raw) })
}

// Mkdir makes a folder.
func (x *driveFiles) Mkdir(ctx context.Context, name string) error {
	return x.change("mkdir", name, func(raw string) error { return x.files.Mkdir(ctx, raw) })
}

// Close closes the files that are open. The drive stays: it is the session's.
func (x *driveFiles) Close() error {
	x.mu.Lock()
	open := x.open
	x.open, x.closed = map[*driveFile]struct{}{}, true
	x.mu.Unlock()
	x.stop()
	for f := range open {
		_ = f.File.Close(context.Background())
	}
	return nil
}

// driveFile implements pam.File.
type driveFile struct {
	drive.File
	x         *driveFiles
	name, raw string
	writes    bool
}

// ReadAt reads like io.ReaderAt.
func (f *driveFile) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(ctx, p, off)
	return n, fileError("read", f.name, err)
}

// WriteAt writes like io.WriterAt.
func (f *driveFile) WriteAt(ctx context.Context, p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(ctx, p, off)
	return n, fileError("write", f.name, err)
}

// Truncate sets the size.
func (f *driveFile) Truncate(ctx context.Context, size int64) error {
	return fileError("truncate", f.name, f.File.Truncate(ctx, size))
}

// Stat describes the open file.
func (f *driveFile) Stat(ctx context.Context) (pam.FileInfo, error) {
	i, err := f.File.Stat(ctx)
	info, _ := fileInfo(i)
	return info, fileError("stat", f.name, err)
}

// Close closes the file, and tells the session of what was written.
func (f *driveFile) Close(ctx context.Context) error {
	f.x.forget(f)
	if f.writes {
		f.writes = false
		f.x.changed(path.Dir(f.raw))
	}
	return fileError("close", f.name, f.File.Close(ctx))
}
