package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// ErrSequence says that an event's number does not follow the last one of its gateway.
var ErrSequence = errors.New("the event's number does not follow the last one of its gateway")

// sequence knows the last number of each gateway.
type sequence map[string]uint64

// check reports whether e follows.
func (s sequence) check(e pam.Event) error {
	if last := s[e.Gateway]; e.Seq != last+1 {
		return fmt.Errorf("%w: gateway %q, number %d after %d", ErrSequence, e.Gateway, e.Seq, last)
	}
	return nil
}

// memoryEvents is how many events a Memory keeps that was told no number.
const memoryEvents = 10_000

// Memory keeps the newest events in memory. It is a pam.EventSink, EventLog and EventSequencer, for demonstrations and
// tests.
type Memory struct {
	keep int

	mu    sync.Mutex // guards all below
	list  []pam.Event
	first uint64 // place of list[0], counted from 1
	last  sequence
}

// NewMemory returns a log that keeps the newest events; keep is how many, zero means 10,000.
func NewMemory(keep int) *Memory {
	if keep <= 0 {
		keep = memoryEvents
	}
	return &Memory{keep: keep, first: 1, last: sequence{}}
}

// Write implements pam.EventSink.
func (m *Memory) Write(ctx context.Context, e pam.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.Rules = slices.Clone(e.Rules)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.last.check(e); err != nil {
		return err
	}
	m.last[e.Gateway] = e.Seq
	m.list = append(m.list, e)
	if over := len(m.list) - m.keep; over > m.keep/8 { // now and then, so that not each event moves all
		m.list = slices.Clone(m.list[over:])
		m.first += uint64(over)
	}
	return nil
}

// LastSeq implements pam.EventSequencer.
func (m *Memory) LastSeq(ctx context.Context, gateway string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last[gateway], ctx.Err()
}

// Events implements pam.EventLog.
func (m *Memory) Events(ctx context.Context, f pam.EventFilter) (pam.EventPage, error) {
	if err := ctx.Err(); err != nil {
		return pam.EventPage{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := pager{filter: f, size: f.PageSize()}
	for i := len(m.list) - 1; i >= 0 && !p.full(); i-- {
		p.take(m.list[i], m.first+uint64(i))
	}
	return p.page, nil
}

// pager gathers a page from events that come newest first.
type pager struct {
	filter pam.EventFilter
	size   int
	page   pam.EventPage
	last   uint64 // place of the last event of the page
}

// full reports whether all is known: the page, and that another one follows.
func (p *pager) full() bool { return p.page.Next != 0 }

func (p *pager) take(e pam.Event, place uint64) {
	if p.filter.Before != 0 && place >= p.filter.Before || !p.filter.Matches(e) {
		return
	}
	if len(p.page.Events) == p.size {
		p.page.Next = p.last
		return
	}
	e.Rules = slices.Clone(e.Rules)
	p.page.Events = append(p.page.Events, e)
	p.last = place
}
