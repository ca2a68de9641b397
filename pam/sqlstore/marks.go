package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// The condition lets a mark be taken over only when its time has come; otherwise no row is changed.
	claimSQL = `INSERT INTO claims (name, until) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE claims.until <= ?`
	tallySQL = `INSERT INTO tallies (name, total, until) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET
			total = CASE WHEN tallies.until <= ? THEN excluded.total ELSE tallies.total + excluded.total END,
			until = CASE WHEN tallies.until <= ? THEN excluded.until ELSE tallies.until END
		RETURNING total`
	readTallySQL = `SELECT total FROM tallies WHERE name = ? AND until > ?`
)

// purgeEvery is how often marks and counters whose time has come are dropped, by the caller's clock.
const purgeEvery = time.Minute

// Claim implements pam.Store.
func (s *Store) Claim(ctx context.Context, key string, now, until time.Time) (bool, error) {
	if err := s.purge(ctx, now); err != nil {
		return false, err
	}
	res, err := s.stmts.claim.ExecContext(ctx, key, micros(until), micros(now))
	if err != nil {
		return false, s.fault(ctx, "claim", err)
	}
	n, err := res.RowsAffected()
	return n == 1, s.fault(ctx, "claim", err)
}

// Tally implements pam.Store.
func (s *Store) Tally(ctx context.Context, key string, by int, now time.Time, window time.Duration) (int, error) {
	var sum int
	if by == 0 {
		err := s.stmts.readTally.QueryRowContext(ctx, key, micros(now)).Scan(&sum)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, nil
		}
		return sum, s.fault(ctx, "tally", err)
	}
	if err := s.purge(ctx, now); err != nil {
		return 0, err
	}
	at := micros(now)
	err := s.stmts.tally.QueryRowContext(ctx, key, by, micros(now.Add(window)), at, at).Scan(&sum)
	return sum, s.fault(ctx, "tally", err)
}

// Forget implements pam.Store.
func (s *Store) Forget(ctx context.Context, key string) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.fault(ctx, "forget", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	_, errClaim := tx.StmtContext(ctx, s.stmts.forgetClaim).ExecContext(ctx, key)
	_, errTally := tx.StmtContext(ctx, s.stmts.forgetTally).ExecContext(ctx, key)
	if err := errors.Join(errClaim, errTally); err != nil {
		return s.fault(ctx, "forget", err)
	}
	return s.fault(ctx, "forget", tx.Commit())
}

// purge drops marks and counters whose time has come, now and then.
func (s *Store) purge(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	since := now.Sub(s.purged)
	due := since >= purgeEvery || since < 0 // a clock that was set back must not stop it for long
	if due {
		s.purged = now
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	for _, st := range []*sql.Stmt{s.stmts.purgeClaims, s.stmts.purgeTallies} {
		if _, err := st.ExecContext(ctx, micros(now)); err != nil {
			return s.fault(ctx, "purge", fmt.Errorf("marks: %w", err))
		}
	}
	return nil
}
