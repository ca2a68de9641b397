package pam

import (
	"context"
	"sync"
)

// gate is how far a recording has been written, and a way to wait for it.
type gate struct {
	mu      sync.Mutex // guards all below
	written uint64
	err     error
	moved   chan struct{} // closed and replaced when written or err changes; nil while nobody waits
}

// set moves the gate forward.
func (g *gate) set(index uint64) {
	g.mu.Lock()
	g.written = max(g.written, index)
	g.notify()
	g.mu.Unlock()
}

// fail makes every wait return err, except for what is written already.
func (g *gate) fail(err error) {
	g.mu.Lock()
	if g.err == nil {
		g.err = err
	}
	g.notify()
	g.mu.Unlock()
}

func (g *gate) notify() {
	if g.moved != nil {
		close(g.moved)
		g.moved = nil
	}
}

// passed reports whether everything up to index is written.
func (g *gate) passed(index uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.written >= index
}

// wait returns when everything up to index is written.
func (g *gate) wait(ctx context.Context, index uint64) error {
	for {
		g.mu.Lock()
		if g.written >= index {
			g.mu.Unlock()
			return nil
		}
		if g.err != nil {
			g.mu.Unlock()
			return g.err
		}
		if g.moved == nil {
			g.moved = make(chan struct{})
		}
		moved := g.moved
		g.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
