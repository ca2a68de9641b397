package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/pam"
)

const (
	newRequestSQL = `INSERT INTO requests (id, revision, user_id, asset, operation, session, open, exclusive, created, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
	// Of two writers with one revision the condition lets one through.
	putRequestSQL = `UPDATE requests SET revision = ?, open = ?, doc = ? WHERE id = ? AND revision = ?`
	requestSQL    = `SELECT doc FROM requests WHERE id = ?`
)

// PutRequest implements pam.Store. Only what changes in a request's life is written after the first time.
func (s *Store) PutRequest(ctx context.Context, r pam.AccessRequest) (pam.AccessRequest, error) {
	was := r.Revision
	r.Revision++
	doc, err := json.Marshal(r)
	if err != nil {
		return pam.AccessRequest{}, fmt.Errorf("sqlstore: request: %w", err)
	}
	var res sql.Result
	if was == 0 {
		res, err = s.stmts.newRequest.ExecContext(ctx, r.ID, r.Revision, r.User, r.Asset, r.Operation, r.Session, flag(r.State.Open()),
			flag(r.Exclusive), micros(r.Created), string(doc))
	} else {
		res, err = s.stmts.putRequest.ExecContext(ctx, r.Revision, flag(r.State.Open()), string(doc), r.ID, was)
	}
	if err != nil {
		return pam.AccessRequest{}, s.fault(ctx, "put request", err)
	}
	switch n, err := res.RowsAffected(); {
	case err != nil:
		return pam.AccessRequest{}, s.fault(ctx, "put request", err)
	case n == 0:
		return pam.AccessRequest{}, s.fault(ctx, "put request", pam.ErrConflict)
	}
	return decodeRequest(string(doc)) // what a reader will get
}

// Request implements pam.Store.
func (s *Store) Request(ctx context.Context, id pam.RequestID) (pam.AccessRequest, error) {
	var doc string
	err := s.stmts.request.QueryRowContext(ctx, id).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return pam.AccessRequest{}, fmt.Errorf("request: %w", pam.ErrNotFound)
	}
	if err != nil {
		return pam.AccessRequest{}, s.fault(ctx, "request", err)
	}
	r, err := decodeRequest(doc)
	return r, s.fault(ctx, "request", err)
}

// Requests implements pam.Store.
func (s *Store) Requests(ctx context.Context, f pam.RequestFilter) ([]pam.AccessRequest, error) {
	var w where
	w.equal("user_id", string(f.User))
	w.equal("asset", string(f.Asset))
	w.equal("operation", string(f.Operation))
	w.equal("session", string(f.Session))
	if f.Open {
		w.add("open = 1")
	}
	if f.Exclusive {
		w.add("exclusive = 1")
	}
	w.after(f.Before, string(f.BeforeID))
	query := "SELECT doc FROM requests" + w.sql() + " ORDER BY created DESC, id LIMIT ?"
	list, err := collect(ctx, s.read, query, append(w.args, f.PageSize()), func(rows *sql.Rows) (pam.AccessRequest, error) {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return pam.AccessRequest{}, err
		}
		return decodeRequest(doc)
	})
	return list, s.fault(ctx, "requests", err)
}

func decodeRequest(doc string) (pam.AccessRequest, error) {
	var r pam.AccessRequest
	if err := json.Unmarshal([]byte(doc), &r); err != nil {
		return pam.AccessRequest{}, fmt.Errorf("request record: %w", err)
	}
	return r, nil
}
