package pamtest

import (
	"context"
	"net"
	"sync"
	"testing"
)

// MutatingLink is a TCP proxy on loopback that changes bytes of its connections, and now and then stops one direction
// of one of them for good, by a seed. It goes before any server, to try what a client does with answers that nobody
// meant to give. Where a protocol is encrypted it reaches what comes before; for the rest there is Unveil, or give a
// Mutator to a server that knows the packets.
type MutatingLink struct {
	listener net.Listener
	target   string
	mutator  func(conn int) (up, down *Mutator)
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu     sync.Mutex // guards what follows
	conns  map[net.Conn]struct{}
	count  int
	unveil Unveil
}

// Unveil takes an encryption off both ends of a connection, as somebody in between who has the target's key, and returns what is left: it may read
// and write before, unchanged. An error ends the connection.
type Unveil func(ctx context.Context, client, target net.Conn) (plainClient, plainTarget net.Conn, err error)

// NewMutatingLink returns a link to the TCP address target. For each connection, counted from 0, mutator names what
// changes its two directions, from the client to the target and back; nil changes nothing. It is called for one connection after the other.
// The link is closed when t ends.
func NewMutatingLink(t testing.TB, target string, mutator func(conn int) (up, down *Mutator)) *MutatingLink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("pamtest: mutating link: %v", err)
	}
	m := &MutatingLink{listener: l, target: target, mutator: mutator, conns: make(map[net.Conn]struct{})}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.wg.Go(m.accept)
	t.Cleanup(m.Close)
	return m
}

// Addr returns the address that clients dial.
func (m *MutatingLink) Addr() string { return m.listener.Addr().String() }

// Unveil has connections from now on changed inside their encryption.
func (m *MutatingLink) Unveil(f Unveil) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unveil = f
}

// Close ends the link and its connections and returns when its goroutines are gone. It may be called twice.
func (m *MutatingLink) Close() {
	m.cancel()
	_ = m.listener.Close()
	m.mu.Lock()
	for c := range m.conns {
		_ = c.Close()
	}
	m.mu.Unlock()
	m.wg.Wait()
}

// hold keeps c for Close, and closes it at once if that has happened.
func (m *MutatingLink) hold(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns[c] = struct{}{}
	if m.ctx.Err() != nil {
		_ = c.Close()
	}
}

func (m *MutatingLink) drop(c net.Conn) {
	_ = c.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conns, c)
}

func (m *MutatingLink) accept() {
	for {
		client, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		n := m.count
		m.count++
		m.mu.Unlock()
		up, down := m.mutator(n)
		m.wg.Go(func() { m.serve(client, up, down) })
	}
}

func (m *MutatingLink) serve(client net.Conn, up, down *Mutator) {
	m.hold(client)
	defer m.drop(client)
	var d net.Dialer
	target, err := d.DialContext(m.ctx, "tcp", m.target)
	if err != nil {
		return
	}
	m.hold(target)
	defer m.drop(target)
	m.mu.Lock()
	unveil := m.unveil
	m.mu.Unlock()
	if unveil != nil {
		if client, target, err = unveil(m.ctx, client, target); err != nil {
			return
		}
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { pumpMutated(client, target, up) })
	pumps.Go(func() { pumpMutated(target, client, down) })
	pumps.Wait()
}

// pumpMutated copies one direction until either side ends.
func pumpMutated(from, to net.Conn, mut *Mutator) {
	defer closeWrite(to)
	buf := make([]byte, 16<<10)
	stopped := false
	for {
		n, err := from.Read(buf)
		p := buf[:n]
		if mut != nil {
			p = mut.Mutate(p)
			// A piece of which nothing is left is the beginning of a silence: the rest is read and not passed on.
			stopped = stopped || n > 0 && len(p) == 0
		}
		if !stopped && len(p) > 0 {
			if _, werr := to.Write(p); werr != nil {
				_ = from.Close()
				return
			}
		}
		if err != nil {
			return
		}
	}
}
