package pam

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

// A session that lives by an approval ends with it (I5), unless its owner extends it (I4): at once where no workflow governs
// session.extend, else by an approved request of its own, whose end becomes the session's. No extension goes beyond
// Limits.MaxDuration, counted from the start.

// extendState is what the owner of a session that an approval governs may do about its end.
type extendState string

const (
	extendNow      extendState = "now"      // by saying so
	extendRequest  extendState = "request"  // by asking for approval
	extendPending  extendState = "pending"  // asked, not decided
	extendApproved extendState = "approved" // to a known end, by saying so
)

// extension is an extendState with the end that an approval has.
type extension struct {
	state   extendState
	to      time.Time
	request RequestID // that is pending or approved
}

// latestEnd is how far the session can be extended at most.
func (s *liveSession) latestEnd() time.Time { return s.begunWall.Add(s.b.cfg.Limits.MaxDuration) }

// Extend moves the end of the caller's own live session to a later time. Where an approval is needed its end counts, and to
// is ignored. It returns the new end. A refusal is a *Refusal and leaves the old end as it is.
func (b *Broker) Extend(ctx context.Context, who Identity, id SessionID, to time.Time, client netip.Addr, socket string) (time.Time, error) {
	if refusal := b.knock(doorAsk, who.User, client); refusal != nil {
		return time.Time{}, refusal
	}
	s, err := b.ownGoverned(who, id)
	if err != nil {
		return time.Time{}, err
	}
	ev, err := b.evaluate(ctx, who, question{asset: s.asset.ID, op: OpExtend, addr: client, session: id, live: true})
	event := Event{
		At: b.cfg.Now(), Verb: ExtendSession, User: who.User, Login: who.LoginID, Asset: s.asset.ID, Session: id, ClientAddr: addrText(client),
		SocketAddr: socket, Code: CodeAllowed, Rules: ev.grants.Rules, Policy: ev.grants.Version,
	}
	deny := func(refusal *Refusal) (time.Time, error) {
		event.Verb, event.Code, event.Detail = DenySession, refusal.Code, string(OpExtend)
		b.auditDenial(ctx, event)
		return time.Time{}, refusal
	}
	if err != nil || !ev.decision.stays() { // a second factor is a matter of the doors
		return deny(&Refusal{Code: ev.decision.Code, Err: err})
	}
	if ev.request != nil {
		to, event.Request = lasts(*ev.request), ev.request.ID
	}
	if to, err = s.checkEnd(to); err != nil {
		return time.Time{}, err
	}
	event.Detail = "to " + stamp(to)
	undo, err := b.useRequest(ctx, ev.request)
	if err != nil {
		return deny(&Refusal{Code: CodeRequestRequired, Err: err})
	}
	// The approval first: a review that comes between must not find a session that outlives it. It lets nothing new begin.
	_, err = b.changeRequest(ctx, s.request, &event, func(r AccessRequest) (AccessRequest, error) { return r.extend(to, b.cfg.Now()) })
	if err != nil {
		undo()
		return time.Time{}, b.requestRefusal(ctx, who, AccessRequest{}, err)
	}
	if !s.extend(to) {
		return time.Time{}, &Refusal{Code: CodeSessionEnded}
	}
	if ev.request != nil { // it has done what it was for: a later end is asked for anew
		_, err := b.changeRequest(ctx, ev.request.ID, nil, func(r AccessRequest) (AccessRequest, error) { return r.withdraw(who.User, "", b.cfg.Now()) })
		if err != nil {
			s.log.Warn("an extension that was made stays open", "request", ev.request.ID, "err", err)
		}
	}
	if err := b.cfg.Store.PutSession(ctx, s.snapshot()); err != nil {
		s.log.Warn("storing the new end of a session", "err", err) // its own record has it, and Complete will
	}
	b.rouse()
	return to, nil
}

// ownGoverned finds a live session that this login owns and that an approval governs.
func (b *Broker) ownGoverned(who Identity, id SessionID) (*liveSession, error) {
	s := b.find(id)
	if s == nil || s.owner.user != who.User || s.owner.login != who.LoginID {
		return nil, &Refusal{Code: CodeNotFound}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.end != nil:
		return nil, &Refusal{Code: CodeSessionEnded}
	case s.until.IsZero():
		return nil, &Refusal{Code: CodeRequestNotNeeded, Text: "no approval ends this session"}
	}
	return s, nil
}

// checkEnd bounds a new end of a session. Its error is a *Refusal.
func (s *liveSession) checkEnd(to time.Time) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to = to.UTC().Truncate(time.Microsecond)
	if latest := s.latestEnd(); to.After(latest) {
		to = latest.UTC().Truncate(time.Microsecond)
	}
	if !to.After(s.until) {
		return to, &Refusal{Code: CodeInvalidParam, Field: "to", Text: "want a time after " + stamp(s.until) + ", at most " + stamp(s.latestEnd())}
	}
	return to, nil
}

// extend makes a later end the session's. It reports whether the session goes on.
func (s *liveSession) extend(to time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return false
	}
	s.setUntil(to)
	s.extension = extension{}
	s.info.Expires, s.info.Updated = to, s.b.cfg.Now()
	if s.clock != nil {
		s.setClock()
	}
	s.touchViewers()
	return true
}

// setUntil sets when the approval ends, by both clocks. The caller holds mu.
func (s *liveSession) setUntil(to time.Time) {
	s.until = to.Round(0)
	s.untilAt = s.at() + s.until.Sub(s.b.cfg.Now().Round(0))
}

// reviewExtension finds out what the owner may do about the session's end, for its page.
func (s *liveSession) reviewExtension(ctx context.Context, addr netip.Addr) {
	s.mu.Lock()
	governed := s.end == nil && !s.until.IsZero() && s.clock != nil
	s.mu.Unlock()
	if !governed {
		return
	}
	var x extension
	ev, err := s.b.evaluate(ctx, s.owner.identity(), question{asset: s.asset.ID, op: OpExtend, addr: addr, session: s.id, live: true})
	switch {
	case err != nil:
	case ev.decision.stays() && ev.request != nil:
		x = extension{extendApproved, lasts(*ev.request), ev.request.ID}
	case ev.decision.stays():
		x.state = extendNow
	case ev.decision.Code == CodeRequestRequired:
		x.state = extendRequest
	case ev.decision.Code == CodeRequestPending && ev.request != nil:
		x = extension{state: extendPending, request: ev.request.ID}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.until.Before(s.latestEnd()) {
		x = extension{} // as late as it can be
	}
	if s.extension != x {
		s.extension = x
		s.touchViewers()
	}
}

// expiryView is the end of the approved time as the browser is told of it (I2), and of its owner what can be done about it.
type expiryView struct {
	At      string      `json:"at"`               // RFC 3339
	Extend  extendState `json:"extend,omitempty"` // missing: not at all
	To      string      `json:"to,omitempty"`     // of an approved extension
	Latest  string      `json:"latest,omitempty"` // the latest end that can be had
	Request RequestID   `json:"request,omitempty"`
}

// expiry is what one participant is told. The caller holds mu.
func (s *liveSession) expiry(p *participant) *expiryView {
	if s.until.IsZero() {
		return nil
	}
	v := &expiryView{At: stamp(s.until)}
	if p == s.owner && s.extension.state != "" {
		v.Extend, v.Request, v.Latest = s.extension.state, s.extension.request, stamp(s.latestEnd())
		if !s.extension.to.IsZero() {
			v.To = stamp(s.extension.to)
		}
	}
	return v
}

func (b *Broker) serveExtend(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body struct {
		To time.Time `json:"to"`
	}
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	if _, _, err := b.place(r, who); err != nil { // the same answers as for all else about a session
		return err
	}
	to, err := b.Extend(r.Context(), who, SessionID(r.PathValue("id")), body.To, b.clientAddr(r), r.RemoteAddr)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"expires": to})
	return nil
}

// sessionAsk completes an ask for an operation in a session: who may ask, about which asset, with what.
func (b *Broker) sessionAsk(ctx context.Context, who Identity, a *Ask) error {
	switch a.Operation {
	case OpExtend:
		s, err := b.ownGoverned(who, a.Session)
		if err != nil {
			return err
		}
		if a.To, err = s.checkEnd(a.To); err != nil {
			return err
		}
		a.Asset, a.From, a.Lasting, a.Params, a.Exclusive = s.asset.ID, b.cfg.Now(), 0, nil, false
		return nil
	case OpJoin:
		info, err := b.lookUp(ctx, a.Session)
		if err != nil {
			return err
		}
		mode := Mode(a.Params["mode"])
		if mode == "" {
			mode = ModeMonitor
		}
		if _, ok := joins[mode]; !ok || len(a.Params) > 1 {
			return &Refusal{Code: CodeInvalidParam, Field: "mode", Text: "want monitor or participate"}
		}
		a.Asset, a.Params, a.Exclusive = info.Asset, Params{"mode": string(mode)}, false
		return nil
	case OpPlay:
		info, err := b.lookUp(ctx, a.Session)
		if err != nil {
			return err
		}
		a.Asset, a.Params, a.Exclusive = info.Asset, nil, false
		return nil
	}
	return &Refusal{Code: CodeInvalidParam, Field: "operation", Text: fmt.Sprintf("want one of %s, %s, %s, %s", OpAccess, OpExtend, OpJoin, OpPlay)}
}
