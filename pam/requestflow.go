package pam

import (
	"errors"
	"time"
)

// The changes of an access request, as pure functions: each takes a record and returns the next one, or says why there is
// none. What makes them safe against each other is the store, which takes a change of the newest revision alone.

// errors of changes; requestRefusal has the codes.
var (
	errRequestClosed = errors.New("the request is not open any more")
	errOwnRequest    = errors.New("nobody decides about an own request")
	errVotedBefore   = errors.New("this person has decided about the request already")
	errTermsChanged  = errors.New("the request is not the one that was looked at")
	errOtherLevel    = errors.New("another level decides now")
	errNotApproved   = errors.New("the request is not approved, or its time has not come")
	errUsedUp        = errors.New("the request is used up")
)

// at returns the record as time has made it: whoever reads a record looks at it through at, so that nothing depends on
// when a sweep writes down that time went on.
func (r AccessRequest) at(now time.Time) AccessRequest {
	switch r.State {
	case RequestPending:
		if !now.Before(r.expires()) {
			r.State, r.Updated = RequestExpired, r.expires()
		}
	case RequestApproved:
		if end := r.ends(); !now.Before(end) {
			r.State, r.Updated = RequestCompleted, end
		}
	}
	return r
}

// expires is when a pending request is not worth deciding about any more.
func (r AccessRequest) expires() time.Time {
	if !r.To.IsZero() && (r.Until.IsZero() || r.To.Before(r.Until)) {
		return r.To
	}
	return r.Until
}

// vote adds what an approver says. terms are those that the approver saw. One refusal rejects the request; what the last
// level needs approves it.
func (r AccessRequest) vote(v Vote, now time.Time) (AccessRequest, error) {
	r = r.at(now).clone()
	switch {
	case r.State != RequestPending:
		return r, errRequestClosed
	case v.Person == "" || v.Person == r.Person || v.User == r.User:
		return r, errOwnRequest
	case v.Terms != r.Terms():
		return r, errTermsChanged
	case v.Level != r.Level():
		return r, errOtherLevel
	}
	for _, old := range r.Votes {
		if old.Person == v.Person || old.User == v.User {
			return r, errVotedBefore
		}
	}
	v.At = now
	r.Votes, r.Updated = append(r.Votes, v), now
	switch {
	case !v.Approve:
		r.State, r.Decided = RequestRejected, now
	case r.Level() == len(r.Workflow.Levels):
		r.State, r.Decided = RequestApproved, now
	}
	return r, nil
}

// submit is the first change: a request whose workflow has no level is approved by being made.
func (r AccessRequest) submit(now time.Time) AccessRequest {
	r.State, r.Created, r.Updated = RequestPending, now, now
	if len(r.Workflow.Levels) == 0 {
		r.State, r.Decided = RequestApproved, now
	}
	return r
}

// use counts one more use of an approval.
func (r AccessRequest) use(now time.Time) (AccessRequest, error) {
	r = r.at(now)
	switch {
	case !r.State.Open():
		return r, errRequestClosed
	case !r.Good(now):
		return r, errNotApproved
	case r.UsedUp():
		return r, errUsedUp
	}
	r.Uses++
	r.Updated = now
	return r, nil
}

// unuse takes a use back that came to nothing.
func (r AccessRequest) unuse(now time.Time) (AccessRequest, error) {
	if r = r.at(now); r.State != RequestApproved || r.Uses == 0 {
		return r, errRequestClosed // what it was used for is over, so there is nothing to give back
	}
	r.Uses--
	r.Updated = now
	return r, nil
}

// extend lets what runs by an approval run on.
func (r AccessRequest) extend(to, now time.Time) (AccessRequest, error) {
	r = r.at(now)
	switch {
	case !r.State.Open():
		return r, errRequestClosed
	case !r.holds(now):
		return r, errNotApproved
	case to.After(r.ends()):
		r.Extended, r.Updated = to, now
	}
	return r, nil
}

// withdraw ends an open request by its requester's wish: a pending one is cancelled, an approved one completed, which
// frees what it holds exclusively (C3).
func (r AccessRequest) withdraw(by UserID, note string, now time.Time) (AccessRequest, error) {
	r = r.at(now)
	switch r.State {
	case RequestPending:
		r.State = RequestCancelled
	case RequestApproved:
		r.State = RequestCompleted
	default:
		return r, errRequestClosed
	}
	r.ClosedBy, r.ClosedNote, r.Updated = by, note, now
	return r, nil
}

// revoke takes an approval back, or rejects what is pending, by somebody with the right to.
func (r AccessRequest) revoke(by UserID, note string, now time.Time) (AccessRequest, error) {
	r = r.at(now)
	if !r.State.Open() {
		return r, errRequestClosed
	}
	r.State, r.ClosedBy, r.ClosedNote, r.Updated = RequestRevoked, by, note, now
	return r, nil
}
