package drive_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/drive"
)

func newRoot(t *testing.T, cfg drive.RootConfig, prepare func(dir string)) (r *drive.Root, dir string) {
	t.Helper()
	dir = t.TempDir()
	if prepare != nil {
		prepare(dir)
	}
	r, err := drive.NewRoot(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, dir
}

// TestRoot_Tree: files and folders are made, changed, moved and removed in the folder, each with the error it is due.
func TestRoot_Tree(t *testing.T) {
	ctx := t.Context()
	r, dir := newRoot(t, drive.RootConfig{}, nil)
	write(t, r, "/a.txt", "hello")
	if err := r.Mkdir(ctx, "/d"); err != nil {
		t.Fatal(err)
	}
	write(t, r, "/d/b", "b")
	if err := r.SetModTime(ctx, "/a.txt", time.Unix(1e9, 0)); err != nil {
		t.Error(err)
	}
	if i, err := r.Stat(ctx, "/a.txt"); err != nil || i.Name != "a.txt" || i.Size != 5 || i.Dir || !i.ModTime.Equal(time.Unix(1e9, 0)) {
		t.Errorf("%+v, %v", i, err)
	}
	if i, err := r.Stat(ctx, "/"); err != nil || i.Name != "/" || !i.Dir {
		t.Errorf("%+v, %v", i, err)
	}
	if p, err := os.ReadFile(filepath.Join(dir, "d", "b")); err != nil || string(p) != "b" {
		t.Errorf("%q, %v", p, err)
	}
	open := func(name string, how drive.Mode) error { _, err := r.Open(ctx, name, how); return err }
	listed := func(name string) error { _, err := r.List(ctx, name); return err }
	for want, errs := range map[error][]error{
		fs.ErrNotExist:    {open("/none", drive.Read), open("/none/b", drive.Create), r.Remove(ctx, "/none"), r.Rename(ctx, "/none", "/b", true), r.SetModTime(ctx, "/none", time.Now()), listed("/none")},
		fs.ErrExist:       {open("/d/b", drive.Create), r.Mkdir(ctx, "/d"), r.Rename(ctx, "/d/b", "/a.txt", false), r.Rename(ctx, "/d/b", "/d", true)},
		drive.ErrIsDir:    {open("/d", drive.Read)},
		drive.ErrNotDir:   {listed("/a.txt")},
		drive.ErrNotEmpty: {r.Remove(ctx, "/d")},
		fs.ErrPermission:  {r.Remove(ctx, "/"), r.Rename(ctx, "/", "/b", true), r.Rename(ctx, "/d", "/", true)},
		fs.ErrInvalid:     {r.Mkdir(ctx, "/../x"), r.Mkdir(ctx, "x"), r.Mkdir(ctx, "/a:b"), r.Rename(ctx, "/d", "/../x", true), open("/nul", drive.Create), listed("/..")},
	} {
		for i, err := range errs {
			if !errors.Is(err, want) {
				t.Errorf("call %d: %v, want %v", i, err, want)
			}
		}
	}
	if err := errors.Join(r.Rename(ctx, "/d/b", "/a.txt", true), r.Remove(ctx, "/d")); err != nil {
		t.Error(err)
	}
	if got := list(t, r, "/"); got != "a.txt" || read(t, r, "/a.txt") != "b" {
		t.Error(got)
	}
	if err := r.Remove(ctx, "/a.txt"); err != nil {
		t.Error(err)
	}
	if s, _ := r.Space(ctx); s.Free != s.Total {
		t.Errorf("%+v", s)
	}
}

// TestRoot_S19_NothingLeavesIt: neither a path nor a link leads out of the folder, nor are links and odd names shown.
func TestRoot_S19_NothingLeavesIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right there; names are tested elsewhere")
	}
	ctx := t.Context()
	outside := t.TempDir()
	canary := filepath.Join(outside, "canary")
	if err := os.WriteFile(canary, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := newRoot(t, drive.RootConfig{}, func(dir string) {
		for _, err := range []error{
			os.Symlink(canary, filepath.Join(dir, "file")), os.Symlink(outside, filepath.Join(dir, "folder")), os.Symlink("loop", filepath.Join(dir, "loop")),
			os.WriteFile(filepath.Join(dir, "a:b"), nil, 0o600), os.WriteFile(filepath.Join(dir, "good"), nil, 0o600),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if got := list(t, r, "/"); got != "good" {
		t.Errorf("%q is shown", got)
	}
	for _, name := range []string{"/file", "/folder", "/folder/canary", "/loop", "/loop/x", "/../canary", canary, "/a:b"} {
		for _, how := range []drive.Mode{drive.Read, drive.Write, drive.Write | drive.Create} {
			if f, err := r.Open(ctx, name, how); err == nil {
				t.Errorf("%s is opened", name)
				f.Close(ctx)
			}
		}
		for op, err := range map[string]error{
			"stat": func() error { _, err := r.Stat(ctx, name); return err }(), "list": func() error { _, err := r.List(ctx, name); return err }(),
			"rename": r.Rename(ctx, name, "/x", true), "rename to": r.Rename(ctx, "/good", name, true), "remove": r.Remove(ctx, name), "mkdir": r.Mkdir(ctx, name),
			"set time": r.SetModTime(ctx, name, time.Now()),
		} {
			if err == nil {
				t.Errorf("%s %s: done", op, name)
			}
		}
	}
	if p, err := os.ReadFile(canary); err != nil || string(p) != "secret" {
		t.Errorf("%q, %v", p, err)
	}
	if all, err := os.ReadDir(outside); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

// TestRoot_S19_Quota: what is there counts, neither bytes nor files go beyond the quota, and no file takes room unseen.
func TestRoot_S19_Quota(t *testing.T) {
	ctx := t.Context()
	r, _ := newRoot(t, drive.RootConfig{MaxBytes: 100, MaxFiles: 3}, func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "old"), make([]byte, 40), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	f, err := r.Open(ctx, "/new", drive.Read|drive.Write|drive.Create)
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{60, 1 << 40, 1<<63 - 1} {
		if _, err := f.WriteAt(ctx, []byte("x"), off); !errors.Is(err, drive.ErrFull) {
			t.Errorf("offset %d: %v", off, err)
		}
		if err := f.Truncate(ctx, off+1); err == nil {
			t.Errorf("size %d", off+1)
		}
	}
	if _, err := f.WriteAt(ctx, make([]byte, 60), 0); err != nil {
		t.Error(err)
	}
	for _, err := range []error{r.Remove(ctx, "/new"), r.Rename(ctx, "/old", "/new", true)} {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("it is open, and goes: %v", err)
		}
	}
	if err := r.Mkdir(ctx, "/d"); err != nil {
		t.Error(err)
	}
	if err := r.Mkdir(ctx, "/e"); !errors.Is(err, drive.ErrFull) {
		t.Error(err)
	}
	if _, err := r.Open(ctx, "/e", drive.Create); !errors.Is(err, drive.ErrFull) {
		t.Error(err)
	}
	if err := errors.Join(f.Truncate(ctx, 10), f.Close(ctx), f.Close(ctx), r.Rename(ctx, "/old", "/new", true)); err != nil {
		t.Error(err)
	}
	if s, _ := r.Space(ctx); s != (drive.Space{Total: 100, Free: 60}) {
		t.Errorf("%+v", s)
	}
	if _, err := f.ReadAt(ctx, make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	g, err := r.Open(ctx, "/new", drive.Read)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.WriteAt(ctx, []byte("x"), 0); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := g.Stat(ctx); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if _, err := drive.NewRoot(filepath.Join(t.TempDir(), "none"), drive.RootConfig{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
