package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// assetsPerPage is how many rows a page of the list has at most, so that browsers stay fast.
const assetsPerPage = 200

type assetRow struct {
	Name, Href, Icon, Protocol, Address, Text string
	Path, PathHead, PathTail                  string
	Access                                    mark
	Live                                      bool
	Last                                      time.Time
	canStart                                  bool
}

type assetsPage struct {
	chrome
	Heading        string
	Crumbs         []crumb
	Visible        int // assets that this user sees here, before search and filters
	Search         searchBox
	Chips          []chip
	Counter        string
	Rows           []assetRow
	Complete       bool // the page holds every row that matches
	Pager          *pager
	EmptyHint      string
	ClearHref      string
	EverywhereHref string
}

// serveAssets is the asset list: GET /assets?q=&in=&protocol=&start=&live=&page=
func (p *portal) serveAssets(w http.ResponseWriter, r *http.Request, in login) {
	q := query(r, "q", "in", "protocol", "start", "live", "page")
	sessions := p.recent(r.Context(), in.user)
	page := assetsPage{chrome: p.chrome(r, in, "Assets", "assets", sessions), Heading: "All assets"}

	within := pam.AssetID(q["in"])
	if within != "" {
		f, ok := p.inv.parents[within]
		if !ok || !p.access(r.Context(), in.user, pam.Asset{ID: within}, clientAddr(r), false).visible() {
			p.notFound(w, r, in)
			return
		}
		page.Heading = f.Name
		page.Crumbs = p.crumbsOf(r, in, f.Parent, q)
		page.Crumbs = append(page.Crumbs, crumb{Name: f.Name, Here: true})
	}

	all := p.assetRows(r, in, within, sessions)
	page.Visible = len(all)
	words := strings.Fields(strings.ToLower(q["q"]))
	filters := map[string]func(assetRow) bool{
		"q":        func(a assetRow) bool { return matches(a.Text, words) },
		"protocol": func(a assetRow) bool { return q["protocol"] == "" || strings.EqualFold(a.Protocol, q["protocol"]) },
		"start":    func(a assetRow) bool { return q["start"] == "" || a.canStart },
		"live":     func(a assetRow) bool { return q["live"] == "" || a.Live },
	}
	rows := keep(all, filters, "")
	page.Chips = assetChips(all, filters, q)
	page.Search = searchBox{Action: "/assets", Label: "Search name, address, container, tag", Q: q["q"], Keep: map[string]string{}}
	for _, k := range []string{"in", "protocol", "start", "live"} {
		if q[k] != "" {
			page.Search.Keep[k] = q[k]
		}
	}
	from, to, pg := paginate(len(rows), assetsPerPage, "/assets", q, "Previous", "Next")
	page.Rows, page.Pager, page.Complete = rows[from:to], pg, len(rows) <= assetsPerPage
	if len(rows) > 0 {
		page.Counter = fmt.Sprintf("%s to %s of %s", thousands(from+1), thousands(to), thousands(len(rows)))
	}
	on := 0
	for _, k := range []string{"protocol", "start", "live"} {
		if q[k] != "" {
			on++
		}
	}
	page.ClearHref = link("/assets", map[string]string{"in": q["in"]})
	page.EmptyHint = "Check the spelling, or clear the search."
	if on > 0 {
		page.EmptyHint = fmt.Sprintf("%s on.", count(on, "filter is", "filters are"))
	}
	if within != "" {
		page.EverywhereHref = link("/assets", with(q, "in", ""))
		page.EmptyHint += " The search covers " + page.Heading + " only."
	}
	p.show(w, http.StatusOK, "assets", page)
}

// assetRows are the assets that exist for the user, below a container if it is not empty, by name.
func (p *portal) assetRows(r *http.Request, in login, within pam.AssetID, sessions []pam.SessionInfo) []assetRow {
	last := map[pam.AssetID]pam.SessionInfo{}
	liveOn := map[pam.AssetID]bool{}
	for _, s := range sessions {
		if _, seen := last[s.Asset]; !seen {
			last[s.Asset] = s // newest first
		}
		liveOn[s.Asset] = liveOn[s.Asset] || live(s)
	}
	addr := clientAddr(r)
	names := p.namesOf(r, in) // of the containers on the paths, each asked about once
	var rows []assetRow
	for _, id := range p.inv.order {
		a := p.inv.assets[id]
		path := p.inv.path(id)
		if within != "" && !slices.ContainsFunc(path, func(f folder) bool { return f.ID == within }) {
			continue
		}
		acc := p.access(r.Context(), in.user, a, addr, false)
		if !acc.visible() {
			continue
		}
		row := assetRow{
			Name: a.Name, Href: "/assets/" + string(id), Icon: assetIcon(a), Protocol: strings.ToUpper(a.Type.Protocol),
			Address: a.Address, Access: acc.mark(), Live: liveOn[id], Last: last[id].Created, canStart: acc.decision.Allowed(),
		}
		if host, ok := strings.CutSuffix(row.Address, ":22"); ok {
			row.Address = host
		}
		var shown []string
		for _, f := range path {
			if n := names(f); n != "" {
				shown = append(shown, n)
			}
		}
		row.Path = strings.Join(shown, " / ")
		if n := len(shown); n > 0 {
			row.PathTail = shown[n-1]
			if n > 1 {
				row.PathHead = shown[n-2]
			}
		}
		row.Text = strings.ToLower(strings.Join(append([]string{a.Name, row.Address, row.Path, row.Protocol}, p.inv.tags[id]...), " "))
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b assetRow) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return rows
}

// namesOf returns a function that names a container, or "" if the user has no role on it: a role on one
// asset does not tell what the folders above it are called.
func (p *portal) namesOf(r *http.Request, in login) func(folder) string {
	known := map[pam.AssetID]string{}
	return func(f folder) string {
		name, ok := known[f.ID]
		if !ok {
			if p.access(r.Context(), in.user, pam.Asset{ID: f.ID}, clientAddr(r), false).visible() {
				name = f.Name
			}
			known[f.ID] = name
		}
		return name
	}
}

// crumbsOf leads from the top to a container, keeping the filters in q.
func (p *portal) crumbsOf(r *http.Request, in login, at pam.AssetID, q map[string]string) []crumb {
	names := p.namesOf(r, in)
	var out []crumb
	for n := 0; at != "" && n <= maxDepth; n++ {
		f, ok := p.inv.parents[at]
		if !ok {
			break
		}
		if name := names(f); name != "" {
			out = append(out, crumb{Name: name, Href: link("/assets", with(q, "in", string(f.ID)))})
		}
		at = f.Parent
	}
	out = append(out, crumb{Name: "All assets", Href: link("/assets", with(q, "in", ""))})
	slices.Reverse(out)
	return out
}

// keep returns the rows that pass all filters but one.
func keep[T any](all []T, filters map[string]func(T) bool, but string) []T {
	var out []T
next:
	for _, row := range all {
		for name, pass := range filters {
			if name != but && !pass(row) {
				continue next
			}
		}
		out = append(out, row)
	}
	return out
}

// assetChips are the filters; each number is what the list would have with it.
func assetChips(all []assetRow, filters map[string]func(assetRow) bool, q map[string]string) []chip {
	var chips []chip
	byProtocol := map[string]int{}
	for _, a := range keep(all, filters, "protocol") {
		byProtocol[a.Protocol]++
	}
	protocols := map[string]bool{}
	for _, a := range all {
		protocols[a.Protocol] = true
	}
	for _, proto := range []string{"SSH", "RDP"} {
		if !protocols[proto] || (len(protocols) == 1 && q["protocol"] == "") {
			continue
		}
		on := strings.EqualFold(q["protocol"], proto)
		chips = append(chips, toggle(proto, "/assets", q, "protocol", strings.ToLower(proto), on, byProtocol[proto]))
	}
	start, liveNow := 0, 0
	for _, a := range keep(all, filters, "start") {
		if a.canStart {
			start++
		}
	}
	for _, a := range keep(all, filters, "live") {
		if a.Live {
			liveNow++
		}
	}
	chips = append(chips, toggle("Can start", "/assets", q, "start", "1", q["start"] != "", start))
	return append(chips, toggle("Live now", "/assets", q, "live", "1", q["live"] != "", liveNow))
}

func toggle(label, path string, q map[string]string, key, value string, on bool, n int) chip {
	if on {
		value = ""
	}
	return chip{Label: label, Href: link(path, with(q, key, value)), N: thousands(n), On: on}
}

// paginate picks the page that q asks for.
func paginate(n, per int, path string, q map[string]string, prev, next string) (from, to int, pg *pager) {
	page, _ := strconv.Atoi(q["page"])
	page = min(max(page, 1), max((n+per-1)/per, 1))
	from, to = (page-1)*per, min(page*per, n)
	at := func(i int) string {
		if i == 1 {
			return link(path, with(q, "page", ""))
		}
		k := with(q, "q", q["q"])
		k["page"] = strconv.Itoa(i)
		return link(path, k)
	}
	pg = &pager{PrevLabel: prev, NextLabel: next}
	if page > 1 {
		pg.Prev = at(page - 1)
	}
	if to < n {
		pg.Next = at(page + 1)
	}
	return from, to, pg
}
