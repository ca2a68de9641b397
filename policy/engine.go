package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/pam"
)

// Sentinels for errors.Is. Every error is a denial.
var (
	// ErrNotLoaded: there is no policy yet. New was given no data and no Reload has succeeded.
	ErrNotLoaded = errors.New("no policy is loaded")
	// ErrInvalidQuery: a field of the query is empty, or its operation is unknown.
	ErrInvalidQuery = errors.New("invalid query")
	// ErrEnforce: Casbin failed, or its answer came without the rule it rests on.
	ErrEnforce = errors.New("casbin could not decide")
)

// Config configures an Engine. It is copied.
type Config struct {
	// Data is the first policy. Nil means that there is none yet: every decision fails with ErrNotLoaded
	// until Reload has succeeded.
	Data *Data

	// Operations are the host's own operations, each with the role it needs at least (viewer to owner). Nil
	// is fine. The SDK's operations need: asset.access and session.extend viewer; asset.unlock supervisor;
	// session.join, recording.play and asset.reports manager. They cannot be changed.
	Operations map[pam.Operation]pam.Role

	// Log takes loads and failures; nil discards them.
	Log *slog.Logger
}

// Engine decides by one immutable policy at a time. It is safe for concurrent use and has no goroutines.
type Engine struct {
	log        *slog.Logger
	operations map[pam.Operation]pam.Role
	workers    *pool
	snap       atomic.Pointer[snapshot]
	changed    atomic.Pointer[chan struct{}] // closed by the next Reload that succeeds

	mu      sync.Mutex // held during a reload: versions and snapshots go up together
	version uint64     // of the last snapshot; guarded by mu
}

var (
	_ pam.Policy         = (*Engine)(nil)
	_ pam.PolicyNotifier = (*Engine)(nil)
	_ pam.SitePolicy     = (*Engine)(nil)
	_ pam.ApproverPolicy = (*Engine)(nil)
)

// New returns an engine with the policy of c.Data. The error joins all faults of configuration and data.
func New(c Config) (*Engine, error) { return newEngine(c, modelText, nil) }

// newEngine lets tests put another model or something between the engine and Casbin.
func newEngine(c Config, text string, wrap func(enforcer) enforcer) (*Engine, error) {
	e := &Engine{log: c.Log, operations: builtinOperations()}
	first := make(chan struct{})
	e.changed.Store(&first)
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	var faults []error
	for _, op := range slices.Sorted(maps.Keys(c.Operations)) {
		where, role := fmt.Sprintf("operation %q", op), c.Operations[op]
		_, builtin := e.operations[op]
		switch what := checkName(string(op)); {
		case what != "":
			faults = append(faults, &Fault{where, what, "use lower-case letters, digits, '_', '.' and '-'"})
		case builtin:
			faults = append(faults, &Fault{where, "its role is fixed", "choose a name of your own"})
		case role < pam.RoleViewer || role > pam.RoleOwner:
			faults = append(faults, &Fault{where, fmt.Sprintf("it cannot need role %v", role), "name a role from viewer to owner"})
		default:
			e.operations[op] = role
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	e.workers = &pool{text: text, links: ladder(e.operations), wrap: wrap}
	w, err := e.workers.get() // a model that does not compile is found now and not by the first decision
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	e.workers.put(w)
	if c.Data != nil {
		if err := e.Reload(context.Background(), *c.Data); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Reload replaces the policy by d. The whole of d is checked first: on any fault, or when ctx ends before
// that is done, the policy in force stays and the error tells every [Fault]. Decisions under way end with the
// policy that they began with.
func (e *Engine) Reload(ctx context.Context, d Data) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := build(ctx, d, e.operations)
	if err != nil {
		e.logRefused(err)
		return err
	}
	e.version++
	s.version = e.version
	e.snap.Store(s)
	next := make(chan struct{})
	close(*e.changed.Swap(&next)) // after the store: who wakes up asks the new policy
	e.log.Info("policy loaded", "version", s.version, "users", len(d.Users), "groups", len(d.Groups),
		"assets", len(d.Assets), "grants", len(d.Grants), "profiles", len(d.Profiles), "assignments", len(d.Assignments),
		"selectors", len(d.Selectors))
	return nil
}

// logRefused logs the number of faults and the first. All of them may be thousands of lines; the caller has them.
func (e *Engine) logRefused(err error) {
	faults := 1
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		faults = len(joined.Unwrap())
		err = joined.Unwrap()[0]
	}
	e.log.Error("policy refused", "in_force", e.version, "faults", faults, "first", err)
}

// Changed implements pam.PolicyNotifier: the channel is closed by the next Reload that succeeds.
func (e *Engine) Changed() <-chan struct{} { return *e.changed.Load() }

// Version returns the version of the policy in force: 1 for the first, 0 if there is none.
func (e *Engine) Version() uint64 {
	if s := e.snap.Load(); s != nil {
		return s.version
	}
	return 0
}
