package main

import (
	"context"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// chrome is what every page needs.
type chrome struct {
	Title    string
	Nav      string // which entry of the navigation is this page
	Theme    string // light, dark, or empty for the system's
	Path     string // where the theme switch comes back to
	User     *user
	ToDecide int      // access requests that wait for this user
	Live     int      // live sessions of this user
	Site     string   // site role
	AllLive  int      // live sessions of everybody, for those with a site role
	Modules  []string // scripts of the browser client
	Scripts  []string // the page's own, beside those of every page
	Nonce    string   // for the style elements of an embedded terminal
}

// mark is a state: an icon or a dot, and always words.
type mark struct{ Tone, Icon, Dot, Text string }

// crumb is a container in a path.
type crumb struct {
	Name, Href string
	Here       bool
}

// chip is a filter that is on or can be put on.
type chip struct {
	Label, Href string
	N           string
	On          bool
}

// searchBox is the search field and the filters that it keeps.
type searchBox struct {
	Action, Label, Q string
	Keep             map[string]string
}

// pager leads through the pages of a long list.
type pager struct{ Prev, Next, PrevLabel, NextLabel string }

// accessTo is what one user may do on one asset.
type accessTo struct {
	grants   pam.Grants
	decision pam.Decision
}

// access asks the policy and decides as the broker does (Q8), apart from limits of the moment. Of the
// declarations it asks for the session's own alone unless all are wanted: a list asks thousands of times.
func (p *portal) access(ctx context.Context, u user, a pam.Asset, addr netip.Addr, all bool) accessTo {
	q := pam.Query{User: pam.UserID(u.ID), Asset: a.ID, Operation: pam.OpAccess, ClientAddr: addr, At: p.now()}
	var g pam.Grants
	var err error
	if all {
		g, err = p.policy.Grants(ctx, q)
	} else {
		g, err = p.policy.GrantsFor(ctx, q, pam.WebSession)
	}
	if err != nil {
		p.log.Error("policy", "user", u.ID, "asset", a.ID, "err", err)
		return accessTo{decision: pam.Decision{Code: pam.CodePolicyError}}
	}
	f := pam.Facts{
		Authenticated: true, Role: g.Role, Permitted: g.Permitted, HasProtocol: p.protocols[a.Type.Protocol],
		Profile: g.Declarations[pam.WebSession],
	}
	if g.MFA {
		f.MFA = pam.MFANeeded
	}
	if s := g.Selector; s != nil {
		f.Restricted = s.Form == pam.FormRestricting
		if s.Form == pam.FormInteractive {
			f.Approval = pam.ApprovalMissing
		}
	}
	return accessTo{grants: g, decision: pam.Decide(f)}
}

// visible reports whether the asset exists for the user (E3).
func (a accessTo) visible() bool {
	return a.grants.Role >= pam.RoleViewer && a.grants.Role <= pam.RoleOwner
}

// canStart reports whether a launcher can lead to a session. Whether the second factor can be checked is the broker's
// to say.
func (a accessTo) canStart() bool {
	return a.decision.Allowed() || a.decision.Code == pam.CodeMFARequired
}

// leads reports whether the asset's page has a way to a session: at once, or by a request.
func (a accessTo) leads() bool {
	return a.canStart() || a.decision.Code == pam.CodeRequestRequired || a.decision.Code == pam.CodeRequestPending
}

// mark says it in the list.
func (a accessTo) mark() mark {
	switch a.decision.Code {
	case pam.CodeAllowed:
		if a.decision.Record {
			return mark{Dot: "rec", Text: "Allowed, recorded"}
		}
		return mark{Dot: "ok", Text: "Allowed"}
	case pam.CodeMFARequired:
		return mark{Icon: "shield", Text: "Allowed, with MFA token"}
	case pam.CodeNoProtocol:
		return mark{Tone: "quiet", Dot: "none", Text: "No web session"}
	case pam.CodeRequestRequired, pam.CodeRequestPending:
		return mark{Tone: "warn", Icon: "clock", Text: "Needs approval"}
	case pam.CodeInUse:
		return mark{Tone: "warn", Icon: "lock", Text: "In use"}
	case pam.CodePolicyError:
		return mark{Tone: "danger", Icon: "ban", Text: "Policy unavailable"}
	default:
		return mark{Tone: "danger", Icon: "ban", Text: "Not permitted"}
	}
}

// denial is what the asset's page says when nothing can be started.
type denial struct{ Title, Text string }

func (a accessTo) denial() *denial {
	switch a.decision.Code {
	case pam.CodeAllowed, pam.CodeMFARequired:
		return nil
	case pam.CodeNoProtocol:
		return &denial{"This type of asset has no web session.", "There is nothing to start here."}
	case pam.CodeRestricted:
		return &denial{"Not permitted at this time.", "A rule removes access at the moment. Ask the owner of this asset when it ends."}
	case pam.CodeRequestRequired, pam.CodeRequestPending:
		return nil // the page leads to the request
	case pam.CodePolicyError:
		return &denial{"The policy could not be asked.", "Nothing can be started until it answers. Try again, and tell the person who runs this portal if it stays."}
	default:
		return &denial{"Your access profile does not permit sessions here.", "You can see this asset. To work on it, ask its owner for an access profile."}
	}
}

var declarationLabels = []struct {
	decl  pam.Declaration
	label string
}{
	{pam.WebSession, "Web session"},
	{pam.Keyboard, "Keyboard"},
	{pam.ClipboardUpload, "Clipboard to target"},
	{pam.ClipboardDownload, "Clipboard from target"},
	{pam.FileUpload, "File upload"},
	{pam.FileDownload, "File download"},
	{pam.FileDelete, "File delete"},
	{pam.SessionURL, "Session URL"},
}

type declared struct {
	Label string
	Value mark
}

func (a accessTo) declarations() []declared {
	var out []declared
	for _, l := range declarationLabels {
		d := declared{Label: l.label, Value: mark{Tone: "quiet", Icon: "x", Text: "Denied"}}
		switch a.grants.Declarations[l.decl] {
		case pam.Allow:
			d.Value = mark{Icon: "check", Text: "Allowed"}
		case pam.Record:
			d.Value = mark{Dot: "rec", Text: "Recorded"}
		}
		out = append(out, d)
	}
	return out
}

// outcomes say in words why a session ended.
var outcomes = map[pam.EndReason]struct{ tone, text string }{
	pam.EndUserDisconnect:  {"", "disconnected"},
	pam.EndRemoteLogoff:    {"", "signed out"},
	pam.EndExpired:         {"warn", "expired"},
	pam.EndTerminated:      {"danger", "terminated"},
	pam.EndPolicyRule:      {"danger", "stopped by a rule"},
	pam.EndIdle:            {"warn", "idle"},
	pam.EndRevoked:         {"danger", "access revoked"},
	pam.EndNetworkLost:     {"warn", "network lost"},
	pam.EndTargetError:     {"danger", "target failed"},
	pam.EndRecordingFailed: {"danger", "recording failed"},
	pam.EndGatewayShutdown: {"warn", "gateway stopped"},
	pam.EndGatewayCrash:    {"warn", "gateway restart"},
}

func outcome(s pam.SessionInfo) string {
	if o, ok := outcomes[s.Reason]; ok {
		return sentence(o.text)
	}
	return string(s.Reason)
}

func live(s pam.SessionInfo) bool { return s.State != pam.StateCompleted }

func sessionMark(s pam.SessionInfo) mark {
	switch {
	case s.State == pam.StateReconnecting:
		return mark{Tone: "warn", Dot: "on", Text: "Active, detached"}
	case s.State == pam.StateRequested:
		return mark{Tone: "info", Dot: "on", Text: "Active, not opened"}
	case live(s):
		return mark{Tone: "ok", Dot: "on", Text: "Active"}
	case s.Reason == "":
		return mark{Text: "Completed"}
	}
	o, ok := outcomes[s.Reason]
	if !ok {
		return mark{Text: "Completed"}
	}
	return mark{Tone: o.tone, Text: "Completed, " + o.text}
}

// assetIcon stands before an asset's name.
func assetIcon(a pam.Asset) string {
	switch {
	case a.Type.Protocol == "":
		return "key"
	case a.Type.OS == pam.OSWindows:
		return "monitor"
	case a.Type.OS == pam.OSNetwork:
		return "switch"
	case strings.Contains(a.Type.ID, "database") || strings.HasPrefix(a.Type.ID, "db"):
		return "db"
	default:
		return "server"
	}
}

// link builds an address from a query, without what is empty.
func link(path string, q map[string]string) string {
	v := url.Values{}
	for _, k := range slices.Sorted(maps.Keys(q)) {
		if q[k] != "" {
			v.Set(k, q[k])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// with returns q with one value changed, on the first page.
func with(q map[string]string, key, value string) map[string]string {
	out := maps.Clone(q)
	out[key] = value
	delete(out, "page")
	return out
}

// matches reports whether every word is in text; both are lower case.
func matches(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// maxSessions is how far back a report goes.
const maxSessions = 10_000

// recent returns the sessions of a user, newest first.
func (p *portal) recent(ctx context.Context, u user) []pam.SessionInfo {
	return p.sessions(ctx, pam.SessionFilter{User: pam.UserID(u.ID)})
}

// sessions returns those that match, newest first.
func (p *portal) sessions(ctx context.Context, f pam.SessionFilter) []pam.SessionInfo {
	const page = 1000
	var all []pam.SessionInfo
	f.Limit = page
	for len(all) < maxSessions {
		list, err := p.broker.Sessions(ctx, f)
		if err != nil {
			p.log.Error("sessions", "user", f.User, "asset", f.Asset, "err", err)
			break
		}
		all = append(all, list...)
		if len(list) < page {
			break
		}
		f.Before = list[len(list)-1].Created
	}
	return all
}

func countLive(list []pam.SessionInfo) (n int) {
	for _, s := range list {
		if live(s) {
			n++
		}
	}
	return n
}

// stampOrEmpty is a time for machines.
func stampOrEmpty(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
