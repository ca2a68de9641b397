package pam

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// memoryCompleted is how many ended sessions, and how many decided requests, a memory store keeps: the oldest go first.
const memoryCompleted = 10_000

// NewMemoryStore returns a Store that keeps all in memory and forgets it when the process ends.
func NewMemoryStore() Store {
	return &memoryStore{
		sessions: map[SessionID]SessionInfo{},
		tickets:  map[TicketHash]Ticket{},
		requests: map[RequestID]AccessRequest{},
		params:   map[paramKey]Params{},
		claims:   map[string]time.Time{},
		tallies:  map[string]tally{},
	}
}

type paramKey struct {
	user  UserID
	asset AssetID
}

type memoryStore struct {
	mu       sync.Mutex // guards all below
	sessions map[SessionID]SessionInfo
	ended    []SessionID // in order of their end
	tickets  map[TicketHash]Ticket
	requests map[RequestID]AccessRequest
	decided  []RequestID // those that are not open any more, in order of their end
	params   map[paramKey]Params
	claims   map[string]time.Time // key to the end of its mark
	tallies  map[string]tally
	swept    int // marks and counters after the last sweep
}

// tally is a counter that lives until its time has come.
type tally struct {
	sum   int
	until time.Time
}

func (m *memoryStore) PutSession(ctx context.Context, s SessionInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s = s.clone()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.State == StateCompleted && m.sessions[s.ID].State != StateCompleted {
		m.ended = append(m.ended, s.ID)
		if len(m.ended) > memoryCompleted {
			delete(m.sessions, m.ended[0])
			m.ended = m.ended[1:]
		}
	}
	m.sessions[s.ID] = s
	return nil
}

func (m *memoryStore) Session(ctx context.Context, id SessionID) (SessionInfo, error) {
	if err := ctx.Err(); err != nil {
		return SessionInfo{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok {
		return SessionInfo{}, fmt.Errorf("session: %w", ErrNotFound)
	}
	s = s.clone()
	return s, nil
}

func (m *memoryStore) Sessions(ctx context.Context, f SessionFilter) ([]SessionInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	var out []SessionInfo
	for _, s := range m.sessions {
		if f.Matches(s) {
			s = s.clone()
			out = append(out, s)
		}
	}
	m.mu.Unlock()
	slices.SortFunc(out, func(a, b SessionInfo) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), f.PageSize())], nil
}

func (m *memoryStore) PutRequest(ctx context.Context, r AccessRequest) (AccessRequest, error) {
	if err := ctx.Err(); err != nil {
		return AccessRequest{}, err
	}
	r = r.clone()
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.requests[r.ID]
	if old.Revision != r.Revision {
		return AccessRequest{}, fmt.Errorf("request: %w", ErrConflict)
	}
	r.Revision++
	if !r.State.Open() && (!ok || old.State.Open()) {
		m.decided = append(m.decided, r.ID)
		if len(m.decided) > memoryCompleted {
			delete(m.requests, m.decided[0])
			m.decided = m.decided[1:]
		}
	}
	m.requests[r.ID] = r
	return r.clone(), nil
}

func (m *memoryStore) Request(ctx context.Context, id RequestID) (AccessRequest, error) {
	if err := ctx.Err(); err != nil {
		return AccessRequest{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.requests[id]
	if !ok {
		return AccessRequest{}, fmt.Errorf("request: %w", ErrNotFound)
	}
	return r.clone(), nil
}

func (m *memoryStore) Requests(ctx context.Context, f RequestFilter) ([]AccessRequest, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	var out []AccessRequest
	for _, r := range m.requests {
		if f.Matches(r) {
			out = append(out, r.clone())
		}
	}
	m.mu.Unlock()
	slices.SortFunc(out, func(a, b AccessRequest) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), f.PageSize())], nil
}

// clone returns a copy that shares nothing with i.
func (i SessionInfo) clone() SessionInfo {
	i.Params, i.Channels = maps.Clone(i.Params), slices.Clone(i.Channels)
	return i
}

func (m *memoryStore) PutTicket(ctx context.Context, h TicketHash, t Ticket) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tickets[h] = t
	return nil
}

func (m *memoryStore) TakeTicket(ctx context.Context, h TicketHash) (Ticket, error) {
	if err := ctx.Err(); err != nil {
		return Ticket{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tickets[h]
	if !ok {
		return Ticket{}, fmt.Errorf("ticket: %w", ErrNotFound)
	}
	delete(m.tickets, h)
	return t, nil
}

func (m *memoryStore) DropTickets(ctx context.Context, f TicketFilter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.tickets, func(_ TicketHash, t Ticket) bool { return f.Matches(t) })
	return nil
}

func (m *memoryStore) PutParams(ctx context.Context, u UserID, a AssetID, p Params) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.params[paramKey{u, a}] = maps.Clone(p)
	return nil
}

func (m *memoryStore) Params(ctx context.Context, u UserID, a AssetID) (Params, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.params[paramKey{u, a}]), nil
}

func (m *memoryStore) Claim(ctx context.Context, key string, now, until time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if end, ok := m.claims[key]; ok && now.Before(end) {
		return false, nil
	}
	m.sweep(now)
	m.claims[key] = until
	return true, nil
}

func (m *memoryStore) Tally(ctx context.Context, key string, by int, now time.Time, window time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.tallies[key]
	if !ok || !now.Before(c.until) {
		if by == 0 {
			return 0, nil
		}
		m.sweep(now)
		c = tally{until: now.Add(window)}
	}
	c.sum += by
	m.tallies[key] = c
	return c.sum, nil
}

func (m *memoryStore) Forget(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.claims, key)
	delete(m.tallies, key)
	return nil
}

// sweep drops marks and counters whose time has come, whenever their number has doubled. The caller holds mu.
func (m *memoryStore) sweep(now time.Time) {
	const few = 1000
	if len(m.claims)+len(m.tallies) < max(few, 2*m.swept) {
		return
	}
	maps.DeleteFunc(m.claims, func(_ string, end time.Time) bool { return !now.Before(end) })
	maps.DeleteFunc(m.tallies, func(_ string, c tally) bool { return !now.Before(c.until) })
	m.swept = len(m.claims) + len(m.tallies)
}
