package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors for errors.Is.
var (
	// ErrCorrupt says that the file is damaged or no database. Restore a backup; sqlite3's ".recover" may save the rest.
	ErrCorrupt = errors.New("the database is damaged")
	// ErrFull says that the disk or the quota is full. What was stored before is safe.
	ErrFull = errors.New("no space is left for the database")
	// ErrNewer says that a newer version of this package has written the file.
	ErrNewer = errors.New("the database has a newer schema than this version knows")
	// ErrSequence says that an event's number does not follow the last one of its gateway. Most likely two brokers with the
	// same Config.Gateway are running.
	ErrSequence = errors.New("the event's number does not follow the last one of its gateway")
)

// fault gives an error the operation, the file and a meaning; nil stays nil.
func (s *Store) fault(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff { // the rest says more about where
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		case sqlite3.SQLITE_FULL:
			err = fmt.Errorf("%w: %w", ErrFull, err)
		case sqlite3.SQLITE_INTERRUPT:
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
		}
	}
	return fmt.Errorf("sqlstore: %s %s: %w", op, s.path, err)
}
