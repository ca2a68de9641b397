package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

const (
	// The condition keeps each gateway's numbers free of gaps and of doubles, whoever writes.
	putEventSQL = `INSERT INTO events (gateway, seq, at, verb, user_id, asset, session, words, doc)
		SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE ? = 1 + (SELECT COALESCE(MAX(seq), 0) FROM events WHERE gateway = ?)`
	lastSeqSQL = `SELECT COALESCE(MAX(seq), 0) FROM events WHERE gateway = ?`
)

// Write implements pam.EventSink. An event whose number does not follow is refused with ErrSequence.
func (s *Store) Write(ctx context.Context, e pam.Event) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("sqlstore: event: %w", err)
	}
	seq := int64(e.Seq)
	res, err := s.stmts.putEvent.ExecContext(ctx, e.Gateway, seq, micros(e.At), e.Verb, e.User, e.Asset, e.Session,
		plain(e.SearchText()), string(doc), seq, e.Gateway)
	if err != nil {
		return s.fault(ctx, "write event", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: gateway %q, number %d", ErrSequence, e.Gateway, e.Seq)
	}
	return s.fault(ctx, "write event", err)
}

// LastSeq implements pam.EventSequencer.
func (s *Store) LastSeq(ctx context.Context, gateway string) (uint64, error) {
	var n int64
	err := s.stmts.lastSeq.QueryRowContext(ctx, gateway).Scan(&n)
	return uint64(n), s.fault(ctx, "last event", err)
}

// Events implements pam.EventLog.
func (s *Store) Events(ctx context.Context, f pam.EventFilter) (pam.EventPage, error) {
	var w where
	w.equal("gateway", f.Gateway)
	w.equal("user_id", string(f.User))
	w.equal("asset", string(f.Asset))
	w.equal("session", string(f.Session))
	if len(f.Verbs) > 0 {
		var args []any
		for _, v := range f.Verbs {
			args = append(args, v)
		}
		w.add("verb IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	if !f.From.IsZero() {
		w.add("at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		w.add("at < ?", micros(f.To))
	}
	for _, word := range f.Words() {
		w.add(`words LIKE ? ESCAPE '\'`, "%"+likeLiteral.Replace(plain(word))+"%")
	}
	if f.Before != 0 {
		w.add("id < ?", int64(f.Before))
	}
	size := f.PageSize()
	query := "SELECT id, doc FROM events" + w.sql() + " ORDER BY id DESC LIMIT ?"
	type row struct {
		id    uint64
		event pam.Event
	}
	// One more than asked for tells whether there is a page after this one.
	list, err := collect(ctx, s.read, query, append(w.args, size+1), func(rows *sql.Rows) (r row, err error) {
		var doc string
		if err := rows.Scan(&r.id, &doc); err != nil {
			return r, err
		}
		if err := json.Unmarshal([]byte(doc), &r.event); err != nil {
			return r, fmt.Errorf("event %d: %w", r.id, err)
		}
		return r, nil
	})
	if err != nil {
		return pam.EventPage{}, s.fault(ctx, "events", err)
	}
	var page pam.EventPage
	if len(list) > size {
		list = list[:size]
		page.Next = list[size-1].id
	}
	for _, r := range list {
		page.Events = append(page.Events, r.event)
	}
	return page, nil
}

// likeLiteral makes a text stand for itself in LIKE.
var likeLiteral = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// plain replaces NUL, at which LIKE would stop to look.
func plain(text string) string { return strings.ReplaceAll(text, "\x00", "\ufffd") }
