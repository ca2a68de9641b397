package rdpdr

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/sallyport/sallyport/rdp/drive"
)

// Dispositions, options and rights of a create request ([MS-SMB2] 2.2.13, which 2.2.3.3.1 points to).
const (
	DispositionSupersede   uint32 = 0 // replace, or make
	DispositionOpen        uint32 = 1 // open, or fail
	DispositionCreate      uint32 = 2 // make, or fail
	DispositionOpenIf      uint32 = 3 // open, or make
	DispositionOverwrite   uint32 = 4 // empty, or fail
	DispositionOverwriteIf uint32 = 5 // empty, or make

	OptionDirectory     uint32 = 0x0001
	OptionNoDirectory   uint32 = 0x0040
	OptionDeleteOnClose uint32 = 0x1000
	optionByID          uint32 = 0x2000

	AccessReadData   uint32 = 0x00000001
	AccessWriteData  uint32 = 0x00000002
	AccessAppendData uint32 = 0x00000004
	accessExecute    uint32 = 0x00000020
	AccessDelete     uint32 = 0x00010000
	accessMaximum    uint32 = 0x02000000
	accessAll        uint32 = 0x10000000
	genericExecute   uint32 = 0x20000000
	genericWrite     uint32 = 0x40000000
	genericRead      uint32 = 0x80000000

	// Information of the answer: what has happened.
	madeNew     = 0
	opened      = 1
	overwritten = 3
)

// mode is what rights come to.
func mode(access uint32) (how drive.Mode) {
	if access&(AccessReadData|accessExecute|accessMaximum|accessAll|genericExecute|genericRead) != 0 {
		how |= drive.Read
	}
	if access&(AccessWriteData|AccessAppendData|accessMaximum|accessAll|genericWrite) != 0 {
		how |= drive.Write
	}
	return how
}

// resolve finds what stands at a path, and returns the path as it is stored: what other handles say of it is then comparable. If only the last part is missing,
// the error is StatusNoSuchFile, and the path is where it would stand.
func (v *Volume) resolve(ctx context.Context, path string) (name string, info drive.Info, err error) {
	name = "/"
	if info, err = v.cfg.Files.Stat(ctx, name); err != nil || path == "/" {
		return name, info, err
	}
	parts := strings.Split(path[1:], "/")
	for i, p := range parts {
		if !info.Dir {
			return "", info, StatusPathNotFound
		}
		at := join(name, p)
		info, err = v.cfg.Files.Stat(ctx, at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && i == len(parts)-1:
			return at, info, StatusNoSuchFile
		case errors.Is(err, fs.ErrNotExist):
			return "", info, StatusPathNotFound
		case err != nil:
			return "", info, err
		}
		if drive.CheckName(info.Name) == nil {
			p = info.Name
		}
		name = join(name, p)
	}
	return name, info, nil
}

// create opens or makes a file or folder (2.2.1.4.1).
func (v *Volume) create(ctx context.Context, q *Request) (id uint32, information uint8, err error) {
	directory, noDirectory := q.Options&OptionDirectory != 0, q.Options&OptionNoDirectory != 0
	path, err := parsePath(q.Path)
	switch {
	case err != nil:
		return 0, 0, err
	case q.Disposition > DispositionOverwriteIf || directory && noDirectory:
		return 0, 0, StatusInvalidParameter
	case q.Options&optionByID != 0:
		return 0, 0, StatusNotSupported
	case len(v.handles) == maxHandles || v.files == maxFiles:
		return 0, 0, StatusTooManyOpen
	case v.cfg.ReadOnly && q.Options&OptionDeleteOnClose != 0:
		return 0, 0, StatusAccessDenied
	}
	name, info, err := v.resolve(ctx, path)
	h := &handle{name: name, doomed: q.Options&OptionDeleteOnClose != 0}
	switch {
	case err == StatusNoSuchFile:
		information, err = v.make(ctx, q, h)
	case err == nil:
		information, err = v.open(ctx, q, h, info)
	}
	if err != nil {
		return 0, 0, err
	}
	for v.last++; v.handles[v.last] != nil || v.last == 0; v.last++ {
	}
	h.id = v.last
	v.handles[h.id] = h
	if h.file != nil {
		v.files++
	}
	if h.doomed {
		v.doomed++
	}
	return h.id, information, nil
}

// make makes what does not exist.
func (v *Volume) make(ctx context.Context, q *Request, h *handle) (information uint8, err error) {
	switch {
	case q.Disposition == DispositionOpen || q.Disposition == DispositionOverwrite:
		return 0, StatusNoSuchFile
	case v.cfg.ReadOnly:
		return 0, StatusAccessDenied
	case q.Options&OptionDirectory != 0:
		h.dir = true
		return madeNew, v.cfg.Files.Mkdir(ctx, h.name)
	}
	h.how = mode(q.Access)
	h.file, err = v.cfg.Files.Open(ctx, h.name, h.how|drive.Create)
	return madeNew, err
}

// open opens what exists.
func (v *Volume) open(ctx context.Context, q *Request, h *handle, info drive.Info) (information uint8, err error) {
	h.dir, h.how = info.Dir, mode(q.Access)
	empty := q.Disposition == DispositionSupersede || q.Disposition == DispositionOverwrite || q.Disposition == DispositionOverwriteIf
	if v.cfg.ReadOnly && q.Access&accessMaximum != 0 {
		h.how &^= drive.Write
	}
	switch {
	case v.isDoomed(h.name):
		return 0, StatusDeletePending
	case q.Disposition == DispositionCreate:
		return 0, StatusNameCollision
	case h.dir && q.Options&OptionNoDirectory != 0, h.dir && empty:
		return 0, StatusIsDirectory
	case !h.dir && q.Options&OptionDirectory != 0:
		return 0, StatusNotADirectory
	case h.doomed && h.name == "/":
		return 0, StatusCannotDelete
	case v.cfg.ReadOnly && empty:
		return 0, StatusAccessDenied
	case h.dir:
		if h.doomed {
			return opened, v.mayDelete(ctx, h)
		}
		return opened, nil
	case v.cfg.ReadOnly && h.how&drive.Write != 0:
		return 0, StatusAccessDenied
	}
	if empty {
		h.how |= drive.Write
	}
	if h.how == 0 {
		return opened, nil // for its properties
	}
	if h.file, err = v.cfg.Files.Open(ctx, h.name, h.how); err != nil || !empty {
		return opened, err
	}
	if err = h.file.Truncate(ctx, 0); err != nil {
		_ = h.file.Close(ctx)
	}
	if q.Disposition == DispositionSupersede {
		return madeNew, err
	}
	return overwritten, err
}
