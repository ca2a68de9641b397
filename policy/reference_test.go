package policy

import (
	"slices"

	"github.com/sallyport/sallyport/pam"
)

// reference answers by reading the data as behaviour rows E3, E4 and E7 are written, with recursion and loops.
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
