package pamtest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Quality is how bad one direction of a BadLink is. The zero Quality is a good line.
type Quality struct {
	Delay time.Duration // every byte arrives that much later
	Rate  int           // bytes per second; zero means unlimited
	// Chunk is the greatest number of bytes delivered at once; zero means as they come. One makes every
	// reader see the smallest reads there are.
	Chunk int
	// Lose is how many reads it takes until one is lost, and Again how much later that one arrives, sent a second time. What follows it
	// waits: TCP hides the loss from both ends and shows it as delay. Zero loses nothing.
	Lose  int
	Again time.Duration
}

// Traffic is what a link has carried.
type Traffic struct {
	Up, Down int64 // bytes
	// Turns is how often something came down after something went up: the round trips that an exchange has taken.
	Turns int
}

// BadLink is a TCP proxy on loopback that behaves like a bad network. Its faults apply to all its connections,
// present and later ones, and may be changed while bytes flow. Safe for concurrent use.
//
// What it cannot play: reordered packets, which TCP hides from both ends. A lost one it plays as TCP shows it: see Quality.Lose.
type BadLink struct {
	listener net.Listener
	dial     func(ctx context.Context) (net.Conn, error)
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup // the accept loop and two pumps per connection

	mu      sync.Mutex // guards all below
	up      Quality    // from the client to the target
	down    Quality
	stalled chan struct{} // closed by Resume; nil when not stalled
	conns   map[*badConn]struct{}
	traffic Traffic
	turned  bool // the last that was carried went up
}

// badConn is one connection through the link.
type badConn struct {
	client, target net.Conn
	cut            chan struct{} // closed by HalfOpen: nothing passes any more, the client's side stays open
	once           sync.Once
}

// NewBadLink returns a link to the TCP address target. It is closed when t ends.
func NewBadLink(t testing.TB, target string) *BadLink {
	t.Helper()
	var d net.Dialer
	return NewBadLinkTo(t, func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", target) })
}

// NewBadLinkTo is NewBadLink with an own way to reach the target.
func NewBadLinkTo(t testing.TB, dial func(ctx context.Context) (net.Conn, error)) *BadLink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("pamtest: bad link: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &BadLink{listener: l, dial: dial, ctx: ctx, cancel: cancel, conns: make(map[*badConn]struct{})}
	b.wg.Go(b.accept)
	t.Cleanup(b.Close)
	return b
}

// Addr returns the address that clients dial.
func (b *BadLink) Addr() string { return b.listener.Addr().String() }

// Up sets the quality of the direction from client to target.
func (b *BadLink) Up(q Quality) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up = q
}

// Down sets the quality of the direction from target to client.
func (b *BadLink) Down(q Quality) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = q
}

// Stall stops all bytes both ways. Connections stay open, new ones are accepted: a cable that was pulled.
func (b *BadLink) Stall() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stalled == nil {
		b.stalled = make(chan struct{})
	}
}

// Resume ends Stall. Nothing was lost.
func (b *BadLink) Resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stalled != nil {
		close(b.stalled)
		b.stalled = nil
	}
}

// Reset sends RST to both ends of every present connection. Later connections work.
func (b *BadLink) Reset() {
	for _, c := range b.present() {
		c.reset(c.client)
		c.reset(c.target)
	}
}

// HalfOpen cuts the target's side of every present connection and leaves the client's side open and silent: the
// target's machine is gone and nobody said so.
func (b *BadLink) HalfOpen() {
	for _, c := range b.present() {
		c.once.Do(func() { close(c.cut) })
		c.reset(c.target)
	}
}

// Traffic returns what was carried so far.
func (b *BadLink) Traffic() Traffic {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.traffic
}

// carried counts bytes that have arrived.
func (b *BadLink) carried(up bool, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if up {
		b.traffic.Up += int64(n)
	} else {
		b.traffic.Down += int64(n)
		if b.turned {
			b.traffic.Turns++
		}
	}
	b.turned = up
}

// Conns returns how many connections are open.
func (b *BadLink) Conns() int { return len(b.present()) }

// Close ends the link and all its connections and returns when its goroutines are gone. It may be called twice.
func (b *BadLink) Close() {
	b.cancel()
	_ = b.listener.Close()
	for _, c := range b.present() {
		_ = c.client.Close()
		_ = c.target.Close()
	}
	b.wg.Wait()
}

func (b *BadLink) present() []*badConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*badConn, 0, len(b.conns))
	for c := range b.conns {
		out = append(out, c)
	}
	return out
}

func (b *BadLink) accept() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.wg.Go(func() { b.serve(client) })
	}
}

func (b *BadLink) serve(client net.Conn) {
	target, err := b.dial(b.ctx)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &badConn{client: client, target: target, cut: make(chan struct{})}
	b.mu.Lock()
	b.conns[c] = struct{}{}
	over := b.ctx.Err() != nil // Close may have looked at the list just before
	b.mu.Unlock()
	if over {
		_ = client.Close()
		_ = target.Close()
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { b.pump(c, client, target, b.upQuality) })
	pumps.Go(func() { b.pump(c, target, client, b.downQuality) })
	pumps.Wait()
	_ = client.Close()
	_ = target.Close()
	b.mu.Lock()
	delete(b.conns, c)
	b.mu.Unlock()
}

func (b *BadLink) upQuality() (Quality, chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up, b.stalled
}

func (b *BadLink) downQuality() (Quality, chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.down, b.stalled
}

// reset closes one end with RST instead of FIN.
func (c *badConn) reset(end net.Conn) {
	if t, ok := end.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0)
	}
	_ = end.Close()
}
