package pamtest

import (
	"context"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// Protocol is a pam.Protocol without a target: the test plays it. The zero value is ready, is called "fake" and
// connects at once. Faults knows its methods "Params" and "Connect", and those of all its connections: "Run",
// "Input", "Close", "Resize", "Paste", "KeyFrame".
//
// A connection made by it has every optional ability of package pam; Wrap takes some away.
type Protocol struct {
	Faults
	Key    string      // what Name returns; empty means "fake"
	Schema []pam.Param // what Params returns
	// Wrap decides what the broker gets for a connection; nil means the connection itself. Plain is one:
	// no optional ability at all. Any other choice is a literal such as
	//
	//	func(c *pamtest.Conn) pam.Conn { return struct { pam.Conn; pam.Resizer }{c, c} }
	Wrap func(*Conn) pam.Conn

	mu    sync.Mutex // guards all below
	conns []*Conn
	wake  chan struct{} // closed and replaced at every connect
}

var _ pam.Protocol = (*Protocol)(nil)

// Plain is for Protocol.Wrap: a connection without any optional ability.
func Plain(c *Conn) pam.Conn { return struct{ pam.Conn }{c} }

// Name implements pam.Protocol.
func (p *Protocol) Name() string {
	if p.Key == "" {
		return "fake"
	}
	return p.Key
}

// Params implements pam.Protocol.
func (p *Protocol) Params() []pam.Param {
	// Params has no error to return and no context to wait on: only a panic can be injected here.
	_ = p.enter(context.Background(), "Params")
	return p.Schema
}

// Connect implements pam.Protocol.
func (p *Protocol) Connect(ctx context.Context, r pam.ConnectRequest) (pam.Conn, error) {
	if err := p.enter(ctx, "Connect"); err != nil {
		return nil, err
	}
	c := newConn(&p.Faults, r)
	p.mu.Lock()
	p.conns = append(p.conns, c)
	if p.wake != nil {
		close(p.wake)
		p.wake = nil
	}
	p.mu.Unlock()
	if p.Wrap != nil {
		return p.Wrap(c), nil
	}
	return c, nil
}

// Conn returns the nth connection, counted from 1, as soon as it is made, or ctx's cause.
func (p *Protocol) Conn(ctx context.Context, nth int) (*Conn, error) {
	for {
		p.mu.Lock()
		if len(p.conns) >= nth {
			defer p.mu.Unlock()
			return p.conns[nth-1], nil
		}
		if p.wake == nil {
			p.wake = make(chan struct{})
		}
		wake := p.wake
		p.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
