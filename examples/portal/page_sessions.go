package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

const sessionsPerPage = 50

type channel struct{ Label, Icon, Tone string }

type sessionRow struct {
	pam.SessionInfo
	Protocol, AssetHref, Open, Play, Text string
	Lasted                                string
	State                                 mark
	Channels                              []channel
}

type sessionsPage struct {
	chrome
	Total                     int // before search and filters
	Everyone                  bool
	MineHref, EveryoneHref    string // the second is empty where it is not allowed
	Search                    searchBox
	Chips                     []chip
	Counter, Range, EmptyHint string
	CSV, JSON                 string
	Rows                      []sessionRow
	Complete                  bool
	Pager                     *pager
}

// errScope says that a user may not see the sessions of others that were asked for.
var errScope = errors.New("portal: sessions of others")

// report is the user's own sessions, or with all=1 everybody's (R9): of an asset for its managers, of all assets for
// administrators and auditors. A request's query narrows it.
func (p *portal) report(r *http.Request, in login) (q map[string]string, all, kept []sessionRow, filters map[string]func(sessionRow) bool, err error) {
	q = query(r, "q", "asset", "live", "recorded", "early", "all", "page")
	f := pam.SessionFilter{User: pam.UserID(in.user.ID)}
	if q["all"] != "" {
		if !p.mayReport(r, in, pam.AssetID(q["asset"])) {
			return q, nil, nil, nil, errScope
		}
		f = pam.SessionFilter{Asset: pam.AssetID(q["asset"])}
	}
	may, plays := p.seer(r, in), map[pam.AssetID]bool{}
	for _, s := range p.sessions(r.Context(), f) {
		row := sessionRow{SessionInfo: s, Protocol: strings.ToUpper(s.Protocol), State: sessionMark(s), Channels: channels(s)}
		if may(s.Asset) {
			row.AssetHref = "/assets/" + string(s.Asset)
		}
		end := s.Completed
		if live(s) {
			end = p.now()
			if s.User == pam.UserID(in.user.ID) {
				row.Open = p.sessionHref(s.ID)
			}
		}
		if s.Recorded && !live(s) {
			ok, known := plays[s.Asset]
			if !known {
				ok = p.mayReport(r, in, s.Asset)
				plays[s.Asset] = ok
			}
			if ok {
				row.Play = recordingHref(s.ID)
			}
		}
		row.Lasted = span(end.Sub(s.Created))
		row.Text = strings.ToLower(strings.Join([]string{s.AssetName, s.UserName, string(s.ID), row.State.Text, row.Protocol}, " "))
		all = append(all, row)
	}
	words := strings.Fields(strings.ToLower(q["q"]))
	filters = map[string]func(sessionRow) bool{
		"q":        func(s sessionRow) bool { return matches(s.Text, words) },
		"asset":    func(s sessionRow) bool { return q["asset"] == "" || string(s.Asset) == q["asset"] },
		"live":     func(s sessionRow) bool { return q["live"] == "" || live(s.SessionInfo) },
		"recorded": func(s sessionRow) bool { return q["recorded"] == "" || s.Recorded },
		"early":    func(s sessionRow) bool { return q["early"] == "" || endedEarly(s.SessionInfo) },
	}
	return q, all, keep(all, filters, ""), filters, nil
}

// mayReport tells whether a user may see everybody's sessions on an asset, or on all for the empty one.
func (p *portal) mayReport(r *http.Request, in login, asset pam.AssetID) bool {
	if in.user.Site != "" {
		return true
	}
	a, ok := p.inv.assets[asset]
	return ok && p.access(r.Context(), in.user, a, clientAddr(r), false).grants.Role >= pam.RoleManager
}

// endedEarly reports whether something other than the user or the target's log-off ended the session.
func endedEarly(s pam.SessionInfo) bool {
	return !live(s) && s.Reason != pam.EndUserDisconnect && s.Reason != pam.EndRemoteLogoff
}

// channelMarks are what a session may carry besides its picture, in the order in which they are shown. Two
// declarations with one label are one channel.
var channelMarks = []struct {
	decl        pam.Declaration
	label, icon string
}{
	{pam.Keyboard, "Keyboard", "keyboard"},
	{pam.ClipboardUpload, "Clipboard", "clipboard"},
	{pam.ClipboardDownload, "Clipboard", "clipboard"},
	{pam.FileUpload, "Files", "folder"},
	{pam.FileDownload, "Files", "folder"},
	{pam.JoinMonitor, "Joining", "users"},
	{pam.JoinParticipate, "Joining", "users"},
}

func channels(s pam.SessionInfo) []channel {
	var out []channel
	if s.Recorded {
		out = append(out, channel{Label: "Recorded"})
	}
	for _, m := range channelMarks {
		if !slices.Contains(s.Channels, m.decl) || slices.ContainsFunc(out, func(c channel) bool { return c.Label == m.label }) {
			continue
		}
		out = append(out, channel{Label: m.label, Icon: m.icon})
	}
	return out
}

// serveSessions is the sessions report: GET /sessions?q=&asset=&live=&recorded=&early=&all=&page=
func (p *portal) serveSessions(w http.ResponseWriter, r *http.Request, in login) {
	q, all, rows, filters, err := p.report(r, in)
	if err != nil {
		p.notFound(w, r, in)
		return
	}
	page := sessionsPage{
		chrome: p.chrome(r, in, "Sessions", "sessions", p.recent(r.Context(), in.user)), Total: len(all), Everyone: q["all"] != "",
		CSV: link("/sessions.csv", with(q, "page", "")), JSON: link("/sessions.json", with(q, "page", "")),
		Search:    searchBox{Action: "/sessions", Label: "Search asset, user, session", Q: q["q"], Keep: map[string]string{}},
		EmptyHint: "Check the spelling, or clear the filters.",
	}
	page.Scripts = []string{"refresh.js"}
	if p.mayReport(r, in, pam.AssetID(q["asset"])) {
		page.MineHref, page.EveryoneHref = link("/sessions", with(q, "all", "")), link("/sessions", with(q, "all", "1"))
	}
	for _, k := range []string{"asset", "live", "recorded", "early", "all"} {
		if q[k] != "" {
			page.Search.Keep[k] = q[k]
		}
	}
	if id := q["asset"]; id != "" {
		label := id
		for _, s := range all {
			if string(s.Asset) == id {
				label = s.AssetName
			}
		}
		rest := with(q, "asset", "")
		if !p.mayReport(r, in, "") {
			rest["all"] = ""
		}
		page.Chips = append(page.Chips, chip{Label: "Asset: " + label, Href: link("/sessions", rest), On: true})
	}
	for _, f := range []struct{ key, label string }{{"live", "Live"}, {"recorded", "Recorded"}, {"early", "Ended early"}} {
		n := 0
		for _, s := range keep(all, filters, f.key) {
			switch f.key {
			case "live":
				n += b2i(live(s.SessionInfo))
			case "recorded":
				n += b2i(s.Recorded)
			case "early":
				n += b2i(endedEarly(s.SessionInfo))
			}
		}
		page.Chips = append(page.Chips, toggle(f.label, "/sessions", q, f.key, "1", q[f.key] != "", n))
	}
	from, to, pg := paginate(len(rows), sessionsPerPage, "/sessions", q, "Newer", "Older")
	page.Rows, page.Pager, page.Complete = rows[from:to], pg, len(rows) <= sessionsPerPage
	page.Counter = count(len(rows), "session", "sessions")
	if len(rows) > 0 {
		page.Range = fmt.Sprintf("%d to %d of %s", from+1, to, thousands(len(rows)))
	}
	p.show(w, http.StatusOK, "sessions", page)
}

// serveSessionsCSV is the report as a file.
func (p *portal) serveSessionsCSV(w http.ResponseWriter, r *http.Request, in login) {
	_, _, rows, _, err := p.report(r, in)
	if err != nil {
		p.notFound(w, r, in)
		return
	}
	attach(w.Header(), "text/csv; charset=utf-8; header=present", "sessions.csv")
	out := csv.NewWriter(w)
	_ = out.Write([]string{"Asset", "User", "Created", "Updated", "Completed", "State", "Session ID", "Channels"})
	for _, s := range rows {
		var chans []string
		for _, c := range s.Channels {
			chans = append(chans, c.Label)
		}
		record := []string{
			s.AssetName, s.UserName, stampOrEmpty(s.Created), stampOrEmpty(s.Updated), stampOrEmpty(s.Completed),
			s.State.Text, string(s.ID), strings.Join(chans, ", "),
		}
		for i := range record {
			record[i] = inert(escaped(record[i]))
		}
		_ = out.Write(record)
	}
	out.Flush()
}

// inert keeps spreadsheets from taking a name for a formula.
func inert(s string) string {
	if s != "" && slices.Contains([]byte("=+-@\t\r"), s[0]) {
		return "'" + s
	}
	return s
}

// serveSessionsJSON is the report for programs.
func (p *portal) serveSessionsJSON(w http.ResponseWriter, r *http.Request, in login) {
	_, _, rows, _, err := p.report(r, in)
	if err != nil {
		p.notFound(w, r, in)
		return
	}
	list := make([]pam.SessionInfo, len(rows))
	for i, s := range rows {
		list[i] = s.SessionInfo
	}
	attach(w.Header(), "application/json", "sessions.json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(list)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
