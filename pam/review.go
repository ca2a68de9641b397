package pam

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
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
		case <-b.roused:
		case <-b.base.Done():
			return
		}
		b.review()
	}
}

// rouse makes the broker decide about all live sessions anew now.
func (b *Broker) rouse() {
	select {
	case b.roused <- struct{}{}:
	default: // it is to wake up already
	}
}

// changes returns the channel that the policy closes at its next change, nil if it does not tell.
func (b *Broker) changes() <-chan struct{} {
	if n, ok := b.cfg.Policy.(PolicyNotifier); ok {
		return n.Changed()
	}
	return nil
}

// reviewers is how many sessions are decided about at once. An inventory that takes 20 ms for an answer is then still
// through with 1,000 sessions in less than the 5 s that a lost right may last (S11).
const reviewers = 16

// review asks the policy about every live session, and returns when all are done.
func (b *Broker) review() {
	work := make(chan *liveSession)
	var wg sync.WaitGroup
	all := b.all()
	for range min(reviewers, len(all)) {
		wg.Go(func() {
			for s := range work {
				b.reviewSession(s)
			}
		})
	}
	for _, s := range all {
		work <- s
	}
	close(work)
	wg.Wait()
}

// reviewSession decides about one session anew. A panic of inventory or policy costs the review of this one alone.
func (b *Broker) reviewSession(s *liveSession) {
	defer func() {
		if p := recover(); p != nil {
			b.met.panics.Inc(1)
			b.cfg.Log.Error("panic while reviewing a live session", "session", s.id, "value", p)
		}
	}()
	s.checkClock()
	if b.base.Err() == nil && !s.overdue() {
		s.review()
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
	if s.apply(p, ev) && p == s.owner {
		s.reviewExtension(ctx, addr)
	}
}

// question is what is to be decided about a participant who is in the session already.
func (s *liveSession) question(p *participant, addr netip.Addr) question {
	if p == s.owner {
		return question{asset: s.asset.ID, op: OpAccess, addr: addr, live: true, request: s.request}
	}
	return question{asset: s.asset.ID, op: OpJoin, addr: addr, needs: joins[p.mode], session: s.id, mode: p.mode, live: true, request: p.request}
}

// apply makes an evaluation the live decision about a participant. It reports whether that person may stay: not when the
// right is gone, or when the session would have to be recorded and never was. The owner's end is the session's.
func (s *liveSession) apply(p *participant, ev evaluation) bool {
	s.mu.Lock()
	before := p.grants.Rules
	s.mu.Unlock()
	if !ev.decision.stays() || (ev.decision.Record && !s.record) {
		rules := changedRules(before, ev.grants.Rules)
		if p == s.owner {
			s.finish(&End{Reason: EndRevoked, Rules: rules})
		} else {
			s.leave(p, endMessage{Code: CodeRevoked, Reason: EndRevoked}, rules)
		}
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.grants.Version != ev.grants.Version || !slices.Equal(p.grants.Rules, ev.grants.Rules) {
		old := p.caps.Load().view()
		p.grants = ev.grants
		p.setCaps(ev.grants)
		if now := p.caps.Load().view(); !maps.Equal(old, now) && s.end == nil && !p.left {
			s.noteChangeLocked(p, old, now, changedRules(before, ev.grants.Rules))
		}
		s.touchViewers()
	}
	return !p.left
}

// noteChangeLocked writes the event of a right that became narrower or wider. It does so in a goroutine of its own: a
// change must not wait for the audit sink, and no other session's either. The caller holds mu, and the session has not
// begun to end.
func (s *liveSession) noteChangeLocked(p *participant, old, now map[Declaration]Value, rules []string) {
	var changes []string
	for _, d := range slices.Sorted(maps.Keys(merged(old, now))) {
		if old[d] != now[d] {
			changes = append(changes, fmt.Sprintf("%s: %s to %s", d, old[d], now[d]))
		}
	}
	e := Event{
		At: s.b.cfg.Now(), Verb: ChangePolicy, User: p.user, Login: p.login, Asset: s.asset.ID, Session: s.id, ClientAddr: addrText(p.addr),
		Detail: strings.Join(changes, ", "), Rules: rules, Policy: p.grants.Version,
	}
	s.b.wg.Go(func() { // the session has not ended, so Shutdown has not come to its last wait
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.b.cfg.Limits.CloseTimeout)
		defer cancel()
		if err := s.b.audit.write(ctx, e); err != nil {
			s.log.Error("audit event lost", "verb", ChangePolicy, "err", err)
		}
	})
}

func merged(a, b map[Declaration]Value) map[Declaration]Value {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// changedRules names the rules that changed an answer: those that decide no longer, then those that decide now and did
// not before. If they are the same rules it is what they say that has changed.
func changedRules(before, now []string) []string {
	var changed []string
	for _, r := range before {
		if !slices.Contains(now, r) {
			changed = append(changed, r)
		}
	}
	for _, r := range now {
		if !slices.Contains(before, r) {
			changed = append(changed, r)
		}
	}
	if changed == nil {
		return now
	}
	return changed
}
