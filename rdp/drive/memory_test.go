package drive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/drive"
)

func write(t *testing.T, f drive.FileSystem, name, data string) {
	t.Helper()
	file, err := f.Open(t.Context(), name, drive.Write|drive.Create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(t.Context(), []byte(data), 0); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, f drive.FileSystem, name string) string {
	t.Helper()
	file, err := f.Open(t.Context(), name, drive.Read)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close(t.Context())
	p := make([]byte, 1<<16)
	n, err := file.ReadAt(t.Context(), p, 0)
	if err != io.EOF {
		t.Fatal(err)
	}
	return string(p[:n])
}

func list(t *testing.T, f drive.FileSystem, dir string) string {
	t.Helper()
	all, err := f.List(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	return strings.Join(names, " ")
}

// TestMemory_Tree: files and folders are made, found by any case, changed, moved and removed, each with the error it is due.
func TestMemory_Tree(t *testing.T) {
	ctx := t.Context()
	now := time.Unix(1e9, 0)
	m := drive.NewMemory(drive.MemoryConfig{Now: func() time.Time { return now }})
	write(t, m, "/Übung.txt", "hello")
	if err := m.Mkdir(ctx, "/Docs"); err != nil {
		t.Fatal(err)
	}
	write(t, m, "/docs/a", "a")
	if err := m.Mkdir(ctx, "/docs/in"); err != nil {
		t.Fatal(err)
	}
	if got := list(t, m, "/"); got != "Docs Übung.txt" {
		t.Error(got)
	}
	info, err := m.Stat(ctx, "/üBUNG.TXT")
	if err != nil || info != (drive.Info{Name: "Übung.txt", Size: 5, ModTime: now}) {
		t.Errorf("%+v, %v", info, err)
	}
	if root, err := m.Stat(ctx, "/"); err != nil || !root.Dir || root.Name != "/" {
		t.Errorf("%+v, %v", root, err)
	}
	if err := m.SetModTime(ctx, "/docs/a", now.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if info, _ := m.Stat(ctx, "/Docs/a"); !info.ModTime.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v", info)
	}
	open := func(name string, how drive.Mode) error { _, err := m.Open(ctx, name, how); return err }
	for want, errs := range map[error][]error{
		fs.ErrNotExist: {
			open("/none", drive.Read), open("/none/b", drive.Read|drive.Create), m.Remove(ctx, "/none"), m.Rename(ctx, "/none", "/b", true), m.SetModTime(ctx, "/none", now),
		},
		fs.ErrExist:       {open("/docs/A", drive.Create), m.Mkdir(ctx, "/DOCS"), m.Rename(ctx, "/docs/a", "/übung.txt", false), m.Rename(ctx, "/docs/a", "/docs", true)},
		drive.ErrIsDir:    {open("/docs", drive.Read)},
		drive.ErrNotDir:   {open("/docs/a/b", drive.Read), open("/docs/a/b", drive.Create), m.Mkdir(ctx, "/docs/a/b"), func() error { _, err := m.List(ctx, "/docs/a"); return err }()},
		drive.ErrNotEmpty: {m.Remove(ctx, "/docs")},
		fs.ErrPermission:  {m.Remove(ctx, "/"), m.Rename(ctx, "/", "/b", true), m.Mkdir(ctx, "/")},
		fs.ErrInvalid: {
			m.Rename(ctx, "/docs", "/docs/b", false), m.Rename(ctx, "/docs", "/docs/IN/c", false), m.Mkdir(ctx, ""), m.Mkdir(ctx, "x"), m.Mkdir(ctx, "//x"), m.Mkdir(ctx, "/x/"),
			m.Mkdir(ctx, "/../x"), m.Mkdir(ctx, "/./x"),
		},
	} {
		for i, err := range errs {
			if !errors.Is(err, want) {
				t.Errorf("call %d: %v, want %v", i, err, want)
			}
		}
	}
	for _, move := range [][2]string{{"/docs", "/DOCS"}, {"/docs/a", "/b"}, {"/b", "/übung.txt"}} {
		if err := m.Rename(ctx, move[0], move[1], true); err != nil {
			t.Errorf("%v: %v", move, err)
		}
	}
	if got := list(t, m, "/"); got != "DOCS übung.txt" || read(t, m, "/übung.txt") != "a" {
		t.Error(got)
	}
	if err := errors.Join(m.Remove(ctx, "/docs/in"), m.Remove(ctx, "/docs"), m.Remove(ctx, "/übung.txt")); err != nil || list(t, m, "/") != "" {
		t.Error(err)
	}
	if s, _ := m.Space(ctx); s.Free != s.Total || s.Total != drive.DefaultMaxBytes {
		t.Errorf("%+v", s)
	}
}

// TestMemory_Files: a file is read and written at any place, grows with zeros, and lives on while it is open.
func TestMemory_Files(t *testing.T) {
	ctx := t.Context()
	m := drive.NewMemory(drive.MemoryConfig{MaxBytes: 100})
	f, err := m.Open(ctx, "/a", drive.Read|drive.Write|drive.Create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(ctx, []byte("abc"), 3); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4)
	if n, err := f.ReadAt(ctx, p, 0); n != 4 || err != nil || string(p) != "\x00\x00\x00a" {
		t.Errorf("%q, %v", p[:n], err)
	}
	if n, err := f.ReadAt(ctx, p, 4); n != 2 || err != io.EOF || string(p[:2]) != "bc" {
		t.Errorf("%q, %v", p[:n], err)
	}
	if n, err := f.ReadAt(ctx, p, 6); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	if err := errors.Join(f.Truncate(ctx, 4), f.Truncate(ctx, 6)); err != nil || read(t, m, "/a") != "\x00\x00\x00a\x00\x00" {
		t.Errorf("%q, %v", read(t, m, "/a"), err)
	}
	if err := m.Remove(ctx, "/a"); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(ctx); err != nil || info.Size != 6 {
		t.Error(info, err)
	}
	if s, _ := m.Space(ctx); s.Free != 94 {
		t.Errorf("%+v while it is open", s)
	}
	if err := errors.Join(f.Close(ctx), f.Close(ctx)); err != nil {
		t.Error(err)
	}
	if s, _ := m.Space(ctx); s.Free != 100 {
		t.Errorf("%+v", s)
	}
	if _, err := f.ReadAt(ctx, p, 0); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	write(t, m, "/b", "b")
	f, _ = m.Open(ctx, "/b", drive.Read)
	if _, err := f.WriteAt(ctx, p, 0); !errors.Is(err, fs.ErrPermission) || !errors.Is(f.Truncate(ctx, 0), fs.ErrPermission) {
		t.Error(err)
	}
	f, _ = m.Open(ctx, "/b", drive.Write)
	if _, err := f.ReadAt(ctx, p, 0); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

// TestMemory_S19_Quota: neither bytes nor files go beyond the quota, whatever offset or size is claimed, and nothing is allocated for what is refused.
func TestMemory_S19_Quota(t *testing.T) {
	ctx := t.Context()
	m := drive.NewMemory(drive.MemoryConfig{MaxBytes: 100, MaxFiles: 3})
	f, err := m.Open(ctx, "/a", drive.Write|drive.Create)
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{100, 101, 1 << 40, 1<<63 - 1} {
		if _, err := f.WriteAt(ctx, []byte("x"), off); !errors.Is(err, drive.ErrFull) {
			t.Errorf("offset %d: %v", off, err)
		}
		if err := f.Truncate(ctx, off+1); off > 0 && off < 1<<62 && !errors.Is(err, drive.ErrFull) {
			t.Errorf("size %d: %v", off+1, err)
		}
	}
	if err := f.Truncate(ctx, -1); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := f.WriteAt(ctx, make([]byte, 100), 0); err != nil {
		t.Error(err)
	}
	write(t, m, "/b", "")
	g, _ := m.Open(ctx, "/b", drive.Write)
	if _, err := g.WriteAt(ctx, []byte("x"), 0); !errors.Is(err, drive.ErrFull) {
		t.Error(err)
	}
	if err := m.Mkdir(ctx, "/d"); err != nil {
		t.Error(err)
	}
	if err := m.Mkdir(ctx, "/e"); !errors.Is(err, drive.ErrFull) {
		t.Error(err)
	}
	if err := m.Remove(ctx, "/d"); err != nil {
		t.Error(err)
	}
	write(t, m, "/e", "")
	if err := f.Truncate(ctx, 50); err != nil {
		t.Error(err)
	}
	if s, _ := m.Space(ctx); s != (drive.Space{Total: 100, Free: 50}) {
		t.Errorf("%+v", s)
	}
}

// TestMemory_Concurrently: goroutines get into nobody's way, and the count of bytes is right in the end.
func TestMemory_Concurrently(t *testing.T) {
	ctx := t.Context()
	m := drive.NewMemory(drive.MemoryConfig{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := "/" + string(rune('a'+i))
			for range 50 {
				f, err := m.Open(ctx, name, drive.Read|drive.Write|drive.Create)
				if err != nil {
					t.Error(err)
					return
				}
				_, werr := f.WriteAt(ctx, bytes.Repeat([]byte{byte(i)}, 1000), int64(i))
				_, lerr := m.List(ctx, "/")
				if err := errors.Join(werr, lerr, f.Close(ctx), m.Rename(ctx, name, name+"2", false), m.Remove(ctx, name+"2")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if s, _ := m.Space(context.Background()); s.Free != s.Total {
		t.Errorf("%+v", s)
	}
}
