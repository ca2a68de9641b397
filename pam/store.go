package pam

import (
	"context"
	"time"
)

// TicketHash is the SHA-256 of a ticket's text: tickets are never stored as they are (S07).
type TicketHash [32]byte

// Ticket is what an attach ticket is good for: one socket, one participant of one session, one login, one
// origin, until Expires.
type Ticket struct {
	Session     SessionID
	Participant ParticipantID
	User        UserID
	LoginID     string
	Cookie      bool   // the login is sent by browsers themselves, so the socket must carry it too
	Origin      string // of the page that asked; empty for clients without a browser
	Expires     time.Time
}

// TicketFilter says which tickets are to be dropped. A ticket goes when any field that is set fits it; the zero value
// fits none.
type TicketFilter struct {
	Session   SessionID
	User      UserID
	LoginID   string
	ExpiredAt time.Time // those that have expired at this time
}

// Matches reports whether t is to be dropped.
func (f TicketFilter) Matches(t Ticket) bool {
	return f.Session != "" && t.Session == f.Session || f.User != "" && t.User == f.User ||
		f.LoginID != "" && t.LoginID == f.LoginID || !f.ExpiredAt.IsZero() && !f.ExpiredAt.Before(t.Expires)
}

// SessionFilter narrows a list of sessions. The zero value matches all.
type SessionFilter struct {
	User  UserID // empty: any
	Asset AssetID
	// Public is "Active", "Completed" or empty for both.
	Public string
	Before time.Time // created before; zero: no bound. The Created of the last record of a page gives the next page
	// BeforeID is the ID of that record: with it, records that were created at the same time are not left out.
	BeforeID SessionID
	Limit    int // zero: 100; at most 1,000
}

// Matches reports whether s is one of the records that f asks for.
func (f SessionFilter) Matches(s SessionInfo) bool {
	return (f.User == "" || s.User == f.User) && (f.Asset == "" || s.Asset == f.Asset) &&
		(f.Public == "" || s.State.Public() == f.Public) && (f.Before.IsZero() || s.Created.Before(f.Before) ||
		f.BeforeID != "" && s.Created.Equal(f.Before) && s.ID > f.BeforeID)
}

// PageSize returns the number of records that f asks for.
func (f SessionFilter) PageSize() int { return pageSize(f.Limit) }

// pageSize is what a limit of a filter means.
func pageSize(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, 1000)
}

// RequestFilter narrows a list of access requests. The zero value matches all.
type RequestFilter struct {
	User      UserID // empty: any
	Asset     AssetID
	Operation Operation
	Session   SessionID
	Open      bool // pending and approved ones alone, as they are stored: time may have closed some of them
	Exclusive bool // those alone that ask to have the asset alone
	// Before and BeforeID give the next page, as those of SessionFilter do.
	Before   time.Time
	BeforeID RequestID
	Limit    int // zero: 100; at most 1,000
}

// Matches reports whether r is one of the records that f asks for.
func (f RequestFilter) Matches(r AccessRequest) bool {
	return (f.User == "" || r.User == f.User) && (f.Asset == "" || r.Asset == f.Asset) &&
		(f.Operation == "" || r.Operation == f.Operation) && (f.Session == "" || r.Session == f.Session) &&
		(!f.Open || r.State.Open()) && (!f.Exclusive || r.Exclusive) &&
		(f.Before.IsZero() || r.Created.Before(f.Before) || f.BeforeID != "" && r.Created.Equal(f.Before) && r.ID > f.BeforeID)
}

// PageSize returns the number of records that f asks for.
func (f RequestFilter) PageSize() int { return pageSize(f.Limit) }

// Store keeps what outlives an HTTP request: sessions for reports, access requests, tickets, remembered parameters. All methods are
// safe for concurrent use and honour ctx. pamtest.StoreSuite is the conformance suite.
type Store interface {
	// PutSession inserts or replaces the record with s.ID.
	PutSession(ctx context.Context, s SessionInfo) error
	// Session returns a record, or an error matching ErrNotFound.
	Session(ctx context.Context, id SessionID) (SessionInfo, error)
	// Sessions returns records that match, newest first; of those created at the same time, by ascending ID.
	Sessions(ctx context.Context, f SessionFilter) ([]SessionInfo, error)

	// PutTicket stores a ticket under its hash.
	PutTicket(ctx context.Context, h TicketHash, t Ticket) error
	// TakeTicket removes and returns a ticket in one atomic step: of any number of callers one gets it, the
	// others an error matching ErrNotFound. The caller checks Expires.
	TakeTicket(ctx context.Context, h TicketHash) (Ticket, error)
	// DropTickets removes every ticket that f matches.
	DropTickets(ctx context.Context, f TicketFilter) error

	// Claim marks key as used until the given time, in one atomic step: of any number of callers with one key the first
	// gets true. A mark whose time has come at now counts as gone. Keys are text of at most 300 bytes.
	Claim(ctx context.Context, key string, now, until time.Time) (first bool, err error)
	// Tally adds by (0 or more) to the counter under key, in one atomic step, and returns the sum. A counter lives for
	// window from its first addition; after that it starts anew. With by 0 it only reads.
	Tally(ctx context.Context, key string, by int, now time.Time, window time.Duration) (sum int, err error)
	// Forget removes the mark and the counter under key, if there are any.
	Forget(ctx context.Context, key string) error

	// PutRequest stores an access request with the revision after r.Revision, and returns it so. What is stored has to have
	// r.Revision, or nothing be stored yet if that is 0: else the error matches ErrConflict, and of any number of callers
	// with one revision one gets no such error.
	PutRequest(ctx context.Context, r AccessRequest) (AccessRequest, error)
	// Request returns a record, or an error matching ErrNotFound.
	Request(ctx context.Context, id RequestID) (AccessRequest, error)
	// Requests returns records that match, newest first; of those created at the same time, by ascending ID.
	Requests(ctx context.Context, f RequestFilter) ([]AccessRequest, error)

	// PutParams remembers the launch parameters that a user last used on an asset (L8).
	PutParams(ctx context.Context, u UserID, a AssetID, p Params) error
	// Params returns them, or nil if there are none.
	Params(ctx context.Context, u UserID, a AssetID) (Params, error)
}
