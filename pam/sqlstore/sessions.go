package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

const (
	putSessionSQL = `INSERT INTO sessions (id, asset, user_id, completed, created, doc) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET asset = excluded.asset, user_id = excluded.user_id, completed = excluded.completed,
		created = excluded.created, doc = excluded.doc`
	sessionSQL   = `SELECT doc FROM sessions WHERE id = ?`
	putParamsSQL = `INSERT INTO params (user_id, asset, doc) VALUES (?, ?, ?)
		ON CONFLICT (user_id, asset) DO UPDATE SET doc = excluded.doc`
)

// sessionDoc is a session's record as JSON: with what the JSON of reports leaves out.
type sessionDoc struct {
	pam.SessionInfo
	Gateway   string `json:"gateway,omitempty"`
	Recording string `json:"recording,omitempty"`
	LoginID   string `json:"login_id,omitempty"`
}

func encodeSession(i pam.SessionInfo) (string, error) {
	b, err := json.Marshal(sessionDoc{i, i.Gateway, i.Recording, i.LoginID})
	return string(b), err
}

func decodeSession(doc string) (pam.SessionInfo, error) {
	var d sessionDoc
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		return pam.SessionInfo{}, fmt.Errorf("session record: %w", err)
	}
	d.SessionInfo.Gateway, d.SessionInfo.Recording, d.SessionInfo.LoginID = d.Gateway, d.Recording, d.LoginID
	return d.SessionInfo, nil
}

// PutSession implements pam.Store.
func (s *Store) PutSession(ctx context.Context, i pam.SessionInfo) error {
	doc, err := encodeSession(i)
	if err != nil {
		return fmt.Errorf("sqlstore: session record: %w", err)
	}
	_, err = s.stmts.putSession.ExecContext(ctx, i.ID, i.Asset, i.User, flag(i.State == pam.StateCompleted), micros(i.Created), doc)
	return s.fault(ctx, "put session", err)
}

// Session implements pam.Store.
func (s *Store) Session(ctx context.Context, id pam.SessionID) (pam.SessionInfo, error) {
	var doc string
	err := s.stmts.session.QueryRowContext(ctx, id).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return pam.SessionInfo{}, fmt.Errorf("session: %w", pam.ErrNotFound)
	}
	if err != nil {
		return pam.SessionInfo{}, s.fault(ctx, "session", err)
	}
	info, err := decodeSession(doc)
	return info, s.fault(ctx, "session", err)
}

// Sessions implements pam.Store.
func (s *Store) Sessions(ctx context.Context, f pam.SessionFilter) ([]pam.SessionInfo, error) {
	var w where
	w.equal("user_id", string(f.User))
	w.equal("asset", string(f.Asset))
	switch f.Public {
	case "":
	case pam.StateCompleted.Public():
		w.add("completed = 1")
	case pam.StateActive.Public():
		w.add("completed = 0")
	default:
		return nil, nil
	}
	w.after(f.Before, string(f.BeforeID))
	query := "SELECT doc FROM sessions" + w.sql() + " ORDER BY created DESC, id LIMIT ?"
	list, err := collect(ctx, s.read, query, append(w.args, f.PageSize()), func(rows *sql.Rows) (pam.SessionInfo, error) {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return pam.SessionInfo{}, err
		}
		return decodeSession(doc)
	})
	return list, s.fault(ctx, "sessions", err)
}

// PutParams implements pam.Store.
func (s *Store) PutParams(ctx context.Context, u pam.UserID, a pam.AssetID, p pam.Params) error {
	doc, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("sqlstore: parameters: %w", err)
	}
	_, err = s.stmts.putParams.ExecContext(ctx, u, a, string(doc))
	return s.fault(ctx, "put parameters", err)
}

// Params implements pam.Store.
func (s *Store) Params(ctx context.Context, u pam.UserID, a pam.AssetID) (pam.Params, error) {
	var doc string
	err := s.stmts.params.QueryRowContext(ctx, u, a).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	var p pam.Params
	if err == nil {
		err = json.Unmarshal([]byte(doc), &p)
	}
	return p, s.fault(ctx, "parameters", err)
}

// where gathers the conditions of a query and their arguments. Conditions are constants of this package; whatever comes
// from outside is an argument.
type where struct {
	conditions []string
	args       []any
}

func (w *where) add(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

// equal asks for a value, unless it is empty.
func (w *where) equal(column, value string) {
	if value != "" {
		w.add(column+" = ?", value)
	}
}

// after asks for what comes behind a record in a list, newest first: one that was created at a time, with an id.
func (w *where) after(created time.Time, id string) {
	switch at := micros(created); {
	case created.IsZero():
	case id == "":
		w.add("created < ?", at)
	default:
		w.add("created <= ? AND (created < ? OR id > ?)", at, at, id)
	}
}

func (w *where) sql() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// collect runs a query and gathers its rows.
func collect[T any](ctx context.Context, db *sql.DB, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
