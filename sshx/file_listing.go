package sshx

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"path"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx/internal/sftp"
)

// List returns the entries of a folder.
func (x *fileSystem) List(ctx context.Context, dir string) (pam.Listing, error) {
	var l lister
	err := x.doPath(ctx, "list", dir, func(ctx context.Context, c *sftp.Client, raw string) error {
		return c.ReadDir(ctx, raw, l.add)
	})
	if err != nil {
		return pam.Listing{}, err
	}
	return l.Listing, nil
}

// lister makes a listing of what a server says.
type lister struct {
	pam.Listing
	dots int // entries "." and ".."
}

// add takes an entry and reports whether there is room for more. Refused ones count too, so that a folder of nothing
// else has an end.
func (l *lister) add(name []byte, a sftp.Attrs) (more bool) {
	if n := string(name[:min(len(name), 3)]); (n == "." || n == "..") && l.dots < 2 {
		l.dots++
		return true
	}
	if len(l.Files)+l.Refused == pam.MaxListed {
		l.Truncated = true
		return false
	}
	var shown string
	ok := len(name) <= pam.MaxFileName
	if ok {
		shown, ok = pam.ShowFileName(string(name))
	}
	if !ok {
		l.Refused++
		return true
	}
	l.Files = append(l.Files, fileInfo(shown, a))
	return true
}

// Stat describes one name; for a link also where it points.
func (x *fileSystem) Stat(ctx context.Context, name string) (info pam.FileInfo, err error) {
	err = x.doPath(ctx, "stat", name, func(ctx context.Context, c *sftp.Client, raw string) error {
		a, err := c.Lstat(ctx, raw)
		if err != nil {
			return err
		}
		info = fileInfo(path.Base(name), a)
		if info.Mode.Type() != fs.ModeSymlink {
			return nil
		}
		// A link that cannot be read is a link all the same.
		to, err := c.ReadLink(ctx, raw)
		var status *sftp.StatusError
		if err != nil && !errors.As(err, &status) {
			return err
		}
		info.Link = pam.ShowFileText(to[:min(len(to), pam.MaxFilePath)])
		return nil
	})
	return info, err
}

// fileInfo makes a claim of the target one of ours. What sets rights on this side is left out (S17).
func fileInfo(name string, a sftp.Attrs) pam.FileInfo {
	return pam.FileInfo{Name: name, Size: int64(min(a.Size, math.MaxInt64)), Mode: fileMode(a.Mode), ModTime: a.ModTime}
}

// Types of stat(2).
const (
	modeType    = 0o170000
	modeRegular = 0o100000
)

func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & modeType {
	case modeRegular:
	case 0o040000:
		m |= fs.ModeDir
	case 0o120000:
		m |= fs.ModeSymlink
	case 0o010000:
		m |= fs.ModeNamedPipe
	case 0o140000:
		m |= fs.ModeSocket
	case 0o060000:
		m |= fs.ModeDevice
	case 0o020000:
		m |= fs.ModeDevice | fs.ModeCharDevice
	default:
		m |= fs.ModeIrregular
	}
	return m
}

// mayOpen reports whether a file is regular, or of a kind that the server does not tell.
func mayOpen(a sftp.Attrs) bool { return a.Mode&modeType == modeRegular || a.Mode&modeType == 0 }
