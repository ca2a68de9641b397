package pam

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// RequestID is the id of an access request: unguessable, and it grants nothing.
type RequestID string

// RequestState is how far an access request has come.
type RequestState string

// The states of access requests. Pending and approved requests are open: all others are final.
const (
	RequestPending   RequestState = "pending"   // somebody has to decide
	RequestApproved  RequestState = "approved"  // it lets its requester do what was asked for, in its time
	RequestRejected  RequestState = "rejected"  // an approver said no
	RequestExpired   RequestState = "expired"   // nobody decided in time
	RequestCompleted RequestState = "completed" // its time is over, it is used up, or its requester needs it no longer
	RequestCancelled RequestState = "cancelled" // the requester withdrew it before it was decided
	RequestRevoked   RequestState = "revoked"   // an approval was taken back
)

// Open reports whether anything can still come of a request.
func (s RequestState) Open() bool { return s == RequestPending || s == RequestApproved }

// Workflow is how the approval of an operation runs.
type Workflow struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // what people read
	// Levels decide one after the other, in order. Without any a request is approved by being made.
	Levels []Level `json:"levels,omitempty"`
	// Longest is the longest time that can be asked for; zero: Limits.RequestLongest.
	Longest time.Duration `json:"longest,omitempty"`
	// Once says that an approval is good for one session, join, playback or release. Else it is good for any number in its
	// time.
	Once bool `json:"once,omitempty"`
	// Ticket says that a request must name a ticket of the host's ticket system.
	Ticket bool `json:"ticket,omitempty"`
}

// Level is one step of an approval.
type Level struct {
	Name      string   `json:"name"`
	Approvers []string `json:"approvers"` // subjects of the policy, which says who they are when somebody decides
	Required  int      `json:"required"`  // how many of them must agree, at least 1
}

// Digest is a SHA-256. The zero value stands for nothing.
type Digest [sha256.Size]byte

// MarshalText writes hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	raw := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(raw, text); err != nil {
		return err
	}
	if len(raw) != len(d) {
		return hex.InvalidByteError(0)
	}
	copy(d[:], raw)
	return nil
}

// Vote is what one approver said.
type Vote struct {
	Level   int       `json:"level"` // counted from 0
	User    UserID    `json:"user"`
	Name    string    `json:"name"`
	Person  string    `json:"person"` // Identity.Person
	At      time.Time `json:"at"`
	Approve bool      `json:"approve"`
	Note    string    `json:"note,omitempty"`
	Terms   Digest    `json:"terms"` // what the approver agreed to
}

// AccessRequest is one ask for an operation on an asset.
//
// What is asked for never changes after the request was made: an approver agrees to a digest of it (Terms), and a record
// whose terms are others than those that were agreed to is worth nothing (S12).
type AccessRequest struct {
	ID RequestID `json:"id"`
	// Revision counts the changes of this record. It is the store's, which refuses a change of a revision that is not the
	// newest: so of two changes at the same time one is made.
	Revision uint64 `json:"revision"`

	Operation Operation `json:"operation"`
	Asset     AssetID   `json:"asset"`
	AssetName string    `json:"asset_name"`
	Account   string    `json:"account,omitempty"` // on the target, as the asset named it then
	Session   SessionID `json:"session,omitempty"` // which is to be extended, joined or played, or into which a field goes

	User     UserID `json:"user"`
	UserName string `json:"user_name"`
	Person   string `json:"person"`          // Identity.Person: nobody decides about an own request, by whatever account
	Login    string `json:"login,omitempty"` // from which it was made, for the audit

	// From and To are the time asked for. If From is zero it begins with the approval and lasts for Lasting.
	From    time.Time     `json:"from,omitzero"`
	To      time.Time     `json:"to,omitzero"`
	Lasting time.Duration `json:"lasting,omitempty"`

	Message   string `json:"message,omitempty"`
	TicketID  string `json:"ticket_id,omitempty"`
	Exclusive bool   `json:"exclusive,omitempty"` // nobody else may start a session on the asset meanwhile
	Params    Params `json:"params,omitempty"`    // the launch parameters, all of them
	// Declarations are what the requester's profile permitted when the request was made. An approval never gives more, even
	// if the profile does later.
	Declarations Declarations `json:"declarations,omitempty"`
	Recorded     bool         `json:"recorded,omitempty"`

	Selector string   `json:"selector"` // of the policy, which asked for the approval
	Workflow Workflow `json:"workflow"` // as it was then

	State   RequestState `json:"state"`
	Votes   []Vote       `json:"votes,omitempty"`
	Uses    int          `json:"uses,omitempty"`
	Created time.Time    `json:"created"`
	Updated time.Time    `json:"updated"`
	Until   time.Time    `json:"until,omitzero"`   // when it expires if nobody decides
	Decided time.Time    `json:"decided,omitzero"` // when it was approved or rejected
	// Extended is until when a session that runs by the request may go on, if that is later than the end that was approved (I4).
	// Nothing new begins in that time.
	Extended time.Time `json:"extended,omitzero"`
	// ClosedBy tells who ended an open request and why; empty if time did or a decision.
	ClosedBy   UserID `json:"closed_by,omitempty"`
	ClosedNote string `json:"closed_note,omitempty"`
}

// clone returns a copy that shares nothing with r that is ever changed.
func (r AccessRequest) clone() AccessRequest {
	r.Params, r.Declarations, r.Votes = maps.Clone(r.Params), maps.Clone(r.Declarations), slices.Clone(r.Votes)
	r.Workflow.Levels = slices.Clone(r.Workflow.Levels)
	for i, l := range r.Workflow.Levels {
		r.Workflow.Levels[i].Approvers = slices.Clone(l.Approvers)
	}
	return r
}

// Terms is the digest of what is asked for, by whom, and of how it is decided: what an approval covers. Times are counted
// in microseconds, as stores keep them.
func (r AccessRequest) Terms() Digest {
	micros := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMicro()
	}
	b, err := json.Marshal([]any{
		"sallyport request 1", r.ID, r.Operation, r.Asset, r.Account, r.Session, r.User, r.Person, micros(r.From), micros(r.To),
		r.Lasting, r.Message, r.TicketID, r.Exclusive, r.Params, r.Declarations, r.Recorded, r.Selector, r.Workflow, micros(r.Created),
	})
	if err != nil {
		panic(err) // no value of these types fails
	}
	return sha256.Sum256(b)
}

// Level is the level that has to decide now, counted from 0; len(r.Workflow.Levels) when all have agreed. Only votes for
// these very terms count.
func (r AccessRequest) Level() int {
	terms := r.Terms()
	for i, l := range r.Workflow.Levels {
		agreed := 0
		for _, v := range r.Votes {
			if v.Level == i && v.Approve && v.Terms == terms {
				agreed++
			}
		}
		if agreed < max(1, l.Required) {
			return i
		}
	}
	return len(r.Workflow.Levels)
}

// ends is until when what runs by the request may run.
func (r AccessRequest) ends() time.Time {
	_, to, _ := r.Window()
	if r.Extended.After(to) {
		return r.Extended
	}
	return to
}

// Window is the time in which something can be begun by an approved request. ok is false for one that is not approved.
func (r AccessRequest) Window() (from, to time.Time, ok bool) {
	if r.State != RequestApproved && r.State != RequestCompleted && r.State != RequestRevoked || r.Decided.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	if r.From.IsZero() {
		return r.Decided, r.Decided.Add(r.Lasting), true
	}
	return r.From, r.To, true
}

// Good reports whether the request lets its requester do now what it asks for: it is approved, by enough approvers of
// these very terms, its time has come and is not over. Whether it is used up is UsedUp's question.
func (r AccessRequest) Good(now time.Time) bool {
	_, to, _ := r.Window()
	return r.holds(now) && now.Before(to)
}

// holds is Good for what runs already.
func (r AccessRequest) holds(now time.Time) bool {
	from, _, ok := r.Window()
	return ok && r.State == RequestApproved && !now.Before(from) && now.Before(r.ends()) && r.Level() == len(r.Workflow.Levels)
}

// UsedUp reports whether nothing new can be begun with the request.
func (r AccessRequest) UsedUp() bool { return r.Workflow.Once && r.Uses > 0 }
