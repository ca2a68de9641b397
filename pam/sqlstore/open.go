package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/sallyport/sallyport/pam"
)

// Config is what Open needs.
type Config struct {
	// Path is the database file; it is made with mode 0600 if there is none. Beside it SQLite keeps Path-wal and Path-shm.
	// Required.
	Path string
	// Busy is how long a write waits for writers of other processes; zero means 5 s.
	Busy time.Duration
}

// Store is a database. It is safe for concurrent use.
type Store struct {
	path string
	// SQLite has one writer at a time. A pool of one connection lets writers of this process queue up where they can be
	// cancelled, instead of meeting in SQLite's busy loop.
	write *sql.DB
	read  *sql.DB
	stmts statements

	mu     sync.Mutex // guards purged
	purged time.Time  // when marks and counters whose time has come were dropped last
}

var (
	_ pam.Store          = (*Store)(nil)
	_ pam.EventSink      = (*Store)(nil)
	_ pam.EventLog       = (*Store)(nil)
	_ pam.EventSequencer = (*Store)(nil)
)

// readers is how many connections read at once.
const readers = 4

// Open opens a database, makes it if there is none, checks it and brings it to the present schema. The check reads the whole
// file.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Path == "" {
		return nil, errors.New("sqlstore: Config.Path is empty")
	}
	if c.Busy < 0 {
		return nil, fmt.Errorf("sqlstore: Config.Busy is %v; want a positive time, or 0 for the default", c.Busy)
	}
	if c.Busy == 0 {
		c.Busy = 5 * time.Second
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	if err := prepareFile(path); err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	s := &Store{path: path}
	if err := s.open(ctx, c.Busy); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepareFile makes the file before SQLite does, which would leave its mode to the umask; -wal and -shm take over its mode.
func prepareFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", path)
	case info.Mode().Perm()&0o007 != 0:
		return fmt.Errorf("%s has mode %#o, so that everyone on this machine may use it; want 0600 (chmod 600)", path, info.Mode().Perm())
	}
	return nil
}

func (s *Store) open(ctx context.Context, busy time.Duration) error {
	var err error
	if s.write, err = s.pool(busy, 1, "journal_mode(wal)", "synchronous(full)"); err != nil {
		return s.fault(ctx, "open", err)
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	if err := migrate(ctx, s.write); err != nil {
		return s.fault(ctx, "migrate", err)
	}
	if s.read, err = s.pool(busy, readers, "query_only(true)"); err != nil {
		return s.fault(ctx, "open", err)
	}
	return s.fault(ctx, "prepare", s.stmts.prepare(ctx, s.write, s.read))
}

// pool returns connections to the file, each with the pragmas.
func (s *Store) pool(busy time.Duration, most int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{
		"_txlock": {"immediate"}, // a transaction that will write takes the lock before it reads
		"_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())}, pragmas...),
	}
	name := (&url.URL{Scheme: "file", Path: filepath.ToSlash(s.path), RawQuery: q.Encode()}).String()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// check reads the whole file and reports damage.
func (s *Store) check(ctx context.Context) error {
	var verdict string
	if err := s.write.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return s.fault(ctx, "check", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("sqlstore: check %s: %w: %s", s.path, ErrCorrupt, verdict)
	}
	return nil
}

// Close closes the database. Calls that are under way fail or finish first.
func (s *Store) Close() error {
	errs := []error{s.stmts.close()}
	for _, db := range []*sql.DB{s.read, s.write} { // the last one to close folds the write-ahead log into the file
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
