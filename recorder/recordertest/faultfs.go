package recordertest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/recorder"
)

// Op is an operation of a recorder.FS or recorder.File.
type Op uint8

// The operations.
const (
	OpCreate Op = iota + 1
	OpOpen
	OpRename
	OpRemove
	OpSyncDir
	OpFree
	OpWrite
	OpSync
	OpTruncate
	OpReserve
	OpClose
)

var opNames = [...]string{"", "create", "open", "rename", "remove", "sync of directory", "free", "write", "sync", "truncate", "reserve", "close"}

// String returns the name of the operation.
func (o Op) String() string {
	if int(o) < len(opNames) && o != 0 {
		return opNames[o]
	}
	return fmt.Sprintf("Op(%d)", uint8(o))
}

// Call is one call that a Hook sees before it is made.
type Call struct {
	Op   Op
	N    int    // how many calls of this operation there have been, over all files, this one included
	Name string // of the file at this time; empty for OpSyncDir and OpFree
	Size int    // of OpWrite: how many bytes
}

// Torn is an error for OpWrite that lets the first Bytes of the data through, as a disk that fills up does.
type Torn struct {
	Bytes int
	Err   error
}

// Error describes the fault.
func (t *Torn) Error() string { return fmt.Sprintf("after %d bytes: %v", t.Bytes, t.Err) }

// Unwrap returns the cause.
func (t *Torn) Unwrap() error { return t.Err }

// FaultFS passes everything to Next, but lets Hook fail or hold calls. The zero value with Next set injects nothing.
// Set Next and Hook before use; FailFrom may be called at any time.
type FaultFS struct {
	Next recorder.FS
	// Hook is called before each operation, by the goroutine that makes it. An error is returned instead of
	// making the call, but for OpClose, which is made in any case. It may block, to hold the call.
	Hook func(Call) error

	mu    sync.Mutex // guards counts, rules and the names of files
	count [len(opNames)]int
	rules []rule
	files []*faultFile // open
}

type rule struct {
	op   Op
	from int
	err  error
}

var _ recorder.FS = (*FaultFS)(nil)

// FailFrom makes the n-th call of op, counted from 1 over all files, and every later one fail with err.
func (f *FaultFS) FailFrom(op Op, n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, rule{op, n, err})
}

// Count returns how many calls of op there have been.
func (f *FaultFS) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[op]
}

func (f *FaultFS) enter(op Op, name string, size int) error {
	f.mu.Lock()
	f.count[op]++
	c := Call{Op: op, N: f.count[op], Name: name, Size: size}
	var err error
	for _, r := range f.rules {
		if r.op == op && c.N >= r.from {
			err = r.err
			break
		}
	}
	f.mu.Unlock()
	if err == nil && f.Hook != nil {
		err = f.Hook(c)
	}
	return err
}

// Create implements recorder.FS.
func (f *FaultFS) Create(name string) (recorder.File, error) {
	if err := f.enter(OpCreate, name, 0); err != nil {
		return nil, err
	}
	return f.wrap(f.Next.Create(name))(name)
}

// Open implements recorder.FS.
func (f *FaultFS) Open(name string) (recorder.File, error) {
	if err := f.enter(OpOpen, name, 0); err != nil {
		return nil, err
	}
	return f.wrap(f.Next.Open(name))(name)
}

// Read implements recorder.FS.
func (f *FaultFS) Read(name string) (recorder.Source, error) { return f.Next.Read(name) }

func (f *FaultFS) wrap(file recorder.File, err error) func(name string) (recorder.File, error) {
	return func(name string) (recorder.File, error) {
		if err != nil {
			return nil, err
		}
		ff := &faultFile{File: file, fs: f, name: name}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.files = append(f.files, ff)
		return ff, nil
	}
}

// Rename implements recorder.FS.
func (f *FaultFS) Rename(from, to string) error {
	if err := f.enter(OpRename, from, 0); err != nil {
		return err
	}
	if err := f.Next.Rename(from, to); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ff := range f.files {
		if ff.name == from {
			ff.name = to
		}
	}
	return nil
}

// Remove implements recorder.FS.
func (f *FaultFS) Remove(name string) error {
	if err := f.enter(OpRemove, name, 0); err != nil {
		return err
	}
	return f.Next.Remove(name)
}

// Sync implements recorder.FS.
func (f *FaultFS) Sync() error {
	if err := f.enter(OpSyncDir, "", 0); err != nil {
		return err
	}
	return f.Next.Sync()
}

// List implements recorder.FS.
func (f *FaultFS) List() ([]string, error) { return f.Next.List() }

// Free implements recorder.FS.
func (f *FaultFS) Free() (uint64, error) {
	if err := f.enter(OpFree, "", 0); err != nil {
		return 0, err
	}
	return f.Next.Free()
}

// Path implements recorder.FS.
func (f *FaultFS) Path(name string) string { return f.Next.Path(name) }

type faultFile struct {
	recorder.File
	fs   *FaultFS
	name string // guarded by fs.mu
}

func (f *faultFile) enter(op Op, size int) error {
	f.fs.mu.Lock()
	name := f.name
	f.fs.mu.Unlock()
	return f.fs.enter(op, name, size)
}

func (f *faultFile) Write(p []byte) (int, error) {
	err := f.enter(OpWrite, len(p))
	if err == nil {
		return f.File.Write(p)
	}
	n := 0
	if torn, ok := err.(*Torn); ok {
		n, _ = f.File.Write(p[:min(max(torn.Bytes, 0), len(p))])
	}
	return n, err
}

func (f *faultFile) Sync() error {
	if err := f.enter(OpSync, 0); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.enter(OpTruncate, 0); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Reserve(size int64) error {
	if err := f.enter(OpReserve, 0); err != nil {
		return err
	}
	return f.File.Reserve(size)
}

func (f *faultFile) Close() error {
	err := f.enter(OpClose, 0)
	f.fs.mu.Lock()
	f.fs.files = slices.DeleteFunc(f.fs.files, func(ff *faultFile) bool { return ff == f })
	f.fs.mu.Unlock()
	if closeErr := f.File.Close(); err == nil {
		err = closeErr
	}
	return err
}
