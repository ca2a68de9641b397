package policy

import (
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
	profiles map[string]*profile // by "profile:…"

	// rows are all rules of a kind, without guard, in no order. A role grant makes one, an assignment four.
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
	rank    pam.Role
}

// subject is a user with everything they are a member of.
type subject struct {
	site   pam.SiteRole
	intern map[string]uint32 // of the snapshot: "user:…", "group:…", adminSubject
	ids    []uint32          // sorted: the user, their groups to any depth, administrators
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
	values  map[string]string
	own     []pam.Declaration // stated ones that the SDK does not know, sorted
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

// candidates appends to rows the rules of kind k that can concern the subject on the path, by priority, and
// the guard. hits is scratch space; both are returned for reuse.
//
// It may append rules that do not match in the end, since Casbin decides. It must never leave one out that
// would: a lost deny rule opens a door.
func (s *snapshot) candidates(k kind, rows [][]string, hits []entry, sub *subject, p *path, guard []string) ([][]string, []entry) {
	leaf := &s.nodes[p.leaf]
	rows, hits = rows[:0], hits[:0]
	for d := int(leaf.depth); d >= int(leaf.cut[k]); d-- {
		sp := s.nodes[p.nodes[d]].span[k]
		hits = join(hits, s.entries[k][sp.from:sp.to], sub.ids)
		if k == kindProfile {
			// One level after the other, and within it by strictness, is the order of the priority column.
			for v := range uint32(perAssignment) {
				for _, h := range hits {
					rows = append(rows, s.rows[k][h.row+v])
				}
			}
			hits = hits[:0]
		}
	}
	if k == kindRole {
		// The rules for the whole site come last in the index, after those of all nodes.
		sp := s.site()
		hits = join(hits, s.entries[k][sp.from:sp.to], sub.ids)
		for rank := pam.RoleOwner; rank >= pam.RoleViewer; rank-- {
			for _, h := range hits {
				if h.rank == rank {
					rows = append(rows, s.rows[k][h.row])
				}
			}
		}
	}
	return append(rows, guard), hits
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
			i, _ := slices.BinarySearchFunc(entries, id, compareSubject)
			for ; i < len(entries) && entries[i].subject == id; i++ {
				hits = append(hits, entries[i])
			}
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

func compareSubject(e entry, id uint32) int {
	switch {
	case e.subject < id:
		return -1
	case e.subject > id:
		return 1
	default:
		return 0
	}
}
