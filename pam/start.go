package pam

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam/internal/stream"
)

// StartRequest is what a user wants to start.
type StartRequest struct {
	Asset      AssetID
	Params     Params // launch parameters; missing ones are the remembered or default values
	Window     string // tab, window or embedded; for the page alone
	Reason     string // free text for the audit
	TicketID   string // of the host's ticket system, for the audit
	MFAToken   Secret // second factor, where the decision asks for one (L4); used up by this start
	ClientAddr netip.Addr
	SocketAddr string
}

// Refusal is an error with a code for the browser.
type Refusal struct {
	Code  Code
	Field string // the parameter that is wrong, of CodeInvalidParam
	Text  string // for developers; never holds a cause from inside
	Err   error  // the cause, for the log
	// Tries says how many second factors may still be tried, of CodeMFAInvalid; else nil.
	Tries *MFATries
	// Retry is when it makes sense to ask again; zero: not said. Over HTTP it is the header Retry-After, in whole seconds.
	Retry time.Duration
}

// Error describes the refusal.
func (r *Refusal) Error() string {
	s := string(r.Code)
	if r.Field != "" {
		s += ": " + r.Field
	}
	if r.Text != "" {
		s += ": " + r.Text
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// limits of free text in a start request, in bytes
const maxReason, maxTicketID = 1000, 200

// Start decides about a start and, if it is allowed, creates a session in state requested, which waits to be
// attached. A refusal is a *Refusal and an audit event.
func (b *Broker) Start(ctx context.Context, who Identity, r StartRequest) (SessionInfo, error) {
	if len(r.Reason) > maxReason || len(r.TicketID) > maxTicketID {
		return SessionInfo{}, &Refusal{Code: CodeTooLarge, Text: "reason or ticket id"}
	}
	if b.closing.Load() {
		return SessionInfo{}, shuttingDown()
	}
	event := Event{
		At: b.cfg.Now(), User: who.User, Login: who.LoginID, Asset: r.Asset, ClientAddr: addrText(r.ClientAddr), SocketAddr: r.SocketAddr,
		Detail: startDetail(r),
	}
	deny := func(refusal *Refusal) (SessionInfo, error) {
		b.met.denied.Inc(1)
		event.Verb, event.Code = DenySession, refusal.Code
		b.auditDenial(ctx, event)
		return SessionInfo{}, refusal
	}
	if refusal := b.knock(doorStart, who.User, r.ClientAddr); refusal != nil {
		return deny(refusal)
	}
	leave, ok := b.pending.take(append(sourceShare(r.ClientAddr, b.cfg.Limits.PendingAddr),
		share{counter{byUser, string(who.User)}, b.cfg.Limits.PendingUser},
		share{counter{byAsset, string(r.Asset)}, b.cfg.Limits.PendingAsset})...)
	if !ok {
		return deny(&Refusal{Code: CodeRateLimited, Text: "too many launches wait to be attached", Retry: b.cfg.Limits.Requested})
	}
	// The slot is taken before the decision, so that two starts cannot both find the last one free.
	free, release := b.reserve(who.User, r.Asset)
	var s *liveSession
	started := false
	defer func() {
		if !started {
			if s != nil {
				s.cancel(ErrClosed) // else the broker's context keeps it for ever
			}
			release()
			leave()
		}
	}()
	ev, err := b.evaluate(ctx, who, question{asset: r.Asset, op: OpAccess, addr: r.ClientAddr, limited: !free})
	if err != nil {
		b.cfg.Log.Error("decision failed", "user", who.User, "asset", r.Asset, "err", err)
	}
	event.Code, event.Rules, event.Policy = ev.decision.Code, ev.grants.Rules, ev.grants.Version
	if !ev.decision.Allowed() && ev.decision.Code != CodeMFARequired {
		return deny(&Refusal{Code: ev.decision.Code, Err: err})
	}
	if ev.decision.Record && b.cfg.Recorder == nil {
		return deny(&Refusal{Code: CodeRecordingFailed, Text: "the session must be recorded and there is no recorder"})
	}
	remembered, err := b.cfg.Store.Params(ctx, who.User, r.Asset)
	if err != nil {
		b.cfg.Log.Warn("remembered parameters", "err", err)
	}
	params, err := resolveParams(ev.protocol.Params(), ev.asset.Type.OS, ev.grants, remembered, r.Params)
	if err != nil {
		return deny(paramRefusal(err))
	}

	if ev.decision.Code == CodeMFARequired { // last: what would be refused anyway uses up no token (Q7)
		restore, refusal := b.verifyMFA(ctx, mfaAttempt{
			who: who, op: OpAccess, params: params, token: r.MFAToken, addr: r.ClientAddr, event: event,
		})
		if refusal != nil {
			return deny(refusal)
		}
		defer func() {
			if !started {
				restore()
			}
		}()
		ev.passMFA()
		event.Code = ev.decision.Code
	}
	unuse, err := b.useRequest(ctx, ev.request)
	if err != nil { // it was good a moment ago: somebody else was faster
		return deny(&Refusal{Code: CodeRequestRequired, Err: err})
	}
	defer func() {
		if !started {
			unuse()
		}
	}()
	s, err = b.newSession(who, ev, params, r.ClientAddr)
	if err != nil {
		return SessionInfo{}, &Refusal{Code: CodeInternal, Err: err}
	}
	s.waits = leave
	event.Verb, event.Session, event.Request = StartSession, s.id, s.request
	if err := b.audit.write(ctx, event); err != nil {
		return SessionInfo{}, &Refusal{Code: CodeAuditFailed, Err: err}
	}
	// From here on there is a Start event: what goes wrong has a Complete event too.
	abort := func(reason EndReason, refusal *Refusal) (SessionInfo, error) {
		b.abandon(ctx, s, event, reason, refusal.Code)
		return SessionInfo{}, refusal
	}
	if err := b.cfg.Store.PutSession(ctx, s.snapshot()); err != nil {
		return abort(EndTargetError, &Refusal{Code: CodeInternal, Err: fmt.Errorf("storing the session: %w", err)})
	}
	if err := b.cfg.Store.PutParams(ctx, who.User, r.Asset, toRemember(params, remembered, ev.grants.Pins)); err != nil {
		b.cfg.Log.Warn("remembering parameters", "err", err)
	}
	if !b.register(s) {
		return abort(EndGatewayShutdown, shuttingDown())
	}
	started = true
	b.met.started.Inc(1)
	return s.snapshot(), nil
}

func startDetail(r StartRequest) string {
	var parts []string
	if r.Reason != "" {
		parts = append(parts, "reason: "+r.Reason)
	}
	if r.TicketID != "" {
		parts = append(parts, "ticket: "+r.TicketID)
	}
	return strings.Join(parts, "; ")
}

// sessionIDBytes is the entropy of ids: 128 bits.
const sessionIDBytes = 16

// newSession makes a session that nobody can reach yet.
func (b *Broker) newSession(who Identity, ev evaluation, params Params, addr netip.Addr) (*liveSession, error) {
	id, err := b.randomText(sessionIDBytes)
	if err != nil {
		return nil, err
	}
	owner, err := b.newParticipant(who, ModeOwner, ev.grants, addr)
	if err != nil {
		return nil, err
	}
	now := b.cfg.Now()
	ctx, cancel := context.WithCancelCause(b.base)
	s := &liveSession{
		b: b, id: SessionID(id), asset: ev.asset, protocol: ev.protocol, params: params, record: ev.decision.Record,
		created: now, begun: time.Now(), ctx: ctx, cancel: cancel, done: make(chan struct{}),
		out:  stream.New(b.cfg.Limits.Backlog, b.cfg.Limits.RecorderLag),
		gate: &gate{}, turn: make(chan struct{}, 1),
		state: StateRequested, viewers: map[*viewer]struct{}{}, size: Size{Cols: 80, Rows: 24}, owner: owner,
		waits: func() {},
	}
	s.turn <- struct{}{}
	s.files = newSessionFiles(s)
	s.log = b.cfg.Log.With("session", s.id, "asset", ev.asset.ID, "user", who.User)
	s.info = SessionInfo{
		ID: s.id, Gateway: b.cfg.Gateway, Asset: ev.asset.ID, AssetName: ev.asset.Name, Protocol: ev.protocol.Name(), User: who.User, UserName: owner.name,
		State: StateRequested, Recorded: s.record, Created: now, Updated: now, Params: params, LoginID: who.LoginID,
		Channels: slices.Sorted(maps.Keys(owner.caps.Load().view())),
	}
	if r := ev.request; r != nil && ev.facts.Approval == ApprovalGiven {
		s.request, s.until = r.ID, lasts(*r).Round(0)
		s.info.Request, s.info.Expires = s.request, s.until
	}
	return s, nil
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
