package sftp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	// maxInFlight bounds the requests without an answer, abandoned ones included. A server that answers nothing
	// therefore holds that many requests and no more.
	maxInFlight = 128
	// maxPerCall is what one read or write keeps on its way, so that several share the channel.
	maxPerCall = 64
	// maxUnclosed bounds handles that are given up but whose closing could not be sent yet.
	maxUnclosed = 1024
	maxWords    = 1024 // bytes of the server's own words that are kept
)

// ProtocolError is a server that broke the protocol. The channel is over.
type ProtocolError struct{ Err error }

// Error describes what the server did.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("the server broke the protocol: %v", e.Err)
}

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

func broken(format string, args ...any) error { return &ProtocolError{fmt.Errorf(format, args...)} }

// Client speaks SFTP on one channel. It is safe for concurrent use.
type Client struct {
	ch      io.ReadWriteCloser
	ext     map[string]string // what the server offers beyond the protocol
	out     chan request      // to the writer; holds what has a slot, so that sending does not block
	slots   chan struct{}     // one element for each request without an answer
	greeted chan struct{}     // closed when ext is there
	done    chan struct{}     // closed by fail
	wg      sync.WaitGroup

	mu      sync.Mutex // guards what follows
	nextID  uint32
	calls   map[uint32]*call
	unclose []string // handles to close when there is a slot
	err     error    // why done is closed
}

// call is a request that waits for its answer.
type call struct {
	id     uint32
	answer chan answer // capacity 1

	abandoned bool // nobody waits any more; guarded by Client.mu
	opens     bool // the answer may be a handle, which must be closed when nobody wants it
}

// answer is a packet of the server without length and id.
type answer struct {
	kind byte
	body []byte
	buf  []byte // what body is a part of; pooled
}

func (a answer) release() { putBuffer(a.buf) }

// buffers are shared by packets in both directions. Only data packets are of any size; the rest is small.
var buffers = sync.Pool{New: func() any { b := make([]byte, chunk+overhead); return &b }}

func getBuffer() []byte { return *buffers.Get().(*[]byte) }

func putBuffer(b []byte) {
	if b = b[:cap(b)]; len(b) == chunk+overhead {
		buffers.Put(&b)
	}
}

// New returns a client on ch, which it owns from then on. Greet comes next. If ch's Read or Write block beyond its
// Close, so does Wait, and nothing else.
func New(ch io.ReadWriteCloser) *Client {
	c := &Client{
		ch:      ch,
		out:     make(chan request, maxInFlight+1), // and the greeting
		slots:   make(chan struct{}, maxInFlight),
		greeted: make(chan struct{}),
		done:    make(chan struct{}),
		calls:   make(map[uint32]*call),
	}
	hello := append(request(getBuffer()[:0]), 0, 0, 0, 0, typeInit).u32(version)
	c.out <- hello.seal()
	c.wg.Go(c.read)
	c.wg.Go(c.write)
	c.wg.Go(func() {
		<-c.done
		_ = ch.Close() // may block, for it writes
	})
	return c
}

// Greet waits for the server's greeting.
func (c *Client) Greet(ctx context.Context) error {
	select {
	case <-c.greeted:
		return nil
	case <-c.done:
		return c.failed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Extension reports whether the server offers an extension in that version.
func (c *Client) Extension(name, version string) bool { return c.ext[name] == version }

// Done is closed when the channel is over.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the channel. Calls under way fail with net.ErrClosed. It does not wait.
func (c *Client) Close() { c.fail(net.ErrClosed) }

// Break ends the channel for a reason of the caller's.
func (c *Client) Break(cause error) { c.fail(cause) }

// Wait returns when the client's goroutines are gone, after Close or Break.
func (c *Client) Wait() { c.wg.Wait() }

// fail ends everything; the first reason stays.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.done)
	}
}

func (c *Client) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Client) read() {
	err := c.greeting()
	if err == nil {
		close(c.greeted)
	}
	for err == nil {
		err = c.receive()
	}
	c.fail(err)
}

func (c *Client) write() {
	for {
		select {
		case q := <-c.out:
			_, err := c.ch.Write(q)
			putBuffer(q)
			if err != nil {
				c.fail(fmt.Errorf("write: %w", err))
				return
			}
		case <-c.done:
			return
		}
	}
}

// packet reads the next packet, without its length, into a pooled buffer.
func (c *Client) packet() ([]byte, error) {
	var head [4]byte
	switch _, err := io.ReadFull(c.ch, head[:]); {
	case err == io.EOF:
		return nil, errors.New("the server closed the channel")
	case err != nil:
		return nil, cutShort(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxPacket {
		return nil, broken("a packet of %d bytes", n)
	}
	b := getBuffer()
	if int(n) > len(b) {
		putBuffer(b)
		b = make([]byte, n)
	}
	if _, err := io.ReadFull(c.ch, b[:n]); err != nil {
		putBuffer(b)
		return nil, cutShort(err)
	}
	return b[:n], nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken("the channel ends within a packet")
	}
	return err
}

func (c *Client) greeting() error {
	b, err := c.packet()
	if err != nil {
		return err
	}
	defer putBuffer(b)
	r := reader{b: b[1:]}
	v := r.u32()
	ext := make(map[string]string)
	for len(r.b) > 0 && r.err == nil {
		name, data := r.str(), r.str()
		if len(name) <= 64 && len(data) <= 64 && len(ext) < 64 {
			ext[string(name)] = string(data)
		}
	}
	switch {
	case b[0] != typeVersion:
		return broken("it greets with packet type %d", b[0])
	case r.err != nil:
		return broken("its greeting: %w", r.err)
	case v != version:
		return fmt.Errorf("the server speaks version %d, not %d", v, version)
	}
	c.ext = ext
	return nil
}

// receive hands one answer to its call.
func (c *Client) receive() error {
	b, err := c.packet()
	if err != nil {
		return err
	}
	if len(b) < 5 {
		return broken("an answer of %d bytes", len(b))
	}
	id := binary.BigEndian.Uint32(b[1:])
	a := answer{kind: b[0], body: b[5:], buf: b}
	c.mu.Lock()
	k := c.calls[id]
	delete(c.calls, id)
	abandoned := k != nil && k.abandoned
	if k != nil && !abandoned {
		k.answer <- a // never blocks: one answer for each id
	}
	c.mu.Unlock()
	if k == nil {
		putBuffer(b)
		return broken("an answer to %d, which was not asked or is answered", id)
	}
	<-c.slots
	if abandoned {
		c.drop(k, a)
	}
	c.closeUnclosed()
	return nil
}

// drop takes an answer that nobody wants.
func (c *Client) drop(k *call, a answer) {
	if k.opens && a.kind == typeHandle {
		r := reader{b: a.body}
		if h := r.str(); r.err == nil && len(h) <= maxHandle {
			c.Discard(string(h))
		}
	}
	a.release()
}

// Discard closes a handle without waiting for it.
func (c *Client) Discard(handle string) {
	c.mu.Lock()
	full := len(c.unclose) == maxUnclosed
	if !full {
		c.unclose = append(c.unclose, handle)
	}
	c.mu.Unlock()
	if full {
		c.fail(broken("%d handles wait to be closed", maxUnclosed))
		return
	}
	c.closeUnclosed()
}

// closeUnclosed sends as much of what Discard has left as there are slots for.
func (c *Client) closeUnclosed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.unclose) > 0 {
		select {
		case c.slots <- struct{}{}:
		default:
			return
		}
		k := c.register()
		k.abandoned = true
		select {
		case c.out <- newRequest(typeClose, k.id).str(c.unclose[0]).seal():
			c.unclose = c.unclose[1:]
		default: // a server that answers what was not sent yet
			delete(c.calls, k.id)
			<-c.slots
			return
		}
	}
}

// register makes a call with an id of its own. The caller holds mu and has a slot.
func (c *Client) register() *call {
	for c.nextID++; c.calls[c.nextID] != nil; c.nextID++ { // after 2^32 requests an old one may still be there
	}
	k := &call{id: c.nextID, answer: make(chan answer, 1)}
	c.calls[k.id] = k
	return k
}

// start sends a request and returns its call, which wait or abandon must take. build appends to the request.
func (c *Client) start(ctx context.Context, kind byte, build func(request) request) (*call, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.done:
		return nil, c.failed()
	}
	c.mu.Lock()
	k := c.register()
	k.opens = kind == typeOpen || kind == typeOpendir
	c.mu.Unlock()
	select {
	case c.out <- build(newRequest(kind, k.id)).seal(): // blocks only if the server answers what was not sent yet
		return k, nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.calls[k.id] == k {
			delete(c.calls, k.id)
			<-c.slots
		}
		return nil, context.Cause(ctx)
	case <-c.done:
		return nil, c.failed()
	}
}

// wait returns the answer to k. The caller releases it.
func (c *Client) wait(ctx context.Context, k *call) (answer, error) {
	select {
	case a := <-k.answer:
		return a, nil
	default:
	}
	select {
	case a := <-k.answer:
		return a, nil
	case <-ctx.Done():
		c.abandon(k)
		return answer{}, context.Cause(ctx)
	case <-c.done:
		return answer{}, c.failed()
	}
}

// abandon says that nobody waits for k any more. Its slot stays taken until the server answers.
func (c *Client) abandon(k *call) {
	c.mu.Lock()
	k.abandoned = true
	c.mu.Unlock()
	select {
	case a := <-k.answer:
		c.drop(k, a)
	default:
	}
}
