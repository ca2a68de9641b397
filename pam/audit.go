package pam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// errSinkSlow is why an event counts as not written whose sink took too long.
var errSinkSlow = errors.New("the event sink has not answered within Limits.Audit")

// auditor numbers events and hands them to the host's sink, one at a time and in order. A number is used only
// when the sink has taken its event, so the numbers have no gap.
//
// A write takes no longer than limit, whatever its caller allows and whether or not the sink keeps to its context: a sink
// that is stuck denies what is asked for, but cannot hold up an ending. Until it comes back every write fails like that.
type auditor struct {
	sink    EventSink
	last    EventSequencer // nil: the sink is none
	gateway string
	limit   time.Duration
	met     *instruments
	log     *slog.Logger

	turn  chan struct{} // holds one token; while a goroutine is in the sink it has it
	seq   uint64        // of the last event that was taken; guarded by turn
	known bool          // whether seq is what the sink says; guarded by turn
	// failing says that the sink did not take the last event.
	failing atomic.Bool
}

func newAuditor(c *Config, met *instruments) *auditor {
	a := &auditor{
		sink: c.Events, gateway: c.Gateway, limit: c.Limits.Audit, met: met, log: c.Log, turn: make(chan struct{}, 1),
	}
	a.last, _ = a.sink.(EventSequencer)
	a.known = a.last == nil
	a.turn <- struct{}{}
	return a
}

// write returns nil when the sink has taken the event. After an error the event may still be there: then nothing was done
// of which it speaks (S31).
func (a *auditor) write(ctx context.Context, e Event) error {
	began := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, a.limit, errSinkSlow)
	defer cancel()
	err := a.hand(limited, e)
	a.met.auditNs.Update(int64(time.Since(began)))
	switch {
	case err == nil:
		a.met.events.Inc(1)
		a.failing.Store(false)
		return nil
	case ctx.Err() == nil: // else it is the caller that is gone, which says nothing about the sink
		a.failing.Store(true)
	}
	a.met.eventsFailed.Inc(1)
	return fmt.Errorf("audit: %s: %w", e.Verb, err)
}

// hand waits for its turn and for the sink, but not beyond ctx. The goroutine that is in the sink keeps the turn until it
// is out, so there is never more than one.
func (a *auditor) hand(ctx context.Context, e Event) error {
	if err := a.wait(ctx); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer func() { a.turn <- struct{}{} }()
		done <- a.take(ctx, e)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wait takes the turn. Who has it knows that no goroutine is in the sink.
func (a *auditor) wait(ctx context.Context) error {
	select {
	case <-a.turn:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take numbers an event and calls the sink. The caller has the turn.
func (a *auditor) take(ctx context.Context, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.met.panics.Inc(1)
			a.log.Error("panic contained", "where", "EventSink", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanic
		}
		// Whether an event was taken in spite of an error only the sink can tell.
		a.known = a.last == nil || err == nil
	}()
	if !a.known {
		n, err := a.last.LastSeq(ctx, a.gateway)
		if err != nil {
			return fmt.Errorf("asking for the last number: %w", err)
		}
		a.seq = n
	}
	e.Gateway, e.Seq = a.gateway, a.seq+1
	if err := a.sink.Write(ctx, e); err != nil {
		return err
	}
	a.seq++
	return nil
}

// settle waits until no goroutine is in the sink.
func (a *auditor) settle(ctx context.Context) error {
	if err := a.wait(ctx); err != nil {
		return fmt.Errorf("the event sink has not come back: %w", err)
	}
	a.turn <- struct{}{}
	return nil
}
