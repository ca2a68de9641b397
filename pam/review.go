package pam

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// PolicyNotifier is a Policy that tells when its answers may have changed. Live sessions are then decided anew at
// once; without it, at the next sweep (Limits.Review).
type PolicyNotifier interface {
	// Changed returns a channel that is closed when answers may differ from what they were at the time of the
	// call. Ask again for the next change.
	Changed() <-chan struct{}
}

// reviewTime bounds one question to inventory and policy during a review.
const reviewTime = 5 * time.Second

// watchPolicy decides about all live sessions anew whenever the policy says that it has changed, and from time to
// time, since a right may end by the clock (S11). It runs from the first session on, once for the whole broker.
func (b *Broker) watchPolicy() {
	sweep := time.NewTicker(b.cfg.Limits.Review)
	defer sweep.Stop()
	changed := b.policyChanged
	for {
		select {
		case <-changed:
			changed = b.changes() // before the review: a change that comes while it runs starts the next one
		case <-sweep.C:
		case <-b.base.Done():
			return
		}
		b.review()
	}
}

// changes returns the channel that the policy closes at its next change, nil if it does not tell.
func (b *Broker) changes() <-chan struct{} {
	if n, ok := b.cfg.Policy.(PolicyNotifier); ok {
		return n.Changed()
	}
	return nil
}

// review asks the policy about every live session. A panic of inventory or policy costs this review alone.
func (b *Broker) review() {
	defer func() {
		if p := recover(); p != nil {
			b.met.panics.Inc(1)
			b.cfg.Log.Error("panic while reviewing live sessions", "value", p)
		}
	}()
	for _, s := range b.all() {
		if b.base.Err() != nil {
			return
		}
		if !s.overdue() {
			s.review()
		}
	}
}

// review decides about everyone in one session anew: a right that was lost ends it, or the place of a joiner, other
// changes narrow or widen what that person may do. When the policy cannot answer nothing changes, and the next sweep
// asks again.
func (s *liveSession) review() {
	s.mu.Lock()
	people := s.everyone()
	s.mu.Unlock()
	for _, p := range people {
		s.reviewOne(p)
	}
}

func (s *liveSession) reviewOne(p *participant) {
	s.mu.Lock()
	addr, over := p.addr, s.end != nil || p.left
	s.mu.Unlock()
	if over {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, reviewTime)
	defer cancel()
	ev, err := s.b.evaluate(ctx, p.identity(), s.question(p, addr))
	if err != nil {
		if s.ctx.Err() == nil {
			s.log.Error("a live session could not be decided anew", "participant", p.id, "err", err)
		}
		return
	}
	s.apply(p, ev)
}

// question is what is to be decided about a participant who is in the session already.
func (s *liveSession) question(p *participant, addr netip.Addr) question {
	if p == s.owner {
		return question{asset: s.asset.ID, op: OpAccess, addr: addr}
	}
	return question{asset: s.asset.ID, op: OpJoin, addr: addr, needs: joins[p.mode]}
}

// apply makes an evaluation the live decision about a participant. It reports whether that person may stay: not when the
// right is gone, or when the session would have to be recorded and never was. The owner's end is the session's.
func (s *liveSession) apply(p *participant, ev evaluation) bool {
	if !ev.decision.stays() || (ev.decision.Record && !s.record) {
		if p == s.owner {
			s.finish(&End{Reason: EndRevoked, Rules: ev.grants.Rules})
		} else {
			s.leave(p, endMessage{Code: CodeRevoked, Reason: EndRevoked}, ev.grants.Rules)
		}
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.grants.Version != ev.grants.Version || !slices.Equal(p.grants.Rules, ev.grants.Rules) {
		p.grants = ev.grants
		p.setCaps(ev.grants)
		s.touchViewers()
	}
	return !p.left
}
