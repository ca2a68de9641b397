package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/pam"
)

// build makes a snapshot of d, or returns every fault of d, joined. It keeps nothing of d.
// needs holds the operations that selectors may name.
func build(ctx context.Context, d Data, needs map[pam.Operation]pam.Role) (*snapshot, error) {
	b := builder{
		needs: needs,
		snap: &snapshot{
			subjects: make(map[pam.UserID]*subject, len(d.Users)),
			nodeOf:   make(map[pam.AssetID]int32, len(d.Assets)),
			byScope:  make(map[string]int32, len(d.Assets)),
			profiles: make(map[string]*profile, len(d.Profiles)),
			flows:    make(map[string]*pam.Workflow),
		},
		intern: make(map[string]uint32, len(d.Users)+len(d.Groups)+2),
	}
	for _, step := range []func(Data){b.tree, b.subjects, b.profiles, b.grants, b.assignments, b.calendar, b.workflows, b.selectors} {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("policy: reload: %w", context.Cause(ctx))
		}
		step(d)
	}
	if len(b.faults) > 0 {
		return nil, errors.Join(b.faults...)
	}
	b.index()
	return b.snap, nil
}

// builder holds what is needed only while building. A step goes on after a fault, so that one load reports
// them all; what it leaves behind then is thrown away.
type builder struct {
	snap   *snapshot
	faults []error
	needs  map[pam.Operation]pam.Role

	intern map[string]uint32 // subjects by internal name
	names  []string          // the reverse
	scopes []string          // "asset:…" by node
	flows  map[WorkflowID]*pam.Workflow

	placed [kinds][]placement
}

// placement is an entry and the node it is on; the number of nodes stands for siteScope.
type placement struct {
	node int32
	entry
}

// where names an entry of the data. It becomes text only for a fault: there are many entries.
type where struct{ noun, id string }

func (b *builder) fault(at where, what, fix string) {
	b.faults = append(b.faults, &Fault{Where: fmt.Sprintf("%s %q", at.noun, at.id), What: what, Fix: fix})
}

// id checks the id of an entry, and that it is the first with it.
func (b *builder) id(at where, seen bool) bool {
	if what := checkID(at.id); what != "" {
		b.fault(at, what, "give it an opaque id of plain characters")
		return false
	}
	if seen {
		b.fault(at, "the id occurs twice", "remove one of the two or give it an id of its own")
		return false
	}
	return true
}

func (b *builder) name(prefix, id string) uint32 {
	name, n := prefix+id, uint32(len(b.names))
	b.intern[name] = n
	b.names = append(b.names, name)
	return n
}

// tree makes the nodes: first by themselves, then, from the top down, depth and breaks.
func (b *builder) tree(d Data) {
	s := b.snap
	index := make([]int, 0, len(d.Assets)) // of each node in d.Assets
	for i, a := range d.Assets {
		at := where{"asset", string(a.ID)}
		_, seen := s.nodeOf[a.ID]
		if !b.id(at, seen) {
			continue
		}
		if a.Break&^breakAll != 0 {
			b.fault(at, fmt.Sprintf("unknown bits %#x in Break", uint8(a.Break&^breakAll)), "use the Break… constants")
		}
		n, scope := int32(len(s.nodes)), "asset:"+string(a.ID)
		s.nodeOf[a.ID], s.byScope[scope] = n, n
		s.nodes = append(s.nodes, node{parent: -1})
		b.scopes = append(b.scopes, scope)
		index = append(index, i)
	}
	for n := range s.nodes {
		a := d.Assets[index[n]]
		if a.Parent == "" {
			continue
		}
		at := where{"asset", string(a.ID)}
		p, ok := s.nodeOf[a.Parent]
		switch {
		case !ok:
			b.fault(at, fmt.Sprintf("its parent %q does not exist", a.Parent), "add the container to Assets or correct Parent")
		case !d.Assets[index[p]].Container:
			b.fault(at, fmt.Sprintf("its parent %q is not a container", a.Parent), "set Container there or correct Parent")
		default:
			s.nodes[n].parent = p
		}
	}

	const unvisited, visiting, done = 0, 1, 2
	state := make([]uint8, len(s.nodes))
	var chain []int32
	for n := range s.nodes {
		chain = chain[:0]
		i := int32(n)
		for i >= 0 && state[i] == unvisited {
			state[i] = visiting
			chain = append(chain, i)
			i = s.nodes[i].parent
		}
		if i >= 0 && state[i] == visiting {
			b.fault(where{"asset", string(d.Assets[index[i]].ID)}, "it is inside itself", "correct Parent of one of the containers in the circle")
			s.nodes[i].parent = -1 // for the rest of the checks
		}
		for _, c := range slices.Backward(chain) {
			state[c] = done
			nd := &s.nodes[c]
			depth := 0
			if nd.parent >= 0 {
				up := &s.nodes[nd.parent]
				depth = int(up.depth) + 1
				nd.cut = up.cut
			}
			if depth > maxDepth {
				b.fault(where{"asset", string(d.Assets[index[c]].ID)}, fmt.Sprintf("it is nested deeper than %d levels", maxDepth),
					"move it, or containers above it, up in the tree")
				depth = 0 // one fault per deep branch and not one per node
				nd.parent, nd.cut = -1, [kinds]uint8{}
			}
			nd.depth = uint8(depth)
			br := d.Assets[index[c]].Break
			if br&BreakRoles != 0 {
				nd.cut[kindRole] = nd.depth
			}
			if br&BreakProfiles != 0 {
				nd.cut[kindProfile] = nd.depth
			}
			if br&BreakSelectors != 0 {
				nd.cut[kindSelector] = nd.depth
			}
		}
	}
}

// subjects makes users and groups and closes membership transitively.
func (b *builder) subjects(d Data) {
	s := b.snap
	users := make(map[pam.UserID]uint32, len(d.Users))
	for _, u := range d.Users {
		at := where{"user", string(u.ID)}
		_, seen := users[u.ID]
		if !b.id(at, seen) {
			continue
		}
		switch u.Site {
		case pam.SiteNone, pam.SiteAdministrator, pam.SiteAuditor:
		default:
			b.fault(at, fmt.Sprintf("unknown site role %q", u.Site), "use one of the pam.Site… constants")
		}
		users[u.ID] = b.name("user:", string(u.ID))
		s.subjects[u.ID] = &subject{site: u.Site, intern: b.intern}
	}
	groups := make(map[GroupID]uint32, len(d.Groups))
	for _, g := range d.Groups {
		_, seen := groups[g.ID]
		if b.id(where{"group", string(g.ID)}, seen) {
			groups[g.ID] = b.name("group:", string(g.ID))
		}
	}
	admin, everybody := b.name("", adminSubject), b.name("", everyone)

	in := make([][]uint32, len(b.names)) // the groups that each subject is directly in
	for _, g := range d.Groups {
		at, outer := where{"group", string(g.ID)}, groups[g.ID]
		for _, u := range g.Users {
			if n, ok := users[u]; ok {
				in[n] = append(in[n], outer)
			} else {
				b.fault(at, fmt.Sprintf("its member user %q does not exist", u), "add the user to Users or take the member out")
			}
		}
		for _, inner := range g.Groups {
			if n, ok := groups[inner]; ok {
				in[n] = append(in[n], outer)
			} else {
				b.fault(at, fmt.Sprintf("its member group %q does not exist", inner), "add the group to Groups or take the member out")
			}
		}
	}
	// mark[n] is the last subject whose closure n was taken into, plus one: circles of groups end there.
	mark := make([]uint32, len(b.names))
	var ids []uint32
	for id, sub := range s.subjects {
		self := users[id]
		ids = append(ids[:0], self, everybody)
		if sub.site == pam.SiteAdministrator {
			ids = append(ids, admin)
		}
		for i := 0; i < len(ids); i++ {
			for _, g := range in[ids[i]] {
				if mark[g] != self+1 {
					mark[g] = self + 1
					ids = append(ids, g)
				}
			}
		}
		slices.Sort(ids)
		sub.ids = slices.Clone(ids)
	}
}

func (b *builder) profiles(d Data) {
	for _, p := range d.Profiles {
		at, key := where{"profile", string(p.ID)}, "profile:"+string(p.ID)
		_, seen := b.snap.profiles[key]
		if !b.id(at, seen) {
			continue
		}
		pr := &profile{enabled: p.Enabled, values: make(map[string]string, len(p.Declarations))}
		for _, dec := range slices.Sorted(maps.Keys(p.Declarations)) {
			v := p.Declarations[dec]
			if what := checkName(string(dec)); what != "" {
				b.fault(at, fmt.Sprintf("declaration %q: %s", dec, what), "use lower-case letters, digits, '_', '.' and '-'")
				continue
			}
			switch v {
			case pam.Deny:
				pr.values[string(dec)] = valueDeny
			case pam.Allow:
				pr.values[string(dec)] = valueAllow
			case pam.Record:
				pr.values[string(dec)] = valueRecord
			default:
				b.fault(at, fmt.Sprintf("declaration %q has the unknown value %v", dec, v), "use pam.Deny, pam.Allow or pam.Record")
			}
			if !slices.Contains(known[:], dec) {
				pr.own = append(pr.own, dec)
			}
		}
		for i, dec := range known {
			pr.known[i] = valueCode(pr.value(string(dec)))
		}
		if p.MFA {
			pr.mfa, pr.values[declareMFA] = true, valueDeny
		}
		pr.pins, pr.pinned = maps.Clone(p.Pins), slices.Sorted(maps.Keys(p.Pins))
		for _, param := range pr.pinned {
			if what := checkName(param); what != "" {
				b.fault(at, fmt.Sprintf("pinned parameter %q: %s", param, what), "use the name from the protocol's schema")
			}
			if what := checkPin(p.Pins[param]); what != "" {
				b.fault(at, fmt.Sprintf("pinned parameter %q: %s", param, what), "pin a value that the protocol takes")
			}
			pr.values[declarePin+param] = valueDeny
		}
		b.snap.profiles[key] = pr
	}
	for i, key := range slices.Sorted(maps.Keys(b.snap.profiles)) {
		pr := b.snap.profiles[key]
		pr.order = i
		b.snap.ordered = append(b.snap.ordered, pr)
	}
}

// target resolves what grants and assignments share. ok is false after a fault.
func (b *builder) target(at where, scope pam.AssetID, to Subject) (n int32, sub uint32, ok bool) {
	faults := len(b.faults)
	n = b.scope(at, scope)
	sub, _ = b.subject(at, to)
	return n, sub, len(b.faults) == faults
}

func (b *builder) scope(at where, scope pam.AssetID) int32 {
	n, ok := b.snap.nodeOf[scope]
	if !ok {
		b.fault(at, fmt.Sprintf("its scope %q does not exist", scope), "add the asset or container to Assets or delete the entry")
	}
	return n
}

// subject resolves whom an entry is about. ok is false after a fault.
func (b *builder) subject(at where, to Subject) (sub uint32, ok bool) {
	var name, what, id string
	switch {
	case to.User != "" && to.Group != "":
		b.fault(at, fmt.Sprintf("its subject names both user %q and group %q", to.User, to.Group), "make two entries of it")
		return 0, false
	case to.Everyone && (to.User != "" || to.Group != ""):
		b.fault(at, "its subject names everyone and somebody", "name one of the two")
		return 0, false
	case to.Everyone:
		name = everyone
	case to.User != "":
		what, id = "user", string(to.User)
		name = "user:" + id
	case to.Group != "":
		what, id = "group", string(to.Group)
		name = "group:" + id
	default:
		b.fault(at, "its subject is empty", "name a user or a group")
		return 0, false
	}
	sub, ok = b.intern[name]
	if !ok {
		b.fault(at, fmt.Sprintf("its %s %q does not exist", what, id), "add it to the data or delete the entry")
	}
	return sub, ok
}

func (b *builder) grants(d Data) {
	seen := make(map[string]bool, len(d.Grants))
	rows := make([][]string, 0, len(d.Grants)+1)
	placed := make([]placement, 0, len(d.Grants)+1)
	slab := make([]string, 0, colsRole*(len(d.Grants)+1))
	add := func(n int32, scope string, sub uint32, role pam.Role, id string) {
		from := len(slab)
		slab = append(slab, rolePriority(role), id, scope, b.names[sub], roleName(role), "allow")
		placed = append(placed, placement{node: n, entry: entry{subject: sub, row: uint32(len(rows)), rank: uint32(role)}})
		rows = append(rows, slab[from:len(slab):len(slab)])
	}
	for _, g := range d.Grants {
		at := where{"grant", g.ID}
		good := b.id(at, seen[g.ID])
		seen[g.ID] = true
		if g.Role < pam.RoleViewer || g.Role > pam.RoleOwner {
			b.fault(at, fmt.Sprintf("role %v cannot be granted", g.Role), "grant viewer to owner, or delete the grant")
			good = false
		}
		n, sub, ok := b.target(at, g.Scope, g.Subject)
		if good && ok {
			add(n, b.scopes[n], sub, g.Role, "grant:"+g.ID)
		}
	}
	// One rule makes every administrator the owner of everything. No break cuts it off (reaches).
	add(int32(len(b.snap.nodes)), siteScope, b.intern[adminSubject], pam.RoleOwner, adminSubject)
	b.snap.rows[kindRole], b.placed[kindRole] = rows, placed
}

func (b *builder) assignments(d Data) {
	values := profileValues()
	var priorities [maxDepth + 1][perAssignment]string
	for depth := range priorities {
		for v := range values {
			priorities[depth][v] = profilePriority(depth, v)
		}
	}
	names := make(map[ProfileID]string, len(b.snap.profiles))
	for name := range b.snap.profiles {
		names[ProfileID(name[len("profile:"):])] = name
	}
	seen := make(map[string]bool, len(d.Assignments))
	rows := make([][]string, 0, perAssignment*len(d.Assignments))
	placed := make([]placement, 0, len(d.Assignments))
	slab := make([]string, 0, colsProfile*perAssignment*len(d.Assignments))
	for _, a := range d.Assignments {
		at := where{"assignment", a.ID}
		good := b.id(at, seen[a.ID])
		seen[a.ID] = true
		pname, found := names[a.Profile]
		if !found {
			b.fault(at, fmt.Sprintf("its profile %q does not exist", a.Profile), "add the profile to Profiles or delete the assignment")
		}
		n, sub, ok := b.target(at, a.Scope, a.Subject)
		if !good || !found || !ok {
			continue
		}
		placed = append(placed, placement{node: n, entry: entry{subject: sub, row: uint32(len(rows)), rank: uint32(b.snap.profiles[pname].order)}})
		id, depth := "assignment:"+a.ID, b.snap.nodes[n].depth
		for v, ve := range values {
			from := len(slab)
			slab = append(slab, priorities[depth][v], id, b.scopes[n], b.names[sub], pname, ve.value, ve.eft)
			rows = append(rows, slab[from:len(slab):len(slab)])
		}
	}
	b.snap.rows[kindProfile], b.placed[kindProfile] = rows, placed
}

// index sorts the entries by node and subject and tells each node where its own are.
func (b *builder) index() {
	s := b.snap
	for k, placed := range b.placed {
		slices.SortFunc(placed, func(x, y placement) int {
			return cmp.Or(cmp.Compare(x.node, y.node), cmp.Compare(x.subject, y.subject), cmp.Compare(x.row, y.row))
		})
		entries := make([]entry, len(placed))
		for i, p := range placed {
			entries[i] = p.entry
			if int(p.node) >= len(s.nodes) {
				continue // siteScope
			}
			sp := &s.nodes[p.node].span[k]
			if sp.to == 0 {
				sp.from = uint32(i)
			}
			sp.to = uint32(i + 1)
		}
		s.entries[k] = entries
	}
}
