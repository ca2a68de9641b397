package main

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// visible is what exists for one user: the assets with a role, and the containers with a role or with something
// visible in them.
type visible struct {
	rows       []*assetRow              // assets, in the order of the file
	containers map[pam.AssetID]int      // to the number of visible assets below
	children   map[pam.AssetID][]folder // visible containers by parent, by name
}

// assetRow is an asset, or a container, in a list.
type assetRow struct {
	ID                                        pam.AssetID
	Name, Href, Icon, Protocol, Address, Text string
	Path, PathHead, PathTail                  string
	Tags                                      []string
	Access                                    mark
	CanStart, Live                            bool
	Last                                      time.Time
	Folder                                    bool
	Count                                     int // of assets in a folder
	above                                     []folder
}

// visibleTo asks the policy about every asset and container.
func (p *portal) visibleTo(r *http.Request, in login, sessions []pam.SessionInfo) *visible {
	last := map[pam.AssetID]pam.SessionInfo{}
	liveOn := map[pam.AssetID]bool{}
	for _, s := range sessions {
		if _, seen := last[s.Asset]; !seen {
			last[s.Asset] = s // newest first
		}
		liveOn[s.Asset] = liveOn[s.Asset] || live(s)
	}
	v := &visible{containers: map[pam.AssetID]int{}, children: map[pam.AssetID][]folder{}}
	answers := p.answersFor(r, in)
	for _, id := range p.inv.order {
		a, acc := p.inv.assets[id], answers[id]
		if !acc.visible() {
			continue
		}
		row := &assetRow{
			ID: id, Name: a.Name, Href: "/assets/" + string(id), Icon: assetIcon(a), Protocol: strings.ToUpper(a.Type.Protocol),
			Address: strings.TrimSuffix(a.Address, ":22"), Tags: p.inv.tags[id], Access: acc.mark(), CanStart: acc.canStart(),
			Live: liveOn[id], Last: last[id].Created, above: p.inv.path(id),
		}
		row.place()
		row.Text = strings.ToLower(strings.Join(append([]string{a.Name, row.Address, row.Path, row.Protocol}, row.Tags...), " "))
		for _, f := range row.above {
			v.containers[f.ID]++
		}
		v.rows = append(v.rows, row)
	}
	for id := range p.inv.parents {
		if _, known := v.containers[id]; known || !answers[id].visible() {
			continue
		}
		v.containers[id] = 0
		for _, f := range p.inv.above(id) {
			v.containers[f.ID] += 0
		}
	}
	for id := range v.containers {
		f := p.inv.parents[id]
		v.children[f.Parent] = append(v.children[f.Parent], f)
	}
	for _, list := range v.children {
		slices.SortFunc(list, func(a, b folder) int { return cmp.Or(compareNames(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	}
	return v
}

// answerKey is all that the policy's answers about a user's lists depend on. Time classes change by the minute.
type answerKey struct {
	addr    netip.Addr
	version uint64
	minute  int64
}

// answerCache keeps the newest answers of each user, so that a page of a long list does not ask thousands of times anew.
// What can be started is decided anew by the broker in any case.
type answerCache struct {
	mu  sync.Mutex // guards the maps; the answers in them are never changed
	key map[string]answerKey
	all map[string]map[pam.AssetID]accessTo
}

// maxAnswers is how many users' answers are kept.
const maxAnswers = 64

// answersFor asks the policy about every asset and container.
func (p *portal) answersFor(r *http.Request, in login) map[pam.AssetID]accessTo {
	key := answerKey{clientAddr(r), p.policy.Version(), p.now().Unix() / 60}
	c := &p.answers
	c.mu.Lock()
	known, ok := c.all[in.user.ID]
	ok = ok && c.key[in.user.ID] == key
	c.mu.Unlock()
	if ok {
		return known
	}
	all := make(map[pam.AssetID]accessTo, len(p.inv.order)+len(p.inv.parents))
	failed := false
	ask := func(a pam.Asset) {
		acc := p.access(r.Context(), in.user, a, key.addr, false)
		failed = failed || acc.decision.Code == pam.CodePolicyError
		all[a.ID] = acc
	}
	for _, id := range p.inv.order {
		ask(p.inv.assets[id])
	}
	for id := range p.inv.parents {
		ask(pam.Asset{ID: id})
	}
	if failed {
		return all
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= maxAnswers {
		c.key, c.all = map[string]answerKey{}, map[string]map[pam.AssetID]accessTo{}
	}
	c.key[in.user.ID], c.all[in.user.ID] = key, all
	return all
}

// place fills in what the container column shows: the nearest two of the containers above.
func (a *assetRow) place() {
	names := make([]string, len(a.above))
	for i, f := range a.above {
		names[i] = f.Name
	}
	a.Path = strings.Join(names, " / ")
	if n := len(names); n > 0 {
		a.PathTail = names[n-1]
		if n > 1 {
			a.PathHead = names[n-2]
		}
	}
}

// below returns the rows of a container, at any depth; of all for the empty ID.
func (v *visible) below(id pam.AssetID) []*assetRow {
	if id == "" {
		return v.rows
	}
	var out []*assetRow
	for _, row := range v.rows {
		if slices.ContainsFunc(row.above, func(f folder) bool { return f.ID == id }) {
			out = append(out, row)
		}
	}
	return out
}

// folders returns the containers directly in a container as rows of the list.
func (v *visible) folders(p *portal, id pam.AssetID) []*assetRow {
	var out []*assetRow
	for _, f := range v.children[id] {
		row := &assetRow{
			ID: f.ID, Name: f.Name, Icon: "folder", Folder: true, Count: v.containers[f.ID],
			Href: link("/assets", map[string]string{"in": string(f.ID)}), above: p.inv.above(f.ID),
		}
		row.place()
		row.Text = strings.ToLower(f.Name)
		out = append(out, row)
	}
	return out
}

// treeNode is a container in the tree at the left.
type treeNode struct {
	ID       string // in the page
	Name     string
	Href     string
	Count    int
	Level    int
	On, Open bool
	Children []treeNode
}

// tree is the whole tree with the way to the container at open.
func (v *visible) tree(p *portal, at pam.AssetID) treeNode {
	way := map[pam.AssetID]bool{"": true, at: true}
	for _, f := range p.inv.above(at) {
		way[f.ID] = true
	}
	var node func(id pam.AssetID, name string, n, level int) treeNode
	node = func(id pam.AssetID, name string, n, level int) treeNode {
		t := treeNode{
			ID: "c-" + string(id), Name: name, Count: n, Level: level, On: id == at, Open: way[id],
			Href: link("/assets", map[string]string{"in": string(id)}),
		}
		for _, f := range v.children[id] {
			t.Children = append(t.Children, node(f.ID, f.Name, v.containers[f.ID], level+1))
		}
		return t
	}
	return node("", "All assets", len(v.rows), 1)
}

// compareNames orders names as people look for them.
func compareNames(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}
