package rdp

import (
	"errors"
	"net"
	"sync"
	"time"
)

// maxQueued is how much may wait to be sent, in bytes. Input of people never comes near it.
const maxQueued = 1 << 20

// errQueueFull says that the server takes nothing.
var errQueueFull = errors.New("the server takes nothing: too much is waiting to be sent")

// writer sends what others hand to it, from one goroutine of its own: a server that sends and waits for us to read must not wait for our
// sends, nor our reader for its reads.
type writer struct {
	conn    net.Conn
	timeout time.Duration
	done    chan struct{} // closed when the goroutine has ended

	mu     sync.Mutex
	wake   sync.Cond // of run
	room   sync.Cond // of sendLater
	queue  []byte
	spare  []byte
	later  int   // bytes of queue that sendLater has queued; they are not the server's fault
	ending bool  // the queue is sent, and no more is taken
	err    error // the first
}

func newWriter(conn net.Conn, timeout time.Duration) *writer {
	w := &writer{conn: conn, timeout: timeout, done: make(chan struct{})}
	w.wake.L, w.room.L = &w.mu, &w.mu
	go w.run()
	return w
}

func (w *writer) run() {
	defer close(w.done)
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.queue) == 0 && !w.ending && w.err == nil {
			w.wake.Wait()
		}
		if len(w.queue) == 0 || w.err != nil {
			return
		}
		out := w.queue
		w.queue, w.later = w.spare[:0], 0
		w.room.Broadcast()
		w.mu.Unlock()
		err := w.conn.SetWriteDeadline(time.Now().Add(w.timeout))
		if err == nil {
			_, err = w.conn.Write(out)
		}
		w.mu.Lock()
		if w.spare = out; cap(out) > maxQueued {
			w.spare = nil // one long message is no reason to keep so much
		}
		if err != nil {
			w.fail(err)
		}
	}
}

// send queues b, which it copies.
func (w *writer) send(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return w.err
	case w.ending:
		return net.ErrClosed
	case len(w.queue)-w.later+len(b) > maxQueued:
		w.fail(errQueueFull)
		return w.err
	}
	w.queue = append(w.queue, b...)
	w.wake.Signal()
	return nil
}

// sendLater queues b, which it copies, once everything of its kind that was queued before is on its way. It waits until then.
func (w *writer) sendLater(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.later > 0 && w.err == nil && !w.ending {
		w.room.Wait()
	}
	switch {
	case w.err != nil:
		return w.err
	case w.ending:
		return net.ErrClosed
	}
	w.queue = append(w.queue, b...)
	w.later += len(b)
	w.wake.Signal()
	return nil
}

// fail takes down the first error. The reader is woken by the end of the connection.
func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
		_ = w.conn.SetReadDeadline(past)
	}
	w.wake.Signal()
	w.room.Broadcast()
}

// give makes err the end of the connection.
func (w *writer) give(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail(err)
}

// failed returns the first error.
func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// finish takes no more and ends the goroutine when all is sent.
func (w *writer) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
	w.wake.Signal()
	w.room.Broadcast()
}
