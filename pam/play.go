package pam

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// PlayRequest is what a user wants to play.
type PlayRequest struct {
	Session    SessionID
	MFAToken   Secret // second factor, where the decision asks for one; used up by this playback
	ClientAddr netip.Addr
	SocketAddr string
}

// playTime bounds the check of a recording before it is played.
const playTime = 2 * time.Minute

// At most so many checks of recordings, and readings of their segments, are under way at once.
const (
	maxChecks       = 8
	maxChecksUser   = 2
	maxReadings     = 64
	maxReadingsUser = 8
)

// decidePlay decides about playing recordings of one asset: for its managers, under the workflows of recording.play, and for
// administrators and auditors. A protocol or a profile are not asked for: those are about starting.
//
// Of the asset the evaluation knows the id alone: it may be gone, and its recordings are still there.
func (b *Broker) decidePlay(ctx context.Context, who Identity, q question) (evaluation, error) {
	denied := evaluation{decision: Decision{Code: CodePolicyError}}
	start := time.Now()
	g, err := b.cfg.Policy.Grants(ctx, Query{User: who.User, Asset: q.asset, Operation: OpPlay, ClientAddr: q.addr, At: b.cfg.Now()})
	b.met.decideNs.Update(int64(time.Since(start)))
	if err != nil {
		return denied, fmt.Errorf("policy: %w", err)
	}
	site, err := b.site(ctx, who)
	if err != nil {
		return denied, fmt.Errorf("policy: %w", err)
	}
	ev := evaluation{asset: Asset{ID: q.asset}, grants: g, facts: b.facts(g, true, question{})}
	ev.facts.Profile = Allow
	if site == SiteAdministrator || site == SiteAuditor {
		ev.facts.Role, ev.facts.Permitted = max(ev.facts.Role, RoleManager), true
	}
	ev.decision = Decide(ev.facts)
	if err := b.consult(ctx, who, q, &ev); err != nil {
		return denied, err
	}
	return ev, nil
}

// Play checks a recording and, if this user may play it, opens a playback (R2). The event stands before anything of the recording
// is released (R10, S48). A refusal is a *Refusal and an audit event; who has no right hears the same as for a session that does not exist.
func (b *Broker) Play(ctx context.Context, who Identity, r PlayRequest) (*Playback, error) {
	if refusal := b.knock(doorPlay, who.User, r.ClientAddr); refusal != nil {
		return nil, refusal
	}
	info, err := b.lookUp(ctx, r.Session)
	if err != nil {
		return nil, err
	}
	ev, err := b.decidePlay(ctx, who, question{asset: info.Asset, op: OpPlay, addr: r.ClientAddr, session: info.ID})
	decision := ev.decision
	event := Event{
		At: b.cfg.Now(), Verb: PlayRecording, User: who.User, Login: who.LoginID, Asset: info.Asset, Session: info.ID,
		ClientAddr: addrText(r.ClientAddr), SocketAddr: r.SocketAddr, Code: CodeAllowed, Rules: ev.grants.Rules, Policy: ev.grants.Version,
	}
	deny := func(refusal *Refusal) (*Playback, error) {
		b.met.denied.Inc(1)
		event.Verb, event.Code, event.Detail = DenySession, refusal.Code, string(OpPlay)
		b.auditDenial(ctx, event)
		return nil, refusal
	}
	if !decision.Allowed() && decision.Code != CodeMFARequired {
		return deny(&Refusal{Code: decision.Code, Err: err})
	}
	opened := false
	if decision.Code == CodeMFARequired {
		restore, refusal := b.verifyMFA(ctx, mfaAttempt{
			who: who, op: OpPlay, params: Params{"session": string(info.ID)}, token: r.MFAToken, addr: r.ClientAddr, event: event,
		})
		if refusal != nil {
			return deny(refusal)
		}
		defer func() {
			if !opened {
				restore()
			}
		}()
	}
	unuse, err := b.useRequest(ctx, ev.request)
	if err != nil { // it was good a moment ago: somebody else was faster
		return deny(&Refusal{Code: CodeRequestRequired, Err: err})
	}
	defer func() {
		if !opened {
			unuse()
		}
	}()
	if ev.request != nil {
		event.Request = ev.request.ID
	}
	p, err := b.open(ctx, who, info, event)
	opened = err == nil
	return p, err
}

// open checks a recording that may be played, and writes the event.
func (b *Broker) open(ctx context.Context, who Identity, info SessionInfo, event Event) (*Playback, error) {
	release, ok := b.checks.take(share{counter{byUser, string(who.User)}, maxChecksUser}, share{counter{byNobody, ""}, maxChecks})
	if !ok {
		return nil, &Refusal{Code: CodeLimitReached, Retry: time.Second}
	}
	defer release()
	replay, err := b.replay(ctx, info)
	if err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.Code == CodeRecordingBroken {
			event.Code = refusal.Code
			b.auditDenial(ctx, event)
		}
		return nil, err
	}
	id, err := b.randomText(sessionIDBytes)
	if err != nil {
		return nil, &Refusal{Code: CodeInternal, Err: err}
	}
	report := replay.Report()
	if report.Cause != nil {
		b.cfg.Log.Error("a recording is damaged", "session", info.ID, "at", report.BrokenAt, "err", report.Cause)
	}
	event.Detail = fmt.Sprintf("%s; bytes 0 to %d", report.State, report.Stored)
	if err := b.audit.write(ctx, event); err != nil {
		return nil, &Refusal{Code: CodeAuditFailed, Err: err}
	}
	info.Params = nil
	p := &Playback{ID: id, Session: info, Report: report, Segments: replay.Segments(), user: who.User, login: who.LoginID, request: event.Request, replay: replay}
	b.playbacks.put(p, b.cfg.Now())
	return p, nil
}

// replay reads and checks the recording of a session.
func (b *Broker) replay(ctx context.Context, info SessionInfo) (Replay, error) {
	replayer, ok := b.cfg.Recorder.(Replayer)
	if !ok || info.Recording == "" {
		return nil, &Refusal{Code: CodeRecordingMissing}
	}
	ctx, cancel := context.WithTimeout(ctx, playTime)
	defer cancel()
	replay, err := replayer.Replay(ctx, info.Recording)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, &Refusal{Code: CodeRecordingMissing, Err: err}
	case err != nil:
		return nil, &Refusal{Code: CodeInternal, Err: err}
	}
	report := replay.Report()
	switch {
	case report.Meta.Session != info.ID: // nothing in it holds, or it is that of another session in this one's place
		return nil, &Refusal{Code: CodeRecordingBroken, Err: errors.Join(errors.New("not the recording of this session"), report.Cause)}
	case report.State == RecordingBroken && len(replay.Segments()) == 0:
		return nil, &Refusal{Code: CodeRecordingBroken, Err: report.Cause}
	}
	return replay, nil
}

func (b *Broker) servePlay(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body struct {
		MFAToken string `json:"mfa_token"`
	}
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	p, err := b.Play(r.Context(), who, PlayRequest{
		Session: SessionID(r.PathValue("id")), MFAToken: NewSecret(body.MFAToken), ClientAddr: b.clientAddr(r), SocketAddr: r.RemoteAddr,
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, p.view(b.assetURL(p.Session.Asset)))
	return nil
}

// serveSegment sends one segment of a playback. The right is asked for again each time; the second factor is a matter of the door.
func (b *Broker) serveSegment(w http.ResponseWriter, r *http.Request, who Identity) error {
	p := b.playbacks.get(r.PathValue("id"), b.cfg.Now())
	if p == nil || p.user != who.User || p.login != who.LoginID {
		return &Refusal{Code: CodeNotFound}
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(p.Segments) {
		return &Refusal{Code: CodeNotFound}
	}
	ev, err := b.decidePlay(r.Context(), who, question{
		asset: p.Session.Asset, op: OpPlay, addr: b.clientAddr(r), session: p.Session.ID, live: true, request: p.request,
	})
	if !ev.decision.stays() {
		return &Refusal{Code: ev.decision.Code, Err: err}
	}
	release, ok := b.readings.take(share{counter{byUser, string(who.User)}, maxReadingsUser}, share{counter{byNobody, ""}, maxReadings})
	if !ok {
		return &Refusal{Code: CodeLimitReached, Retry: time.Second}
	}
	defer release()
	out := newSegmentWriter(w, b.cfg.Limits.WriteTimeout)
	defer out.release()
	if err := p.replay.Segment(r.Context(), n, out.entry); err != nil {
		if out.begun {
			panic(http.ErrAbortHandler) // what came is not whole, and the browser sees that
		}
		if errors.Is(err, ErrNotFound) {
			return &Refusal{Code: CodeRecordingMissing, Err: err}
		}
		return &Refusal{Code: CodeRecordingBroken, Err: err}
	}
	if err := out.close(); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// pageOfRecordings bounds how many sessions are looked at for one list of recordings.
const pageOfRecordings = 5000

// Recordings returns the sessions with a recording that this user may play, newest first, and from where on to look for more:
// nil when there are no more.
func (b *Broker) Recordings(ctx context.Context, who Identity, addr netip.Addr, f SessionFilter) (list []SessionInfo, next *SessionFilter, err error) {
	most := f.PageSize()
	may := map[AssetID]bool{}
	f.Limit = 500
	for looked := 0; looked < pageOfRecordings; {
		found, err := b.Sessions(ctx, f)
		if err != nil {
			return nil, nil, err
		}
		for _, info := range found {
			f.Before, f.BeforeID = info.Created, info.ID
			if !info.Recorded || info.Recording == "" {
				continue
			}
			ok, known := may[info.Asset]
			if !known {
				// What a workflow asks for is asked for when it is played.
				ev, err := b.decidePlay(ctx, who, question{asset: info.Asset, op: OpPlay, addr: addr, asking: true})
				if err != nil {
					return nil, nil, &Refusal{Code: CodePolicyError, Err: err}
				}
				ok = ev.decision.stays() || ev.decision.Code == CodeRequestRequired
				may[info.Asset] = ok
			}
			if !ok {
				continue
			}
			info.Params = nil
			if list = append(list, info); len(list) == most {
				return list, &f, nil
			}
		}
		if looked += len(found); len(found) < f.Limit {
			return list, nil, nil
		}
	}
	return list, &f, nil
}

func (b *Broker) serveRecordings(w http.ResponseWriter, r *http.Request, who Identity) error {
	q := r.URL.Query()
	f := SessionFilter{Asset: AssetID(q.Get("asset")), User: UserID(q.Get("user")), BeforeID: SessionID(q.Get("before_id"))}
	var err error
	if f.Before, err = queryTime(q, "before"); err != nil {
		return err
	}
	if f.Limit, err = queryLimit(q); err != nil {
		return err
	}
	list, next, err := b.Recordings(r.Context(), who, b.clientAddr(r), f)
	if err != nil {
		return err
	}
	views := make([]sessionView, 0, len(list))
	for _, info := range list {
		views = append(views, sessionView{info, b.assetURL(info.Asset)})
	}
	body := map[string]any{"recordings": views}
	if next != nil {
		body["next"] = map[string]any{"before": next.Before, "before_id": next.BeforeID}
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// segmentURL is the address of a playback's segments, without their number.
func segmentURL(id string) string { return "api/playback/" + url.PathEscape(id) + "/segment/" }
