package rdp

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

const (
	// burstBytes is how large a burst may grow before it is passed on although more is there already.
	burstBytes = 128 << 10
	// frameBytes is how large the part of a frame may grow that waits for the frame's end. Nobody is shown a part, and servers send the mark of
	// the end by itself: without waiting, each frame would be two to record, to send and to acknowledge. A large one goes on its way by parts, for
	// the sake of slow ways.
	frameBytes = 64 << 10
)

// bursts holds memory in which bursts are gathered: a desktop that rests has none, and the first picture leaves none behind.
var bursts = sync.Pool{New: func() any { return new([]byte) }}

// maxBurst is the largest piece of it.
const maxBurst = 4 * burstBytes

// reader takes what one connection says, and gathers pictures into bursts.
type reader struct {
	c      *conn
	ctx    context.Context // of Run
	client *Client
	feed   *feed

	burst   []byte   // units of pictures
	memory  *[]byte  // of bursts, which burst is in, or nil
	acks    []uint32 // frames that end in burst
	desktop bool     // burst begins a desktop
	drawn   bool     // burst draws something
	frame   bool     // a frame of the target is under way
	shapes  shapes
	err     error // of flush
}

// read reads the target until it ends, on as many connections as it takes.
func (c *conn) read(ctx context.Context) error {
	client, tries := c.connection(), 0
	for {
		err := c.readFrom(ctx, client)
		cookie := client.Reconnect()
		// A server that was taken for dead and is not goes on with its session this way.
		broke := CodeOf(err) == CodeNetwork || CodeOf(err) == CodeUnresponsive
		lost := broke && cookie != nil && tries < maxTries
		if ctx.Err() != nil || !lost && !c.fit.anew() {
			return err
		}
		if tries++; !lost {
			tries = 0
		}
		c.log.Info("connecting anew", "why", err)
		again, rerr := c.reopen(ctx, cookie)
		if rerr != nil {
			c.log.Warn("connecting anew", "err", rerr)
			return err
		}
		client = again
	}
}

// maxTries is how often a connection that broke is made anew. One that was given up for another size does not count, and begins the count anew.
const maxTries = 1

// reopen replaces the connection by another one to the same session of the target.
func (c *conn) reopen(ctx context.Context, cookie *Reconnect) (*Client, error) {
	client, err := c.way.open(ctx, c.fit.size(), cookie)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		_ = client.Close()
		return nil, context.Cause(c.life)
	}
	c.client = client
	return client, nil
}

// readFrom reads one connection until it ends.
func (c *conn) readFrom(ctx context.Context, client *Client) error {
	defer client.Close()
	// Another size may have to be had by another connection.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.fit.connected(client, func() { cancel(errResize) })
	c.pace.connected(client)

	w, h := client.Size()
	r := &reader{c: c, ctx: ctx, client: client, feed: newFeed()}
	r.burst, r.desktop = r.feed.resize(r.burst, w, h), true
	client.idle = r.rest
	if c.way.cfg.Audio != nil {
		client.spawn(func(ctx context.Context) { c.playSounds(ctx, client) })
	}
	if c.board.begun() { // an earlier connection's pointer is void
		if err := r.show(systemPointer()); err != nil {
			return err
		}
	}
	for {
		u, err := client.Next(ctx)
		if r.err != nil {
			return r.err
		}
		if err == nil {
			err = r.apply(u)
		}
		if err != nil {
			r.flush() // what was there before it is shown
			return err
		}
	}
}

// errResize is why a connection is given up that cannot change its size.
var errResize = errors.New("another size is wanted")

// apply passes an update on.
func (r *reader) apply(u Update) error {
	var err error
	switch u := u.(type) {
	case *PointerShape, *PointerCached, *PointerSystem, *PointerMoved:
		return r.show(r.shapes.payload(u))
	case *ClipboardChanged:
		if u.Text {
			signal(r.c.copied)
		}
		return nil
	case *FrameMarker:
		r.frame = !u.End
		if u.End && r.client.info.FrameAck {
			r.acks = append(r.acks, u.ID)
		}
	case *Resized:
		r.flush()
		r.desktop, r.frame = true, false // what was under way is void
		r.c.fit.resized()
	case *Bitmap, *SurfaceBits:
		r.drawn = true
	}
	if r.burst == nil {
		r.memory = bursts.Get().(*[]byte)
		r.burst = (*r.memory)[:0]
	}
	if r.burst, err = r.feed.append(r.burst, u); err != nil {
		return err
	}
	if len(r.burst) >= burstBytes {
		r.flush()
	}
	return r.err
}

// rest passes on what is there before the target is waited for, but for the beginning of a frame.
func (r *reader) rest() {
	if !r.frame || len(r.burst) >= frameBytes {
		r.flush()
	}
}

// flush hands the burst to the emitter.
func (r *reader) flush() {
	if r.err != nil || !r.drawn && len(r.acks) == 0 { // a desktop alone is black, and waits for its picture
		return
	}
	if !r.frame && r.drawn {
		r.burst = screen.AppendPresent(r.burst)
	}
	parts, err := screen.Split(r.burst, maxPayload)
	if err != nil {
		r.err = err
		return
	}
	for i, part := range parts {
		o := outgoing{Frame: pam.Frame{Kind: pam.FrameScreen, Payload: bytes.Clone(part)}, desktop: r.desktop && i == 0}
		if o.desktop {
			o.Flags = pam.FlagKey
		}
		if i == len(parts)-1 {
			o.acks = r.acks
		}
		if err := r.c.out.put(r.ctx, o); err != nil {
			r.err = err
			return
		}
	}
	if r.memory != nil && cap(r.burst) <= maxBurst {
		*r.memory = r.burst[:0]
		bursts.Put(r.memory)
	}
	r.burst, r.memory, r.acks, r.desktop, r.drawn = nil, nil, nil, false, false
}

// show passes a pointer on.
func (r *reader) show(pointer []byte) error {
	if pointer == nil {
		return nil
	}
	return r.c.out.put(r.ctx, outgoing{Frame: pam.Frame{Kind: pam.FrameCursor, Payload: pointer}})
}
