package pamtest

import (
	"context"
	"sync"
)

// Fault is how a call of a fake goes wrong. The zero Fault does nothing. Panic wins over Block, Block over Err.
type Fault struct {
	Err   error // the call returns it
	Block bool  // the call waits until its context ends (and Err is nil: returns its cause), like a stuck store
	Panic any   // the call panics with it
	// Gate, if set, holds the call until it is closed or the context ends; then the rest of the fault happens.
	Gate <-chan struct{}
}

// Faults makes chosen calls of a fake go wrong and counts all of them. Every fake of this package embeds it. The
// zero value is ready, and it is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex // guards all below
	calls map[string]int
	rules map[string][]faultRule
}

type faultRule struct {
	nth   int
	fault Fault
}

// At makes the nth call of method, counted from 1 over the life of the fake, go wrong; nth 0 means every call.
// The method is its Go name, for example "Write". Of several rules the first that fits counts.
func (f *Faults) At(method string, nth int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rules == nil {
		f.rules = make(map[string][]faultRule)
	}
	f.rules[method] = append(f.rules[method], faultRule{nth, fault})
}

// Heal removes all rules of method.
func (f *Faults) Heal(method string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rules, method)
}

// Calls returns how often method was called, failed calls included.
func (f *Faults) Calls(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

// enter counts a call and lets its fault happen. A nil error means: go on.
func (f *Faults) enter(ctx context.Context, method string) error {
	fault := f.next(method)
	if fault.Gate != nil {
		select {
		case <-fault.Gate:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if fault.Panic != nil {
		panic(fault.Panic)
	}
	if fault.Block {
		<-ctx.Done()
		if fault.Err == nil {
			return context.Cause(ctx)
		}
	}
	return fault.Err
}

func (f *Faults) next(method string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = make(map[string]int)
	}
	f.calls[method]++
	for _, r := range f.rules[method] {
		if r.nth == 0 || r.nth == f.calls[method] {
			return r.fault
		}
	}
	return Fault{}
}
