package pam

import (
	"context"
	"errors"
)

// RequestView says which access requests somebody wants to see.
type RequestView string

// The views of lists.
const (
	RequestsMine   RequestView = "mine"   // of one's own
	RequestsToMe   RequestView = "decide" // pending ones that one may decide about now
	RequestsForAll RequestView = "all"    // of everybody; needs a site role
)

// pageOfRequests bounds how many requests are looked at for one list.
const pageOfRequests = 5000

// Request returns an access request as it is now, if this person may see it; else an error matching ErrNotFound.
func (b *Broker) Request(ctx context.Context, who Identity, id RequestID) (AccessRequest, error) {
	r, err := b.cfg.Store.Request(ctx, id)
	if err != nil {
		return AccessRequest{}, err
	}
	ok, err := b.sees(ctx, who, r)
	if err != nil || !ok {
		return AccessRequest{}, errors.Join(ErrNotFound, err)
	}
	return r.at(b.cfg.Now()), nil
}

// Requests returns access requests as they are now, newest first. f narrows them further; its User and Open are the view's.
func (b *Broker) Requests(ctx context.Context, who Identity, view RequestView, f RequestFilter) ([]AccessRequest, error) {
	switch view {
	case RequestsMine:
		f.User = who.User
	case RequestsForAll:
		if err := b.needSite(ctx, who, SiteAdministrator, SiteAuditor); err != nil {
			return nil, err
		}
	case RequestsToMe:
		return b.requestsToDecide(ctx, who, f)
	default:
		return nil, &Refusal{Code: CodeInvalidParam, Field: "view", Text: "want mine, decide or all"}
	}
	list, err := b.cfg.Store.Requests(ctx, f)
	if err != nil {
		return nil, &Refusal{Code: CodeInternal, Err: err}
	}
	return b.upToDate(ctx, list), nil
}

// requestsToDecide looks through what is open for what this person may decide about.
func (b *Broker) requestsToDecide(ctx context.Context, who Identity, f RequestFilter) (out []AccessRequest, err error) {
	most := f.PageSize()
	f.Open, f.Limit = true, 500
	for looked := 0; looked < pageOfRequests && len(out) < most; {
		list, err := b.cfg.Store.Requests(ctx, f)
		if err != nil {
			return nil, &Refusal{Code: CodeInternal, Err: err}
		}
		for _, r := range b.upToDate(ctx, list) {
			f.Before, f.BeforeID = r.Created, r.ID
			if r.State != RequestPending || r.Person == who.person() || r.User == who.User || r.votedBy(who) || len(out) == most {
				continue
			}
			ok, err := b.approves(ctx, who, r, r.Level())
			if err != nil {
				return nil, &Refusal{Code: CodePolicyError, Err: err}
			}
			if ok {
				out = append(out, r)
			}
		}
		if looked += len(list); len(list) < f.Limit {
			break
		}
	}
	return out, nil
}

// votedBy reports whether a person has said something to the request.
func (r AccessRequest) votedBy(who Identity) bool {
	for _, v := range r.Votes {
		if v.Person == who.person() || v.User == who.User {
			return true
		}
	}
	return false
}

// requestMoved wakes those who wait for a change of an access request, and has the live session reviewed that it is about.
func (b *Broker) requestMoved(r AccessRequest) {
	b.tellOf(r, r.Level())
	if r.Session != "" {
		b.rouse()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.requestChange != nil {
		close(b.requestChange)
		b.requestChange = nil
	}
}

// requestChanges returns a channel that is closed at the next change of an access request in this broker.
func (b *Broker) requestChanges() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.requestChange == nil {
		b.requestChange = make(chan struct{})
	}
	return b.requestChange
}
