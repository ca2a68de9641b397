package stream

import (
	"io"
	"slices"
)

// Reader is one position in a log. Its methods are for one goroutine, but for Behind and Close.
type Reader struct {
	log   *Log
	ready chan struct{}

	// guarded by log.mu
	next     uint64 // sequence number of the next item to read
	required bool
	behind   bool
	closed   bool
}

// NewReader returns a reader that starts after the last item appended. A required reader slows the appender
// when it is behind.
func (l *Log) NewReader(required bool) *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &Reader{log: l, ready: make(chan struct{}, 1), next: l.end(), required: required}
	l.readers = append(l.readers, r)
	return r
}

// Ready receives when there may be something to read, and when the log is closed.
func (r *Reader) Ready() <-chan struct{} { return r.ready }

// Behind returns the cost of the items that are readable and not read yet. It may be called from any goroutine.
func (r *Reader) Behind() uint64 {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if r.closed || r.next >= r.log.open {
		return 0
	}
	return r.log.lag(r.next) - r.log.lag(r.log.open)
}

// Position returns the sequence number of the last item that was read or skipped.
func (r *Reader) Position() uint64 {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return r.next - 1
}

// Next appends the readable items to dst, as many as have max bytes of payload together; with force at least
// one, however large. With nothing to read it returns dst as it is. After the last item of a closed log it returns io.EOF.
// ErrBehind: items were lost; the reader now stands at the end and wants a key frame.
func (r *Reader) Next(dst []Item, max int, force bool) ([]Item, error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.closed {
		return dst, io.EOF
	}
	if r.behind {
		r.behind, r.next = false, l.end()
		l.trim()
		return dst, ErrBehind
	}
	from := r.next
	for size := 0; r.next < l.open; r.next++ {
		e := l.at(r.next)
		if size += len(e.Payload); size > max && (r.next > from || !force) {
			break
		}
		dst = append(dst, e.Item)
	}
	if r.next == from {
		if r.exhausted() {
			return dst, io.EOF
		}
		return dst, nil
	}
	l.trim()
	if r.required {
		l.signal()
	}
	return dst, nil
}

// Done reports whether the log is closed and everything readable has been read.
func (r *Reader) Done() bool {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	return r.closed || r.exhausted()
}

// exhausted reports whether the log will show nothing more to this reader. What the gate still holds back in a closed
// log stays unread; log.open is never beyond the last item, so it bounds both. The caller holds log.mu.
func (r *Reader) exhausted() bool { return r.log.closed && r.next >= r.log.open }

// SkipTo moves the reader forward to the item with sequence number seq, which need not exist yet.
func (r *Reader) SkipTo(seq uint64) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq > r.next {
		r.next = seq
	}
	r.behind = false
	l.trim()
	l.signal()
}

// Close takes the reader out of the log. It may be called more than once.
func (r *Reader) Close() {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	l.readers = slices.DeleteFunc(l.readers, func(o *Reader) bool { return o == r })
	l.trim()
	l.signal()
}
