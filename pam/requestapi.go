package pam

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// requestView is an access request as browsers see it: no account, no login, no person's id.
type requestView struct {
	ID           RequestID             `json:"id"`
	Revision     uint64                `json:"revision"`
	Operation    Operation             `json:"operation"`
	Asset        requestAsset          `json:"asset"`
	Session      SessionID             `json:"session,omitempty"`
	User         UserID                `json:"user"`
	UserName     string                `json:"user_name"`
	From         time.Time             `json:"from,omitzero"` // once it is approved: of the time that it is good for
	To           time.Time             `json:"to,omitzero"`
	Lasting      int                   `json:"lasting_seconds,omitempty"`
	Message      string                `json:"message,omitempty"`
	TicketID     string                `json:"ticket_id,omitempty"`
	Exclusive    bool                  `json:"exclusive"`
	Once         bool                  `json:"once"`
	Params       Params                `json:"params,omitempty"`
	Capabilities map[Declaration]Value `json:"capabilities"`
	Recorded     bool                  `json:"recorded"`
	Workflow     string                `json:"workflow"`
	State        RequestState          `json:"state"`
	Level        int                   `json:"level"` // that decides now, counted from 0
	Levels       []levelView           `json:"levels"`
	Terms        Digest                `json:"terms"`
	Created      time.Time             `json:"created"`
	Updated      time.Time             `json:"updated"`
	Decided      time.Time             `json:"decided,omitzero"`
	Expires      time.Time             `json:"expires,omitzero"` // while it is pending
	ClosedNote   string                `json:"closed_note,omitempty"`
	May          requestRights         `json:"may"`
}

type requestAsset struct {
	ID   AssetID `json:"id"`
	Name string  `json:"name"`
	URL  string  `json:"url,omitempty"`
}

type levelView struct {
	Name     string     `json:"name"`
	Required int        `json:"required"`
	Votes    []voteView `json:"votes"`
}

type voteView struct {
	Name    string    `json:"name"`
	At      time.Time `json:"at"`
	Approve bool      `json:"approve"`
	Note    string    `json:"note,omitempty"`
}

// requestRights says what the one who asks may do with a request now; asked again when it is done.
type requestRights struct {
	Decide   bool `json:"decide"`
	Withdraw bool `json:"withdraw"`
	Revoke   bool `json:"revoke"`
}

func (b *Broker) requestView(ctx context.Context, who Identity, r AccessRequest) (requestView, error) {
	v := requestView{
		ID: r.ID, Revision: r.Revision, Operation: r.Operation, Asset: requestAsset{r.Asset, r.AssetName, b.assetURL(r.Asset)}, Session: r.Session,
		User: r.User, UserName: r.UserName, From: r.From, To: r.To, Lasting: int(r.Lasting / time.Second), Message: r.Message,
		TicketID: r.TicketID, Exclusive: r.Exclusive, Once: r.Workflow.Once, Params: r.Params, Capabilities: NewCapabilities(r.Declarations).view(),
		Recorded: r.Recorded, Workflow: r.Workflow.Name, State: r.State, Level: r.Level(), Terms: r.Terms(), Created: r.Created, Updated: r.Updated,
		Decided: r.Decided, ClosedNote: r.ClosedNote, Levels: make([]levelView, 0, len(r.Workflow.Levels)),
	}
	if from, to, ok := r.Window(); ok {
		v.From, v.To = from, to
	}
	if r.State == RequestPending {
		v.Expires = r.expires()
	}
	for i, l := range r.Workflow.Levels {
		lv := levelView{Name: l.Name, Required: l.Required, Votes: []voteView{}}
		for _, vote := range r.Votes {
			if vote.Level == i {
				lv.Votes = append(lv.Votes, voteView{vote.Name, vote.At, vote.Approve, vote.Note})
			}
		}
		v.Levels = append(v.Levels, lv)
	}
	own := r.User == who.User || r.Person == who.person()
	v.May.Withdraw = r.User == who.User && r.State.Open()
	if !r.State.Open() {
		return v, nil
	}
	var err error
	if r.State == RequestPending && !own && !r.votedBy(who) {
		if v.May.Decide, err = b.approves(ctx, who, r, r.Level()); err != nil {
			return v, err
		}
	}
	site, err := b.site(ctx, who)
	if err == nil && site != SiteAdministrator {
		v.May.Revoke, err = b.judges(ctx, who, r)
	} else {
		v.May.Revoke = err == nil
	}
	return v, err
}

func (b *Broker) writeRequest(w http.ResponseWriter, r *http.Request, who Identity, st int, req AccessRequest) error {
	v, err := b.requestView(r.Context(), who, req)
	if err != nil {
		return &Refusal{Code: CodePolicyError, Err: err}
	}
	writeJSON(w, st, v)
	return nil
}

// askBody is the body of an ask. Times are RFC 3339.
type askBody struct {
	Operation Operation `json:"operation"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Lasting   int       `json:"lasting_seconds"`
	Message   string    `json:"message"`
	TicketID  string    `json:"ticket_id"`
	Exclusive bool      `json:"exclusive"`
	Params    Params    `json:"params"`
}

func (b *Broker) serveAsk(w http.ResponseWriter, r *http.Request, who Identity) error {
	return b.answerAsk(w, r, who, Ask{Asset: AssetID(r.PathValue("id"))})
}

func (b *Broker) serveSessionAsk(w http.ResponseWriter, r *http.Request, who Identity) error {
	return b.answerAsk(w, r, who, Ask{Session: SessionID(r.PathValue("id"))})
}

func (b *Broker) answerAsk(w http.ResponseWriter, r *http.Request, who Identity, about Ask) error {
	var body askBody
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	const year = 366 * 24 * 60 * 60
	if body.Lasting < 0 || body.Lasting > year {
		return &Refusal{Code: CodeInvalidParam, Field: "lasting_seconds", Text: "want seconds, at most a year"}
	}
	req, err := b.Ask(r.Context(), who, Ask{
		Operation: body.Operation, Asset: about.Asset, Session: about.Session, From: body.From, To: body.To, Lasting: time.Duration(body.Lasting) * time.Second,
		Message: body.Message, TicketID: body.TicketID, Exclusive: body.Exclusive, Params: body.Params, ClientAddr: b.clientAddr(r), SocketAddr: r.RemoteAddr,
	})
	if err != nil {
		return err
	}
	return b.writeRequest(w, r, who, http.StatusCreated, req)
}

func (b *Broker) serveRequests(w http.ResponseWriter, r *http.Request, who Identity) error {
	q := r.URL.Query()
	f := RequestFilter{Asset: AssetID(q.Get("asset")), BeforeID: RequestID(q.Get("before_id")), Open: q.Get("open") == "true"}
	var err error
	if f.Before, err = queryTime(q, "before"); err != nil {
		return err
	}
	if f.Limit, err = queryLimit(q); err != nil {
		return err
	}
	view := RequestView(q.Get("view"))
	if view == "" {
		view = RequestsMine
	}
	list, err := b.Requests(r.Context(), who, view, f)
	if err != nil {
		return err
	}
	views := make([]requestView, 0, len(list))
	for _, req := range list {
		v, err := b.requestView(r.Context(), who, req)
		if err != nil {
			return &Refusal{Code: CodePolicyError, Err: err}
		}
		views = append(views, v)
	}
	writeJSON(w, http.StatusOK, map[string]any{"requests": views})
	return nil
}

// queryTime reads an optional time of a query.
func queryTime(q url.Values, name string) (time.Time, error) {
	t := q.Get(name)
	if t == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, t)
	if err != nil {
		return at, &Refusal{Code: CodeInvalidParam, Field: name, Text: "want a time as RFC 3339 has it"}
	}
	return at, nil
}

// queryLimit reads the optional size of a page.
func queryLimit(q url.Values) (int, error) {
	t := q.Get("limit")
	if t == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(t)
	if err != nil || n < 1 || n > 1000 {
		return 0, &Refusal{Code: CodeInvalidParam, Field: "limit", Text: "want 1 to 1000"}
	}
	return n, nil
}

const (
	requestWait     = 25 * time.Second // how long a page's question waits for news; proxies give up after 30 or 60 s
	requestPoll     = 2 * time.Second  // between looks into the store: another gateway may have changed the request
	maxWaitingUser  = 16               // questions of one user that wait
	maxWaitingTotal = 4000
)

// serveRequest answers at once or, with after=REVISION in the query, as soon as the request is another one: so a page moves on
// by itself (Q5).
func (b *Broker) serveRequest(w http.ResponseWriter, r *http.Request, who Identity) error {
	id := RequestID(r.PathValue("id"))
	get := func() (AccessRequest, error) {
		req, err := b.Request(r.Context(), who, id)
		switch {
		case errors.Is(err, ErrNotFound):
			return req, &Refusal{Code: CodeNotFound}
		case err != nil:
			return req, &Refusal{Code: CodeInternal, Err: err}
		}
		return req, nil
	}
	moved := b.requestChanges() // before the first look
	req, err := get()
	if err != nil {
		return err
	}
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if err != nil || req.Revision != after || !req.State.Open() {
		return b.writeRequest(w, r, who, http.StatusOK, req)
	}
	release, ok := b.waiting.take(share{counter{byUser, string(who.User)}, maxWaitingUser}, share{counter{byNobody, ""}, maxWaitingTotal})
	if !ok {
		return &Refusal{Code: CodeRateLimited, Retry: time.Second}
	}
	defer release()
	over, poll := time.NewTimer(requestWait), time.NewTicker(requestPoll)
	defer over.Stop()
	defer poll.Stop()
	state := req.State
	for done := false; !done && req.Revision == after && req.State == state; {
		select {
		case <-moved:
			moved = b.requestChanges()
		case <-poll.C:
		case <-over.C:
			done = true
		case <-b.base.Done():
			done = true
		case <-r.Context().Done():
			return r.Context().Err()
		}
		if req, err = get(); err != nil {
			return err
		}
	}
	return b.writeRequest(w, r, who, http.StatusOK, req)
}

func (b *Broker) serveDecision(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body struct {
		Approve bool   `json:"approve"`
		Note    string `json:"note"`
		Terms   Digest `json:"terms"`
		Level   int    `json:"level"`
	}
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	req, err := b.Judge(r.Context(), who, Verdict{
		Request: RequestID(r.PathValue("id")), Approve: body.Approve, Note: body.Note, Terms: body.Terms, Level: body.Level,
		ClientAddr: b.clientAddr(r), SocketAddr: r.RemoteAddr,
	})
	if err != nil {
		return err
	}
	return b.writeRequest(w, r, who, http.StatusOK, req)
}

// serveClose serves what ends a request: Withdraw or Revoke.
func (b *Broker) serveClose(end func(context.Context, Identity, RequestID, string, netip.Addr, string) (AccessRequest, error)) func(http.ResponseWriter, *http.Request, Identity) error {
	return func(w http.ResponseWriter, r *http.Request, who Identity) error {
		var body struct {
			Note string `json:"note"`
		}
		if err := b.readJSON(w, r, &body); err != nil {
			return err
		}
		req, err := end(r.Context(), who, RequestID(r.PathValue("id")), body.Note, b.clientAddr(r), r.RemoteAddr)
		if err != nil {
			return err
		}
		return b.writeRequest(w, r, who, http.StatusOK, req)
	}
}
