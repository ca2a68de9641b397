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
	// is a *FileError, with CodeFilesUnavailable if the target has none. It may be called often: what the
	// target spends on it is bounded by the adapter.
	Files(ctx context.Context) (FileSystem, error)
}

// FileSystem is a target's file tree as its account sees it. Names are absolute slash-separated paths in the form of
// ShowFileName; RawFilePath says which are taken, and every other one is CodeFileBadName. Calls may be made
// concurrently. Every call ends with ctx, and with a deadline of the adapter's own that is CodeFileTimeout; errors are
// *FileError. What a call that ended early had asked for may still happen.
//
// All that a target answers is hostile (S17): names in listings are checked, sizes and modes are claims. After
// CodeFilesUnavailable, CodeFileTimeout and CodeTargetProtocol the value is of no more use: close it and ask for
// another.
type FileSystem interface {
	// Home returns the folder to begin in.
	Home(ctx context.Context) (string, error)
	// List returns the entries of a folder, in the target's order, at most MaxListed. A link to a folder is
	// followed.
	List(ctx context.Context, dir string) (Listing, error)
	// Stat describes one name without following a link at its end.
	Stat(ctx context.Context, name string) (FileInfo, error)
	// Open opens a regular file. Devices, pipes and folders are refused before the target could block on them.
	Open(ctx context.Context, name string, how OpenMode) (File, error)
	// Rename moves a file or folder. An existing target is CodeFileExists, or with replace is replaced in one
	// step; if the other side cannot do it in one step, it stays CodeFileExists.
	Rename(ctx context.Context, from, to string, replace bool) error
	// Remove deletes a file, an empty folder, or a link and never what it points to.
	Remove(ctx context.Context, name string) error
	// Mkdir makes one folder.
	Mkdir(ctx context.Context, name string) error
	// Close gives the file system back. Files that are still open are closed, calls under way fail.
	Close() error
}

// Limits of a FileSystem (S17).
const (
	MaxListed    = 10_000 // entries in a Listing
	MaxOpenFiles = 64     // files that are open at a time; one more is CodeLimitReached
)

// OpenMode says what a file is opened for.
type OpenMode uint8

// The ways to open a file. To replace a file, create another beside it and rename it: what is at a name may be
// changed between a check and an open, a link included.
const (
	OpenRead      OpenMode = iota + 1 // follows links
	OpenCreate                        // for writing; fails if the name exists, links included
	OpenOverwrite                     // for writing; made if missing, not truncated: an upload may go on where it stopped
)

// File is an open file. ReadAt and WriteAt may be called concurrently. Large calls are the fast ones: they keep
// several requests on their way.
type File interface {
	// ReadAt reads like io.ReaderAt: fewer bytes than asked for come with an error, at the end io.EOF itself.
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	// WriteAt writes like io.WriterAt. After an error bytes beyond those counted may have been written.
	WriteAt(ctx context.Context, p []byte, off int64) (int, error)
	// Truncate sets the size.
	Truncate(ctx context.Context, size int64) error
	// Stat describes the open file.
	Stat(ctx context.Context) (FileInfo, error)
	// Close writes out what is left; its error counts after writing. A second Close does nothing.
	Close(ctx context.Context) error
}

// Listing is the content of a folder.
type Listing struct {
	Files     []FileInfo
	Truncated bool // there are more than MaxListed entries
	Refused   int  // entries left out because their names are not base names (ShowFileName)
}

// FileInfo describes a file. Everything in it is the target's claim.
type FileInfo struct {
	Name    string      // base name in the form of ShowFileName; never "." or ".."; "/" for the root
	Size    int64       // bytes, 0 or more
	Mode    fs.FileMode // type and permissions; setuid, setgid and sticky are left out
	ModTime time.Time   // zero if unknown
	Link    string      // where a symbolic link points, as text to show; Stat alone fills it
}

// FileError is a failed operation on files. Code goes to the browser, Err to the log.
type FileError struct {
	Op   string // list, stat, open, read …
	Name string // in the form the caller gave
	Code Code
	Err  error
}

// Error describes the failure with its cause.
func (e *FileError) Error() string { return fmt.Sprintf("%s %q: %s: %v", e.Op, e.Name, e.Code, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }
