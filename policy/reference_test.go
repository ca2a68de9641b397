package policy

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// reference answers by reading the data as behaviour rows E3, E4 and E7 and the doc of Selector are written, with recursion and loops.
// It shares nothing with the engine: no index, no rule, no Casbin.
type reference struct{ d Data }

func (r reference) asset(id pam.AssetID) (Asset, bool) {
	for _, a := range r.d.Assets {
		if a.ID == id {
			return a, true
		}
	}
	return Asset{}, false
}

func (r reference) site(u pam.UserID) pam.SiteRole {
	for _, x := range r.d.Users {
		if x.ID == u {
			return x.Site
		}
	}
	return ""
}

func (r reference) inGroup(u pam.UserID, g GroupID, seen []GroupID) bool {
	if slices.Contains(seen, g) {
		return false
	}
	for _, x := range r.d.Groups {
		if x.ID != g {
			continue
		}
		if slices.Contains(x.Users, u) {
			return true
		}
		for _, inner := range x.Groups {
			if r.inGroup(u, inner, append(slices.Clone(seen), g)) {
				return true
			}
		}
	}
	return false
}

func (r reference) is(u pam.UserID, s Subject) bool {
	if s.Everyone {
		return slices.ContainsFunc(r.d.Users, func(x User) bool { return x.ID == u })
	}
	if s.User != "" {
		return s.User == u
	}
	return r.inGroup(u, s.Group, nil)
}

// levels are the asset and what it inherits from, nearest first.
func (r reference) levels(id pam.AssetID, kind Break) []pam.AssetID {
	a, ok := r.asset(id)
	if !ok {
		return nil
	}
	if a.Break&kind != 0 || a.Parent == "" {
		return []pam.AssetID{id}
	}
	return append([]pam.AssetID{id}, r.levels(a.Parent, kind)...)
}

func (r reference) role(u pam.UserID, id pam.AssetID) pam.Role {
	best := pam.RoleNone
	if _, ok := r.asset(id); ok && r.site(u) == pam.SiteAdministrator {
		best = pam.RoleOwner
	}
	for _, level := range r.levels(id, BreakRoles) {
		for _, g := range r.d.Grants {
			if g.Scope == level && r.is(u, g.Subject) {
				best = max(best, g.Role)
			}
		}
	}
	return best
}

func (r reference) value(u pam.UserID, id pam.AssetID, dec pam.Declaration) pam.Value {
	for _, level := range r.levels(id, BreakProfiles) {
		any, deny, record, allow := false, false, false, false
		for _, a := range r.d.Assignments {
			if a.Scope != level || !r.is(u, a.Subject) {
				continue
			}
			for _, p := range r.d.Profiles {
				if p.ID != a.Profile || !p.Enabled {
					continue
				}
				any = true
				if v, stated := p.Declarations[dec]; stated {
					deny = deny || v == pam.Deny
					record = record || v == pam.Record
					allow = allow || v == pam.Allow
				}
			}
		}
		switch {
		case !any:
		case deny:
			return pam.Deny
		case record:
			return pam.Record
		case allow:
			return pam.Allow
		default:
			return pam.Deny
		}
	}
	return pam.Deny
}

// deciding are the enabled profiles of the level that counts.
func (r reference) deciding(u pam.UserID, id pam.AssetID) (ps []Profile) {
	for _, level := range r.levels(id, BreakProfiles) {
		for _, p := range r.d.Profiles {
			if p.Enabled && slices.ContainsFunc(r.d.Assignments, func(a Assignment) bool {
				return a.Profile == p.ID && a.Scope == level && r.is(u, a.Subject)
			}) {
				ps = append(ps, p)
			}
		}
		if len(ps) > 0 {
			return ps
		}
	}
	return nil
}

func (r reference) profileMFA(u pam.UserID, id pam.AssetID) bool {
	return slices.ContainsFunc(r.deciding(u, id), func(p Profile) bool { return p.MFA })
}

func (r reference) pin(u pam.UserID, id pam.AssetID, param string) (value string, pinned bool) {
	best := ProfileID("\U0010ffff")
	for _, p := range r.deciding(u, id) {
		if v, ok := p.Pins[param]; ok && p.ID < best {
			best, value, pinned = p.ID, v, true
		}
	}
	return value, pinned
}

// during says whether the moment is in one of the classes, which are told apart here by the text of the local time.
func (r reference) during(classes []TimeClass, at time.Time) bool {
	zone, err := time.LoadLocation(r.d.Calendar.Zone)
	if err != nil {
		panic(err)
	}
	local := at.In(zone)
	weekend := r.d.Calendar.Weekend
	if weekend == nil {
		weekend = []time.Weekday{time.Sunday, time.Saturday}
	}
	holiday := slices.Contains(r.d.Calendar.Holidays, local.Format("2006-01-02"))
	work := false
	for _, s := range r.d.Calendar.Work {
		if now := local.Format("15:04"); s.Day == local.Weekday() && s.From <= now && now < s.To && !holiday {
			work = true
		}
	}
	for _, c := range classes {
		if c == WorkHours && work || c == AfterHours && !work || c == Weekend && slices.Contains(weekend, local.Weekday()) || c == Holiday && holiday {
			return true
		}
	}
	return len(classes) == 0
}

// from says whether the address is in one of the networks, bit by bit.
func (r reference) from(networks []string, addr netip.Addr) bool {
	bits := func(a netip.Addr) (s string) {
		for _, b := range a.Unmap().AsSlice() {
			for i := 7; i >= 0; i-- {
				s += string('0' + b>>i&1)
			}
		}
		return s
	}
	for _, n := range networks {
		p := netip.MustParsePrefix(n)
		if p.Addr().Is4() == addr.Unmap().Is4() && strings.HasPrefix(bits(addr), bits(p.Addr())[:p.Bits()]) {
			return true
		}
	}
	return len(networks) == 0
}

// selector says which kind of selector governs: "none", or form, exclusive and whether it asks for MFA.
func (r reference) selector(q question, op pam.Operation) string {
	text := func(s Selector) string {
		excl := s.Exclusive
		if excl == "" {
			excl = "unavailable"
		}
		if s.MFA {
			excl += " mfa"
		}
		return string(s.Form) + " " + excl
	}
	strict := []string{
		"interactive required mfa", "interactive required", "interactive optional mfa", "interactive optional", "interactive unavailable mfa",
		"interactive unavailable", "automatic required mfa", "automatic required", "automatic optional mfa", "automatic optional",
		"automatic unavailable mfa", "automatic unavailable",
	}
	nearest := "none"
	for _, level := range r.levels(q.asset, BreakSelectors) {
		best := len(strict)
		for _, s := range r.d.Selectors {
			if s.Scope != level || !slices.Contains(s.Operations, op) || !r.during(s.Times, q.at) || !r.from(s.Networks, q.addr) ||
				!slices.ContainsFunc(s.Subjects, func(to Subject) bool { return r.is(q.user, to) }) {
				continue
			}
			if s.Form == pam.FormRestricting {
				return "restricting"
			}
			best = min(best, slices.Index(strict, text(s)))
		}
		if nearest == "none" && best < len(strict) {
			nearest = strict[best]
		}
	}
	return nearest
}
