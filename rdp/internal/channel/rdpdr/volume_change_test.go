package rdpdr_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/drive"
	"github.com/sallyport/sallyport/rdp/internal/channel/rdpdr"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// TestVolume_Renames: files and folders move, and what is open in them moves along.
func TestVolume_Renames(t *testing.T) {
	d := newDisk(t, false)
	folder := d.open(`\Dir`, rdpdr.DispositionCreate, rdpdr.OptionDirectory)
	d.put("/Dir/f", "1")
	d.put("/g", "2")
	inside, byName := d.open(`\DIR\F`, rdpdr.DispositionOpen, 0), uint32(0)
	_, byName, _ = d.create(`\dir\f`, rdpdr.DispositionOpen, 0, 0x80)
	d.set(rdpdr.StatusOK, folder, rdpdr.ClassRename, rdpdr.RenameData(`\Moved`, false))
	d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorQuery, File: byName, Class: rdpdr.ClassBasic})
	d.set(rdpdr.StatusNameCollision, inside, rdpdr.ClassRename, rdpdr.RenameData(`\g`, false))
	g := d.open(`\g`, rdpdr.DispositionOpen, 0)
	d.set(rdpdr.StatusAccessDenied, inside, rdpdr.ClassRename, rdpdr.RenameData(`\g`, true)) // it is open
	d.close(g)
	d.set(rdpdr.StatusOK, inside, rdpdr.ClassRename, rdpdr.RenameData(`\G`, true))
	d.set(rdpdr.StatusOK, inside, rdpdr.ClassRename, rdpdr.RenameData(`\Moved\x`, true))
	d.set(rdpdr.StatusOK, inside, rdpdr.ClassRename, rdpdr.RenameData(`\moved\X`, false))
	for path, want := range map[string]rdpdr.Status{
		`\Moved\in`: rdpdr.StatusInvalidParameter, `\Moved`: rdpdr.StatusOK, `\none\x`: rdpdr.StatusPathNotFound, `\Moved\X\y`: rdpdr.StatusPathNotFound,
		`\`: rdpdr.StatusAccessDenied, `\..\x`: rdpdr.StatusNameInvalid, `\nul`: rdpdr.StatusNameInvalid, `\a:b`: rdpdr.StatusNameInvalid,
	} {
		d.set(want, folder, rdpdr.ClassRename, rdpdr.RenameData(path, true))
	}
	root := d.open(`\`, rdpdr.DispositionOpen, 0)
	d.set(rdpdr.StatusAccessDenied, root, rdpdr.ClassRename, rdpdr.RenameData(`\r`, false))
	d.set(rdpdr.StatusInvalidParameter, inside, rdpdr.ClassRename, []byte{0, 1, 2, 0, 0, 0, 'x', 0})
	d.set(rdpdr.StatusInvalidParameter, inside, rdpdr.ClassRename, []byte{0, 0, 0xfe, 0xff, 0xff, 0xff, 'x', 0})
	if got := d.read(inside, 0, 9) + d.content(); got != "1/Moved/ /Moved/X=1" {
		t.Errorf("%q", got)
	}
}

// TestVolume_Deletes: files and empty folders go when the handle that was told so is closed, and nothing else does.
func TestVolume_Deletes(t *testing.T) {
	d := newDisk(t, false)
	d.put("/a", "")
	folder := d.open(`\d`, rdpdr.DispositionCreate, rdpdr.OptionDirectory)
	d.put("/d/b", "")
	d.set(rdpdr.StatusDirectoryNotEmpty, folder, rdpdr.ClassDisposition, nil)
	if s, _, _ := d.create(`\d`, rdpdr.DispositionOpen, rdpdr.OptionDeleteOnClose, everything); s != rdpdr.StatusDirectoryNotEmpty {
		t.Error(s)
	}
	root := d.open(`\`, rdpdr.DispositionOpen, 0)
	d.set(rdpdr.StatusCannotDelete, root, rdpdr.ClassDisposition, []byte{1})
	b := d.open(`\d\b`, rdpdr.DispositionOpen, 0)
	d.set(rdpdr.StatusOK, b, rdpdr.ClassDisposition, []byte{1})
	d.set(rdpdr.StatusOK, b, rdpdr.ClassDisposition, []byte{1})
	if got := d.want(rdpdr.StatusOK, rdpdr.Request{Major: rdpdr.MajorQuery, File: b, Class: rdpdr.ClassStandard}); got[4+20] != 1 {
		t.Errorf("delete pending: % x", got)
	}
	if s, _, _ := d.create(`\d\B`, rdpdr.DispositionOpen, 0, everything); s != rdpdr.StatusDeletePending {
		t.Error(s)
	}
	d.set(rdpdr.StatusOK, b, rdpdr.ClassDisposition, []byte{0})
	d.close(b)
	d.close(d.open(`\d\b`, rdpdr.DispositionOpen, rdpdr.OptionDeleteOnClose))
	second := d.open(`\d`, rdpdr.DispositionOpen, 0)
	d.set(rdpdr.StatusOK, second, rdpdr.ClassDisposition, nil)
	d.close(second)
	if got := d.content(); got != "/a=" {
		t.Errorf("%q", got)
	}
	d.want(rdpdr.StatusNoSuchFile, rdpdr.Request{Major: rdpdr.MajorQuery, File: folder, Class: rdpdr.ClassBasic}) // what it stood for is gone
	d.close(folder)
	d.open(`\a`, rdpdr.DispositionOpen, rdpdr.OptionDeleteOnClose)
	d.Close(t.Context())
	if got := d.content(); got != "" {
		t.Errorf("%q", got)
	}
}

// names lists a folder by a pattern, and how that ends.
func (d *disk) names(folder uint32, pattern string) (string, rdpdr.Status) {
	var all []string
	q := rdpdr.Request{Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorQueryDirectory, File: folder, Class: rdpdr.ClassNames, First: true, Path: pattern}
	for range 1000 {
		s, b := d.one(q)
		if s != rdpdr.StatusOK {
			return strings.Join(all, " "), s
		}
		all = append(all, wire.DecodeUTF16(b[16:]))
		q.First, q.Path = false, ""
	}
	d.t.Fatal("a listing without an end")
	return "", 0
}

// TestVolume_Lists: folders are listed by patterns, entry by entry; a listing can begin anew.
func TestVolume_Lists(t *testing.T) {
	d := newDisk(t, false)
	for _, name := range []string{"/a.txt", "/b.txt", "/b", "/Über.doc"} {
		d.put(name, "")
	}
	root := d.open(`\`, rdpdr.DispositionOpen, 0)
	for pattern, want := range map[string]string{
		`\*`: "a.txt b b.txt Über.doc", `\*.*`: "a.txt b b.txt Über.doc", `\*.TXT`: "a.txt b.txt", `\b`: "b", `\?.txt`: "a.txt b.txt", `\<.doc`: "Über.doc", `\b>>>>`: "b", `\..\..\*`: "a.txt b b.txt Über.doc",
	} {
		if got, end := d.names(root, pattern); got != want || end != rdpdr.StatusNoMoreFiles {
			t.Errorf("%q: %q, %v, want %q", pattern, got, end, want)
		}
	}
	if got, end := d.names(root, `\none*`); got != "" || end != rdpdr.StatusNoSuchFile {
		t.Errorf("%q, %v", got, end)
	}
	file := d.open(`\b`, rdpdr.DispositionOpen, 0)
	if _, end := d.names(file, `\*`); end != rdpdr.StatusNotADirectory {
		t.Error(end)
	}
}

// TestVolume_Notifies: a request for changes waits, and ends when the folder changes by the host's doing, or its handle is closed; only so many may wait.
func TestVolume_Notifies(t *testing.T) {
	d := newDisk(t, false)
	root := d.open(`\`, rdpdr.DispositionOpen, 0)
	folder := d.open(`\d`, rdpdr.DispositionCreate, rdpdr.OptionDirectory)
	watch := func(id uint32, tree bool) rdpdr.Request {
		return rdpdr.Request{Major: rdpdr.MajorDirectory, Minor: rdpdr.MinorNotifyChange, File: id, Tree: tree}
	}
	for _, q := range []rdpdr.Request{watch(root, false), watch(root, true), watch(folder, false)} {
		if out := d.ask(q); out != nil {
			t.Fatalf("answered at once: %+v", out)
		}
	}
	last := d.id
	if out := d.Changed("/other"); len(out) != 1 { // the tree
		t.Errorf("%d answers", len(out))
	}
	if out := d.Changed("/"); len(out) != 1 {
		t.Errorf("%d answers", len(out))
	}
	out := d.ask(rdpdr.Request{Major: rdpdr.MajorClose, File: folder})
	if len(out) != 2 || out[0].ID != last || out[0].Status != rdpdr.StatusCancelled || out[1].Status != rdpdr.StatusOK || out[1].ID != d.id {
		t.Errorf("%+v", out)
	}
	for range 64 {
		if out := d.ask(watch(root, false)); out != nil {
			t.Fatalf("%+v", out)
		}
	}
	d.want(rdpdr.StatusResources, watch(root, false))
	d.put("/f", "")
	d.want(rdpdr.StatusNotADirectory, watch(d.open(`\f`, rdpdr.DispositionOpen, 0), false))
	if out := d.ask(rdpdr.Request{Major: rdpdr.MajorClose, File: root}); len(out) != 65 {
		t.Errorf("%d answers", len(out))
	}
}

// TestVolume_S19_ReadOnly: a drive that is read-only shows everything, and changes by nothing.
func TestVolume_S19_ReadOnly(t *testing.T) {
	d := newDisk(t, true)
	d.put("/a", "data")
	if err := d.files.Mkdir(t.Context(), "/d"); err != nil {
		t.Fatal(err)
	}
	before := d.content()
	for _, access := range []uint32{rdpdr.AccessReadData, 0x80000000, 0x02000000, 0x80} {
		for disposition := range uint32(6) {
			for _, options := range []uint32{0, rdpdr.OptionDirectory, rdpdr.OptionDeleteOnClose} {
				for _, path := range []string{`\a`, `\new`, `\d`, `\d\new`} {
					s, id, _ := d.create(path, disposition, options, access)
					if s != rdpdr.StatusOK {
						continue
					}
					for _, class := range []uint32{rdpdr.ClassBasic, rdpdr.ClassEndOfFile, rdpdr.ClassAllocation, rdpdr.ClassDisposition, rdpdr.ClassRename} {
						d.set(rdpdr.StatusAccessDenied, id, class, rdpdr.RenameData(`\x`, true))
					}
					if s, _ := d.one(rdpdr.Request{Major: rdpdr.MajorWrite, File: id, Data: []byte("x")}); s == rdpdr.StatusOK {
						t.Errorf("%q is written to", path)
					}
					d.close(id)
				}
			}
		}
	}
	for _, access := range []uint32{rdpdr.AccessWriteData, rdpdr.AccessAppendData, 0x40000000, 0x10000000} {
		if s, _, _ := d.create(`\a`, rdpdr.DispositionOpen, 0, access); s != rdpdr.StatusAccessDenied {
			t.Errorf("access %#x: %v", access, s)
		}
	}
	if id := d.openReader(`\a`); d.read(id, 0, 9) != "data" {
		t.Error("it cannot be read")
	}
	if got := d.content(); got != before {
		t.Errorf("%q", got)
	}
}

func (d *disk) openReader(path string) uint32 {
	s, id, _ := d.create(path, rdpdr.DispositionOpen, 0, rdpdr.AccessReadData)
	if s != rdpdr.StatusOK {
		d.t.Fatal(s)
	}
	return id
}

// TestVolume_S19_Handles: only so many files may be open.
func TestVolume_S19_Handles(t *testing.T) {
	d := newDisk(t, false)
	d.put("/a", "")
	var id uint32
	for range 256 {
		id = d.open(`\a`, rdpdr.DispositionOpen, 0)
	}
	if s, _, _ := d.create(`\a`, rdpdr.DispositionOpen, 0, everything); s != rdpdr.StatusTooManyOpen {
		t.Error(s)
	}
	d.close(id)
	d.open(`\a`, rdpdr.DispositionOpen, 0)
	d.Close(t.Context())
	d.open(`\a`, rdpdr.DispositionOpen, 0)
}

// TestVolume_FileSystemErrors: what a FileSystem may say becomes a status.
func TestVolume_FileSystemErrors(t *testing.T) {
	for err, want := range map[error]rdpdr.Status{
		fs.ErrPermission: rdpdr.StatusAccessDenied, fs.ErrClosed: rdpdr.StatusInvalidHandle, context.DeadlineExceeded: rdpdr.StatusIOTimeout, errors.New("broken"): rdpdr.StatusUnexpectedIO,
		drive.ErrFull: rdpdr.StatusDiskFull, drive.ErrNotEmpty: rdpdr.StatusDirectoryNotEmpty, drive.ErrIsDir: rdpdr.StatusIsDirectory, drive.ErrNotDir: rdpdr.StatusNotADirectory,
		fs.ErrExist: rdpdr.StatusNameCollision, fs.ErrInvalid: rdpdr.StatusNameInvalid,
	} {
		d := newDisk(t, false)
		d.Volume = rdpdr.NewVolume(rdpdr.VolumeConfig{Files: broken{d.files, err}})
		if s, _, _ := d.create(`\a`, rdpdr.DispositionOpen, 0, everything); s != want {
			t.Errorf("%v: %v, want %v", err, s, want)
		}
	}
}

// broken fails at every Stat.
type broken struct {
	drive.FileSystem
	err error
}

func (b broken) Stat(context.Context, string) (drive.Info, error) { return drive.Info{}, b.err }
