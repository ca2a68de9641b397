package pam

import (
	"context"
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
		s.review()
	}
}

// review decides about one session anew: a right that was lost ends it, other changes narrow or widen what its people
// may do. When the policy cannot answer nothing changes, and the next sweep asks again.
func (s *liveSession) review() {
	s.mu.Lock()
	addr, ended := s.addr, s.end != nil
	s.mu.Unlock()
	if ended {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, reviewTime)
	defer cancel()
	ev, err := s.b.evaluate(ctx, s.owner.identity(), s.asset.ID, OpAccess, addr, false)
	if err != nil {
		if s.ctx.Err() == nil {
			s.log.Error("a live session could not be decided anew", "err", err)
		}
		return
	}
	s.apply(ev)
}

// apply makes an evaluation the live decision. It reports whether the session may go on: it may not when the right is
// gone, or when it would have to be recorded and never was.
func (s *liveSession) apply(ev evaluation) bool {
	if !ev.decision.Allowed() || (ev.decision.Record && !s.record) {
		s.finish(&End{Reason: EndRevoked, Rules: ev.grants.Rules})
		return false
	}
	s.mu.Lock()
	same := s.grants.Version == ev.grants.Version && slices.Equal(s.grants.Rules, ev.grants.Rules)
	s.mu.Unlock()
	if !same {
		s.adopt(ev.grants)
	}
	return true
}

// identity is who the participant is, as evaluate wants it.
func (p *participant) identity() Identity {
	return Identity{User: p.user, Name: p.name, LoginID: p.login}
}
