package drive

import (
	"context"
	"errors"
	"time"
)

// Errors of a FileSystem beside fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid and fs.ErrClosed. Every other one is shown to the
// session as an error of the device.
var (
	ErrFull     = errors.New("the drive is full")
	ErrNotEmpty = errors.New("the folder is not empty")
	ErrIsDir    = errors.New("it is a folder")
	ErrNotDir   = errors.New("it is not a folder")
)

// FileSystem is a tree of files and folders. Names are absolute slash-separated paths, "/" for the root, whose every part has passed CheckName.
// Calls end with their context, and may be made concurrently.
//
// It has more to it than the file system of a target, pam.FileSystem: programs in a session open one file for reading and writing, set times, and ask how much room there is;
// its errors become status codes of Windows, not codes for a browser.
type FileSystem interface {
	// Stat describes a file or folder. Info.Name is the name as it is stored, which may differ from the one asked for by case.
	Stat(ctx context.Context, name string) (Info, error)
	// List returns the content of a folder.
	List(ctx context.Context, dir string) ([]Info, error)
	// Open opens a file, never a folder, and does not change it; with Create it makes one that did not exist.
	Open(ctx context.Context, name string, how Mode) (File, error)
	// Mkdir makes one folder.
	Mkdir(ctx context.Context, name string) error
	// Rename moves a file or folder. An existing target is fs.ErrExist, unless replace is set and neither is a folder.
	Rename(ctx context.Context, from, to string, replace bool) error
	// Remove deletes a file or an empty folder. A file that is open stays readable, or is not removed: fs.ErrPermission.
	Remove(ctx context.Context, name string) error
	// SetModTime sets the time of the last change.
	SetModTime(ctx context.Context, name string, t time.Time) error
	// Space says how much room there is.
	Space(ctx context.Context) (Space, error)
}

// Mode says what a file is opened for; they may be combined.
type Mode uint8

// The modes.
const (
	Read   Mode = 1 << iota
	Write       // WriteAt, Truncate
	Create      // the file is made; fs.ErrExist if it exists
)

// File is an open file.
type File interface {
	// ReadAt reads like io.ReaderAt.
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	// WriteAt writes like io.WriterAt. Behind the end the file is filled with zeros.
	WriteAt(ctx context.Context, p []byte, off int64) (int, error)
	// Truncate sets the size; what is added is zeros.
	Truncate(ctx context.Context, size int64) error
	// Stat describes the file.
	Stat(ctx context.Context) (Info, error)
	// Close closes the file. A second Close does nothing.
	Close(ctx context.Context) error
}

// Info describes a file or folder.
type Info struct {
	Name    string // the last part of the path; "/" for the root
	Dir     bool
	Size    int64 // in bytes; 0 for folders
	ModTime time.Time
}

// Space is the room of a FileSystem, in bytes.
type Space struct{ Total, Free int64 }
