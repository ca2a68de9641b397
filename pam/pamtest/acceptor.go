package pamtest

import (
	"net"
	"sync"
)

// Acceptor is what servers of tests have in common: it accepts connections, knows them, and ends them all. The zero value is ready. Its methods
// may be called at any time.
type Acceptor struct {
	mu        sync.Mutex // guards what follows
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
	closed    bool
	wg        sync.WaitGroup // what Close waits for; nothing is added once closed is set
}

// Listen serves on a free port of 127.0.0.1 and returns its address. serve has each connection for as long as it runs.
func (a *Acceptor) Listen(serve func(net.Conn)) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	if !a.start(func() { _ = a.Serve(l, serve) }) {
		l.Close()
		return "", net.ErrClosed
	}
	return l.Addr().String(), nil
}

// Serve accepts connections until the listener fails or Close is called, and closes the listener.
func (a *Acceptor) Serve(l net.Listener, serve func(net.Conn)) error {
	defer l.Close()
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return net.ErrClosed
	}
	if a.listeners == nil {
		a.listeners = make(map[net.Listener]struct{})
	}
	a.listeners[l] = struct{}{}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.listeners, l)
	}()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		if !a.start(func() { serve(c) }) {
			c.Close()
			return net.ErrClosed
		}
	}
}

// start runs f in a goroutine that Close waits for, unless it was called.
func (a *Acceptor) start(f func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.wg.Go(f)
	return true
}

// Hold keeps a connection for Drop and Close until release. The error is net.ErrClosed after Close.
func (a *Acceptor) Hold(c net.Conn) (release func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, net.ErrClosed
	}
	if a.conns == nil {
		a.conns = make(map[net.Conn]struct{})
	}
	a.conns[c] = struct{}{}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.conns, c)
	}, nil
}

// Drop cuts every connection without a word, as a power failure would, and returns how many there were.
func (a *Acceptor) Drop() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.conns {
		c.Close()
	}
	return len(a.conns)
}

// Close ends listeners and connections for good, and waits for what runs on them. It may be called twice.
func (a *Acceptor) Close() {
	a.mu.Lock()
	a.closed = true
	for l := range a.listeners {
		l.Close()
	}
	a.mu.Unlock()
	a.Drop()
	a.wg.Wait()
}
