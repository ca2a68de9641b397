package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/policy"
)

// ErrConflict is returned by Save when somebody else has changed the policy since the version that the change is based on.
var ErrConflict = errors.New("the policy has changed in the meantime")

// Engine takes a new policy; *policy.Engine does.
type Engine interface {
	Reload(ctx context.Context, d policy.Data) error
}

var _ Engine = (*policy.Engine)(nil)

// Config configures a Source. It is copied.
type Config struct {
	DB *sql.DB

	// Interval is how often Follow asks for the version; zero means 2 s. More than 4 s is refused: a right that is taken
	// away must be gone from live sessions within 5 s (S11).
	Interval time.Duration

	// Timeout bounds one load or question of Follow; zero means 30 s.
	Timeout time.Duration

	// Log takes failures; nil discards them.
	Log *slog.Logger
}

const (
	defaultInterval, maxInterval = 2 * time.Second, 4 * time.Second
	defaultTimeout               = 30 * time.Second
)

// Source is a policy in a database. It is safe for concurrent use.
type Source struct {
	db                *sql.DB
	interval, timeout time.Duration
	log               *slog.Logger
	wake              chan struct{} // a save of our own: Follow need not wait

	mu     sync.Mutex // guards health
	health Health
}

// Health is how far an engine has followed the database.
type Health struct {
	Version int64     // of the policy that the engine took last; zero: none yet
	Read    time.Time // when the database last answered
	Err     error     // of the last attempt; nil if it went well
}

// New returns a source. It does not touch the database.
func New(c Config) (*Source, error) {
	s := &Source{db: c.DB, interval: c.Interval, timeout: c.Timeout, log: c.Log, wake: make(chan struct{}, 1)}
	if s.interval == 0 {
		s.interval = defaultInterval
	}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.DB == nil:
		return nil, errors.New("sqlsource: Config.DB is nil")
	case s.interval < 0 || s.interval > maxInterval:
		return nil, fmt.Errorf("sqlsource: Config.Interval is %v, want at most %v", c.Interval, maxInterval)
	case s.timeout < 0:
		return nil, fmt.Errorf("sqlsource: Config.Timeout is %v", c.Timeout)
	}
	return s, nil
}

// Load gives the engine the policy that the database holds now. After an error the engine has the policy that it had.
func (s *Source) Load(ctx context.Context, e Engine) error {
	_, err := s.load(ctx, e)
	return err
}

// load also returns the version that it has read, zero if it could not.
func (s *Source) load(ctx context.Context, e Engine) (int64, error) {
	d, version, err := s.Read(ctx)
	if err == nil {
		if err = e.Reload(ctx, d); err != nil {
			err = fmt.Errorf("sqlsource: version %d: %w", version, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.health.Err = err; err == nil {
		s.health.Version = version
	}
	if version != 0 {
		s.health.Read = time.Now()
	}
	return version, err
}

// Health tells how far Load and Follow have come.
func (s *Source) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

// Follow keeps the engine at the policy of the database until ctx ends, and returns its cause. Errors are logged and
// tried again; a policy that is refused is not, before it changes.
func (s *Source) Follow(ctx context.Context, e Engine) error {
	seen := s.Health().Version
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	for {
		seen = s.follow(ctx, e, seen)
		select {
		case <-tick.C:
		case <-s.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// follow is one step. It returns the version that need not be looked at again.
func (s *Source) follow(ctx context.Context, e Engine, seen int64) int64 {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var now int64
	err := s.db.QueryRowContext(ctx, selectVersion).Scan(&now)
	if err == nil && now == seen {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.health.Read = time.Now()
		if s.health.Version == now {
			s.health.Err = nil // what was refused stays refused
		}
		return seen
	}
	if err == nil {
		if now, err = s.load(ctx, e); err == nil {
			s.log.Info("policy followed the database", "version", now)
			return now
		}
	} else {
		now = 0
		s.mu.Lock()
		s.health.Err = fmt.Errorf("sqlsource: version: %w", err)
		s.mu.Unlock()
	}
	s.log.Error("policy does not follow the database; the last good one stays", "err", err)
	if now != 0 {
		return now // the rows were read: only another version can help
	}
	return seen
}
