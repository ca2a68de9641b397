package pam

import (
	"context"
	"net/http"
)

// Broker runs sessions. Make one with New.
type Broker struct {
	cfg Config
}

// New returns a broker over a copy of cfg, or an error that lists every fault of cfg.
func New(cfg Config) (*Broker, error) {
	c, err := cfg.prepare()
	if err != nil {
		return nil, err
	}
	return &Broker{cfg: c}, nil
}

// Handler serves the JSON API under api/, the session page under s/ and the client's files under assets/. Mount
// it under any prefix with http.StripPrefix.
func (b *Broker) Handler() http.Handler { return http.NotFoundHandler() }

// SessionHandler serves the WebSocket of one session alone, for hosts with pages and routes of their own. The
// session id is the path value "id" of the host's pattern, as in "GET /ws/{id}".
func (b *Broker) SessionHandler() http.Handler { return http.NotFoundHandler() }

// Session returns a snapshot of a session, live or ended.
func (b *Broker) Session(ctx context.Context, id SessionID) (SessionInfo, error) {
	return b.cfg.Store.Session(ctx, id)
}

// Sessions returns snapshots, newest first.
func (b *Broker) Sessions(ctx context.Context, f SessionFilter) ([]SessionInfo, error) {
	return b.cfg.Store.Sessions(ctx, f)
}

// Terminate ends a live session for everyone. The reason is shown to its people.
func (b *Broker) Terminate(ctx context.Context, id SessionID, reason string) error { return nil }

// EndLogin cancels the tickets of one login of the host and ends its sessions.
func (b *Broker) EndLogin(ctx context.Context, loginID string) error { return nil }

// EndUser does the same for every login of a user.
func (b *Broker) EndUser(ctx context.Context, user UserID) error { return nil }

// Shutdown ends every session with gateway_shutdown and waits until all recordings are sealed, or ctx ends.
func (b *Broker) Shutdown(ctx context.Context) error { return nil }
