package sshtest

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/pkg/sftp"
)

// Limits of a tree in memory: a demonstration must not eat the machine that it runs on.
const (
	maxMemFile = 64 << 20  // bytes of one file
	maxMemTree = 256 << 20 // bytes written to all files together, over the tree's life
)

// NewMemSFTP returns a handler of the sftp subsystem over an empty tree in memory, which its sessions share.
// Nothing of the machine is reached. Writing beyond 64 MiB of a file or 256 MiB in all fails.
func NewMemSFTP() Handler {
	h := sftp.InMemHandler()
	h.FilePut = &limitedPut{next: h.FilePut, left: maxMemTree}
	h.FileCmd = limitedCmd{h.FileCmd}
	return ServeSFTP(h)
}

// ServeSFTP returns a handler of the sftp subsystem that serves h.
func ServeSFTP(h sftp.Handlers) Handler {
	return func(s *Session) int {
		ch := &subsystem{s: s}
		srv := sftp.NewRequestServer(ch, h)
		err := srv.Serve()
		_ = srv.Close()
		if err != nil && !errors.Is(err, io.EOF) {
			return 1
		}
		return 0
	}
}

// subsystem is a session as the stream of a server that may still write when it says that it has ended.
type subsystem struct {
	s *Session

	mu     sync.Mutex // guards closed; held while something is written
	closed bool
}

func (c *subsystem) Read(p []byte) (int, error) { return c.s.Read(p) }

func (c *subsystem) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, io.ErrClosedPipe
	}
	return c.s.Write(p)
}

func (c *subsystem) Close() error {
	c.s.CloseSilently()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

// limitedPut bounds what a tree in memory takes.
type limitedPut struct {
	next sftp.FileWriter

	mu   sync.Mutex // guards left
	left int64
}

func (l *limitedPut) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	w, err := l.next.Filewrite(r)
	if err != nil {
		return nil, err
	}
	return &limitedFile{w, l}, nil
}

type limitedFile struct {
	io.WriterAt
	tree *limitedPut
}

func (f *limitedFile) WriteAt(p []byte, off int64) (int, error) {
	f.tree.mu.Lock()
	ok := off >= 0 && off <= maxMemFile-int64(len(p)) && f.tree.left >= int64(len(p))
	if ok {
		f.tree.left -= int64(len(p))
	}
	f.tree.mu.Unlock()
	if !ok {
		return 0, sftp.ErrSSHFxFailure
	}
	return f.WriterAt.WriteAt(p, off)
}

// limitedCmd keeps files from being made large without writing.
type limitedCmd struct{ sftp.FileCmder }

func (c limitedCmd) Filecmd(r *sftp.Request) error {
	if r.Method == "Setstat" && r.AttrFlags().Size && r.Attributes().Size > maxMemFile {
		return sftp.ErrSSHFxFailure
	}
	return c.FileCmder.Filecmd(r)
}

// PosixRename passes on the extension, which embedding would hide.
func (c limitedCmd) PosixRename(r *sftp.Request) error {
	if p, ok := c.FileCmder.(sftp.PosixRenameFileCmder); ok {
		return p.PosixRename(r)
	}
	return sftp.ErrSSHFxOpUnsupported
}

// FilterSFTP puts filters before a handler of the sftp subsystem. Each gets whole packets without their length, as the
// client sent them (up) or the server answered (down), and returns what is passed on: the packet, a changed one, or
// nil for none. A nil filter passes all. A filter is called by one goroutine at a time.
func FilterSFTP(next Handler, up, down func(packet []byte) []byte) Handler {
	return func(s *Session) int {
		fromClient, toServer := io.Pipe()
		fromServer, toClient := io.Pipe()
		s.Go(func() {
			_ = toServer.CloseWithError(filterPackets(toServer, s, up))
		})
		answered := make(chan struct{})
		s.Go(func() {
			defer close(answered)
			_ = fromServer.CloseWithError(filterPackets(s, fromServer, down))
		})
		status := next(s.over(struct {
			io.Reader
			io.Writer
		}{fromClient, toClient}))
		_ = fromClient.Close()
		_ = toClient.Close()
		<-answered
		return status
	}
}

// maxFiltered bounds a packet that is filtered; it is above what either side may send.
const maxFiltered = 1 << 20

// filterPackets copies packets until one side ends.
func filterPackets(to io.Writer, from io.Reader, filter func([]byte) []byte) error {
	for {
		var head [4]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return err
		}
		n := binary.BigEndian.Uint32(head[:])
		if n == 0 || n > maxFiltered {
			return errors.New("sshtest: a packet that cannot be filtered")
		}
		p := make([]byte, n)
		if _, err := io.ReadFull(from, p); err != nil {
			return err
		}
		if filter != nil {
			if p = filter(p); p == nil {
				continue
			}
		}
		if _, err := to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...)); err != nil {
			return err
		}
	}
}
