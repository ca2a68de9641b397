package pam

import (
	"context"
	"net/http"
	"net/netip"
)

// JoinRequest is what a user wants to join, and how.
type JoinRequest struct {
	Session    SessionID
	Mode       Mode   // ModeMonitor or ModeParticipate; empty: ModeMonitor
	Reason     string // free text for the audit
	MFAToken   Secret // second factor, where the decision asks for one (I25); used up by this join
	ClientAddr netip.Addr
	SocketAddr string
}

// joins are the modes of joiners with the declaration that each needs (I25).
var joins = map[Mode]Declaration{ModeMonitor: JoinMonitor, ModeParticipate: JoinParticipate}

// Join decides about joining a live session and, if it is allowed, gives the user a place in it, which waits to be
// attached. Joining is an authorization of its own (S01): the id of a session grants nothing. A refusal is a *Refusal
// and an audit event; who has no right hears the same as for a session that does not exist.
func (b *Broker) Join(ctx context.Context, who Identity, r JoinRequest) (ParticipantID, error) {
	if r.Mode == "" {
		r.Mode = ModeMonitor
	}
	need, ok := joins[r.Mode]
	if !ok {
		return "", &Refusal{Code: CodeInvalidParam, Field: "mode", Text: "want monitor or participate"}
	}
	if len(r.Reason) > maxReason {
		return "", &Refusal{Code: CodeTooLarge, Text: "reason"}
	}
	if refusal := b.knock(doorJoin, who.User, r.ClientAddr); refusal != nil {
		return "", refusal // no event: it may be about nothing
	}
	info, err := b.lookUp(ctx, r.Session)
	if err != nil {
		return "", err // no event: there is nothing that it could be about
	}
	s := b.find(r.Session)
	ev, err := b.evaluate(ctx, who, question{
		asset: info.Asset, op: OpJoin, addr: r.ClientAddr, needs: need, session: info.ID, mode: r.Mode, limited: s != nil && s.full(who),
	})
	if err != nil {
		b.cfg.Log.Error("decision failed", "user", who.User, "session", r.Session, "err", err)
	}
	event := Event{
		At: b.cfg.Now(), Verb: JoinSession, User: who.User, Login: who.LoginID, Asset: info.Asset, Session: info.ID,
		ClientAddr: addrText(r.ClientAddr), SocketAddr: r.SocketAddr, Code: CodeAllowed, Rules: ev.grants.Rules, Policy: ev.grants.Version,
		Detail: joinDetail(r),
	}
	deny := func(refusal *Refusal) (ParticipantID, error) {
		b.met.denied.Inc(1)
		event.Verb, event.Code = DenySession, refusal.Code
		b.auditDenial(ctx, event)
		return "", refusal
	}
	if !ev.decision.Allowed() && ev.decision.Code != CodeMFARequired {
		return deny(&Refusal{Code: ev.decision.Code, Err: err})
	}
	joined := false
	if code := s.joinable(who, ev.decision.Record); code != "" {
		return deny(&Refusal{Code: code})
	}
	if ev.decision.Code == CodeMFARequired {
		restore, refusal := b.verifyMFA(ctx, mfaAttempt{
			who: who, op: OpJoin, params: Params{"session": string(info.ID), "mode": string(r.Mode)}, token: r.MFAToken,
			addr: r.ClientAddr, event: event,
		})
		if refusal != nil {
			return deny(refusal)
		}
		defer func() {
			if !joined {
				restore()
			}
		}()
		ev.passMFA()
	}
	unuse, err := b.useRequest(ctx, ev.request)
	if err != nil { // it was good a moment ago: somebody else was faster
		return deny(&Refusal{Code: CodeRequestRequired, Err: err})
	}
	defer func() {
		if !joined {
			unuse()
		}
	}()
	p, err := b.newParticipant(who, r.Mode, ev.grants, r.ClientAddr)
	if err != nil {
		return "", &Refusal{Code: CodeInternal, Err: err}
	}
	if ev.request != nil {
		p.request, event.Request = ev.request.ID, ev.request.ID
	}
	if err := b.audit.write(ctx, event); err != nil {
		return "", &Refusal{Code: CodeAuditFailed, Err: err}
	}
	if code := s.admit(p); code != "" {
		return deny(&Refusal{Code: code})
	}
	joined = true
	b.met.joined.Inc(1)
	return p.id, nil
}

func joinDetail(r JoinRequest) string {
	if r.Reason == "" {
		return string(r.Mode)
	}
	return string(r.Mode) + "; reason: " + r.Reason
}

// full reports whether one more joiner would be too many. Who has a place already takes no other.
func (s *liveSession) full(who Identity) bool {
	p := s.placeOf(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	return p == nil && len(s.joiners) >= s.b.cfg.Limits.Joiners
}

// joinable says why a session cannot be joined by somebody who has the right; empty: it can. A nil session has ended.
func (s *liveSession) joinable(who Identity, mustRecord bool) Code {
	if s == nil {
		return CodeSessionEnded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.end != nil:
		return CodeSessionEnded
	case !s.running:
		return CodeNotStarted
	case s.owner.user == who.User && s.owner.login == who.LoginID:
		return CodeOwnSession
	case mustRecord && !s.record:
		return CodeNotRecorded
	}
	return ""
}

func (b *Broker) serveJoin(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body struct {
		Mode     Mode   `json:"mode"`
		Reason   string `json:"reason"`
		MFAToken string `json:"mfa_token"`
	}
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	id := SessionID(r.PathValue("id"))
	_, err := b.Join(r.Context(), who, JoinRequest{
		Session: id, Mode: body.Mode, Reason: body.Reason, MFAToken: NewSecret(body.MFAToken), ClientAddr: b.clientAddr(r), SocketAddr: r.RemoteAddr,
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]any{"url": pageURL(id)})
	return nil
}
