package rdp

import (
	"context"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// Limits of what waits to be emitted. Only a recorder that is behind lets that grow.
const (
	maxOutbox = 4 << 20 // bytes, past which the target is not read on
	maxSounds = 8       // frames of sound, past which it is dropped
)

// outgoing is a frame on its way to the sink.
type outgoing struct {
	pam.Frame
	acks    []uint32 // frames of the target that it ends
	desktop bool     // it begins a desktop
}

// outbox is what the reader has read and the emitter has not emitted.
type outbox struct {
	wake, room chan struct{} // capacity 1

	mu     sync.Mutex // guards what follows
	queue  []outgoing
	bytes  int
	sounds int
	err    error // what comes after the queue
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put appends a frame. It waits while too much is waiting already.
func (b *outbox) put(ctx context.Context, o outgoing) error {
	for {
		b.mu.Lock()
		if b.bytes < maxOutbox || len(b.queue) == 0 {
			b.add(o)
			b.mu.Unlock()
			return nil
		}
		b.mu.Unlock()
		select {
		case <-b.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// offer appends a frame that nobody misses, unless there is no room.
func (b *outbox) offer(f pam.Frame) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes < maxOutbox && b.sounds < maxSounds {
		b.add(outgoing{Frame: f})
	}
}

// add appends; mu is held.
func (b *outbox) add(o outgoing) {
	b.queue = append(b.queue, o)
	b.bytes += len(o.Payload)
	if o.Kind == pam.FrameAudio {
		b.sounds++
	}
	signal(b.wake)
}

// close says what comes after what is in the queue.
func (b *outbox) close(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	signal(b.wake)
}

// take returns the next frame, or the error after the last.
func (b *outbox) take(ctx context.Context) (outgoing, error) {
	for {
		b.mu.Lock()
		if len(b.queue) > 0 {
			o := b.queue[0]
			b.queue[0] = outgoing{}
			if b.queue = b.queue[1:]; len(b.queue) == 0 {
				b.queue = nil
			}
			b.bytes -= len(o.Payload)
			if o.Kind == pam.FrameAudio {
				b.sounds--
			}
			b.mu.Unlock()
			signal(b.room)
			return o, nil
		}
		err := b.err
		b.mu.Unlock()
		if err != nil {
			return outgoing{}, err
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
			return outgoing{}, context.Cause(ctx)
		}
	}
}
