package pamtest

import (
	"context"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// EventSink is a pam.EventSink that keeps what was written. The zero value is ready. To make the nth write fail:
//
//	sink.At("Write", n, pamtest.Fault{Err: err})
type EventSink struct {
	Faults
	mu     sync.Mutex // guards all below
	events []pam.Event
	wake   chan struct{} // closed and replaced at every write
}

var _ pam.EventSink = (*EventSink)(nil)

// Write implements pam.EventSink. What fails is not kept.
func (s *EventSink) Write(ctx context.Context, e pam.Event) error {
	if err := s.enter(ctx, "Write"); err != nil {
		return err
	}
	e.Rules = slices.Clone(e.Rules)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
	return nil
}

// Events returns what was written so far, in order; with verbs, only events of these.
func (s *EventSink) Events(verbs ...pam.Verb) []pam.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return filterEvents(s.events, verbs)
}

// Await returns the events of the given verb as soon as there are n, or what there is and ctx's cause.
func (s *EventSink) Await(ctx context.Context, verb pam.Verb, n int) ([]pam.Event, error) {
	for {
		s.mu.Lock()
		got := filterEvents(s.events, []pam.Verb{verb})
		if s.wake == nil {
			s.wake = make(chan struct{})
		}
		wake := s.wake
		s.mu.Unlock()
		if len(got) >= n {
			return got, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return got, context.Cause(ctx)
		}
	}
}

func filterEvents(events []pam.Event, verbs []pam.Verb) []pam.Event {
	var out []pam.Event
	for _, e := range events {
		if len(verbs) == 0 || slices.Contains(verbs, e.Verb) {
			out = append(out, e)
		}
	}
	return out
}
