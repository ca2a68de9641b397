package drive

import (
	"context"
	"io/fs"
	"os"
)

// rootFile is an open file of a Root, whose mu guards it.
type rootFile struct {
	r      *Root
	f      *os.File
	how    Mode
	closed bool
}

// begin takes mu if the file is open for that; end gives it back.
func (f *rootFile) begin(ctx context.Context, op string, need Mode) (end func(), err error) {
	f.r.mu.Lock()
	switch {
	case f.closed:
		err = fs.ErrClosed
	case f.how&need != need:
		err = fs.ErrPermission
	default:
		err = ctx.Err()
	}
	if err != nil {
		err = &fs.PathError{Op: op, Path: f.f.Name(), Err: err}
	}
	return f.r.mu.Unlock, err
}

// grow calls do, which may make the file size bytes long, within the quota, and counts what has become of it.
func (f *rootFile) grow(op string, size int64, do func() error) error {
	before, err := f.f.Stat()
	if err != nil {
		return err
	}
	if size < 0 {
		return &fs.PathError{Op: op, Path: f.f.Name(), Err: fs.ErrInvalid}
	}
	if more := size - before.Size(); more > 0 && more > f.r.cfg.MaxBytes-f.r.bytes {
		return &fs.PathError{Op: op, Path: f.f.Name(), Err: ErrFull}
	}
	err = do()
	if after, serr := f.f.Stat(); serr == nil {
		f.r.bytes += after.Size() - before.Size()
	}
	return full(err)
}

// ReadAt reads like io.ReaderAt.
func (f *rootFile) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	end, err := f.begin(ctx, "read", Read)
	defer end()
	if err != nil {
		return 0, err
	}
	return f.f.ReadAt(p, off)
}

// WriteAt writes like io.WriterAt.
func (f *rootFile) WriteAt(ctx context.Context, p []byte, off int64) (n int, err error) {
	end, err := f.begin(ctx, "write", Write)
	defer end()
	if err != nil {
		return 0, err
	}
	if off < 0 || off > f.r.cfg.MaxBytes {
		return 0, &fs.PathError{Op: "write", Path: f.f.Name(), Err: ErrFull}
	}
	err = f.grow("write", off+int64(len(p)), func() (err error) {
		n, err = f.f.WriteAt(p, off)
		return err
	})
	return n, err
}

// Truncate sets the size.
func (f *rootFile) Truncate(ctx context.Context, size int64) error {
	end, err := f.begin(ctx, "truncate", Write)
	defer end()
	if err != nil {
		return err
	}
	return f.grow("truncate", size, func() error { return f.f.Truncate(size) })
}

// Stat describes the file.
func (f *rootFile) Stat(ctx context.Context) (Info, error) {
	end, err := f.begin(ctx, "stat", 0)
	defer end()
	if err != nil {
		return Info{}, err
	}
	i, err := f.f.Stat()
	if err != nil {
		return Info{}, err
	}
	return infoOf(i), nil
}

// Close closes the file.
func (f *rootFile) Close(context.Context) error {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	return f.close()
}

// close is Close; mu is held.
func (f *rootFile) close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	delete(f.r.open, f)
	return f.f.Close()
}
