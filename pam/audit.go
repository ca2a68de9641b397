package pam

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// auditor numbers events and hands them to the host's sink, one at a time and in order. A number is used only
// when the sink has taken its event, so the numbers have no gap.
type auditor struct {
	sink EventSink
	turn chan struct{} // holds one token: a lock that honours contexts
	seq  uint64        // guarded by turn
	// failing says that the sink did not take the last event.
	failing atomic.Bool
}

func newAuditor(sink EventSink) *auditor {
	a := &auditor{sink: sink, turn: make(chan struct{}, 1)}
	a.turn <- struct{}{}
	return a
}

func (a *auditor) write(ctx context.Context, e Event) error {
	select {
	case <-a.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { a.turn <- struct{}{} }()
	e.Seq = a.seq + 1
	err := a.sink.Write(ctx, e)
	a.failing.Store(err != nil)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", e.Verb, err)
	}
	a.seq++
	return nil
}

// NewJSONEvents returns a sink that writes each event as one line of JSON to w. If w has a Sync method (an
// *os.File has), every line is synced before Write returns.
func NewJSONEvents(w io.Writer) EventSink { return &jsonEvents{w: w} }

type jsonEvents struct {
	mu sync.Mutex // keeps lines whole; held during the write, since a line is not taken before it is down
	w  io.Writer
	// broken latches the first failure: after a short write the next line would be glued to a torn one.
	broken error
}

func (j *jsonEvents) Write(_ context.Context, e Event) error {
	b, err := json.Marshal(e) // escapes control characters: a name cannot forge a line
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if _, err := j.w.Write(append(b, '\n')); err != nil {
		j.broken = err
		return err
	}
	if s, ok := j.w.(interface{ Sync() error }); ok {
		if err := s.Sync(); err != nil {
			j.broken = err
			return err
		}
	}
	return nil
}
