package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Modes of what a Recorder creates: recordings are for the gateway's account alone (S02).
const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// DirFS returns the FS of a local directory, which is made if it does not exist. A directory that others may
// enter is accepted, since the host may share it with a group on purpose; files are always 0600.
func DirFS(dir string) (FS, error) {
	if dir == "" {
		return nil, errors.New("recorder: the directory's name is empty")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	if err := os.MkdirAll(abs, dirMode); err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	return osFS{abs}, nil
}

type osFS struct{ dir string }

func (d osFS) Path(name string) string { return filepath.Join(d.dir, name) }

func (d osFS) Create(name string) (File, error) {
	return d.open(name, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL)
}

func (d osFS) Open(name string) (File, error) { return d.open(name, os.O_RDWR|os.O_APPEND) }

func (d osFS) Read(name string) (Source, error) {
	if err := plainName(name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.Path(name), os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// plainName refuses what would lead out of the directory.
func plainName(name string) error {
	if name == "" || name != filepath.Base(name) || name == "." || name == ".." {
		return fmt.Errorf("recorder: %q is not a file name", name)
	}
	return nil
}

func (d osFS) open(name string, flag int) (File, error) {
	if err := plainName(name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.Path(name), flag|openFlags, fileMode)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return osFile{f}, nil
}

func (d osFS) Rename(from, to string) error { return os.Rename(d.Path(from), d.Path(to)) }
func (d osFS) Remove(name string) error     { return os.Remove(d.Path(name)) }
func (d osFS) Sync() error                  { return syncDir(d.dir) }
func (d osFS) Free() (uint64, error)        { return freeBytes(d.dir) }

func (d osFS) List() ([]string, error) {
	entries, err := os.ReadDir(d.dir) // sorted
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() { // a link or a device in the directory is never ours
			names = append(names, e.Name())
		}
	}
	return names, nil
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (f osFile) Reserve(size int64) error { return reserve(f.File, size) }
