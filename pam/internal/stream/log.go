// Package stream holds the one ordered log of a session's output. The target's connection appends, viewers read
// at their own pace; bytes are shared, never copied per reader, and memory is bounded.
//
// Two things slow the appender down: a required reader that is behind, and a gate that is behind. The gate is
// how far the recording has been written: no reader ever gets past it, so what a viewer sees is a prefix of
// what is recorded. A reader that is not required slows nobody: when it falls out of the backlog it is told so,
// and starts anew from a key frame.
package stream

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// ErrBehind tells a reader that what it has not read yet is gone.
var ErrBehind = errors.New("stream: reader fell out of the backlog")

// ErrGateStalled tells the appender that the gate has not moved for too long.
var ErrGateStalled = errors.New("stream: gate stalled")

// Item is one piece of the stream. It is immutable.
type Item struct {
	Kind, Flags uint8
	Payload     []byte
}

// overhead is what an item counts beside its payload, so that empty items are bounded too.
const overhead = 64

func (i Item) cost() uint64 { return uint64(len(i.Payload)) + overhead }

// entry is an item with its place.
type entry struct {
	Item
	gate  uint64 // readable once the log's gate has reached this
	start uint64 // cost of all items before it
}

// Log is an ordered stream. Its zero value is not usable: call New.
type Log struct {
	limit uint64        // of cost, per lagging constraint
	stall time.Duration // longest wait for a gate that does not move

	mu      sync.Mutex // guards all below; never held while waiting
	ring    []entry    // the retained items are ring[head:]
	head    int
	base    uint64 // sequence number of ring[head]; the first item ever is 1
	total   uint64 // cost of all items ever appended
	gate    uint64
	open    uint64 // sequence number of the first item that the gate still holds back
	readers []*Reader
	room    chan struct{} // wakes the appender; capacity 1
	closed  bool
}

// New returns an empty log that keeps about limit bytes for readers that are behind. stall is how long Reserve
// waits for a gate that does not move.
func New(limit int, stall time.Duration) *Log {
	return &Log{limit: uint64(limit), stall: stall, base: 1, open: 1, room: make(chan struct{}, 1)}
}

// Reserve waits until there is room for one more item. It returns ctx's cause, ErrGateStalled, or io.ErrClosedPipe.
func (l *Log) Reserve(ctx context.Context) error {
	var stalled *time.Timer // made only when there is something to wait for
	var since uint64
	for {
		room, byGate, gate, err := l.probe()
		switch {
		case err != nil:
			return err
		case room:
			return nil
		}
		if !byGate {
			if stalled != nil {
				stalled.Stop()
				stalled = nil
			}
			select {
			case <-l.room:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			continue
		}
		if stalled == nil || gate != since {
			if stalled != nil {
				stalled.Stop()
			}
			stalled, since = time.NewTimer(l.stall), gate
		}
		select {
		case <-l.room:
		case <-stalled.C:
			return ErrGateStalled
		case <-ctx.Done():
			stalled.Stop()
			return context.Cause(ctx)
		}
	}
}

// probe reports whether an item may be appended now, and if not, whether the gate is what holds it back.
func (l *Log) probe() (room, byGate bool, gate uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, false, 0, io.ErrClosedPipe
	}
	if l.lag(l.open) >= l.limit {
		return false, true, l.gate, nil
	}
	for _, r := range l.readers {
		if r.required && l.lag(r.next) >= l.limit {
			return false, false, l.gate, nil
		}
	}
	return true, false, l.gate, nil
}

// Append adds an item that becomes readable when the gate reaches gate. It does not wait: call Reserve before.
// It returns the item's sequence number.
func (l *Log) Append(it Item, gate uint64) uint64 {
	l.mu.Lock()
	seq := l.end()
	if l.closed {
		l.mu.Unlock()
		return seq
	}
	l.ring = append(l.ring, entry{Item: it, gate: gate, start: l.total})
	l.total += it.cost()
	was := l.open
	l.advance()
	shown := l.open > was
	for _, r := range l.readers {
		if !r.required && l.lag(r.next) > l.limit {
			r.behind = true
			r.next = l.end()
			shown = true
		}
	}
	l.trim()
	// What the gate holds back is no news for a reader: SetGate wakes it. An echo would wake its viewer twice.
	if shown {
		l.wake()
	}
	l.mu.Unlock()
	return seq
}

// SetGate moves the gate forward; a smaller value is ignored.
func (l *Log) SetGate(gate uint64) {
	l.mu.Lock()
	if gate > l.gate {
		l.gate = gate
		l.advance()
		l.trim()
		l.wake()
		l.signal()
	}
	l.mu.Unlock()
}

// Visible returns the sequence number of the last readable item, 0 if there is none.
func (l *Log) Visible() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open - 1
}

// Len returns how many items have been appended.
func (l *Log) Len() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end() - 1
}

// Unwritten returns how many items the gate holds back, and their cost.
func (l *Log) Unwritten() (items, cost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end() - l.open, l.lag(l.open)
}

// Close ends the stream: readers get what is readable and then io.EOF. What the gate holds back stays unread.
func (l *Log) Close() {
	l.mu.Lock()
	l.closed = true
	l.wake()
	l.signal()
	l.mu.Unlock()
}

// end is the sequence number that the next item gets.
func (l *Log) end() uint64 { return l.base + uint64(len(l.ring)-l.head) }

// at returns the retained item with that sequence number.
func (l *Log) at(seq uint64) *entry { return &l.ring[l.head+int(seq-l.base)] }

// lag is the cost of the items from seq on.
func (l *Log) lag(seq uint64) uint64 {
	if seq >= l.end() {
		return 0
	}
	return l.total - l.at(seq).start
}

// advance moves open to the first item that the gate holds back.
func (l *Log) advance() {
	for l.open < l.end() && l.at(l.open).gate <= l.gate {
		l.open++
	}
}

// trim forgets items that every reader has read and the gate has passed.
func (l *Log) trim() {
	keep := l.open
	for _, r := range l.readers {
		keep = min(keep, r.next)
	}
	if keep <= l.base {
		return
	}
	n := int(keep - l.base)
	clear(l.ring[l.head : l.head+n]) // lets the payloads go
	l.head += n
	l.base = keep
	switch {
	case l.head == len(l.ring):
		l.ring, l.head = l.ring[:0], 0
		if cap(l.ring) > 256 { // an idle session keeps no large array after a burst
			l.ring = nil
		}
	case l.head > len(l.ring)/2 && l.head > 32:
		n := copy(l.ring, l.ring[l.head:])
		clear(l.ring[n:])
		l.ring, l.head = l.ring[:n], 0
	}
}

// wake tells the readers that there may be something new.
func (l *Log) wake() {
	for _, r := range l.readers {
		select {
		case r.ready <- struct{}{}:
		default:
		}
	}
}

// signal tells the appender that there may be room.
func (l *Log) signal() {
	select {
	case l.room <- struct{}{}:
	default:
	}
}
