package drive

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Defaults of MemoryConfig.
const (
	DefaultMaxBytes = 64 << 20
	DefaultMaxFiles = 10_000
)

// MemoryConfig limits a Memory. The zero value means the defaults.
type MemoryConfig struct {
	MaxBytes int64            // of all files, also of those that were removed and are still open; zero means DefaultMaxBytes
	MaxFiles int              // files and folders; zero means DefaultMaxFiles
	Now      func() time.Time // nil means time.Now
}

// Memory is a FileSystem in memory. Names differ by more than case, as on Windows, and are kept as they were given. It takes up to twice MaxBytes while
// files grow.
type Memory struct {
	cfg MemoryConfig

	mu    sync.Mutex
	root  *node
	bytes int64
	files int
}

var _ FileSystem = (*Memory)(nil)

// node is a file or a folder.
type node struct {
	name     string
	children map[string]*node // by fold of their name; nil for a file
	data     []byte
	mod      time.Time
	open     int // Files
	removed  bool
}

// NewMemory returns an empty FileSystem.
func NewMemory(cfg MemoryConfig) *Memory {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxFiles <= 0 {
		cfg.MaxFiles = DefaultMaxFiles
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Memory{cfg: cfg, root: &node{name: "/", children: map[string]*node{}, mod: cfg.Now()}}
}

// fold is equal for names that differ by case alone.
func fold(name string) string { return strings.Map(unicode.ToUpper, name) }

// split returns the parts of a path.
func split(name string) ([]string, error) {
	if name == "/" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(name, "/")
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	parts := strings.Split(rest, "/")
	for _, p := range parts {
		if err := CheckName(p); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// find returns what stands at name; mu is held.
func (m *Memory) find(name string) (*node, error) {
	parts, err := split(name)
	if err != nil {
		return nil, err
	}
	return m.walk(parts)
}

func (m *Memory) walk(parts []string) (*node, error) {
	n := m.root
	for _, p := range parts {
		if n.children == nil {
			return nil, ErrNotDir
		}
		if n = n.children[fold(p)]; n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

// place returns the folder that name stands in, and its last part; mu is held.
func (m *Memory) place(name string) (dir *node, base string, err error) {
	parts, err := split(name)
	if err != nil {
		return nil, "", err
	}
	if len(parts) == 0 {
		return nil, "", fs.ErrPermission // the root stays
	}
	base = parts[len(parts)-1]
	if dir, err = m.walk(parts[:len(parts)-1]); err == nil && dir.children == nil {
		err = ErrNotDir
	}
	return dir, base, err
}

func (n *node) info() Info {
	return Info{Name: n.name, Dir: n.children != nil, Size: int64(len(n.data)), ModTime: n.mod}
}

// wrap names the operation and the path in an error. Errors of names have said both.
func wrap(op, name string, err error) error {
	if err == nil || errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// Stat describes a file or folder.
func (m *Memory) Stat(_ context.Context, name string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err != nil {
		return Info{}, wrap("stat", name, err)
	}
	return n.info(), nil
}

// List returns the content of a folder, in the order of its names.
func (m *Memory) List(_ context.Context, dir string) ([]Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(dir)
	if err == nil && n.children == nil {
		err = ErrNotDir
	}
	if err != nil {
		return nil, wrap("list", dir, err)
	}
	all := make([]Info, 0, len(n.children))
	for _, c := range n.children {
		all = append(all, c.info())
	}
	slices.SortFunc(all, func(a, b Info) int { return strings.Compare(fold(a.Name), fold(b.Name)) })
	return all, nil
}

// add makes an entry; mu is held.
func (m *Memory) add(name string, n *node) error {
	dir, base, err := m.place(name)
	switch {
	case err != nil:
		return err
	case dir.children[fold(base)] != nil:
		return fs.ErrExist
	case m.files == m.cfg.MaxFiles:
		return ErrFull
	}
	n.name, n.mod = base, m.cfg.Now()
	dir.children[fold(base)], dir.mod = n, n.mod
	m.files++
	return nil
}

// Mkdir makes one folder.
func (m *Memory) Mkdir(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return wrap("mkdir", name, m.add(name, &node{children: map[string]*node{}}))
}

// Remove deletes a file or an empty folder.
func (m *Memory) Remove(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.place(name)
	if err != nil {
		return wrap("remove", name, err)
	}
	n := dir.children[fold(base)]
	switch {
	case n == nil:
		return wrap("remove", name, fs.ErrNotExist)
	case len(n.children) > 0:
		return wrap("remove", name, ErrNotEmpty)
	}
	m.remove(dir, n)
	return nil
}

// remove takes an entry out of its folder. Bytes of a file that is open are counted until it is closed.
func (m *Memory) remove(dir, n *node) {
	delete(dir.children, fold(n.name))
	dir.mod = m.cfg.Now()
	n.removed = true
	m.files--
	m.drop(n)
}

func (m *Memory) drop(n *node) {
	if n.removed && n.open == 0 {
		m.bytes -= int64(len(n.data))
		n.data = nil
	}
}

// Rename moves a file or folder.
func (m *Memory) Rename(_ context.Context, from, to string, replace bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.place(from)
	if err != nil {
		return wrap("rename", from, err)
	}
	n := dir.children[fold(base)]
	if n == nil {
		return wrap("rename", from, fs.ErrNotExist)
	}
	into, name, err := m.place(to)
	if err != nil {
		return wrap("rename", to, err)
	}
	if n.children != nil && m.below(n, to) {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrInvalid} // a folder does not go into itself
	}
	switch old := into.children[fold(name)]; {
	case old == nil || old == n:
	case !replace || old.children != nil || n.children != nil:
		return wrap("rename", to, fs.ErrExist)
	default:
		m.remove(into, old)
	}
	delete(dir.children, fold(base))
	n.name = name
	into.children[fold(name)] = n
	dir.mod = m.cfg.Now()
	into.mod = dir.mod
	return nil
}

// below says whether a path leads through a folder to something in it.
func (m *Memory) below(folder *node, name string) bool {
	parts, err := split(name)
	if err != nil {
		return false
	}
	n := m.root
	for _, p := range parts[:len(parts)-1] {
		if n = n.children[fold(p)]; n == nil || n == folder {
			break
		}
	}
	return n == folder
}

// SetModTime sets the time of the last change.
func (m *Memory) SetModTime(_ context.Context, name string, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err != nil {
		return wrap("set time", name, err)
	}
	n.mod = t
	return nil
}

// Space says how much room there is.
func (m *Memory) Space(context.Context) (Space, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Space{Total: m.cfg.MaxBytes, Free: m.cfg.MaxBytes - m.bytes}, nil
}
