package drive

import (
	"context"
	"io"
	"io/fs"
)

// memoryFile is an open file of a Memory, whose mu guards it.
type memoryFile struct {
	m      *Memory
	n      *node
	how    Mode
	closed bool
}

// Open opens a file.
func (m *Memory) Open(_ context.Context, name string, how Mode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if how&Create != 0 {
		n := &node{}
		if err := m.add(name, n); err != nil {
			return nil, wrap("create", name, err)
		}
		n.open++
		return &memoryFile{m: m, n: n, how: how}, nil
	}
	n, err := m.find(name)
	if err == nil && n.children != nil {
		err = ErrIsDir
	}
	if err != nil {
		return nil, wrap("open", name, err)
	}
	n.open++
	return &memoryFile{m: m, n: n, how: how}, nil
}

// do calls f with mu held if the file is open for that.
func (f *memoryFile) do(op string, need Mode, f2 func() (int, error)) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	switch {
	case f.closed:
		return 0, &fs.PathError{Op: op, Path: f.n.name, Err: fs.ErrClosed}
	case f.how&need != need:
		return 0, &fs.PathError{Op: op, Path: f.n.name, Err: fs.ErrPermission}
	}
	return f2()
}

// resize sets the size, within the quota.
func (f *memoryFile) resize(size int64) error {
	m, n := f.m, f.n
	grown := size - int64(len(n.data))
	switch {
	case size < 0:
		return &fs.PathError{Op: "resize", Path: n.name, Err: fs.ErrInvalid}
	case grown > m.cfg.MaxBytes-m.bytes:
		return &fs.PathError{Op: "resize", Path: n.name, Err: ErrFull}
	case grown > 0:
		n.data = append(n.data, make([]byte, grown)...)
	default:
		clear(n.data[size:])
		n.data = n.data[:size]
		if int64(cap(n.data)) > 2*size+4096 { // what is not counted is not kept either
			n.data = append(make([]byte, 0, size), n.data...)
		}
	}
	m.bytes += grown
	n.mod = m.cfg.Now()
	return nil
}

// ReadAt reads like io.ReaderAt.
func (f *memoryFile) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	return f.do("read", Read, func() (int, error) {
		switch {
		case off < 0:
			return 0, &fs.PathError{Op: "read", Path: f.n.name, Err: fs.ErrInvalid}
		case off >= int64(len(f.n.data)):
			return 0, io.EOF
		}
		n := copy(p, f.n.data[off:])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	})
}

// WriteAt writes like io.WriterAt.
func (f *memoryFile) WriteAt(_ context.Context, p []byte, off int64) (int, error) {
	return f.do("write", Write, func() (int, error) {
		if off < 0 || off > f.m.cfg.MaxBytes {
			return 0, &fs.PathError{Op: "write", Path: f.n.name, Err: ErrFull}
		}
		if end := off + int64(len(p)); len(p) > 0 && end > int64(len(f.n.data)) {
			if err := f.resize(end); err != nil {
				return 0, err
			}
		}
		f.n.mod = f.m.cfg.Now()
		if len(p) == 0 {
			return 0, nil
		}
		return copy(f.n.data[off:], p), nil
	})
}

// Truncate sets the size.
func (f *memoryFile) Truncate(_ context.Context, size int64) error {
	_, err := f.do("truncate", Write, func() (int, error) { return 0, f.resize(size) })
	return err
}

// Stat describes the file.
func (f *memoryFile) Stat(context.Context) (info Info, err error) {
	_, err = f.do("stat", 0, func() (int, error) { info = f.n.info(); return 0, nil })
	return info, err
}

// Close closes the file.
func (f *memoryFile) Close(context.Context) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if !f.closed {
		f.closed = true
		f.n.open--
		f.m.drop(f.n)
	}
	return nil
}
