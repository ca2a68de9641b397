package main

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

type assetSession struct {
	Created time.Time
	State   mark
	Outcome string
	Open    string
}

type assetPage struct {
	chrome
	ID                                               pam.AssetID
	Name, Icon, Protocol, TypeName, Address, Account string
	System, Role                                     string
	Tags                                             []string
	Crumbs                                           []crumb
	CanStart                                         bool   // now, or by a request
	Mount                                            string // of the pages of requests
	Denied                                           *denial
	Declarations                                     []declared
	ReportHref                                       string // of everybody's sessions here
	Sessions                                         []assetSession
}

var systems = map[pam.OSFamily]string{pam.OSUnix: "Unix", pam.OSWindows: "Windows", pam.OSNetwork: "Network device"}

// serveAsset is the view of one asset: GET /assets/{id}. What the user has no role on does not exist (E3).
func (p *portal) serveAsset(w http.ResponseWriter, r *http.Request, in login) {
	a, err := p.inv.Asset(r.Context(), pam.AssetID(r.PathValue("id")))
	if err != nil {
		p.notFound(w, r, in)
		return
	}
	acc := p.access(r.Context(), in.user, a, clientAddr(r), true)
	if !acc.visible() {
		p.notFound(w, r, in)
		return
	}
	all := p.recent(r.Context(), in.user)
	role := acc.grants.Role.String()
	page := assetPage{
		chrome: p.chrome(r, in, a.Name, "assets", all),
		ID:     a.ID, Name: a.Name, Icon: assetIcon(a), Protocol: strings.ToUpper(a.Type.Protocol), TypeName: a.Type.Name,
		Address: a.Address, Account: a.Account, System: systems[a.Type.OS], Role: strings.ToUpper(role[:1]) + role[1:],
		Tags: p.inv.tags[a.ID], Crumbs: p.crumbs(a.Parent),
		CanStart: acc.leads(), Mount: requestsMount, Denied: acc.denial(), Declarations: acc.declarations(),
	}
	if p.mayReport(r, in, a.ID) {
		page.ReportHref = link("/sessions", map[string]string{"asset": string(a.ID), "all": "1"})
	}
	for _, s := range all {
		if s.Asset != a.ID {
			continue
		}
		row := assetSession{Created: s.Created, State: mark{Text: "Completed"}, Outcome: outcome(s)}
		if live(s) {
			row.State, row.Open, row.Outcome = sessionMark(s), p.sessionHref(s.ID), "Recorded"
			if !s.Recorded {
				row.Outcome = ""
			}
		}
		if page.Sessions = append(page.Sessions, row); len(page.Sessions) == 10 {
			break
		}
	}
	if page.CanStart {
		p.withClient(w, &page.chrome)
	}
	p.show(w, http.StatusOK, "asset", page)
}

// withClient loads the browser client into a page and lets what it may show there, a session or a recording, make styles and decode.
func (p *portal) withClient(w http.ResponseWriter, c *chrome) {
	c.Modules, c.Nonce = []string{mount + "/assets/index.js"}, rand.Text()
	w.Header().Set("Content-Security-Policy", contentPolicy(c.Nonce))
}
