package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema to the present version.
func migrate(ctx context.Context, db *sql.DB) error {
	provider, err := migrator(db)
	if err != nil {
		return err
	}
	known := latest(provider)
	// Two processes may do this at once. SQLite lets one of them through at a time; the other one finds the work done.
	const attempts = 5
	for attempt := 1; ; attempt++ {
		version, err := provider.GetDBVersion(ctx)
		if err == nil {
			if version > known {
				return fmt.Errorf("%w: it has version %d, the newest known one is %d", ErrNewer, version, known)
			}
			if version == known {
				return nil
			}
			_, err = provider.Up(ctx)
		}
		if err == nil || attempt == attempts {
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * 20 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// migrator returns what runs the migrations of SQLite on db.
func migrator(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
}

// latest returns the newest version that this package knows.
func latest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}
