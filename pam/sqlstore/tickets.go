package sqlstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/pam"
)

const (
	putTicketSQL = `INSERT INTO tickets (hash, session, participant, user_id, login, cookie, origin, expires)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	// One statement takes a ticket and returns it: of any number of callers it gives it to one.
	takeTicketSQL = `DELETE FROM tickets WHERE hash = ?
		RETURNING session, participant, user_id, login, cookie, origin, expires`
	dropTicketsSQL = `DELETE FROM tickets
		WHERE (? <> '' AND session = ?) OR (? <> '' AND user_id = ?) OR (? <> '' AND login = ?) OR expires <= ?`
)

// never is a time at which no ticket has expired.
const never = -1 << 63

// PutTicket implements pam.Store.
func (s *Store) PutTicket(ctx context.Context, h pam.TicketHash, t pam.Ticket) error {
	_, err := s.stmts.putTicket.ExecContext(ctx, hex.EncodeToString(h[:]), t.Session, t.Participant, t.User, t.LoginID, flag(t.Cookie),
		t.Origin, micros(t.Expires))
	return s.fault(ctx, "put ticket", err)
}

// TakeTicket implements pam.Store.
func (s *Store) TakeTicket(ctx context.Context, h pam.TicketHash) (pam.Ticket, error) {
	var t pam.Ticket
	var expires int64
	err := s.stmts.takeTicket.QueryRowContext(ctx, hex.EncodeToString(h[:])).
		Scan(&t.Session, &t.Participant, &t.User, &t.LoginID, &t.Cookie, &t.Origin, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return pam.Ticket{}, fmt.Errorf("ticket: %w", pam.ErrNotFound)
	}
	if err != nil {
		return pam.Ticket{}, s.fault(ctx, "take ticket", err)
	}
	t.Expires = fromMicros(expires)
	return t, nil
}

// DropTickets implements pam.Store.
func (s *Store) DropTickets(ctx context.Context, f pam.TicketFilter) error {
	expired := int64(never)
	if !f.ExpiredAt.IsZero() {
		expired = micros(f.ExpiredAt)
	}
	_, err := s.stmts.dropTickets.ExecContext(ctx, f.Session, f.Session, f.User, f.User, f.LoginID, f.LoginID, expired)
	return s.fault(ctx, "drop tickets", err)
}
