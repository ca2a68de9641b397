package pamtest

import (
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// latchedWatcher keeps the promises of pam.RecordingWatcher when two sources may fail: Failed passes once, no
// Written after it, and never from within Append, whose caller may hold a lock that the watcher takes.
type latchedWatcher struct {
	next pam.RecordingWatcher

	order sync.Mutex // held while next is called, so that calls come one by one; Append never takes it
	told  bool       // next has heard of err; guarded by order

	mu  sync.Mutex // guards err
	err error

	wg sync.WaitGroup // the goroutine of fail
}

// Written implements pam.RecordingWatcher.
func (l *latchedWatcher) Written(index uint64) {
	l.order.Lock()
	defer l.order.Unlock()
	if l.failed() == nil {
		l.next.Written(index)
	}
}

// Failed implements pam.RecordingWatcher.
func (l *latchedWatcher) Failed(err error) {
	err = l.latch(err)
	l.order.Lock()
	defer l.order.Unlock()
	if !l.told {
		l.told = true
		l.next.Failed(err)
	}
}

// fail is Failed on a goroutine of its own, which wait waits for.
func (l *latchedWatcher) fail(err error) {
	l.latch(err)
	l.wg.Go(func() { l.Failed(err) })
}

func (l *latchedWatcher) wait() { l.wg.Wait() }

// latch keeps the first error and returns it.
func (l *latchedWatcher) latch(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	return l.err
}

func (l *latchedWatcher) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
