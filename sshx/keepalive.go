package sshx

import (
	"fmt"
	"sync"
	"time"
)

// keepAlive finds a target that is gone without a word (S35). Data that arrives proves life; only a connection
// that was silent for an interval is asked.
type keepAlive struct {
	t        *transport
	ping     func() error
	interval time.Duration
	timeout  time.Duration

	mu      sync.Mutex // guards what follows
	timer   *time.Timer
	stopped bool
	seen    uint64
	running sync.WaitGroup // a probe under way
}

func (k *keepAlive) start() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = k.t.reads.Load()
	k.timer = time.AfterFunc(k.interval, k.tick)
}

// stop returns when no probe runs any more. The transport must be cut before, so that one under way ends.
func (k *keepAlive) stop() {
	k.mu.Lock()
	k.stopped = true
	k.timer.Stop()
	k.mu.Unlock()
	k.running.Wait()
}

func (k *keepAlive) tick() {
	k.mu.Lock()
	if k.stopped {
		k.mu.Unlock()
		return
	}
	k.running.Add(1)
	seen := k.seen
	k.mu.Unlock()
	defer k.running.Done()

	if k.t.reads.Load() == seen && !k.probe(seen) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped {
		k.seen = k.t.reads.Load()
		k.timer.Reset(k.interval)
	}
}

// probe asks the target and reports whether the connection lives on.
func (k *keepAlive) probe(seen uint64) bool {
	// Any data counts, not only the answer: some devices leave global requests unanswered. The library's call
	// cannot be cancelled, so silence is ended by cutting the transport.
	var guard *time.Timer
	var mu sync.Mutex // orders the first assignment of guard before its use
	mu.Lock()
	guard = time.AfterFunc(k.timeout, func() {
		mu.Lock()
		defer mu.Unlock()
		if now := k.t.reads.Load(); now != seen {
			seen = now
			guard.Reset(k.interval + k.timeout)
			return
		}
		k.t.cut(fmt.Errorf("no sign of life for %v", k.interval+k.timeout))
	})
	mu.Unlock()
	err := k.ping()
	mu.Lock()
	defer mu.Unlock()
	guard.Stop()
	return err == nil
}
