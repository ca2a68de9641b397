package recorder

import (
	"errors"
	"io"
)

// FS is the directory that a Recorder keeps recordings in. Names are base names made by the package. It is a
// seam: [DirFS] is the implementation on the operating system, recordertest wraps one to inject faults.
type FS interface {
	// Create makes a new file that only the gateway's account can read, locked by this process. It fails if
	// the file exists.
	Create(name string) (File, error)
	// Open opens an existing file for reading and appending. It fails with ErrInUse if a live process has it.
	Open(name string) (File, error)
	// Read opens an existing file for reading alone, also while a process records into it.
	Read(name string) (Source, error)
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes names durable.
	Sync() error
	// List returns the names of all files.
	List() ([]string, error)
	// Free returns how many bytes this process may still use.
	Free() (uint64, error)
	// Path returns name as people find it.
	Path(name string) string
}

// Source is one recording on an FS, opened for reading.
type Source interface {
	io.ReaderAt
	io.Closer
	// Size returns the length.
	Size() (int64, error)
}

// File is one recording on an FS. Write appends.
type File interface {
	io.Writer
	io.ReaderAt
	io.Closer
	// Size returns the length.
	Size() (int64, error)
	// Sync makes all that was written durable.
	Sync() error
	// Truncate sets the length and gives reserved space beyond it back.
	Truncate(size int64) error
	// Reserve makes sure that the file can grow to size without running out of space, without changing its
	// length. It returns an error matching errors.ErrUnsupported where the system cannot promise that.
	Reserve(size int64) error
}

// ErrInUse is what FS.Open returns for a file that a live process is recording into.
var ErrInUse = errors.New("recorder: the recording is open in a live process")
