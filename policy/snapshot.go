package policy

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sallyport/sallyport/pam"
)

// snapshot is one policy: all Casbin rules and an index over them. Nothing in it changes once it is built, so
// any number of goroutines may read it.
type snapshot struct {
	version  uint64
	subjects map[pam.UserID]*subject
	nodeOf   map[pam.AssetID]int32
	byScope  map[string]int32 // "asset:…" to node
	nodes    []node
	profiles map[string]*profile      // by "profile:…"
	ordered  []*profile               // by id, as entries count them
	flows    map[string]*pam.Workflow // by the id column of interactive selectors; shared with whoever asks, never changed
	calendar calendar
	times    map[string]classes        // by the time column of selectors
	nets     map[string][]netip.Prefix // by their net column

	// rows are all rules of a kind, without guard, in no order. A role grant makes one, an assignment four, a
	// selector one for each pair of subject and operation.
	rows [kinds][][]string
	// entries index the rows by node and then by subject. A node's part is nodes[i].span.
	entries [kinds][]entry
}

// node is an asset or container.
type node struct {
	parent int32 // -1 at the top
	depth  uint8
	cut    [kinds]uint8 // least depth from which rules of a kind are inherited
	span   [kinds]span
}

type span struct{ from, to uint32 }

// entry finds the rows of one grant or assignment.
type entry struct {
	subject uint32
	row     uint32 // the first
	rank    uint32 // of a role rule its role, of an assignment its profile, of a selector rule its priority
}

// subject is a user with everything they are a member of.
type subject struct {
	site   pam.SiteRole
	intern map[string]uint32 // of the snapshot: "user:…", "group:…", adminSubject
	ids    []uint32          // sorted: the user, their groups to any depth, everyone, administrators
}

func (s *subject) in(name string) bool {
	id, ok := s.intern[name]
	if !ok {
		return false
	}
	_, found := slices.BinarySearch(s.ids, id)
	return found
}

// profile is an access profile. What it does not state is absent from values.
type profile struct {
	enabled bool
	order   int // among all profiles by id
	values  map[string]string
	known   [len(known)]uint8 // codes of the values of the declarations that the SDK knows
	own     []pam.Declaration // stated ones that the SDK does not know, sorted
	mfa     bool
	pins    pam.Params
	pinned  []string // the names in pins, sorted
}

// code is the place of the declaration's value among profileValues; place is the declaration's among known, -1 if it is not.
func (p *profile) code(place int, declaration string) uint8 {
	if place >= 0 {
		return p.known[place]
	}
	return valueCode(p.value(declaration))
}

func valueCode(value string) uint8 {
	for i, v := range profileValues() {
		if v.value == value {
			return uint8(i)
		}
	}
	return 0 // deny: no other value is ever stored
}

func (p *profile) value(declaration string) string {
	v, ok := p.values[declaration]
	if !ok {
		return valueUnstated
	}
	return v
}

// path is an asset with its containers, by depth. It belongs to a worker, which reuses it.
type path struct {
	snap  *snapshot
	leaf  int32
	nodes [maxDepth + 1]int32 // up to and including nodes[depth of leaf] == leaf
}

func (p *path) set(s *snapshot, leaf int32) {
	p.snap, p.leaf = s, leaf
	for i := leaf; i >= 0; i = s.nodes[i].parent {
		p.nodes[s.nodes[i].depth] = i
	}
}

func (p *path) reaches(scope string, k kind) bool {
	i, ok := p.snap.byScope[scope]
	if !ok {
		return false
	}
	leaf, depth := &p.snap.nodes[p.leaf], p.snap.nodes[i].depth
	return depth >= leaf.cut[k] && depth <= leaf.depth && p.nodes[depth] == i
}

// env is what a question says beside user, asset and operation. It belongs to a worker.
type env struct {
	snap *snapshot
	addr netip.Addr // without zone, and IPv4 as such
	now  classes
}

// The functions below append the rules of a kind that can concern the subject on the path, by priority. hits is
// scratch space; it is returned for reuse.
//
// They may append rules that do not match in the end, since Casbin decides. They must never leave one out that
// would, but for a second one of the same priority that says the same: a lost deny rule opens a door.

func (s *snapshot) roleRows(rows [][]string, hits []entry, sub *subject, p *path) ([][]string, []entry) {
	leaf := &s.nodes[p.leaf]
	for d := int(leaf.depth); d >= int(leaf.cut[kindRole]); d-- {
		sp := s.nodes[p.nodes[d]].span[kindRole]
		hits = join(hits, s.entries[kindRole][sp.from:sp.to], sub.ids)
	}
	// The rules for the whole site come last in the index, after those of all nodes.
	sp := s.site()
	hits = join(hits, s.entries[kindRole][sp.from:sp.to], sub.ids)
	var first [pam.RoleOwner + 1][]string // the nearest rule of each role
	for _, h := range hits {
		if first[h.rank] == nil {
			first[h.rank] = s.rows[kindRole][h.row]
		}
	}
	for rank := pam.RoleOwner; rank >= pam.RoleViewer; rank-- {
		if first[rank] != nil {
			rows = append(rows, first[rank])
		}
	}
	return rows, hits
}

// assigned is an assignment that reaches the user on the asset, of an enabled profile.
type assigned struct {
	row     uint32 // the first of its four
	depth   uint8
	profile *profile
}

// assignments appends what reaches the subject on the path, nearest first. Those of disabled profiles are left out:
// not one of their rules matches.
func (s *snapshot) assignments(to []assigned, hits []entry, sub *subject, p *path) ([]assigned, []entry) {
	leaf := &s.nodes[p.leaf]
	for d := int(leaf.depth); d >= int(leaf.cut[kindProfile]); d-- {
		sp := s.nodes[p.nodes[d]].span[kindProfile]
		hits = join(hits[:0], s.entries[kindProfile][sp.from:sp.to], sub.ids)
		for _, h := range hits {
			if pr := s.ordered[h.rank]; pr.enabled {
				to = append(to, assigned{row: h.row, depth: uint8(d), profile: pr})
			}
		}
	}
	return to, hits
}

// profileRows appends for each level and each value one rule: of the assignment whose profile gives the declaration
// that value. The rules of other values cannot match. One level after the other, and within it by strictness, is the
// order of the priority column; of several that say the same the profile whose id sorts first speaks.
func (s *snapshot) profileRows(rows [][]string, all []assigned, declaration string) [][]string {
	place := slices.Index(known[:], pam.Declaration(declaration))
	for i := 0; i < len(all); {
		var first [perAssignment]*assigned
		for depth := all[i].depth; i < len(all) && all[i].depth == depth; i++ {
			a := &all[i]
			v := a.profile.code(place, declaration)
			if f := first[v]; f == nil || a.profile.order < f.profile.order || a.profile == f.profile && a.row < f.row {
				first[v] = a
			}
		}
		for v, a := range first {
			if a != nil {
				rows = append(rows, s.rows[kindProfile][a.row+uint32(v)])
			}
		}
	}
	return rows
}

func (s *snapshot) selectorRows(rows [][]string, hits []entry, sub *subject, p *path, act string) ([][]string, []entry) {
	leaf := &s.nodes[p.leaf]
	for d := int(leaf.depth); d >= int(leaf.cut[kindSelector]); d-- {
		sp := s.nodes[p.nodes[d]].span[kindSelector]
		hits = join(hits, s.entries[kindSelector][sp.from:sp.to], sub.ids)
	}
	hits = slices.DeleteFunc(hits, func(h entry) bool { return s.rows[kindSelector][h.row][colAct] != act })
	slices.SortFunc(hits, func(x, y entry) int { return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.row, y.row)) })
	for _, h := range hits {
		rows = append(rows, s.rows[kindSelector][h.row])
	}
	return rows, hits
}

// site is where the role rules on siteScope are.
func (s *snapshot) site() span {
	n := uint32(len(s.entries[kindRole]))
	return span{n - 1, n}
}

// lopsided is how many times longer one list must be before binary search beats walking both.
const lopsided = 8

// join appends to hits the entries whose subject is in ids. Both lists are sorted; entries may repeat a subject.
func join(hits, entries []entry, ids []uint32) []entry {
	switch {
	case len(entries) == 0 || len(ids) == 0:
	case len(entries) > lopsided*len(ids):
		for _, id := range ids {
			// The first entry that is not before id; what is before it is behind all further ids too.
			lo, hi := 0, len(entries)
			for lo < hi {
				if mid := (lo + hi) / 2; entries[mid].subject < id {
					lo = mid + 1
				} else {
					hi = mid
				}
			}
			for ; lo < len(entries) && entries[lo].subject == id; lo++ {
				hits = append(hits, entries[lo])
			}
			entries = entries[lo:]
		}
	case len(ids) > lopsided*len(entries):
		for _, e := range entries {
			if _, ok := slices.BinarySearch(ids, e.subject); ok {
				hits = append(hits, e)
			}
		}
	default:
		for i, j := 0, 0; i < len(entries) && j < len(ids); {
			switch {
			case entries[i].subject < ids[j]:
				i++
			case entries[i].subject > ids[j]:
				j++
			default:
				hits = append(hits, entries[i])
				i++ // not j: the next entry may be about the same subject
			}
		}
	}
	return hits
}
