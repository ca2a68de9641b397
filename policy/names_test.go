package policy

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/pam"
)

// oddNames are ids as an attacker who may name accounts, groups or machines would choose them.
func oddNames() []string {
	return []string{
		"", " ", "alice ", " alice", "\talice", "alice\n", "alice\r\np, 1, x", "a,b", ",", `"`, `a"b`, "a\x00b", "\x00", "\u2028", "\u2029",
		"\u202ealice", "al\u200bice", "\ufeffalice", "\xff", "a\xc3", strings.Repeat("x", 201), "a\u00a0", "\u0085", "p, owner", // refused up to here
		"..", "../root", "a/../b", "*", "?", "[a-z]", "%s%n", "'", "a'b", "' || true || '", "r.sub == r.sub", "#", "//", `\`, `CORP\alice`,
		"alice@corp.example", "Alice", "ALICE", "\u0430lice" /* Cyrillic a */, "al\u0456ce", "alic\u0065\u0301", "alic\u00e9", "\uff41lice",
		"user:alice", "group:staff", "role:owner", "asset:db1", "site:all", "site:administrator", "allow", "deny", "true",
		"<script>alert(1)</script>", "日本語", "😀", "a b", strings.Repeat("x", 200),
	}
}

// oneOddName: every odd name is either refused with a fault that says what is wrong, or it is one more user who has exactly
// the rights given to that very spelling, and takes nothing from anybody.
func oneOddName(t *testing.T, id string) {
	t.Helper()
	d := company()
	for _, u := range d.Users {
		if string(u.ID) == id {
			return
		}
	}
	for _, a := range d.Assets {
		if string(a.ID) == id {
			return
		}
	}
	for _, g := range d.Groups {
		if string(g.ID) == id {
			return
		}
	}
	for _, p := range d.Profiles {
		if string(p.ID) == id {
			return
		}
	}
	const scope = "lab"
	d.Users = append(d.Users, User{ID: pam.UserID(id)})
	d.Groups = append(d.Groups, Group{ID: GroupID(id), Users: []pam.UserID{pam.UserID(id)}})
	d.Assets = append(d.Assets, Asset{ID: pam.AssetID(id), Parent: scope})
	d.Profiles = append(d.Profiles, Profile{ID: ProfileID(id), Enabled: true, Declarations: pam.Declarations{pam.WebSession: pam.Record}})
	d.Grants = append(d.Grants, RoleGrant{ID: "odd" + id, Scope: pam.AssetID(id), Subject: Subject{Group: GroupID(id)}, Role: pam.RoleEditor})
	d.Assignments = append(d.Assignments, Assignment{ID: "odd" + id, Scope: pam.AssetID(id), Subject: Subject{User: pam.UserID(id)}, Profile: ProfileID(id)})
	e, err := New(Config{Data: &d})
	if err != nil {
		var f *Fault
		if !errors.As(err, &f) || f.What == "" || f.Fix == "" {
			t.Errorf("%q: refused without a clear fault: %v", id, err)
		}
		if strings.ContainsAny(strings.ReplaceAll(err.Error(), "\n", ""), "\x00\x1b\u202e\u2028") || !utf8.ValidString(err.Error()) {
			t.Errorf("%q: the error carries the characters themselves: %q", id, err)
		}
		return
	}
	for _, c := range []struct {
		user  pam.UserID
		asset pam.AssetID
		role  pam.Role
		web   pam.Value
	}{
		{pam.UserID(id), pam.AssetID(id), pam.RoleEditor, pam.Record},
		{pam.UserID(id), "lab1", pam.RoleNone, pam.Deny},
		{pam.UserID(id), "db1", pam.RoleNone, pam.Deny},
		{"alice", pam.AssetID(id), pam.RoleViewer, pam.Allow},
		{"alice", "db1", pam.RoleViewer, pam.Allow},
		{"carol", pam.AssetID(id), pam.RoleNone, pam.Deny},
		{"carol", "db1", pam.RoleNone, pam.Deny},
		{pam.UserID(id + "x"), pam.AssetID(id), pam.RoleNone, pam.Deny},
		{pam.UserID(id), pam.AssetID(id + "x"), pam.RoleNone, pam.Deny},
		{pam.UserID(strings.ToUpper(id) + strings.ToLower(id)), pam.AssetID(id), pam.RoleNone, pam.Deny},
	} {
		g, err := e.GrantsFor(t.Context(), query(c.user, c.asset, pam.OpAccess), pam.WebSession)
		if err != nil || g.Role != c.role || g.Declarations[pam.WebSession] != c.web {
			t.Errorf("with the name %q: %q on %q: got %v and %v, %v; want %v and %v", id, c.user, c.asset, g.Role, g.Declarations[pam.WebSession], err, c.role, c.web)
		}
	}
}

func TestEngine_S10_OddNames(t *testing.T) {
	const refused = 24
	for i, id := range oddNames() {
		oneOddName(t, id)
		if what := checkID(id); (what != "") != (i < refused) {
			t.Errorf("%q: %q", id, what)
		}
	}
}

// Odd names in a question are nobody and nothing.
func TestEngine_S10_OddNamesAsked(t *testing.T) {
	e := mustEngine(t, company())
	for _, id := range oddNames() {
		for _, q := range []pam.Query{query(pam.UserID(id), "db1", pam.OpAccess), query("alice", pam.AssetID(id), pam.OpAccess)} {
			g, err := e.Grants(t.Context(), q)
			if g.Role != pam.RoleNone || g.Permitted || len(g.Declarations) > 0 || (err != nil) != (id == "") {
				t.Errorf("%q on %q: got %+v, %v", q.User, q.Asset, g, err)
			}
		}
	}
}

func FuzzEngine_S10_Names(f *testing.F) {
	for _, id := range oddNames() {
		f.Add(id)
	}
	f.Fuzz(oneOddName)
}

// FuzzEngine_S10_World compares the engine and Casbin over all rules with the reference on any world.
func FuzzEngine_S10_World(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := randomWorld(seed)
		e, ref := mustEngine(t, d), reference{d}
		scan := newFullScan(t, e.snap.Load(), seed, mutation{})
		for _, v := range verdicts(d) {
			compare(t, e, ref, v.question, pam.OpAccess, true)
			if got := scan.answer(t, v); got != v.want {
				t.Fatalf("%+v: all rules give %s", v, got)
			}
		}
	})
}
