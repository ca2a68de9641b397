package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// FanoutConfig is what NewFanout needs.
type FanoutConfig struct {
	// Required must all take an event, one after the other in this order. The first one is the authority on numbers, and the
	// one that is read. At least one.
	Required []pam.EventSink
	// BestEffort get what the required sinks have taken, each at its own pace.
	BestEffort []pam.EventSink
	Queue      int           // events that wait for one best-effort sink, those beyond are dropped; zero: 1,000
	Timeout    time.Duration // one write to a best-effort sink; zero: 5 s
	Log        *slog.Logger  // hears when a best-effort sink begins to fail and when it works again; nil discards
}

// Fanout writes events to several sinks. It is a pam.EventSink, EventLog and EventSequencer.
type Fanout struct {
	required []pam.EventSink
	branches []*branch
	wg       sync.WaitGroup

	mu     sync.Mutex // guards all below
	last   sequence   // what was taken, for a first sink that does not know
	closed bool
}

// Stats is what became of the events of one best-effort sink.
type Stats struct {
	Written uint64 // taken by the sink
	Failed  uint64 // refused, or not taken in time
	Dropped uint64 // not even tried: its queue was full
}

// branch is one best-effort sink and what waits for it.
type branch struct {
	sink                     pam.EventSink
	queue                    chan pam.Event
	written, failed, dropped atomic.Uint64
}

// NewFanout returns a sink over the sinks of c. End it with Close.
func NewFanout(c FanoutConfig) (*Fanout, error) {
	if len(c.Required) == 0 {
		return nil, errors.New("eventlog: FanoutConfig.Required is empty: with best-effort sinks alone no event would be sure")
	}
	if slices.Contains(c.Required, nil) || slices.Contains(c.BestEffort, nil) {
		return nil, errors.New("eventlog: a sink of FanoutConfig is nil")
	}
	if c.Queue < 0 || c.Timeout < 0 {
		return nil, fmt.Errorf("eventlog: FanoutConfig.Queue is %d and Timeout %v; want positive values, or 0 for the default", c.Queue, c.Timeout)
	}
	if c.Queue == 0 {
		c.Queue = 1000
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	f := &Fanout{required: slices.Clone(c.Required), last: sequence{}}
	for n, sink := range c.BestEffort {
		b := &branch{sink: sink, queue: make(chan pam.Event, c.Queue)}
		f.branches = append(f.branches, b)
		f.wg.Go(func() { b.run(c.Timeout, c.Log.With("sink", n)) })
	}
	return f, nil
}

// Write implements pam.EventSink.
func (f *Fanout) Write(ctx context.Context, e pam.Event) error {
	for n, sink := range f.required {
		if err := sink.Write(ctx, e); err != nil {
			if n > 0 { // the first one has it, so the number is used
				f.took(e)
			}
			return fmt.Errorf("required sink %d: %w", n, err)
		}
	}
	f.took(e)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	e.Rules = slices.Clone(e.Rules)
	for _, b := range f.branches {
		select {
		case b.queue <- e:
		default:
			b.dropped.Add(1)
		}
	}
	return nil
}

func (f *Fanout) took(e pam.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last[e.Gateway] = e.Seq
}

// run hands events to the sink until the queue is closed and empty.
func (b *branch) run(timeout time.Duration, log *slog.Logger) {
	failing := false
	for e := range b.queue {
		err := b.write(timeout, e)
		if err == nil {
			b.written.Add(1)
		} else {
			b.failed.Add(1)
		}
		if failing != (err != nil) {
			failing = err != nil
			if failing {
				log.Error("event sink fails", "seq", e.Seq, "err", err)
			} else {
				log.Info("event sink works again", "seq", e.Seq)
			}
		}
	}
}

func (b *branch) write(timeout time.Duration, e pam.Event) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // its value may hold anything
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	return b.sink.Write(ctx, e)
}

// LastSeq implements pam.EventSequencer by what the first required sink knows, or else by what it was given.
func (f *Fanout) LastSeq(ctx context.Context, gateway string) (uint64, error) {
	if s, ok := f.required[0].(pam.EventSequencer); ok {
		return s.LastSeq(ctx, gateway)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last[gateway], ctx.Err()
}

// Events implements pam.EventLog by the first required sink. If that is no log, the error matches errors.ErrUnsupported.
func (f *Fanout) Events(ctx context.Context, filter pam.EventFilter) (pam.EventPage, error) {
	if l, ok := f.required[0].(pam.EventLog); ok {
		return l.Events(ctx, filter)
	}
	return pam.EventPage{}, fmt.Errorf("eventlog: the first required sink cannot be read: %w", errors.ErrUnsupported)
}

// Stats returns the counts of the best-effort sinks, in the order of the configuration.
func (f *Fanout) Stats() (out []Stats) {
	for _, b := range f.branches {
		out = append(out, Stats{b.written.Load(), b.failed.Load(), b.dropped.Load()})
	}
	return out
}

// Close waits until the best-effort sinks have been given what waits for them, or ctx ends. It closes no sink. Call it after
// the broker's Shutdown.
func (f *Fanout) Close(ctx context.Context) error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		for _, b := range f.branches {
			close(b.queue)
		}
	}
	f.mu.Unlock()
	done := make(chan struct{})
	go func() { f.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("eventlog: best-effort sinks have not taken all events: %w", context.Cause(ctx))
	}
}
