package sshx

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// errPeerClosed stands for io.EOF of the socket: the SSH library has other uses for io.EOF.
var errPeerClosed = errors.New("the target closed the connection")

// transport is the socket under an SSH connection. It notes that data came in, for the keepalive, and why it
// was closed.
type transport struct {
	net.Conn
	ahead  readAhead     // of Read, which the SSH library calls from one goroutine
	reads  atomic.Uint64 // Read calls that returned data
	failed atomic.Bool   // Read has returned an error

	once  sync.Once
	cause error // why cut was called; set before the socket closes
	done  chan struct{}
}

func newTransport(c net.Conn) *transport { return &transport{Conn: c, done: make(chan struct{})} }

func (t *transport) Read(b []byte) (int, error) {
	n, err := t.ahead.read(t.Conn, b)
	if n > 0 {
		t.reads.Add(1)
	}
	if err != nil {
		t.failed.Store(true)
	}
	if errors.Is(err, io.EOF) {
		err = errPeerClosed
	}
	return n, err
}

// cut closes the socket at once; the first cause stays. Everything that waits on the connection returns.
func (t *transport) cut(cause error) {
	t.once.Do(func() {
		t.cause = cause
		close(t.done)
		// Unsent data must not hold the close back.
		_ = t.Conn.SetDeadline(time.Unix(1, 0))
		_ = t.Conn.Close()
	})
}

// Close is what the SSH library calls when it gives up by itself.
func (t *transport) Close() error {
	t.cut(nil)
	return nil
}

// reason returns the cause of cut, if it was called with one.
func (t *transport) reason() error {
	select {
	case <-t.done:
		return t.cause
	default:
		return nil
	}
}
