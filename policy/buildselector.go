package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

// selectors makes one rule for each pair of subject and operation of a selector.
func (b *builder) selectors(d Data) {
	s := b.snap
	s.times, s.nets = make(map[string]classes), make(map[string][]netip.Prefix)
	seen := make(map[string]bool, len(d.Selectors))
	var rows [][]string
	var placed []placement
	for _, sel := range d.Selectors {
		at := where{"selector", sel.ID}
		faults := len(b.faults)
		b.id(at, seen[sel.ID])
		seen[sel.ID] = true
		n, subs := b.selectorTarget(at, sel)
		b.operations(at, sel.Operations)
		times := b.timeColumn(at, sel.Times, len(d.Calendar.Work) > 0)
		net := b.netColumn(at, sel.Networks)
		form, excl, eft := b.formColumns(at, sel)
		if flow := b.flow(at, sel); flow != nil {
			s.flows["selector:"+sel.ID] = flow
		}
		if len(b.faults) > faults {
			continue
		}
		needs := "no"
		if sel.MFA {
			needs = "yes"
		}
		rank := selectorPriority(int(s.nodes[n].depth), form, excl, sel.MFA)
		for _, sub := range subs {
			for _, op := range sel.Operations {
				placed = append(placed, placement{node: n, entry: entry{subject: sub, row: uint32(len(rows)), rank: uint32(rank)}})
				rows = append(rows, []string{
					fmt.Sprint(rank), "selector:" + sel.ID, b.scopes[n], b.names[sub],
					string(op), times, net, form, excl, needs, eft,
				})
			}
		}
	}
	s.rows[kindSelector], b.placed[kindSelector] = rows, placed
}

// selectorTarget resolves scope and subjects. After a fault the result is not whole.
func (b *builder) selectorTarget(at where, sel Selector) (n int32, subs []uint32) {
	n = b.scope(at, sel.Scope)
	if len(sel.Subjects) == 0 {
		b.fault(at, "it has no subjects", "name users and groups, or Everyone")
	}
	for i, to := range sel.Subjects {
		if slices.Contains(sel.Subjects[:i], to) {
			b.fault(at, "a subject occurs twice", "remove one of the two")
			continue
		}
		if sub, ok := b.subject(at, to); ok {
			subs = append(subs, sub)
		}
	}
	return n, subs
}

func (b *builder) operations(at where, ops []pam.Operation) {
	if len(ops) == 0 {
		b.fault(at, "it has no operations", "name at least one")
	}
	for i, op := range ops {
		if _, ok := b.needs[op]; !ok {
			b.fault(at, fmt.Sprintf("unknown operation %q", op), "use one of the pam.Op… constants or name it in Config.Operations")
		}
		if slices.Contains(ops[:i], op) {
			b.fault(at, fmt.Sprintf("the operation %q occurs twice", op), "remove one of the two")
		}
	}
}

// timeColumn returns the canonical text of times and enters its meaning into the snapshot.
func (b *builder) timeColumn(at where, times []TimeClass, work bool) string {
	if len(times) == 0 {
		return anything
	}
	var in classes
	for _, c := range times {
		if c.class() == 0 {
			b.fault(at, fmt.Sprintf("unknown time class %q", c), "use work_hours, after_hours, weekend or holiday")
		}
		in |= c.class()
	}
	if needsWork(times) && !work {
		b.fault(at, "it speaks of work hours, and the calendar has none", "fill in Calendar.Work")
	}
	var names []string
	for _, c := range []TimeClass{WorkHours, AfterHours, Weekend, Holiday} {
		if in&c.class() != 0 {
			names = append(names, string(c))
		}
	}
	text := strings.Join(names, "|")
	b.snap.times[text] = in
	return text
}

// netColumn returns the canonical text of networks and enters its meaning into the snapshot.
func (b *builder) netColumn(at where, networks []string) string {
	if len(networks) == 0 {
		return anything
	}
	var nets []netip.Prefix
	for _, n := range networks {
		p, err := netip.ParsePrefix(n)
		switch {
		case err != nil:
			b.fault(at, fmt.Sprintf("the network %q is not a CIDR prefix", n), `write it as "10.0.0.0/8", a single address as "10.0.0.1/32"`)
		case p.Addr().Is4In6():
			// It would never match: addresses of clients are compared as IPv4.
			b.fault(at, fmt.Sprintf("the network %q is IPv4 written as IPv6", n), "write it as IPv4")
		case p.Masked() != p:
			b.fault(at, fmt.Sprintf("the network %q has bits set after its prefix", n), fmt.Sprintf("write %s if that is meant", p.Masked()))
		default:
			nets = append(nets, p)
		}
	}
	slices.SortFunc(nets, netip.Prefix.Compare)
	nets = slices.Compact(nets)
	names := make([]string, len(nets))
	for i, p := range nets {
		names[i] = p.String()
	}
	text := strings.Join(names, "|")
	b.snap.nets[text] = nets
	return text
}

func (b *builder) formColumns(at where, sel Selector) (form, excl, eft string) {
	switch sel.Form {
	case pam.FormAutomatic, pam.FormInteractive:
		eft = "allow"
	case pam.FormRestricting:
		eft = "deny"
	default:
		b.fault(at, fmt.Sprintf("unknown form %q", sel.Form), "use one of the pam.Form… constants")
	}
	switch excl = sel.Exclusive; excl {
	case "":
		excl = pam.ExclusiveUnavailable
	case pam.ExclusiveUnavailable, pam.ExclusiveOptional, pam.ExclusiveRequired:
	default:
		b.fault(at, fmt.Sprintf("Exclusive is %q", excl), "use one of the pam.Exclusive… constants")
	}
	return string(sel.Form), excl, eft
}
