package rdpdr

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Limits of what a server may hold.
const (
	maxHandles = 64 << 10 // files and folders: some servers never close those that they have made
	maxFiles   = 256      // files
	maxNotify  = 64
	maxEntries = 100_000 // of all listings that are open
)

// VolumeConfig says how a drive is served.
type VolumeConfig struct {
	Files    drive.FileSystem
	Label    string
	ReadOnly bool // nothing is made, changed or removed
}

// Volume serves requests. It belongs to one caller at a time.
type Volume struct {
	cfg     VolumeConfig
	handles map[uint32]*handle
	last    uint32     // ID that was given
	files   int        // handles with a file
	doomed  int        // handles that are
	entries int        // of all listings
	notify  []*Request // requests that wait for a change
}

// handle is something that the server has opened.
type handle struct {
	id     uint32
	name   string // as it is stored
	dir    bool
	file   drive.File // nil for folders, and where only properties are wanted
	how    drive.Mode // of file
	doomed bool       // it is deleted when this handle is closed, whatever others there are

	listing []drive.Info
	pattern string
}

// NewVolume returns a drive on which nothing is open.
func NewVolume(cfg VolumeConfig) *Volume {
	return &Volume{cfg: cfg, handles: map[uint32]*handle{}}
}

// Serve serves a request, and returns the answers: none if it waits for a change, others' too if it has ended them.
func (v *Volume) Serve(ctx context.Context, q *Request) [][]byte {
	if q.Major == MajorCreate {
		id, information, err := v.create(ctx, q)
		if err != nil {
			return one(q, err, nil)
		}
		return one(q, nil, append(wire.AppendU32LE(nil, id), information))
	}
	if q.Major == MajorQueryVolume {
		space, err := v.cfg.Files.Space(ctx)
		if err != nil {
			return one(q, err, nil)
		}
		return withData(q)(volumeInfo(q.Class, v.cfg.Label, space, v.cfg.ReadOnly))
	}
	h := v.handles[q.File]
	if h == nil {
		return one(q, StatusInvalidHandle, nil)
	}
	switch q.Major {
	case MajorClose:
		return v.close(ctx, q, h)
	case MajorRead:
		return v.read(ctx, q, h)
	case MajorWrite:
		return v.write(ctx, q, h)
	case MajorQuery:
		info, err := v.stat(ctx, h)
		if err != nil {
			return one(q, err, nil)
		}
		return withData(q)(fileInfo(q.Class, info, v.cfg.ReadOnly, v.isDoomed(h.name)))
	case MajorSet:
		if err := v.set(ctx, q, h); err != nil {
			return one(q, err, nil)
		}
		return one(q, nil, append(wire.AppendU32LE(nil, uint32(len(q.Data))), 0))
	case MajorSetVolume:
		return one(q, StatusAccessDenied, nil) // the label is the host's
	case MajorDirectory:
		switch q.Minor {
		case MinorQueryDirectory:
			return v.list(ctx, q, h)
		case MinorNotifyChange:
			return v.watch(q, h)
		}
	case MajorLock:
		return one(q, StatusNotSupported, nil) // nobody else has the file open whom it could hold off
	case MajorControl:
		return one(q, StatusInvalidRequest, nil) // what a file system says that has no such control
	}
	return one(q, StatusNotSupported, nil)
}

// one is the answer to a request.
func one(q *Request, err error, body []byte) [][]byte {
	return [][]byte{q.answer(statusOf(err), body)}
}

// withData is the answer with data, if the status is one of success.
func withData(q *Request) func(data []byte, s Status) [][]byte {
	return func(data []byte, s Status) [][]byte {
		if s != StatusOK {
			return one(q, s, nil)
		}
		return one(q, nil, lengthAnd(data))
	}
}

// stat describes what a handle stands for.
func (v *Volume) stat(ctx context.Context, h *handle) (drive.Info, error) {
	if h.file != nil {
		return h.file.Stat(ctx)
	}
	return v.cfg.Files.Stat(ctx, h.name)
}

func (v *Volume) read(ctx context.Context, q *Request, h *handle) [][]byte {
	switch {
	case h.dir:
		return one(q, StatusIsDirectory, nil)
	case h.file == nil || h.how&drive.Read == 0:
		return one(q, StatusAccessDenied, nil)
	case q.Length > MaxData || q.Offset > 1<<62:
		return one(q, StatusInvalidParameter, nil)
	}
	info, err := h.file.Stat(ctx)
	if err != nil {
		return one(q, err, nil)
	}
	// Memory is taken for what is there, not for what is asked for.
	size := max(min(int64(q.Length), info.Size-int64(q.Offset)), 0)
	p := make([]byte, size)
	n := 0
	if size > 0 {
		n, err = h.file.ReadAt(ctx, p, int64(q.Offset))
	}
	if err == io.EOF || n > 0 {
		err = nil
	}
	if err != nil {
		return one(q, err, nil)
	}
	return one(q, nil, lengthAnd(p[:n]))
}

func (v *Volume) write(ctx context.Context, q *Request, h *handle) [][]byte {
	const atEnd = 1<<64 - 1 // FILE_WRITE_TO_END_OF_FILE, which is 32 bits of ones in the lower half
	switch {
	case h.dir:
		return one(q, StatusIsDirectory, nil)
	case h.file == nil || h.how&drive.Write == 0:
		return one(q, StatusAccessDenied, nil)
	}
	off := int64(q.Offset)
	if q.Offset == atEnd {
		info, err := h.file.Stat(ctx)
		if err != nil {
			return one(q, err, nil)
		}
		off = info.Size
	}
	if off < 0 || off > 1<<62 {
		return one(q, StatusInvalidParameter, nil)
	}
	n, err := h.file.WriteAt(ctx, q.Data, off)
	if err != nil && n == 0 {
		return one(q, err, nil)
	}
	return one(q, nil, append(wire.AppendU32LE(nil, uint32(n)), 0))
}

// close gives a handle back, and deletes what is to go with it.
func (v *Volume) close(ctx context.Context, q *Request, h *handle) [][]byte {
	out := v.cancel(h.id)
	err := v.drop(ctx, h)
	return append(out, one(q, err, nil)...)
}

// cancel ends the requests that wait for changes of a handle's folder.
func (v *Volume) cancel(id uint32) (out [][]byte) {
	v.notify = slices.DeleteFunc(v.notify, func(q *Request) bool {
		if q.File == id {
			out = append(out, q.answer(StatusCancelled, nil))
		}
		return q.File == id
	})
	return out
}

// drop gives a handle back.
func (v *Volume) drop(ctx context.Context, h *handle) (err error) {
	delete(v.handles, h.id)
	v.entries -= len(h.listing)
	if h.file != nil {
		v.files--
		err = h.file.Close(ctx)
	}
	if !h.doomed {
		return err
	}
	v.doomed--
	if gone := v.cfg.Files.Remove(ctx, h.name); err == nil {
		err = gone
	}
	return err
}

// Close gives back all that the server has open. What was to be deleted is.
func (v *Volume) Close(ctx context.Context) {
	for _, h := range v.handles {
		_ = v.drop(ctx, h) // nobody is left to be told
	}
	v.notify, v.entries = nil, 0
}

// isDoomed says whether what is stored by that name will be deleted.
func (v *Volume) isDoomed(name string) bool {
	if v.doomed > 0 {
		for _, h := range v.handles {
			if h.doomed && h.name == name {
				return true
			}
		}
	}
	return false
}

// list returns the next entry of a folder (2.2.3.3.10).
func (v *Volume) list(ctx context.Context, q *Request, h *handle) [][]byte {
	if !h.dir {
		return one(q, StatusNotADirectory, nil)
	}
	if q.First || h.pattern == "" {
		if err := v.begin(ctx, q, h); err != nil {
			return one(q, err, nil)
		}
	}
	for len(h.listing) > 0 {
		i := h.listing[0]
		h.listing = h.listing[1:]
		v.entries--
		if drive.CheckName(i.Name) != nil || !match(h.pattern, i.Name) {
			continue // no path could lead to such a name
		}
		return withData(q)(entryInfo(q.Class, i, v.cfg.ReadOnly))
	}
	if q.First {
		return one(q, StatusNoSuchFile, nil)
	}
	return one(q, StatusNoMoreFiles, nil)
}

// begin takes a listing, which the entries then come from.
func (v *Volume) begin(ctx context.Context, q *Request, h *handle) error {
	p, err := pattern(q.Path)
	if err != nil {
		return err
	}
	all, err := v.cfg.Files.List(ctx, h.name)
	if err != nil {
		return err
	}
	if v.entries-len(h.listing)+len(all) > maxEntries {
		return StatusResources
	}
	v.entries += len(all) - len(h.listing)
	h.listing, h.pattern = all, p
	return nil
}

// watch lets a request wait until the folder changes, or its handle is closed.
func (v *Volume) watch(q *Request, h *handle) [][]byte {
	switch {
	case !h.dir:
		return one(q, StatusNotADirectory, nil)
	case len(v.notify) == maxNotify:
		return one(q, StatusResources, nil)
	}
	kept := *q
	v.notify = append(v.notify, &kept)
	return nil
}

// Changed tells the server that the content of a folder has changed by the host's doing.
func (v *Volume) Changed(dir string) (out [][]byte) {
	v.notify = slices.DeleteFunc(v.notify, func(q *Request) bool {
		h := v.handles[q.File]
		hit := h != nil && (strings.EqualFold(h.name, dir) || q.Tree && below(strings.ToUpper(h.name), strings.ToUpper(dir)))
		if hit {
			out = append(out, q.answer(StatusNotifyEnumDir, nil))
		}
		return hit
	})
	return out
}

// times are what MajorSet may say of a file (2.4.7 of [MS-FSCC]); those of creation, access and change are nobody's.
func modTime(data []byte) (t time.Time, set bool, err error) {
	r := wire.NewReader(data)
	r.Skip("creationTime, lastAccessTime", 16)
	t, set = takeTime(r.U64LE("lastWriteTime"))
	r.Skip("changeTime", 8)
	r.U32LE("fileAttributes")
	if r.Err() != nil {
		return t, false, StatusInvalidParameter
	}
	return t, set, nil
}
