package sshx

import (
	"io"
	"sync"
	"time"
)

// Read-ahead of a connection. The SSH library reads the beginning of a packet and its rest by two calls of the system, and
// everything behind it, up to the viewer, wakes up for each packet. While output flows as fast as the target can send, a
// read therefore waits a moment, so that it finds several packets, and takes all of them with one call.
// A slower stream, which is to say every echo and every prompt, is never held back.
const (
	aheadBytes = 64 << 10
	aheadRate  = 4 << 20              // bytes a second from which on a stream is read ahead
	aheadSpan  = 4 * time.Millisecond // over which the rate is measured
	aheadPause = time.Millisecond
)

// aheadBuffers are shared by all connections: one has a buffer only while bytes are in it.
var aheadBuffers = sync.Pool{New: func() any { return new([aheadBytes]byte) }}

// readAhead is the reading half of a connection, for one goroutine. The zero value reads nothing ahead until the stream is
// fast.
type readAhead struct {
	buf  *[aheadBytes]byte // nil while rest is empty
	rest []byte            // the part of buf that is still to be handed out

	fast   bool
	filled bool // the last read filled its buffer: more is there already, no need to wait
	bytes  int  // since `since`
	since  time.Time
}

// read is src.Read(b), by way of the buffer while the stream is fast. An error that comes along with bytes comes with them
// or, if b is too small for all of them, again with the next read of src.
func (a *readAhead) read(src io.Reader, b []byte) (int, error) {
	if len(a.rest) > 0 {
		return a.hand(b), nil
	}
	if !a.fast || len(b) >= aheadBytes {
		n, err := src.Read(b)
		a.measure(n, len(b))
		return n, err
	}
	if !a.filled {
		time.Sleep(aheadPause)
	}
	buf := aheadBuffers.Get().(*[aheadBytes]byte)
	n, err := src.Read(buf[:])
	a.measure(n, len(buf))
	a.buf, a.rest = buf, buf[:n]
	if n = a.hand(b); len(a.rest) > 0 {
		err = nil
	}
	return n, err
}

// measure takes down how much a read brought and decides about the next one.
func (a *readAhead) measure(n, room int) {
	a.bytes += n
	now := time.Now()
	if span := now.Sub(a.since); span >= aheadSpan {
		a.fast = float64(a.bytes) >= aheadRate*span.Seconds()
		a.bytes, a.since = 0, now
	}
	a.filled = n == room
}

// hand gives out what was read ahead, and the buffer back with its last byte.
func (a *readAhead) hand(b []byte) int {
	n := copy(b, a.rest)
	if a.rest = a.rest[n:]; len(a.rest) == 0 {
		aheadBuffers.Put(a.buf)
		a.buf, a.rest = nil, nil
	}
	return n
}
