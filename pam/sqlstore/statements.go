package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// The SQL of this package is what SQLite and PostgreSQL both understand, apart from the placeholders; what differs between
// them is in migrations/.

// statements are the prepared ones. Each field is prepared from the text beside it in table.
type statements struct {
	putSession, session                *sql.Stmt
	newRequest, putRequest, request    *sql.Stmt
	putTicket, takeTicket, dropTickets *sql.Stmt
	claim, tally, readTally            *sql.Stmt
	forgetClaim, forgetTally           *sql.Stmt
	purgeClaims, purgeTallies          *sql.Stmt
	putParams, params                  *sql.Stmt
	putEvent, lastSeq                  *sql.Stmt
	all                                []*sql.Stmt
}

func (p *statements) prepare(ctx context.Context, write, read *sql.DB) error {
	for _, st := range []struct {
		into **sql.Stmt
		db   *sql.DB
		text string
	}{
		{&p.putSession, write, putSessionSQL},
		{&p.session, read, sessionSQL},
		{&p.newRequest, write, newRequestSQL},
		{&p.putRequest, write, putRequestSQL},
		{&p.request, read, requestSQL},
		{&p.putTicket, write, putTicketSQL},
		{&p.takeTicket, write, takeTicketSQL},
		{&p.dropTickets, write, dropTicketsSQL},
		{&p.claim, write, claimSQL},
		{&p.tally, write, tallySQL},
		{&p.readTally, read, readTallySQL},
		{&p.forgetClaim, write, "DELETE FROM claims WHERE name = ?"},
		{&p.forgetTally, write, "DELETE FROM tallies WHERE name = ?"},
		{&p.purgeClaims, write, "DELETE FROM claims WHERE until <= ?"},
		{&p.purgeTallies, write, "DELETE FROM tallies WHERE until <= ?"},
		{&p.putParams, write, putParamsSQL},
		{&p.params, read, "SELECT doc FROM params WHERE user_id = ? AND asset = ?"},
		{&p.putEvent, write, putEventSQL},
		{&p.lastSeq, read, lastSeqSQL},
	} {
		s, err := st.db.PrepareContext(ctx, st.text)
		if err != nil {
			return fmt.Errorf("%q: %w", st.text, err)
		}
		*st.into = s
		p.all = append(p.all, s)
	}
	return nil
}

func (p *statements) close() error {
	var errs []error
	for _, s := range p.all {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// micros is a time as columns hold it. The zero time has a value of its own, long before all others.
func micros(t time.Time) int64 { return t.UnixMicro() }

// fromMicros is the reverse, in UTC.
func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

// flag is a boolean as columns hold it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
