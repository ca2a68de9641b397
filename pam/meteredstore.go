package pam

import (
	"context"
	"errors"
	"time"
)

// meteredStore counts and times the calls to the host's store.
type meteredStore struct {
	store Store
	met   *instruments
}

// metered times one call.
func metered[T any](m meteredStore, call func() (T, error)) (T, error) {
	began := time.Now()
	v, err := call()
	m.met.storeNs.Update(int64(time.Since(began)))
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrConflict) {
		m.met.storeFailed.Inc(1)
	}
	return v, err
}

// meteredDo is metered for calls that return an error alone.
func meteredDo(m meteredStore, call func() error) error {
	_, err := metered(m, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (m meteredStore) PutSession(ctx context.Context, s SessionInfo) error {
	return meteredDo(m, func() error { return m.store.PutSession(ctx, s) })
}

func (m meteredStore) Session(ctx context.Context, id SessionID) (SessionInfo, error) {
	return metered(m, func() (SessionInfo, error) { return m.store.Session(ctx, id) })
}

func (m meteredStore) Sessions(ctx context.Context, f SessionFilter) ([]SessionInfo, error) {
	return metered(m, func() ([]SessionInfo, error) { return m.store.Sessions(ctx, f) })
}

func (m meteredStore) PutTicket(ctx context.Context, h TicketHash, t Ticket) error {
	return meteredDo(m, func() error { return m.store.PutTicket(ctx, h, t) })
}

func (m meteredStore) TakeTicket(ctx context.Context, h TicketHash) (Ticket, error) {
	return metered(m, func() (Ticket, error) { return m.store.TakeTicket(ctx, h) })
}

func (m meteredStore) DropTickets(ctx context.Context, f TicketFilter) error {
	return meteredDo(m, func() error { return m.store.DropTickets(ctx, f) })
}

func (m meteredStore) Claim(ctx context.Context, key string, now, until time.Time) (bool, error) {
	return metered(m, func() (bool, error) { return m.store.Claim(ctx, key, now, until) })
}

func (m meteredStore) Tally(ctx context.Context, key string, by int, now time.Time, window time.Duration) (int, error) {
	return metered(m, func() (int, error) { return m.store.Tally(ctx, key, by, now, window) })
}

func (m meteredStore) Forget(ctx context.Context, key string) error {
	return meteredDo(m, func() error { return m.store.Forget(ctx, key) })
}

func (m meteredStore) PutRequest(ctx context.Context, r AccessRequest) (AccessRequest, error) {
	return metered(m, func() (AccessRequest, error) { return m.store.PutRequest(ctx, r) })
}

func (m meteredStore) Request(ctx context.Context, id RequestID) (AccessRequest, error) {
	return metered(m, func() (AccessRequest, error) { return m.store.Request(ctx, id) })
}

func (m meteredStore) Requests(ctx context.Context, f RequestFilter) ([]AccessRequest, error) {
	return metered(m, func() ([]AccessRequest, error) { return m.store.Requests(ctx, f) })
}

func (m meteredStore) PutParams(ctx context.Context, u UserID, a AssetID, p Params) error {
	return meteredDo(m, func() error { return m.store.PutParams(ctx, u, a, p) })
}

func (m meteredStore) Params(ctx context.Context, u UserID, a AssetID) (Params, error) {
	return metered(m, func() (Params, error) { return m.store.Params(ctx, u, a) })
}
