package pam

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Ask is what a user asks approval for.
type Ask struct {
	Operation Operation // empty: OpAccess
	Asset     AssetID   // of OpAccess
	Session   SessionID // of all others: it is to be extended, joined or played
	// From and To are the time asked for; Lasting, with From and To zero, a time that begins with the approval.
	From, To   time.Time
	Lasting    time.Duration
	Message    string // why; for the approvers and the audit
	TicketID   string // of the host's ticket system
	Exclusive  bool   // where the selector leaves it open
	Params     Params // of OpAccess launch parameters, part of what is approved; missing ones are the remembered or default values. Of OpJoin the mode
	ClientAddr netip.Addr
	SocketAddr string
}

// Ask makes an access request, where a workflow governs the operation and approval is needed. A refusal is a *Refusal.
func (b *Broker) Ask(ctx context.Context, who Identity, a Ask) (AccessRequest, error) {
	if a.Operation == "" {
		a.Operation = OpAccess
	}
	switch {
	case len(a.Message) > maxReason:
		return AccessRequest{}, &Refusal{Code: CodeTooLarge, Field: "message"}
	case len(a.TicketID) > maxTicketID:
		return AccessRequest{}, &Refusal{Code: CodeTooLarge, Field: "ticket_id"}
	case (a.Operation == OpAccess) != (a.Session == ""):
		return AccessRequest{}, &Refusal{Code: CodeInvalidParam, Field: "operation", Text: "asset.access is asked for on an asset, all else in a session"}
	}
	if refusal := b.knock(doorAsk, who.User, a.ClientAddr); refusal != nil {
		return AccessRequest{}, refusal
	}
	if a.Session != "" {
		if err := b.sessionAsk(ctx, who, &a); err != nil {
			return AccessRequest{}, err
		}
	}
	q := question{asset: a.Asset, op: a.Operation, addr: a.ClientAddr, session: a.Session, mode: Mode(a.Params["mode"]), asking: true}
	if a.Operation != OpJoin {
		q.mode = ""
	}
	q.needs = joins[q.mode]
	decide := b.evaluate
	if a.Operation == OpPlay {
		decide = b.decidePlay
	}
	ev, err := decide(ctx, who, q)
	if err != nil {
		b.cfg.Log.Error("decision failed", "user", who.User, "asset", a.Asset, "err", err)
	}
	event := Event{
		At: b.cfg.Now(), Verb: RequestAccess, User: who.User, Login: who.LoginID, Asset: a.Asset, ClientAddr: addrText(a.ClientAddr),
		SocketAddr: a.SocketAddr, Session: a.Session, Rules: ev.grants.Rules, Policy: ev.grants.Version,
	}
	switch ev.decision.Code {
	case CodeRequestRequired:
	case CodeAllowed, CodeMFARequired, CodeMFAUnavailable:
		return AccessRequest{}, &Refusal{Code: CodeRequestNotNeeded}
	default:
		b.met.denied.Inc(1)
		event.Verb, event.Code, event.Detail = DenySession, ev.decision.Code, "asking for approval"
		b.auditDenial(ctx, event)
		return AccessRequest{}, &Refusal{Code: ev.decision.Code, Err: err}
	}
	r := AccessRequest{
		Operation: a.Operation, Asset: a.Asset, AssetName: ev.asset.Name, Account: ev.asset.Account, Session: a.Session,
		User: who.User, UserName: who.name(), Person: who.person(), Login: who.LoginID,
		From: a.From, To: a.To, Lasting: a.Lasting, Message: a.Message, TicketID: a.TicketID, Exclusive: a.Exclusive,
		Declarations: ev.grants.Declarations, Recorded: ev.grants.Declarations[WebSession] == Record,
		Selector: ev.grants.Selector.ID, Workflow: *ev.grants.Selector.Workflow,
	}
	now := b.cfg.Now()
	if err := r.settleTime(now, &b.cfg.Limits); err != nil {
		return AccessRequest{}, err
	}
	switch excl := ev.grants.Selector.Exclusive; {
	case a.Operation != OpAccess:
		r.Exclusive = false
	case excl == ExclusiveRequired:
		r.Exclusive = true
	case excl != ExclusiveOptional && r.Exclusive:
		return AccessRequest{}, &Refusal{Code: CodeInvalidParam, Field: "exclusive", Text: "the workflow does not offer it"}
	}
	if r.Workflow.Ticket && r.TicketID == "" {
		return AccessRequest{}, &Refusal{Code: CodeInvalidParam, Field: "ticket_id", Text: "the workflow asks for one"}
	}
	r.Params = a.Params
	if a.Operation == OpAccess {
		if r.Params, err = b.launchTerms(ctx, who, ev, a.Params); err != nil {
			return AccessRequest{}, err
		}
	}
	return b.submit(ctx, r, event)
}

// launchTerms are the parameters that a launch by approval will have.
func (b *Broker) launchTerms(ctx context.Context, who Identity, ev evaluation, given Params) (Params, error) {
	remembered, err := b.cfg.Store.Params(ctx, who.User, ev.asset.ID)
	if err != nil {
		b.cfg.Log.Warn("remembered parameters", "err", err)
	}
	params, err := resolveParams(ev.protocol.Params(), ev.asset.Type.OS, ev.grants, remembered, given)
	if err != nil {
		return nil, paramRefusal(err)
	}
	for _, p := range ev.protocol.Params() {
		if p.Display { // how it looks on one's own screen is nobody else's business, and may change at any time
			delete(params, p.Name)
		}
	}
	return params, nil
}

// submit writes a new request down, if its user has not too many that are open.
func (b *Broker) submit(ctx context.Context, r AccessRequest, event Event) (AccessRequest, error) {
	now := b.cfg.Now()
	open, err := b.openRequests(ctx, r.User)
	if err != nil {
		return AccessRequest{}, &Refusal{Code: CodeInternal, Err: err}
	}
	if open >= b.cfg.Limits.Requests {
		return AccessRequest{}, &Refusal{Code: CodeLimitReached, Text: "too many of your requests are open"}
	}
	id, err := b.randomText(sessionIDBytes)
	if err != nil {
		return AccessRequest{}, &Refusal{Code: CodeInternal, Err: err}
	}
	r.ID = RequestID(id)
	r = r.submit(now)
	event.At, event.Code, event.Request, event.Detail = now, CodeAllowed, r.ID, r.describe()
	if err := b.audit.write(ctx, event); err != nil {
		return AccessRequest{}, &Refusal{Code: CodeAuditFailed, Err: err}
	}
	if r, err = b.cfg.Store.PutRequest(ctx, r); err != nil {
		return AccessRequest{}, &Refusal{Code: CodeInternal, Err: fmt.Errorf("storing the request: %w", err)}
	}
	b.met.asked.Inc(1)
	b.requestMoved(r)
	return r, nil
}

// openRequests counts a user's requests that somebody has to decide about, or that are good.
func (b *Broker) openRequests(ctx context.Context, u UserID) (n int, err error) {
	list, err := b.cfg.Store.Requests(ctx, RequestFilter{User: u, Open: true, Limit: 1000})
	for _, r := range b.upToDate(ctx, list) {
		if r.State.Open() {
			n++
		}
	}
	return n, err
}

// settleTime checks the time that is asked for and completes it.
func (r *AccessRequest) settleTime(now time.Time, l *Limits) error {
	longest := r.Workflow.longest(l)
	bad := func(field, format string, args ...any) error {
		return &Refusal{Code: CodeInvalidParam, Field: field, Text: fmt.Sprintf(format, args...)}
	}
	r.Until = now.Add(l.RequestLife)
	if r.From.IsZero() && r.To.IsZero() {
		if r.Lasting < time.Minute || r.Lasting > longest {
			return bad("lasting", "want 1 minute to %v", longest)
		}
		return nil
	}
	r.From, r.To, r.Lasting = r.From.UTC().Truncate(time.Microsecond), r.To.UTC().Truncate(time.Microsecond), 0
	if r.From.Before(now) {
		r.From = now.UTC().Truncate(time.Microsecond)
	}
	switch {
	case !r.To.After(r.From):
		return bad("to", "it is over already, or before it begins")
	case r.To.Sub(r.From) > longest:
		return bad("to", "at most %v", longest)
	case r.From.Sub(now) > l.RequestAhead:
		return bad("from", "at most %v ahead", l.RequestAhead)
	}
	r.Until = r.To
	return nil
}

// describe is what the audit says of a request.
func (r AccessRequest) describe() string {
	s := string(r.Operation)
	if r.From.IsZero() {
		s += fmt.Sprintf(" for %v", r.Lasting)
	} else {
		s += " from " + stamp(r.From) + " to " + stamp(r.To)
	}
	if r.Exclusive {
		s += ", exclusive"
	}
	if r.TicketID != "" {
		s += "; ticket: " + r.TicketID
	}
	if r.Message != "" {
		s += "; reason: " + r.Message
	}
	return s
}

// paramRefusal is the refusal for a parameter that resolveParams does not take.
func paramRefusal(err error) *Refusal {
	refusal := &Refusal{Code: CodeInvalidParam, Err: err}
	var pe *paramError
	if errors.As(err, &pe) {
		refusal.Field, refusal.Text, refusal.Err = pe.field, pe.text, nil
	}
	return refusal
}
