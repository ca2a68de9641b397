package pam

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"
)

// approval finds out how far the approval is that a selector asks for, and by which request.
//
// A request counts for what it was made for and nothing else (S12): this person, asset, account and operation, and for
// an operation in a session, that session. The workflow has to be what it was: who changes the levels asks everyone anew.
func (b *Broker) approval(ctx context.Context, who Identity, q question, asset Asset, sel *Selector) (Approval, *AccessRequest, error) {
	if sel.Workflow == nil || len(sel.Workflow.Levels) == 0 {
		return ApprovalMissing, nil, nil // there is nobody who could give it
	}
	covers := func(r AccessRequest) bool {
		return r.User == who.User && r.Person == who.person() && r.Operation == q.op && r.Asset == asset.ID && r.Account == asset.Account &&
			r.Session == q.session && r.Params["mode"] == string(q.mode) && reflect.DeepEqual(r.Workflow, *sel.Workflow)
	}
	now := b.cfg.Now()
	if q.request != "" { // of a session that runs: by this request or not at all
		r, err := b.cfg.Store.Request(ctx, q.request)
		if err != nil {
			return ApprovalMissing, nil, fmt.Errorf("store: %w", err)
		}
		if r = r.at(now); covers(r) && r.holds(now) {
			return ApprovalGiven, &r, nil
		}
		return ApprovalMissing, nil, nil
	}
	list, err := b.cfg.Store.Requests(ctx, RequestFilter{
		User: who.User, Asset: asset.ID, Operation: q.op, Session: q.session, Open: true, Limit: 1000,
	})
	if err != nil {
		return ApprovalMissing, nil, fmt.Errorf("store: %w", err)
	}
	state := ApprovalMissing
	var best *AccessRequest
	for _, r := range b.upToDate(ctx, list) {
		if !r.State.Open() || !covers(r) {
			continue
		}
		switch good := r.Good(now) && !r.UsedUp(); {
		case good && (state != ApprovalGiven || lasts(r).After(lasts(*best))):
			state, best = ApprovalGiven, &r
		case good || state == ApprovalGiven || r.UsedUp():
		case state == ApprovalMissing || r.Created.Before(best.Created): // the oldest is the next to be decided
			state, best = ApprovalPending, &r
		}
	}
	return state, best, nil
}

// lasts is until when an approved request is good.
func lasts(r AccessRequest) time.Time {
	_, to, _ := r.Window()
	return to
}

// locked reports whether somebody else has an asset for themselves now: by an approved request, or, if the one who asks
// has such a request, by a session. Of two such requests the one that was approved first counts.
func (b *Broker) locked(ctx context.Context, who Identity, asset AssetID, own *AccessRequest) (bool, error) {
	list, err := b.cfg.Store.Requests(ctx, RequestFilter{Asset: asset, Operation: OpAccess, Open: true, Exclusive: true, Limit: 1000})
	if err != nil {
		return true, fmt.Errorf("store: %w", err)
	}
	now := b.cfg.Now()
	mine := own != nil && own.Exclusive
	for _, r := range b.upToDate(ctx, list) {
		if r.User == who.User || !r.holds(now) {
			continue
		}
		if !mine || r.Decided.Before(own.Decided) || r.Decided.Equal(own.Decided) && r.ID < own.ID {
			return true, nil
		}
	}
	if mine {
		for _, s := range b.all() {
			if s.asset.ID == asset && s.owner.user != who.User && !s.ended() {
				return true, nil
			}
		}
	}
	return false, nil
}

// bind makes the grants those of an approved request: what was asked for is what is given.
func (g Grants) bind(r *AccessRequest) Grants {
	g.Declarations = narrow(g.Declarations, r.Declarations)
	if r.Operation == OpAccess && len(r.Params) > 0 {
		g.Pins = maps.Clone(g.Pins)
		if g.Pins == nil {
			g.Pins = Params{}
		}
		for name, v := range r.Params {
			if _, pinned := g.Pins[name]; !pinned { // what the policy has pinned since goes before
				g.Pins[name] = v
			}
		}
	}
	return g
}

// narrow is what both permit, recorded if either says so.
func narrow(now, approved Declarations) Declarations {
	out := make(Declarations, len(now))
	for d, v := range now {
		switch a := approved[d]; {
		case !v.Permits() || !a.Permits():
			out[d] = Deny
		case v == Record || a == Record:
			out[d] = Record
		default:
			out[d] = Allow
		}
	}
	return out
}

// upToDate returns records as time has made them, and writes down what time has closed: else a store's list of open requests
// would grow for ever, and hide those that are open.
func (b *Broker) upToDate(ctx context.Context, list []AccessRequest) []AccessRequest {
	const most = 50 // at a time; the rest is left for the next reader
	now, written := b.cfg.Now(), 0
	for i, r := range list {
		list[i] = r.at(now)
		if list[i].State == r.State || written == most {
			continue
		}
		written++
		switch next, err := b.cfg.Store.PutRequest(ctx, list[i]); {
		case err == nil:
			list[i] = next
			b.tellOf(list[i], 0)
		case !errors.Is(err, ErrConflict): // another reader was faster
			b.cfg.Log.Warn("writing down that time has closed a request", "request", r.ID, "err", err)
			written = most
		}
	}
	return list
}

// changeRequest makes a change of the newest revision of a request. The event is written before the change takes effect
// (S31); if somebody else's change comes between, the change is tried again on what is there then.
func (b *Broker) changeRequest(ctx context.Context, id RequestID, e *Event, change func(AccessRequest) (AccessRequest, error)) (AccessRequest, error) {
	const attempts = 10
	for range attempts {
		r, err := b.cfg.Store.Request(ctx, id)
		if err != nil {
			return AccessRequest{}, err
		}
		next, err := change(r)
		if err != nil {
			return r, err
		}
		if e != nil {
			e.Asset, e.Session = next.Asset, cmp.Or(e.Session, next.Session)
			if err := b.audit.write(ctx, *e); err != nil {
				return r, &Refusal{Code: CodeAuditFailed, Err: err}
			}
		}
		next, err = b.cfg.Store.PutRequest(ctx, next)
		if err == nil {
			return next, nil
		}
		if !errors.Is(err, ErrConflict) {
			return r, err
		}
	}
	return AccessRequest{}, ErrConflict
}

// closeRequest ends the approval by which a session ran, if it was good for this one alone: what it held for one user is free
// then (C3).
func (s *liveSession) closeRequest(ctx context.Context) {
	if s.request == "" {
		return
	}
	r, err := s.b.changeRequest(ctx, s.request, nil, func(r AccessRequest) (AccessRequest, error) {
		if !r.UsedUp() {
			return r, errRequestClosed
		}
		return r.withdraw(s.owner.user, "", s.b.cfg.Now())
	})
	switch {
	case err == nil:
		s.b.requestMoved(r)
	case !errors.Is(err, errRequestClosed):
		s.log.Warn("a used access request was not closed", "request", s.request, "err", err)
	}
}

// useRequest counts the use of an approval by a launch, in one step with the check that it is still good (S12). undo takes
// it back: for a launch that comes to nothing.
func (b *Broker) useRequest(ctx context.Context, r *AccessRequest) (undo func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	_, err = b.changeRequest(ctx, r.ID, nil, func(now AccessRequest) (AccessRequest, error) { return now.use(b.cfg.Now()) })
	if err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.cfg.Limits.CloseTimeout)
		defer cancel()
		_, err := b.changeRequest(ctx, r.ID, nil, func(now AccessRequest) (AccessRequest, error) { return now.unuse(b.cfg.Now()) })
		if err != nil {
			b.cfg.Log.Warn("a use of an access request was not given back", "request", r.ID, "err", err)
		}
	}, nil
}
