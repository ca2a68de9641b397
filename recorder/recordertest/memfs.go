package recordertest

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/recorder"
)

// MemFS is a recorder.FS in memory. It tells what was written from what was synced, see PowerCut. Make it with
// NewMemFS; it is safe for concurrent use.
type MemFS struct {
	mu      sync.Mutex // guards all below and the files
	names   map[string]*memNode
	durable map[string]*memNode // names at the last Sync of the directory
	free    uint64
}

var _ recorder.FS = (*MemFS)(nil)

type memNode struct {
	data   []byte
	synced []byte // data at the last Sync
	open   bool
}

// NewMemFS returns an empty MemFS with endless room.
func NewMemFS() *MemFS {
	return &MemFS{names: map[string]*memNode{}, durable: map[string]*memNode{}, free: math.MaxUint64}
}

// SetFree says what Free returns from now on. It limits nothing by itself.
func (m *MemFS) SetFree(n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = n
}

// Put makes or replaces a file, as if it had been there before the process started.
func (m *MemFS) Put(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &memNode{data: bytes.Clone(data), synced: bytes.Clone(data)}
	m.names[name], m.durable[name] = n, n
}

// Get returns what is in a file; nil if there is none.
func (m *MemFS) Get(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.names[name]; n != nil {
		return append([]byte{}, n.data...)
	}
	return nil
}

// Kill returns what a new process finds after this one was killed now: all that was written, nothing locked.
func (m *MemFS) Kill() *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := NewMemFS()
	next.free = m.free
	for name, n := range m.names {
		c := &memNode{data: bytes.Clone(n.data), synced: bytes.Clone(n.synced)}
		next.names[name] = c
		if m.durable[name] == n {
			next.durable[name] = c
		}
	}
	return next
}

// PowerCut returns what is found after the power failed now: the names of the last Sync of the directory, with
// what each file held at its own last Sync. keep, if not nil, may add more of what was written but not synced; it
// returns the file's content.
func (m *MemFS) PowerCut(keep func(name string, synced, written []byte) []byte) *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := NewMemFS()
	next.free = m.free
	for name, n := range m.durable {
		data := bytes.Clone(n.synced)
		if keep != nil {
			data = bytes.Clone(keep(name, n.synced, n.data))
		}
		c := &memNode{data: data, synced: bytes.Clone(data)}
		next.names[name], next.durable[name] = c, c
	}
	return next
}

// Create implements recorder.FS.
func (m *MemFS) Create(name string) (recorder.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] != nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	n := &memNode{open: true}
	m.names[name] = n
	return &memFile{m: m, n: n}, nil
}

// Open implements recorder.FS.
func (m *MemFS) Open(name string) (recorder.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	if n == nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if n.open {
		return nil, fmt.Errorf("%s: %w", name, recorder.ErrInUse)
	}
	n.open = true
	return &memFile{m: m, n: n}, nil
}

// Read implements recorder.FS. What it opens is the file as it is now.
func (m *MemFS) Read(name string) (recorder.Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	if n == nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return memSource{bytes.NewReader(bytes.Clone(n.data))}, nil
}

type memSource struct{ *bytes.Reader }

func (s memSource) Size() (int64, error) { return s.Reader.Size(), nil }
func (memSource) Close() error           { return nil }

// Rename implements recorder.FS.
func (m *MemFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[from]
	if n == nil {
		return fmt.Errorf("%s: %w", from, fs.ErrNotExist)
	}
	delete(m.names, from)
	m.names[to] = n
	return nil
}

// Remove implements recorder.FS.
func (m *MemFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	delete(m.names, name)
	return nil
}

// Sync implements recorder.FS.
func (m *MemFS) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.durable = maps.Clone(m.names)
	return nil
}

// List implements recorder.FS.
func (m *MemFS) List() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.names)), nil
}

// Free implements recorder.FS.
func (m *MemFS) Free() (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.free, nil
}

// Path implements recorder.FS: the name itself, so that Get takes it.
func (m *MemFS) Path(name string) string { return name }

type memFile struct {
	m      *MemFS
	n      *memNode
	closed bool
}

func (f *memFile) enter() (func(), error) {
	f.m.mu.Lock()
	if f.closed {
		f.m.mu.Unlock()
		return nil, fs.ErrClosed
	}
	return f.m.mu.Unlock, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	f.n.data = append(f.n.data, p...)
	return len(p), nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Size() (int64, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	return int64(len(f.n.data)), nil
}

func (f *memFile) Sync() error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	f.n.synced = f.n.data[:len(f.n.data):len(f.n.data)] // bytes below the length are never written again
	return nil
}

func (f *memFile) Truncate(size int64) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	if size < 0 || size > int64(len(f.n.data)) {
		return fs.ErrInvalid
	}
	f.n.data = f.n.data[:size:size]
	return nil
}

func (f *memFile) Reserve(int64) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	leave()
	return nil
}

func (f *memFile) Close() error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	f.closed = true
	f.n.open = false
	return nil
}
