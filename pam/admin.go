package pam

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// LiveSession is a session that is not completed, as administrators see it (J5). It holds nothing that lets anyone attach.
type LiveSession struct {
	SessionInfo
	People []Person `json:"people"`
	Idle   int      `json:"idle_seconds"` // since the last input by anyone
}

// Person is somebody in a live session.
type Person struct {
	User       UserID    `json:"user"`
	Name       string    `json:"name"`
	Mode       Mode      `json:"mode"`
	Attached   bool      `json:"attached"` // a page is there; without, the reconnect window runs
	Since      time.Time `json:"since"`
	ClientAddr string    `json:"client_addr,omitempty"`
}

// Live returns the sessions of this broker that are not completed, newest first.
func (b *Broker) Live() []LiveSession {
	all := b.all()
	out := make([]LiveSession, 0, len(all))
	for _, s := range all {
		out = append(out, s.live())
	}
	slices.SortFunc(out, func(x, y LiveSession) int {
		return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.ID, y.ID))
	})
	return out
}

func (s *liveSession) live() LiveSession {
	l := LiveSession{SessionInfo: s.snapshot()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock != nil {
		l.Idle = int(s.idle() / time.Second)
	}
	for _, p := range s.everyone() {
		l.People = append(l.People, Person{
			User: p.user, Name: p.name, Mode: p.mode, Attached: p.viewer != nil, Since: p.since, ClientAddr: addrText(p.addr),
		})
	}
	return l
}

// maxEndText bounds what an administrator says to the people of a session, in bytes.
const maxEndText = 500

// Terminate ends a live session for everyone with the reason terminated. by is who does it, for the audit: the caller has
// checked that this person may. text is shown to the session's people. An error matching ErrNotFound says that no such
// session is live; any other, that the event could not be written and nothing was done (S31).
func (b *Broker) Terminate(ctx context.Context, by Identity, id SessionID, text string) error {
	s := b.find(id)
	if s == nil || s.ended() {
		return fmt.Errorf("pam: session: %w", ErrNotFound)
	}
	err := b.audit.write(ctx, Event{
		At: b.cfg.Now(), Verb: TerminateSession, User: by.User, Login: by.LoginID, Asset: s.asset.ID, Session: id, Detail: text,
	})
	if err != nil {
		return fmt.Errorf("pam: %w", err)
	}
	s.finish(&End{Reason: EndTerminated, Text: text})
	return nil
}

// site returns the site role of a user. A policy that cannot say gives none.
func (b *Broker) site(ctx context.Context, who Identity) (SiteRole, error) {
	p, ok := b.cfg.Policy.(SitePolicy)
	if !ok {
		return SiteNone, nil
	}
	return p.Site(ctx, who.User)
}

// needSite refuses who has none of the site roles. The answer tells nothing about what there is.
func (b *Broker) needSite(ctx context.Context, who Identity, roles ...SiteRole) error {
	role, err := b.site(ctx, who)
	switch {
	case err != nil:
		return &Refusal{Code: CodePolicyError, Err: fmt.Errorf("policy: %w", err)}
	case role == SiteNone || !slices.Contains(roles, role):
		return &Refusal{Code: CodeCapabilityDenied}
	}
	return nil
}

func (b *Broker) serveLive(w http.ResponseWriter, r *http.Request, who Identity) error {
	if err := b.needSite(r.Context(), who, SiteAdministrator, SiteAuditor); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"sessions": b.Live()})
	return nil
}

func (b *Broker) serveTerminate(w http.ResponseWriter, r *http.Request, who Identity) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := b.readJSON(w, r, &body); err != nil {
		return err
	}
	if err := b.needSite(r.Context(), who, SiteAdministrator); err != nil {
		return err
	}
	if len(body.Reason) > maxEndText {
		return &Refusal{Code: CodeTooLarge, Field: "reason"}
	}
	err := b.Terminate(r.Context(), who, SessionID(r.PathValue("id")), body.Reason)
	switch {
	case errors.Is(err, ErrNotFound):
		return &Refusal{Code: CodeNotFound}
	case err != nil:
		return &Refusal{Code: CodeAuditFailed, Err: err}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
