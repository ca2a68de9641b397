package pam

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Broker runs sessions. Make one with New, end it with Shutdown.
type Broker struct {
	cfg       Config
	protocols map[string]Protocol
	audit     *auditor
	met       *instruments
	random    io.Reader
	handler   http.Handler

	base    context.Context // of all sessions
	cancel  context.CancelCauseFunc
	closing atomic.Bool
	// policyChanged is closed by the first change of the policy since New.
	policyChanged <-chan struct{}
	roused        chan struct{} // a review is wanted
	viewerCount   atomic.Int64
	born          time.Time // when New was called, by Config.Now
	unattached    quota     // sockets that have sent no ticket yet
	pending       quota     // launches that wait to be attached
	throttles     map[door]throttles
	waiting       quota // questions that wait for news of an access request
	checks        quota // of recordings, before they are played
	readings      quota // of their segments
	playbacks     playbacks
	denials       *throttle      // of their events
	wg            sync.WaitGroup // every goroutine that the broker owns

	mu        sync.Mutex // guards all below
	live      map[SessionID]*liveSession
	slots     map[UserID]int  // live sessions and starts under way
	onAsset   map[AssetID]int // the same by asset
	total     int
	purged    time.Time                // when expired tickets were dropped last
	watching  bool                     // watchPolicy runs
	unsettled map[SessionID]completion // ends that are not written down yet
	settling  bool                     // settleAll runs
	// requestChange is closed at the next change of an access request; nil while nobody waits.
	requestChange chan struct{}
	news          []news   // that waits for the Notifier
	telling       bool     // tellAll runs
	unsealed      []string // paths of recordings that Shutdown could not seal; at most maxUnsealed
}

// New returns a broker over a copy of cfg, or an error that lists every fault of cfg.
func New(cfg Config) (*Broker, error) {
	c, err := cfg.prepare()
	if err != nil {
		return nil, err
	}
	b := &Broker{
		cfg: c, protocols: map[string]Protocol{}, met: newInstruments(c.Metrics), random: rand.Reader,
		live: map[SessionID]*liveSession{}, slots: map[UserID]int{}, onAsset: map[AssetID]int{},
		unsettled: map[SessionID]completion{}, born: c.Now(), roused: make(chan struct{}, 1),
	}
	b.met.sampler.follow(b)
	b.cfg.Store = meteredStore{c.Store, b.met}
	b.audit = newAuditor(&b.cfg, b.met)
	b.throttles, b.denials = newThrottles(c.Limits, c.Metrics), newThrottle(c.Limits.DenialRate)
	for _, p := range c.Protocols {
		b.protocols[p.Name()] = p
	}
	b.base, b.cancel = context.WithCancelCause(context.Background())
	b.policyChanged = b.changes()
	b.handler = b.routes()
	return b, nil
}

// Session returns a snapshot of a session, live or ended, or an error matching ErrNotFound.
func (b *Broker) Session(ctx context.Context, id SessionID) (SessionInfo, error) {
	if s := b.find(id); s != nil {
		return s.snapshot(), nil
	}
	if info, ok := b.unsettledInfo(id); ok {
		return info, nil
	}
	return b.cfg.Store.Session(ctx, id)
}

// Sessions returns snapshots that match, newest first.
func (b *Broker) Sessions(ctx context.Context, f SessionFilter) ([]SessionInfo, error) {
	list, err := b.cfg.Store.Sessions(ctx, f)
	for i := range list {
		if s := b.find(list[i].ID); s != nil {
			list[i] = s.snapshot()
		} else if info, ok := b.unsettledInfo(list[i].ID); ok {
			list[i] = info
		}
	}
	return slices.DeleteFunc(list, func(i SessionInfo) bool { return f.Public != "" && f.Public != i.State.Public() }), err
}

// EndLogin cancels the tickets of one login of the host and ends its sessions with the reason revoked. Call it
// when the user signs out.
func (b *Broker) EndLogin(ctx context.Context, loginID string) error {
	return b.endWhere(ctx,
		TicketFilter{LoginID: loginID},
		func(p *participant) bool { return p.login == loginID })
}

// EndUser does the same for every login of a user.
func (b *Broker) EndUser(ctx context.Context, user UserID) error {
	return b.endWhere(ctx,
		TicketFilter{User: user},
		func(p *participant) bool { return p.user == user })
}

// endWhere ends what belongs to a person: own sessions, and places in those of others. They go before the tickets: one
// whose place is gone opens nothing.
func (b *Broker) endWhere(ctx context.Context, tickets TicketFilter, people func(*participant) bool) error {
	for _, s := range b.all() {
		if people(s.owner) {
			s.finish(&End{Reason: EndRevoked})
			continue
		}
		s.mu.Lock()
		joiners := slices.Clone(s.joiners)
		s.mu.Unlock()
		for _, p := range joiners {
			if people(p) {
				s.leave(p, endMessage{Code: CodeRevoked, Reason: EndRevoked}, nil)
			}
		}
	}
	if err := b.cfg.Store.DropTickets(ctx, tickets); err != nil {
		return fmt.Errorf("pam: dropping tickets: %w", err)
	}
	return nil
}

func (b *Broker) find(id SessionID) *liveSession {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.live[id]
}

func (b *Broker) all() []*liveSession {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*liveSession, 0, len(b.live))
	for _, s := range b.live {
		out = append(out, s)
	}
	return out
}

// reserve takes one slot of the gateway, the user and the asset, or none of them (C4). release gives it back; when free is
// false there was none to take.
func (b *Broker) reserve(u UserID, a AssetID) (free bool, release func()) {
	l := &b.cfg.Limits
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.total >= l.Sessions || b.slots[u] >= l.PerUser || b.onAsset[a] >= l.PerAsset {
		return false, func() {}
	}
	b.total++
	b.slots[u]++
	b.onAsset[a]++
	return true, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.releaseSlot(u, a)
	}
}

// releaseSlot gives a slot back. The caller holds mu.
func (b *Broker) releaseSlot(u UserID, a AssetID) {
	b.total--
	if b.slots[u]--; b.slots[u] <= 0 {
		delete(b.slots, u)
	}
	if b.onAsset[a]--; b.onAsset[a] <= 0 {
		delete(b.onAsset, a)
	}
}

// register makes a session reachable for as long as it may wait to be attached. It keeps its slot until forget.
func (b *Broker) register(s *liveSession) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing.Load() {
		s.cancel(ErrClosed)
		return false
	}
	b.live[s.id] = s
	if !b.watching {
		b.watching = true
		b.wg.Go(b.watchPolicy)
	}
	b.met.live.Update(int64(len(b.live)))
	s.mu.Lock()
	s.away = time.AfterFunc(b.cfg.Limits.Requested, func() { s.finish(&End{Reason: EndExpired}) })
	s.mu.Unlock()
	return true
}

// maxUnsealed bounds the list that Shutdown reports; the log has them all.
const maxUnsealed = 1000

// noteUnsealed remembers a recording that could not be sealed while the broker is shutting down.
func (b *Broker) noteUnsealed(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing.Load() && len(b.unsealed) < maxUnsealed {
		b.unsealed = append(b.unsealed, path)
	}
}

// forget takes an ended session out and frees its slot.
func (b *Broker) forget(s *liveSession) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.live, s.id)
	b.releaseSlot(s.owner.user, s.asset.ID)
	b.met.live.Update(int64(len(b.live)))
}
