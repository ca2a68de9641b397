package drive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"
)

// RootConfig limits a Root. The zero value means the defaults of MemoryConfig.
type RootConfig struct {
	MaxBytes int64 // of all files, those that are there already too
	MaxFiles int   // files and folders
}

// Root is a FileSystem in a folder of the machine, which no name leads out of (os.Root). It shows files and folders alone: links, devices and names that
// CheckName refuses are not there. Whether case counts is up to the machine. The quota counts what goes through the Root; a file that is open is neither
// removed nor replaced, so that none takes room unseen.
type Root struct {
	root *os.Root
	cfg  RootConfig

	mu    sync.Mutex // guards what follows, and keeps sizes as they are while they are counted
	bytes int64
	files int
	open  map[*rootFile]struct{}
}

var _ FileSystem = (*Root)(nil)

// NewRoot makes a FileSystem of a folder, and counts what is in it. The Root is closed with Close.
func NewRoot(dir string, cfg RootConfig) (*Root, error) {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxFiles <= 0 {
		cfg.MaxFiles = DefaultMaxFiles
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("drive: %w", err)
	}
	r := &Root{root: root, cfg: cfg, open: map[*rootFile]struct{}{}}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if r.files++; info.Mode().IsRegular() {
			r.bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("drive: %w", err), root.Close())
	}
	return r, nil
}

// Close closes the folder, and what is open in it.
func (r *Root) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for f := range r.open {
		errs = append(errs, f.close())
	}
	return errors.Join(append(errs, r.root.Close())...)
}

// begin checks a name, takes mu, and returns the name as os.Root has it; end gives mu back.
func (r *Root) begin(ctx context.Context, name string) (rel string, end func(), err error) {
	parts, err := split(name)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return "", func() {}, err
	}
	r.mu.Lock()
	if len(parts) == 0 {
		return ".", r.mu.Unlock, nil
	}
	return strings.Join(parts, "/"), r.mu.Unlock, nil
}

// shown describes what the drive shows at a name.
func (r *Root) shown(rel string) (fs.FileInfo, error) {
	info, err := r.root.Lstat(rel)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "stat", Path: rel, Err: fs.ErrNotExist}
	}
	return info, err
}

func infoOf(i fs.FileInfo) Info {
	info := Info{Name: i.Name(), Dir: i.IsDir(), ModTime: i.ModTime()}
	if info.Name == "." {
		info.Name = "/"
	}
	if !info.Dir {
		info.Size = i.Size()
	}
	return info
}

// Stat describes a file or folder.
func (r *Root) Stat(ctx context.Context, name string) (Info, error) {
	rel, end, err := r.begin(ctx, name)
	defer end()
	if err != nil {
		return Info{}, err
	}
	i, err := r.shown(rel)
	if err != nil {
		return Info{}, err
	}
	info := infoOf(i)
	if rel == "." {
		info.Name = "/"
	}
	return info, nil
}

// List returns the content of a folder, as far as MaxFiles goes.
func (r *Root) List(ctx context.Context, dir string) ([]Info, error) {
	rel, end, err := r.begin(ctx, dir)
	defer end()
	if err != nil {
		return nil, err
	}
	i, err := r.shown(rel)
	if err == nil && !i.IsDir() {
		err = &fs.PathError{Op: "list", Path: dir, Err: ErrNotDir}
	}
	if err != nil {
		return nil, err
	}
	d, err := r.root.Open(rel)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(r.cfg.MaxFiles)
	if len(names) == 0 { // an empty folder is an io.EOF
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Info
	for _, name := range names {
		if CheckName(name) != nil {
			continue
		}
		if i, err := r.shown(path.Join(rel, name)); err == nil {
			all = append(all, infoOf(i))
		}
	}
	return all, nil
}

// Open opens a file.
func (r *Root) Open(ctx context.Context, name string, how Mode) (File, error) {
	rel, end, err := r.begin(ctx, name)
	defer end()
	if err != nil {
		return nil, err
	}
	flag := os.O_RDONLY
	switch how & (Read | Write) {
	case Write:
		flag = os.O_WRONLY
	case Read | Write:
		flag = os.O_RDWR
	}
	if how&Create != 0 {
		if r.files >= r.cfg.MaxFiles {
			return nil, &fs.PathError{Op: "create", Path: name, Err: ErrFull}
		}
		flag |= os.O_CREATE | os.O_EXCL
	} else {
		i, err := r.shown(rel)
		if err == nil && i.IsDir() {
			err = &fs.PathError{Op: "open", Path: name, Err: ErrIsDir}
		}
		if err != nil {
			return nil, err
		}
	}
	f, err := r.root.OpenFile(rel, flag, 0o600)
	if err != nil {
		return nil, full(err)
	}
	if how&Create != 0 {
		r.files++
	}
	file := &rootFile{r: r, f: f, how: how}
	r.open[file] = struct{}{}
	return file, nil
}

// full makes an error of a disk that is full ErrFull.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Mkdir makes one folder.
func (r *Root) Mkdir(ctx context.Context, name string) error {
	rel, end, err := r.begin(ctx, name)
	defer end()
	if err != nil {
		return err
	}
	if r.files >= r.cfg.MaxFiles {
		return &fs.PathError{Op: "mkdir", Path: name, Err: ErrFull}
	}
	if err = r.root.Mkdir(rel, 0o700); err == nil {
		r.files++
	}
	return full(err)
}

// free says whether an entry may go: it is not the root, nor a file that is open.
func (r *Root) free(rel string, i fs.FileInfo) error {
	busy := rel == "."
	for f := range r.open {
		if info, err := f.f.Stat(); err == nil && os.SameFile(info, i) {
			busy = true
		}
	}
	if busy {
		return &fs.PathError{Op: "remove", Path: rel, Err: fs.ErrPermission}
	}
	return nil
}

// gone counts an entry that is no more.
func (r *Root) gone(i fs.FileInfo) {
	r.files--
	r.bytes -= infoOf(i).Size
}

// Rename moves a file or folder.
func (r *Root) Rename(ctx context.Context, from, to string, replace bool) error {
	target, err := split(to)
	if err != nil {
		return err
	}
	rel, end, err := r.begin(ctx, from)
	defer end()
	if err != nil {
		return err
	}
	i, err := r.shown(rel)
	if err == nil && (rel == "." || len(target) == 0) {
		err = &fs.PathError{Op: "rename", Path: from, Err: fs.ErrPermission}
	}
	if err != nil {
		return err
	}
	into := strings.Join(target, "/")
	old, err := r.root.Lstat(into)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.root.Rename(rel, into)
	case err != nil:
		return err
	case os.SameFile(i, old): // another case of the name
		return r.root.Rename(rel, into)
	case !replace || !i.Mode().IsRegular() || !old.Mode().IsRegular():
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	if err = r.free(into, old); err != nil {
		return err
	}
	if err = r.root.Rename(rel, into); err == nil {
		r.gone(old)
	}
	return err
}

// Remove deletes a file or an empty folder.
func (r *Root) Remove(ctx context.Context, name string) error {
	rel, end, err := r.begin(ctx, name)
	defer end()
	if err != nil {
		return err
	}
	i, err := r.shown(rel)
	if err == nil {
		err = r.free(rel, i)
	}
	if err != nil {
		return err
	}
	if i.IsDir() {
		d, err := r.root.Open(rel)
		if err != nil {
			return err
		}
		names, _ := d.Readdirnames(1)
		d.Close()
		if len(names) > 0 {
			return &fs.PathError{Op: "remove", Path: name, Err: ErrNotEmpty}
		}
	}
	if err = r.root.Remove(rel); err == nil {
		r.gone(i)
	}
	return err
}

// SetModTime sets the time of the last change.
func (r *Root) SetModTime(ctx context.Context, name string, t time.Time) error {
	rel, end, err := r.begin(ctx, name)
	defer end()
	if err != nil {
		return err
	}
	if _, err = r.shown(rel); err != nil {
		return err
	}
	return r.root.Chtimes(rel, t, t)
}

// Space says how much of the quota is left.
func (r *Root) Space(context.Context) (Space, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Space{Total: r.cfg.MaxBytes, Free: max(r.cfg.MaxBytes-r.bytes, 0)}, nil
}
