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

// memoryCompleted is how many ended sessions a memory store keeps: the oldest go first.
const memoryCompleted = 10_000

// NewMemoryStore returns a Store that keeps all in memory and forgets it when the process ends.
func NewMemoryStore() Store {
	return &memoryStore{
		sessions: map[SessionID]SessionInfo{},
		tickets:  map[TicketHash]Ticket{},
		params:   map[paramKey]Params{},
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
	params   map[paramKey]Params
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
		if f.matches(s) {
			s = s.clone()
			out = append(out, s)
		}
	}
	m.mu.Unlock()
	slices.SortFunc(out, func(a, b SessionInfo) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), f.limit())], nil
}

// clone returns a copy that shares nothing with i.
func (i SessionInfo) clone() SessionInfo {
	i.Params, i.Channels = maps.Clone(i.Params), slices.Clone(i.Channels)
	return i
}

// matches reports whether s is one of the records that f asks for.
func (f SessionFilter) matches(s SessionInfo) bool {
	return (f.User == "" || s.User == f.User) && (f.Asset == "" || s.Asset == f.Asset) &&
		(f.Public == "" || s.State.Public() == f.Public) && (f.Before.IsZero() || s.Created.Before(f.Before))
}

// limit returns the number of records that f asks for.
func (f SessionFilter) limit() int {
	switch {
	case f.Limit <= 0:
		return 100
	case f.Limit > 1000:
		return 1000
	}
	return f.Limit
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

func (m *memoryStore) DropTickets(ctx context.Context, now time.Time, match func(Ticket) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.tickets, func(_ TicketHash, t Ticket) bool { return t.Expires.Before(now) || match(t) })
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
