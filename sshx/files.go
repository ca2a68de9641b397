package sshx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx/internal/sftp"
)

// maxFileChannels bounds the channels for files that a connection has, present and former: a target that does not
// confirm the end of one keeps it.
const maxFileChannels = 4

var errNoFileService = errors.New("the target refuses the sftp subsystem")

// files is what a connection knows of its target's file service. All FileSystems of a connection share one channel,
// so that they cost the target one of its sessions (MaxSessions) and one process. It is opened for the first of
// them and closed after the last; one that broke is replaced by the next call of Files.
type files struct {
	timeout time.Duration
	wg      sync.WaitGroup

	mu       sync.Mutex // guards what follows
	present  *fileService
	channels int // open channels, and closed ones that the target has not confirmed
	closed   bool
}

// fileService is one SFTP channel.
type fileService struct {
	ready  chan struct{} // closed when client or err is set
	client *sftp.Client
	err    error
	users  int // guarded by files.mu
}

// over reports whether the service is of no more use.
func (s *fileService) over() bool {
	select {
	case <-s.ready:
	default:
		return false
	}
	if s.err != nil {
		return true
	}
	select {
	case <-s.client.Done():
		return true
	default:
		return false
	}
}

var _ pam.Files = (*conn)(nil)

// Files opens the target's file system by the sftp subsystem, as a second channel of the same connection: no second
// login (I11). All file systems of a connection share that channel. It ends with the session.
func (c *conn) Files(ctx context.Context) (pam.FileSystem, error) {
	unavailable := func(err error) error {
		return &pam.FileError{Op: "files", Code: pam.CodeFilesUnavailable, Err: err}
	}
	s, err := c.files.take(c.ssh, c.served)
	if err != nil {
		return nil, unavailable(err)
	}
	caller := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, c.files.timeout, errFileTimeout)
	defer cancel()
	select {
	case <-s.ready:
		if s.err == nil {
			return newFileSystem(&c.files, s), nil
		}
		err = unavailable(s.err)
	case <-ctx.Done():
		err = fileError("files", "", givenUp(caller, context.Cause(ctx)))
	}
	c.files.release(s)
	return nil, err
}

// take returns the present service for one more user, or begins to open another. over is closed when the connection has
// ended.
func (f *files) take(sc ssh.Conn, over <-chan struct{}) (*fileService, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, net.ErrClosed
	}
	if f.present == nil || f.present.over() {
		if f.channels >= maxFileChannels {
			return nil, fmt.Errorf("%d channels that were closed are not confirmed by the target", f.channels)
		}
		s := &fileService{ready: make(chan struct{})}
		f.present = s
		f.wg.Go(func() { f.serve(s, sc, over) })
	}
	f.present.users++
	return f.present, nil
}

// release gives a service back.
func (f *files) release(s *fileService) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.users--
	f.closeUnused(s)
}

// closeUnused closes a service without users; one that is still being opened is looked at again when it is open. The
// caller holds mu.
func (f *files) closeUnused(s *fileService) {
	if s.users > 0 && !f.closed {
		return
	}
	select {
	case <-s.ready:
		if s.client != nil {
			s.client.Close()
		}
		if f.present == s {
			f.present = nil
		}
	default:
	}
}

// serve opens the channel of s and returns when it has ended. The library's calls know no context: a target that
// does not answer keeps them, until the connection ends.
func (f *files) serve(s *fileService, sc ssh.Conn, over <-chan struct{}) {
	s.client, s.err = f.open(sc, over)
	f.mu.Lock()
	close(s.ready)
	f.closeUnused(s)
	f.mu.Unlock()
	if s.client != nil {
		s.client.Wait()
	}
}

func (f *files) open(sc ssh.Conn, over <-chan struct{}) (*sftp.Client, error) {
	ch, reqs, err := openChannel(sc, over, "session", nil)
	if err != nil {
		return nil, fmt.Errorf("session channel: %w", brief(err))
	}
	f.mu.Lock()
	f.channels++
	f.mu.Unlock()
	f.wg.Go(func() {
		for r := range reqs { // until the target closes the channel
			if r.WantReply {
				_ = r.Reply(false, nil)
			}
		}
		f.mu.Lock()
		f.channels--
		f.mu.Unlock()
	})
	f.wg.Go(func() { _, _ = io.Copy(io.Discard, ch.Stderr()) })

	ok, err := ch.SendRequest("subsystem", true, ssh.Marshal(subsystemRequest{"sftp"}))
	if err == nil && !ok {
		err = errNoFileService
	}
	if err != nil {
		_ = ch.Close()
		return nil, err
	}
	client := sftp.New(ch)
	// The end of the connection ends this wait; whoever waits for the service has a deadline.
	if err := client.Greet(context.Background()); err != nil {
		client.Close()
		client.Wait()
		return nil, err
	}
	return client, nil
}

type subsystemRequest struct{ Name string }

// end closes the service, whoever uses it.
func (f *files) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.present != nil {
		f.closeUnused(f.present)
	}
}

// wait returns when the goroutines of all channels are gone, after end. The transport must be cut.
func (f *files) wait() { f.wg.Wait() }
