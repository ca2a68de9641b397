package pam

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"net/url"
	"time"
)

//go:embed openapi.json
var openAPI []byte

func (b *Broker) serveOpenAPI(w http.ResponseWriter, _ *http.Request, _ Identity) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err := w.Write(openAPI)
	return err
}

// assetView is an asset as browsers see it: no address, no account.
type assetView struct {
	ID       AssetID  `json:"id"`
	Name     string   `json:"name"`
	Type     string   `json:"type,omitempty"`
	Protocol string   `json:"protocol"`
	OS       OSFamily `json:"os,omitempty"`
	URL      string   `json:"url,omitempty"`
}

func (b *Broker) assetView(a Asset) assetView {
	return assetView{ID: a.ID, Name: a.Name, Type: a.Type.Name, Protocol: a.Type.Protocol, OS: a.Type.OS, URL: b.assetURL(a.ID)}
}

func (b *Broker) assetURL(id AssetID) string {
	if b.cfg.AssetURL == nil {
		return ""
	}
	return b.cfg.AssetURL(id)
}

// accessView answers what a user may do on an asset now.
type accessView struct {
	Asset        assetView             `json:"asset"`
	Code         Code                  `json:"code"`
	Recorded     bool                  `json:"recorded"`
	Capabilities map[Declaration]Value `json:"capabilities"`
	Params       []paramView           `json:"params"`
	Remembered   bool                  `json:"remembered"`
	Workflow     *workflowView         `json:"workflow,omitempty"` // where approval has to be asked for
	Request      *requestRef           `json:"request,omitempty"`
}

type paramView struct {
	Param
	Value  string `json:"value"`
	Pinned bool   `json:"pinned,omitempty"` // by policy: shown, not editable
	Denied bool   `json:"denied,omitempty"` // its declarations are: shown as off or empty, not editable
}

func (b *Broker) serveAccess(w http.ResponseWriter, r *http.Request, who Identity) error {
	id := AssetID(r.PathValue("id"))
	free, release := b.reserve(who.User, id)
	release()
	ev, err := b.evaluate(r.Context(), who, question{asset: id, op: OpAccess, addr: b.clientAddr(r), limited: !free})
	if err != nil {
		return &Refusal{Code: ev.decision.Code, Err: err}
	}
	if ev.decision.Code == CodeNotFound {
		return &Refusal{Code: CodeNotFound}
	}
	v := accessView{
		Asset: b.assetView(ev.asset), Code: ev.decision.Code, Recorded: ev.decision.Record,
		Capabilities: map[Declaration]Value{}, Params: []paramView{},
	}
	v.Workflow, v.Request = b.ways(ev)
	asks := ev.decision.Code == CodeRequestRequired
	// Where only the second factor is missing the whole launcher is shown (Q3), and where approval is, its settings: they are
	// part of what is approved (Q4).
	if ev.protocol != nil && (ev.decision.Allowed() || ev.decision.Code == CodeMFARequired || asks) {
		caps := NewCapabilities(ev.grants.Declarations)
		v.Capabilities = caps.view()
		remembered, err := b.cfg.Store.Params(r.Context(), who.User, id)
		if err != nil {
			b.cfg.Log.Warn("remembered parameters", "err", err)
		}
		v.Remembered = len(remembered) > 0
		values, err := resolveParams(ev.protocol.Params(), ev.asset.Type.OS, ev.grants, remembered, nil)
		if err != nil {
			return err
		}
		for _, p := range ev.protocol.Params() {
			if p.OS != "" && p.OS != ev.asset.Type.OS || asks && p.Display {
				continue
			}
			_, pinned := p.pin(ev.asset.Type.OS, ev.grants)
			v.Params = append(v.Params, paramView{p, values[p.Name], pinned, !pinned && !p.permitted(caps)})
		}
	}
	writeJSON(w, http.StatusOK, v)
	return nil
}

// launchBody is the body of a start.
type launchBody struct {
	Params   Params `json:"params"`
	Window   string `json:"window"`
	Reason   string `json:"reason"`
	TicketID string `json:"ticket_id"`
	MFAToken string `json:"mfa_token"`
}

func (b *Broker) serveStart(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body launchBody
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	switch body.Window {
	case "", "tab", "window", "embedded":
	default:
		return &Refusal{Code: CodeInvalidParam, Field: "window", Text: "want tab, window or embedded"}
	}
	info, err := b.Start(r.Context(), who, StartRequest{
		Asset: AssetID(r.PathValue("id")), Params: body.Params, Window: body.Window, Reason: body.Reason, TicketID: body.TicketID,
		MFAToken: NewSecret(body.MFAToken), ClientAddr: b.clientAddr(r), SocketAddr: r.RemoteAddr,
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]any{"id": info.ID, "url": pageURL(info.ID)})
	return nil
}

// pageURL is the address of a session's page, relative to the mount, as every address of ours: the broker does not know
// the prefix.
func pageURL(id SessionID) string { return "s/" + url.PathEscape(string(id)) }

// sessionView is a session as its owner sees it.
type sessionView struct {
	SessionInfo
	AssetURL string `json:"asset_url,omitempty"`
}

// own returns a session of this user, live or ended. For a session of somebody else the answer is the same as
// for one that does not exist (S01).
func (b *Broker) own(r *http.Request, who Identity) (SessionInfo, error) {
	info, err := b.lookUp(r.Context(), SessionID(r.PathValue("id")))
	if err == nil && info.User != who.User {
		return SessionInfo{}, &Refusal{Code: CodeNotFound}
	}
	return info, err
}

// lookUp is Session for what comes from browsers: its error is a *Refusal.
func (b *Broker) lookUp(ctx context.Context, id SessionID) (SessionInfo, error) {
	info, err := b.Session(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return SessionInfo{}, &Refusal{Code: CodeNotFound}
	case err != nil:
		return SessionInfo{}, &Refusal{Code: CodeInternal, Err: err}
	}
	return info, nil
}

// seen returns a session that this user may look at as a page does: one of the user's own, live or ended, or a live one
// that this login has joined. Parameters stay the owner's.
func (b *Broker) seen(r *http.Request, who Identity) (SessionInfo, error) {
	info, err := b.own(r, who)
	if err == nil {
		return info, nil
	}
	s, _, placeErr := b.place(r, who)
	if placeErr != nil {
		return SessionInfo{}, err
	}
	info = s.snapshot()
	info.Params = nil
	return info, nil
}

func (b *Broker) serveSession(w http.ResponseWriter, r *http.Request, who Identity) error {
	info, err := b.seen(r, who)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, sessionView{info, b.assetURL(info.Asset)})
	return nil
}

func (b *Broker) serveSessions(w http.ResponseWriter, r *http.Request, who Identity) error {
	f := SessionFilter{User: who.User, Public: r.URL.Query().Get("state")}
	if f.Public != "" && f.Public != "Active" && f.Public != "Completed" {
		return &Refusal{Code: CodeInvalidParam, Field: "state", Text: "want Active or Completed"}
	}
	var err error
	if f.Limit, err = queryLimit(r.URL.Query()); err != nil {
		return err
	}
	list, err := b.Sessions(r.Context(), f)
	if err != nil {
		return &Refusal{Code: CodeInternal, Err: err}
	}
	views := make([]sessionView, 0, len(list))
	for _, info := range list {
		views = append(views, sessionView{info, b.assetURL(info.Asset)})
	}
	writeJSON(w, http.StatusOK, map[string]any{"sessions": views})
	return nil
}

// place returns the live session of a request and the place that this login has in it, as its owner or as a joiner.
func (b *Broker) place(r *http.Request, who Identity) (*liveSession, *participant, error) {
	if s := b.find(SessionID(r.PathValue("id"))); s != nil {
		if p := s.placeOf(who); p != nil && !s.ended() {
			return s, p, nil
		}
	}
	info, err := b.own(r, who)
	if err != nil {
		return nil, nil, err
	}
	if s := b.find(info.ID); s == nil || s.ended() {
		return nil, nil, &Refusal{Code: CodeSessionEnded}
	}
	return nil, nil, &Refusal{Code: CodeOtherLogin}
}

// serveAttach gives a participant a ticket for one socket: on first load, on reload and after a drop alike. The
// policy is asked again, so that a right withdrawn meanwhile ends the place here at the latest (S36).
func (b *Broker) serveAttach(w http.ResponseWriter, r *http.Request, who Identity) error {
	if err := b.readJSON(w, r, &struct{}{}); err != nil {
		return err
	}
	if refusal := b.knock(doorAttach, who.User, b.clientAddr(r)); refusal != nil {
		return refusal
	}
	s, p, err := b.place(r, who)
	if err != nil {
		return err
	}
	ev, err := b.evaluate(r.Context(), who, s.question(p, b.clientAddr(r)))
	if err != nil {
		// The policy could not answer: this attach is denied, the session and its window stay.
		return &Refusal{Code: ev.decision.Code, Err: err}
	}
	if !s.apply(p, ev) {
		return &Refusal{Code: CodeRevoked}
	}
	s.mu.Lock()
	p.addr = b.clientAddr(r)
	s.mu.Unlock()
	text, err := b.newTicket(r.Context(), Ticket{
		Session: s.id, Participant: p.id, User: who.User, LoginID: who.LoginID, Cookie: who.Cookie, Origin: r.Header.Get("Origin"),
	})
	if err != nil {
		return &Refusal{Code: CodeInternal, Err: err}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"ticket": text, "expires_in": int(b.cfg.Limits.Ticket / time.Second),
		"socket": "api/session/" + url.PathEscape(string(s.id)) + "/socket", "subprotocol": "sallyport.v1",
	})
	return nil
}

func (b *Broker) serveEnd(w http.ResponseWriter, r *http.Request, who Identity) error {
	if err := b.readJSON(w, r, &struct{}{}); err != nil {
		return err
	}
	s, p, err := b.place(r, who)
	if err != nil {
		return err
	}
	s.disconnect(p)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// servePage serves the session page to the session's owner and to those who have joined. Others get the answer for a
// page that does not exist; joining has no screens yet.
func (b *Broker) servePage(w http.ResponseWriter, r *http.Request, _ Identity) error {
	who, err := b.identify(r)
	if err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.Code == CodeUnauthenticated && b.cfg.LoginURL != nil {
			http.Redirect(w, r, b.cfg.LoginURL(originalPath(r)), http.StatusSeeOther)
			return nil
		}
		return err
	}
	info, err := b.seen(r, who)
	if err != nil {
		return err
	}
	b.cfg.UI.SessionPage(w, r, Page{Session: info.ID, AssetName: info.AssetName, FrameAncestors: b.cfg.FrameAncestors})
	return nil
}

// originalPath is the path as the browser asked for it, before http.StripPrefix.
func originalPath(r *http.Request) string {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		return u.EscapedPath()
	}
	return r.URL.EscapedPath()
}

func (b *Broker) serveAsset(w http.ResponseWriter, r *http.Request, _ Identity) error {
	w.Header().Del("Cache-Control") // the UI says how long a file may be kept
	r2 := r.Clone(r.Context())
	r2.URL.Path = "/" + r.PathValue("path")
	r2.URL.RawPath = ""
	b.cfg.UI.Assets().ServeHTTP(w, r2)
	return nil
}
