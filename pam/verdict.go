package pam

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// Verdict is what an approver says about a request.
type Verdict struct {
	Request RequestID
	Approve bool
	Note    string // for the requester; needed to reject
	// Terms is the digest of the request that the approver has looked at, and Level the level at which the approver
	// decides: if the request is another one by now, or has moved on, nothing happens.
	Terms      Digest
	Level      int
	ClientAddr netip.Addr
	SocketAddr string
}

// errors that people hear of as other codes
var errNoApprover = errors.New("this person does not decide about the request")

// Judge lets an approver decide. A refusal is a *Refusal; who may not see the request hears the same as for one that does
// not exist.
func (b *Broker) Judge(ctx context.Context, who Identity, v Verdict) (AccessRequest, error) {
	switch {
	case len(v.Note) > maxReason:
		return AccessRequest{}, &Refusal{Code: CodeTooLarge, Field: "note"}
	case !v.Approve && v.Note == "":
		return AccessRequest{}, &Refusal{Code: CodeInvalidParam, Field: "note", Text: "say why you reject it"}
	}
	if refusal := b.knock(doorJudge, who.User, v.ClientAddr); refusal != nil {
		return AccessRequest{}, refusal
	}
	event := b.requestEvent(who, v.Request, v.ClientAddr, v.SocketAddr, v.Note)
	event.Verb = RejectRequest
	if v.Approve {
		event.Verb = ApproveRequest
	}
	r, err := b.changeRequest(ctx, v.Request, &event, func(r AccessRequest) (AccessRequest, error) {
		now := b.cfg.Now()
		level := r.at(now).Level()
		if level < len(r.Workflow.Levels) {
			if ok, err := b.approves(ctx, who, r, level); err != nil || !ok {
				return r, errors.Join(errNoApprover, err)
			}
		}
		return r.vote(Vote{
			Level: v.Level, User: who.User, Name: who.name(), Person: who.person(), Approve: v.Approve, Note: v.Note, Terms: v.Terms,
		}, now)
	})
	if err != nil {
		return AccessRequest{}, b.requestRefusal(ctx, who, r, err)
	}
	b.met.judged.Inc(1)
	b.requestMoved(r)
	return r, nil
}

// Withdraw ends an open request of the user's own: a pending one is cancelled, an approved one given back. The sessions
// that run by it end within Limits.Review.
func (b *Broker) Withdraw(ctx context.Context, who Identity, id RequestID, note string, client netip.Addr, socket string) (AccessRequest, error) {
	event := b.requestEvent(who, id, client, socket, note)
	event.Verb = WithdrawRequest
	return b.closeRequest(ctx, who, id, note, &event, func(r AccessRequest) (AccessRequest, error) {
		if r.User != who.User {
			return r, errNoApprover
		}
		return r.withdraw(who.User, note, b.cfg.Now())
	})
}

// Revoke takes an open request away: whoever decides at one of its levels may, and administrators.
func (b *Broker) Revoke(ctx context.Context, who Identity, id RequestID, note string, client netip.Addr, socket string) (AccessRequest, error) {
	event := b.requestEvent(who, id, client, socket, note)
	event.Verb = RevokeRequest
	return b.closeRequest(ctx, who, id, note, &event, func(r AccessRequest) (AccessRequest, error) {
		site, err := b.site(ctx, who)
		if err != nil {
			return r, errors.Join(errNoApprover, err)
		}
		if site != SiteAdministrator {
			if ok, err := b.judges(ctx, who, r); err != nil || !ok {
				return r, errors.Join(errNoApprover, err)
			}
		}
		return r.revoke(who.User, note, b.cfg.Now())
	})
}

func (b *Broker) closeRequest(ctx context.Context, who Identity, id RequestID, note string, event *Event,
	change func(AccessRequest) (AccessRequest, error),
) (AccessRequest, error) {
	if len(note) > maxReason {
		return AccessRequest{}, &Refusal{Code: CodeTooLarge, Field: "note"}
	}
	r, err := b.changeRequest(ctx, id, event, change)
	if err != nil {
		return AccessRequest{}, b.requestRefusal(ctx, who, r, err)
	}
	b.requestMoved(r)
	b.rouse() // what it let in ends now and not with the next sweep
	return r, nil
}

func (b *Broker) requestEvent(who Identity, id RequestID, client netip.Addr, socket, note string) Event {
	return Event{
		At: b.cfg.Now(), User: who.User, Login: who.LoginID, Request: id, ClientAddr: addrText(client), SocketAddr: socket,
		Code: CodeAllowed, Detail: note,
	}
}

// approves asks the policy whether a person decides at a level of a request.
func (b *Broker) approves(ctx context.Context, who Identity, r AccessRequest, level int) (bool, error) {
	p, ok := b.cfg.Policy.(ApproverPolicy)
	if !ok || level >= len(r.Workflow.Levels) {
		return false, nil
	}
	return p.Approves(ctx, who.User, r.Asset, r.Workflow.Levels[level])
}

// judges reports whether a person decides at any level of a request.
func (b *Broker) judges(ctx context.Context, who Identity, r AccessRequest) (bool, error) {
	for i := range r.Workflow.Levels {
		if ok, err := b.approves(ctx, who, r, i); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// sees reports whether a person may look at a request: who made it, who decides about it, and who has a site role.
func (b *Broker) sees(ctx context.Context, who Identity, r AccessRequest) (bool, error) {
	if r.User == who.User {
		return true, nil
	}
	if site, err := b.site(ctx, who); err != nil || site != SiteNone {
		return err == nil, err
	}
	return b.judges(ctx, who, r)
}

// requestRefusal tells why a change of a request was not made. r is the request as it is, if there is one.
func (b *Broker) requestRefusal(ctx context.Context, who Identity, r AccessRequest, err error) error {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNotFound):
		return &Refusal{Code: CodeNotFound}
	}
	if r.ID != "" {
		if ok, seeErr := b.sees(ctx, who, r); seeErr != nil || !ok {
			return &Refusal{Code: CodeNotFound, Err: errors.Join(err, seeErr)}
		}
	}
	for known, code := range map[error]Code{
		errRequestClosed: CodeRequestClosed, errOwnRequest: CodeOwnRequest, errVotedBefore: CodeRequestDecided,
		errTermsChanged: CodeRequestChanged, errOtherLevel: CodeRequestChanged, ErrConflict: CodeRequestChanged,
		errNoApprover: CodeCapabilityDenied, errNotApproved: CodeRequestRequired, errUsedUp: CodeRequestRequired,
	} {
		if errors.Is(err, known) {
			return &Refusal{Code: code, Err: err}
		}
	}
	return &Refusal{Code: CodeInternal, Err: fmt.Errorf("access request: %w", err)}
}
