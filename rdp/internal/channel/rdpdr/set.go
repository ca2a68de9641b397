package rdpdr

import (
	"context"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// set changes a file or folder (2.2.3.3.9).
func (v *Volume) set(ctx context.Context, q *Request, h *handle) error {
	if v.cfg.ReadOnly {
		return StatusAccessDenied
	}
	switch q.Class {
	case ClassBasic:
		t, set, err := modTime(q.Data)
		if err != nil || !set {
			return err // attributes are not kept
		}
		return v.cfg.Files.SetModTime(ctx, h.name, t)
	case ClassEndOfFile, ClassAllocation:
		return v.resize(ctx, q, h)
	case ClassDisposition:
		// Some servers leave out the one byte when it says to delete.
		doom := len(q.Data) == 0 || q.Data[0] != 0
		if doom == h.doomed {
			return nil
		}
		if !doom {
			h.doomed = false
			v.doomed--
			return nil
		}
		if err := v.mayDelete(ctx, h); err != nil {
			return err
		}
		h.doomed = true
		v.doomed++
		return nil
	case ClassRename:
		return v.rename(ctx, q, h)
	}
	return StatusInvalidClass
}

// resize sets the end of a file, or the room that it takes, which is not kept: a smaller one cuts the file, a greater one only has to be there.
func (v *Volume) resize(ctx context.Context, q *Request, h *handle) error {
	r := wire.NewReader(q.Data)
	size := int64(r.U64LE("size"))
	switch {
	case r.Err() != nil || size < 0:
		return StatusInvalidParameter
	case h.dir:
		return StatusIsDirectory
	case h.file == nil || h.how&drive.Write == 0:
		return StatusAccessDenied
	}
	if q.Class == ClassEndOfFile {
		return h.file.Truncate(ctx, size)
	}
	info, err := h.file.Stat(ctx)
	if err != nil || size == info.Size {
		return err
	}
	if size < info.Size {
		return h.file.Truncate(ctx, size)
	}
	space, err := v.cfg.Files.Space(ctx)
	if err == nil && size-info.Size > space.Free {
		return StatusDiskFull
	}
	return err
}

// mayDelete says whether what a handle stands for may be deleted.
func (v *Volume) mayDelete(ctx context.Context, h *handle) error {
	if h.name == "/" {
		return StatusCannotDelete
	}
	if !h.dir {
		return nil
	}
	all, err := v.cfg.Files.List(ctx, h.name)
	if err == nil && len(all) > 0 {
		return StatusDirectoryNotEmpty
	}
	return err
}

// rename moves a file or folder, with all handles that stand for something in it (2.4.42 of [MS-FSCC], with a shorter head).
func (v *Volume) rename(ctx context.Context, q *Request, h *handle) error {
	r := wire.NewReader(q.Data)
	replace := r.U8("replaceIfExists") != 0
	root := r.U8("rootDirectory")
	path := takePath(&r, r.U32LE("fileNameLength"))
	if r.Err() != nil || root != 0 {
		return StatusInvalidParameter
	}
	path, err := parsePath(path)
	if err != nil {
		return err
	}
	if path == "/" || h.name == "/" {
		return StatusAccessDenied
	}
	// Its folder as it is stored, its name as it is wanted.
	dir, base := parent(path)
	dir, info, err := v.resolve(ctx, dir)
	switch {
	case err == StatusNoSuchFile || err == nil && !info.Dir:
		return StatusPathNotFound
	case err != nil:
		return err
	case h.dir && below(h.name, dir):
		return StatusInvalidParameter
	}
	old, _, err := v.resolve(ctx, join(dir, base))
	if err == nil && old != h.name {
		for _, other := range v.handles {
			if other.name == old {
				return StatusAccessDenied // what is open is not replaced
			}
		}
	}
	from, to := h.name, join(dir, base)
	if err := v.cfg.Files.Rename(ctx, from, to, replace); err != nil {
		return err
	}
	for _, other := range v.handles {
		if below(from, other.name) {
			other.name = to + other.name[len(from):]
		}
	}
	return nil
}

// RenameData is the data of a MajorSet request of ClassRename.
func RenameData(path string, replace bool) []byte {
	name := wire.AppendUTF16(nil, path)
	return append(wire.AppendU32LE([]byte{flag(replace), 0}, uint32(len(name))), name...)
}
