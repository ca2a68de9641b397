package main

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

// assetsPerPage is how many rows a page of the list has at most, so that browsers stay fast.
const assetsPerPage = 200

type assetsPage struct {
	chrome
	Heading        string
	Crumbs         []crumb
	Tree           treeNode
	Visible        int // assets that this user sees here, before search and filters
	Search         searchBox
	Chips          []chip
	Columns        []column
	Counter        string
	Rows           []*assetRow
	Complete       bool // the page holds every row that matches
	Pager          *pager
	EmptyHint      string
	ClearHref      string
	EverywhereHref string
}

// column is a head of the table with which it can be sorted.
type column struct {
	Label, Class, Href string
	Sort               string // ascending, descending or none
}

// serveAssets is the list of a container, or of all: GET /assets?q=&in=&protocol=&tag=&start=&live=&sort=&page=
func (p *portal) serveAssets(w http.ResponseWriter, r *http.Request, in login) {
	q := query(r, "q", "in", "protocol", "tag", "start", "live", "sort", "page")
	sessions := p.recent(r.Context(), in.user)
	seen := p.visibleTo(r, in, sessions)
	within := pam.AssetID(q["in"])
	page := assetsPage{chrome: p.chrome(r, in, "Assets", "assets", sessions), Heading: "All assets", Tree: seen.tree(p, within)}
	if within != "" {
		if _, ok := seen.containers[within]; !ok {
			p.notFound(w, r, in)
			return
		}
		f := p.inv.parents[within]
		page.Title, page.Heading = f.Name, f.Name
		page.Crumbs = append(p.crumbs(f.Parent), crumb{Name: f.Name, Here: true})
	}

	all := seen.below(within)
	page.Visible = len(all)
	words := strings.Fields(strings.ToLower(q["q"]))
	filters := map[string]func(*assetRow) bool{
		"q":        func(a *assetRow) bool { return matches(a.Text, words) },
		"protocol": func(a *assetRow) bool { return q["protocol"] == "" || strings.EqualFold(a.Protocol, q["protocol"]) },
		"tag":      func(a *assetRow) bool { return q["tag"] == "" || slices.Contains(a.Tags, q["tag"]) },
		"start":    func(a *assetRow) bool { return q["start"] == "" || a.CanStart },
		"live":     func(a *assetRow) bool { return q["live"] == "" || a.Live },
	}
	rows := keep(all, filters, "")
	sortRows(rows, q["sort"])
	page.Columns = assetColumns(q)
	page.Chips = assetChips(all, filters, q)
	page.Search = searchBox{Action: "/assets", Label: "Search name, address, tag", Q: q["q"], Keep: map[string]string{}}
	on := 0
	for _, k := range []string{"in", "protocol", "tag", "start", "live", "sort"} {
		if q[k] != "" {
			page.Search.Keep[k] = q[k]
			on += b2i(k != "in" && k != "sort")
		}
	}
	from, to, pg := paginate(len(rows), assetsPerPage, "/assets", q, "Previous", "Next")
	page.Rows, page.Pager, page.Complete = rows[from:to], pg, len(rows) <= assetsPerPage
	if len(rows) > 0 {
		page.Counter = fmt.Sprintf("%s to %s of %s", thousands(from+1), thousands(to), thousands(len(rows)))
	}
	if on == 0 && q["q"] == "" && from == 0 {
		page.Rows = append(seen.folders(p, within), page.Rows...)
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
	page.Scripts = []string{"tree.js", "menu.js"}
	if slices.ContainsFunc(page.Rows, func(a *assetRow) bool { return a.CanStart }) {
		p.withClient(w, &page.chrome)
	}
	p.show(w, http.StatusOK, "assets", page)
}

// assetOrders are the columns that the list can be sorted by; equal ones are sorted by name.
var assetOrders = []struct {
	key, label, class string
	compare           func(a, b *assetRow) int
}{
	{"name", "Name", "c-name", func(*assetRow, *assetRow) int { return 0 }},
	{"type", "Type", "c-type", func(a, b *assetRow) int { return cmp.Compare(a.Protocol, b.Protocol) }},
	{"container", "Container", "c-path hide-m", func(a, b *assetRow) int { return compareNames(a.Path, b.Path) }},
	{"address", "Address", "c-addr hide-s", func(a, b *assetRow) int { return strings.Compare(a.Address, b.Address) }},
	{"access", "My access", "c-access", func(a, b *assetRow) int {
		return cmp.Or(b2i(b.CanStart)-b2i(a.CanStart), cmp.Compare(a.Access.Text, b.Access.Text))
	}},
	{"last", "Last session", "c-last hide-m", func(a, b *assetRow) int { return b.Last.Compare(a.Last) }},
}

// sortRows sorts by a key of assetOrders, backwards with '-' before it; an unknown one counts as name.
func sortRows(rows []*assetRow, by string) {
	key, back := strings.CutPrefix(by, "-")
	slices.SortStableFunc(rows, func(a, b *assetRow) int {
		n := 0
		for _, o := range assetOrders {
			if o.key == key {
				n = o.compare(a, b)
			}
		}
		n = cmp.Or(n, compareNames(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
		if back {
			n = -n
		}
		return n
	})
}

func assetColumns(q map[string]string) (out []column) {
	key, back := strings.CutPrefix(cmp.Or(q["sort"], "name"), "-")
	for _, o := range assetOrders {
		c := column{Label: o.label, Class: o.class, Sort: "none"}
		by := o.key
		if o.key == key {
			if c.Sort = "descending"; !back {
				c.Sort, by = "ascending", "-"+o.key
			}
		}
		if by == "name" {
			by = "" // the order without a word about it
		}
		c.Href = link("/assets", with(q, "sort", by))
		out = append(out, c)
	}
	return out
}

// crumbs leads from the top to a container. Everything above what a user sees is visible too.
func (p *portal) crumbs(at pam.AssetID) []crumb {
	out := []crumb{{Name: "All assets", Href: "/assets"}}
	if f, ok := p.inv.parents[at]; ok {
		for _, f := range append(p.inv.above(at), f) {
			out = append(out, crumb{Name: f.Name, Href: link("/assets", map[string]string{"in": string(f.ID)})})
		}
	}
	return out
}

// keep returns the rows that pass all filters but one.
func keep[T any](all []T, filters map[string]func(T) bool, but string) []T {
	out := make([]T, 0, len(all))
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
func assetChips(all []*assetRow, filters map[string]func(*assetRow) bool, q map[string]string) []chip {
	var chips []chip
	if tag := q["tag"]; tag != "" {
		chips = append(chips, toggle("Tag: "+tag, "/assets", q, "tag", tag, true, 0))
	}
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
		start += b2i(a.CanStart)
	}
	for _, a := range keep(all, filters, "live") {
		liveNow += b2i(a.Live)
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
