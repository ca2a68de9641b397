package pam

import (
	"context"
	"fmt"
	"io/fs"
	"time"
)

// Files is a Conn that gives access to the target's files over the same connection (I11).
type Files interface {
	// Files opens the target's file system. The caller closes it; the end of the connection does too. An error
	// is a *FileError, with CodeFilesUnavailable if the target has none.
	Files(ctx context.Context) (FileSystem, error)
}

// FileSystem is a target's file tree as its account sees it. Names are absolute slash-separated paths. Every call keeps
// to ctx and to a deadline of its own; errors are *FileError. Calls may be made concurrently.
//
// All that a target answers is hostile (S17): names in listings are checked base names, sizes are claims.
type FileSystem interface {
	// Home returns the folder to begin in.
	Home(ctx context.Context) (string, error)
	// List returns the entries of a folder, in the target's order, at most MaxListed.
	List(ctx context.Context, dir string) (Listing, error)
	// Stat describes one name without following a link at its end.
	Stat(ctx context.Context, name string) (FileInfo, error)
	// Open opens a regular file.
	Open(ctx context.Context, name string, how OpenMode) (File, error)
	// Rename moves a file or folder; an existing target is replaced only with replace.
	Rename(ctx context.Context, from, to string, replace bool) error
	// Remove deletes a file, a link or an empty folder.
	Remove(ctx context.Context, name string) error
	// Mkdir makes one folder.
	Mkdir(ctx context.Context, name string) error
	Close() error
}

// MaxListed is the greatest number of entries in a Listing (S17).
const MaxListed = 10_000

// OpenMode says what a file is opened for.
type OpenMode uint8

// The ways to open a file.
const (
	OpenRead      OpenMode = iota + 1
	OpenCreate             // for writing; fails if the name exists, links included
	OpenOverwrite          // for writing; made if missing, not truncated: an upload may go on where it stopped
)

// File is an open file. ReadAt and WriteAt may be called concurrently.
type File interface {
	// ReadAt reads like io.ReaderAt: fewer bytes than asked for come with an error, at the end io.EOF.
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	// WriteAt writes like io.WriterAt.
	WriteAt(ctx context.Context, p []byte, off int64) (int, error)
	// Truncate sets the size.
	Truncate(ctx context.Context, size int64) error
	// Stat describes the open file.
	Stat(ctx context.Context) (FileInfo, error)
	// Close writes out what is left; its error counts after writing.
	Close(ctx context.Context) error
}

// Listing is the content of a folder.
type Listing struct {
	Files     []FileInfo
	Truncated bool // there are more than MaxListed entries
	Refused   int  // entries left out because their names are not base names (S17)
}

// FileInfo describes a file. Everything in it is the target's claim.
type FileInfo struct {
	Name    string // base name: valid UTF-8 or escaped, without slash, NUL and control characters; never "." or ".."
	Size    int64  // bytes, 0 or more
	Mode    fs.FileMode
	ModTime time.Time
	Link    string // where a symbolic link points, as text to show; empty otherwise or if unknown
}

// FileError is a failed operation on files. Code goes to the browser, Err to the log.
type FileError struct {
	Op   string // list, stat, open, read …
	Name string
	Code Code
	Err  error
}

// Error describes the failure with its cause.
func (e *FileError) Error() string { return fmt.Sprintf("%s %q: %s: %v", e.Op, e.Name, e.Code, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }
