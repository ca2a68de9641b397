package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	stringadapter "github.com/casbin/casbin/v2/persist/string-adapter"
	"github.com/casbin/casbin/v2/util"

	"github.com/sallyport/sallyport/pam"
)

// Each test in this file first shows a property of Casbin v2.135.0 that opens or breaks something, and then that
// the engine does not have it. When an update of Casbin changes the first half, the test says so, and the comment
// in model.go can go.

const plainModel = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = priority, sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = EFFECT
[matchers]
m = MATCHER
`

const (
	priorityEffect = "priority(p.eft) || deny"
	denyOverride   = "!some(where (p.eft == deny))"
	plainMatcher   = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act"
)

func plainCasbin(t *testing.T, effect, matcher string, rules ...[]string) *casbin.Enforcer {
	t.Helper()
	m, err := model.NewModelFromString(strings.NewReplacer("EFFECT", effect, "MATCHER", matcher).Replace(plainModel))
	if err != nil {
		t.Fatal(err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if _, err := e.AddPolicy(r); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func casbinSays(t *testing.T, e *casbin.Enforcer, want bool, rvals ...any) {
	t.Helper()
	got, err := e.Enforce(rvals...)
	if err != nil || got != want {
		t.Errorf("Casbin has changed: Enforce(%q) = %v, %v; it was %v", rvals, got, err, want)
	}
}

// access asks the engine for asset.access and web_session.
func access(t *testing.T, e *Engine, u pam.UserID, a pam.AssetID) bool {
	t.Helper()
	g, err := e.GrantsFor(t.Context(), query(u, a, pam.OpAccess), pam.WebSession)
	if err != nil {
		t.Fatal(err)
	}
	return g.Permitted && g.Declarations[pam.WebSession].Permits()
}

func TestPitfall_S10_NoRulesAllow(t *testing.T) {
	casbinSays(t, plainCasbin(t, denyOverride, plainMatcher), true, "alice", "db1", "access")
	casbinSays(t, plainCasbin(t, priorityEffect, plainMatcher), true, "", "", "")

	// The engine's model on Casbin with no rules at all: the guard is what keeps it shut, and so is the rule
	// that a permit must come with.
	s := mustEngine(t, company()).snap.Load()
	for k := range kindSelector { // of selectors the guard is the permit
		c, err := newCasbin(modelText, ladder(builtinOperations()))
		if err != nil {
			t.Fatal(err)
		}
		var w worker
		w.begin(s, s.nodeOf["db1"], query("alice", "db1", pam.OpAccess))
		for _, rules := range [][][]string{nil, {guardRow(k)}} {
			c.GetModel()["p"][k.ptype()].Policy = rules
			for _, act := range []string{"", "asset.access", "role:viewer", "role:none", "guard:none"} {
				ok, row, err := c.EnforceEx(stageContext(k), s.subjects["alice"], &w.path, act, &w.env)
				if ok || err != nil || len(row) != 0 {
					t.Errorf("stage %d with %d rules, %q: got %v, %q, %v", k, len(rules), act, ok, row, err)
				}
			}
		}
	}
}

func TestPitfall_S10_EffectInOtherSpelling(t *testing.T) {
	for _, eft := range []string{"Deny", "DENY", " deny", "denied", ""} {
		e := plainCasbin(t, priorityEffect, plainMatcher,
			[]string{"1", "alice", "db1", "access", eft}, []string{"2", "alice", "db1", "access", "allow"})
		casbinSays(t, e, true, "alice", "db1", "access")
	}
	// In the engine an effect cannot be spelt by anybody: rows hold these two and nothing else.
	d := benchData(benchShape{grants: 300, assets: 20, containers: 5, users: 10, groups: 8, perUser: 2})
	for k, rows := range mustEngine(t, d).snap.Load().rows {
		for _, row := range rows {
			if eft := row[len(row)-1]; eft != "allow" && eft != "deny" {
				t.Errorf("stage %d: rule %q has effect %q", k, row, eft)
			}
			if want := kind(k).columns(); len(row) != want {
				t.Errorf("stage %d: rule %q has %d columns, want %d", k, row, len(row), want)
			}
		}
	}
}

func TestPitfall_S10_SecondEffectComparedByText(t *testing.T) {
	d := company()
	e, err := newEngine(Config{Data: &d}, strings.Replace(modelText, "e2 = priority(p.eft)", "e2 = priority(p2.eft)", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err == nil || g.Permitted {
		t.Errorf("got %+v, %v; want a denial", g, err)
	}
}

func TestPitfall_S10_PatternFunctions(t *testing.T) {
	for name, got := range map[string]bool{
		"keyMatch stops at the first star": util.KeyMatch("/a/b/c", "/a/*/secret"),
		"keyMatch2 lets .. through":        util.KeyMatch2("/a/..", "/a/:x"),
		"keyMatch2 lets a newline through": util.KeyMatch2("/a/x\ny", "/a/:x"),
		"regexMatch is not anchored":       util.RegexMatch("/x/admin/y", "admin"),
	} {
		if !got {
			t.Errorf("Casbin has changed: %s no longer holds", name)
		}
	}
	for _, f := range []string{"keyMatch", "regexMatch", "globMatch", "ipMatch", "eval("} {
		if strings.Contains(modelText, f) {
			t.Errorf("the model uses %s", f)
		}
	}
	// The same texts as ids are just ids.
	d := company()
	d.Assets = append(d.Assets,
		Asset{ID: "/a/*/secret", Parent: "lab"}, Asset{ID: "/a/b/c", Parent: "lab"}, Asset{ID: ".*", Parent: "lab"},
		Asset{ID: "*", Parent: "lab"}, Asset{ID: "/a/..", Parent: "lab"}, Asset{ID: "/a", Parent: "lab"}, Asset{ID: "/a/:x", Parent: "lab"})
	d.Users = append(d.Users, User{ID: "*"}, User{ID: ".*"}, User{ID: "caro"})
	for i, scope := range []pam.AssetID{"/a/*/secret", ".*", "*", "/a/..", "/a/:x"} {
		id := string(rune('a' + i))
		d.Grants = append(d.Grants, RoleGrant{ID: id, Scope: scope, Subject: Subject{User: "carol"}, Role: pam.RoleOwner})
		d.Assignments = append(d.Assignments, Assignment{ID: id, Scope: scope, Subject: Subject{User: "carol"}, Profile: "std"})
	}
	for i, u := range []pam.UserID{"*", ".*"} {
		id := "w" + string(rune('a'+i))
		d.Grants = append(d.Grants, RoleGrant{ID: id, Scope: "lab1", Subject: Subject{User: u}, Role: pam.RoleOwner})
		d.Assignments = append(d.Assignments, Assignment{ID: id, Scope: "lab1", Subject: Subject{User: u}, Profile: "std"})
	}
	e := mustEngine(t, d)
	for _, c := range []struct {
		user  pam.UserID
		asset pam.AssetID
		want  bool
	}{
		{"carol", "/a/*/secret", true},
		{"carol", ".*", true},
		{"carol", "/a/..", true},
		{"carol", "/a/b/c", false},
		{"carol", "/a", false},
		{"carol", "lab1", false},
		{"carol", "db1", false},
		{"*", "lab1", true},
		{".*", "lab1", true},
		{"caro", "lab1", false},
		{"*", "db1", false},
	} {
		if got := access(t, e, c.user, c.asset); got != c.want {
			t.Errorf("%s on %s: got %v, want %v", c.user, c.asset, got, c.want)
		}
	}
}

func TestPitfall_S10_NameEqualsRole(t *testing.T) {
	e := plainCasbin(t, priorityEffect, plainMatcher, []string{"1", "admin", "db1", "access", "allow"})
	casbinSays(t, e, true, "admin", "db1", "access") // the rule was meant for the role, the user is only called so

	names := []string{"owner", "role:owner", "administrator", "site:administrator", "site:all", "group:staff", "staff", "asset.access", "guard:none", "guard", "user:alice", "web_session"}
	d := company()
	for _, n := range names {
		d.Users = append(d.Users, User{ID: pam.UserID(n)})
		d.Groups = append(d.Groups, Group{ID: GroupID("group/" + n)})
		d.Assets = append(d.Assets, Asset{ID: pam.AssetID(n), Parent: "lab"})
	}
	eng := mustEngine(t, d)
	for _, n := range names {
		for _, a := range append([]pam.AssetID{"db1", "root"}, pam.AssetID(n)) {
			g, err := eng.Grants(t.Context(), query(pam.UserID(n), a, pam.OpAccess))
			if err != nil || g.Role != pam.RoleNone || g.Site != pam.SiteNone || g.Permitted {
				t.Errorf("user %q on %q: got %+v, %v", n, a, g, err)
			}
		}
		// And as the names of things that do carry rights, they carry just those.
		if !access(t, eng, "alice", pam.AssetID(n)) {
			t.Errorf("alice cannot reach the asset %q", n)
		}
	}
	// A user and a group of one name are two.
	d.Groups = append(d.Groups, Group{ID: "carol", Users: []pam.UserID{"bob"}})
	d.Grants = append(d.Grants, RoleGrant{ID: "g", Scope: "root", Subject: Subject{Group: "carol"}, Role: pam.RoleOwner})
	if g, err := mustEngine(t, d).Grants(t.Context(), query("carol", "db1", pam.OpAccess)); err != nil || g.Role != pam.RoleNone {
		t.Errorf("user carol has the role of group carol: %+v, %v", g, err)
	}
}

func TestPitfall_S10_Disabled(t *testing.T) {
	e := plainCasbin(t, priorityEffect, plainMatcher)
	e.EnableEnforce(false)
	casbinSays(t, e, true, "mallory", "db1", "access")

	d := company()
	eng, err := newEngine(Config{Data: &d}, modelText, func(real enforcer) enforcer {
		real.(*casbin.Enforcer).EnableEnforce(false)
		return real
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []pam.UserID{"alice", "carol"} {
		if g, err := eng.Grants(t.Context(), query(u, "db1", pam.OpAccess)); err == nil || g.Permitted || g.Role != pam.RoleNone {
			t.Errorf("%s: got %+v, %v; want a denial with an error", u, g, err)
		}
	}
}

func TestPitfall_S10_RemoveAndAddUnsorted(t *testing.T) {
	e := plainCasbin(t, priorityEffect, plainMatcher,
		[]string{"1", "x", "x", "x", "allow"}, []string{"2", "alice", "db1", "access", "deny"}, []string{"3", "alice", "db1", "access", "allow"})
	casbinSays(t, e, false, "alice", "db1", "access")
	if _, err := e.RemovePolicy("1", "x", "x", "x", "allow"); err != nil {
		t.Fatal(err)
	}
	casbinSays(t, e, true, "alice", "db1", "access") // the last rule has moved into the hole, before the deny

	e = plainCasbin(t, priorityEffect, plainMatcher, []string{"9", "alice", "db1", "access", "allow"}, []string{"1", "alice", "db1", "access", "deny"})
	casbinSays(t, e, true, "alice", "db1", "access") // added last, the deny comes last

	// In the engine neither the order of the data nor what is taken away from it matters.
	d := company()
	d.Assignments = append(d.Assignments,
		Assignment{ID: "x", Scope: "lab", Subject: Subject{User: "bob"}, Profile: "std"},
		Assignment{ID: "deny", Scope: "db1", Subject: Subject{User: "alice"}, Profile: "off"},
		Assignment{ID: "allow", Scope: "db1", Subject: Subject{User: "alice"}, Profile: "std"})
	for range len(d.Assignments) {
		d.Assignments = append(d.Assignments[1:], d.Assignments[0])
		eng := mustEngine(t, d)
		if access(t, eng, "alice", "db1") {
			t.Errorf("order %v: the deny is lost", d.Assignments)
		}
		less := d
		less.Assignments = slices.DeleteFunc(slices.Clone(d.Assignments), func(a Assignment) bool { return a.ID == "x" || a.ID == "all" })
		if err := eng.Reload(t.Context(), less); err != nil {
			t.Fatal(err)
		}
		if access(t, eng, "alice", "db1") {
			t.Errorf("order %v, less unrelated rules: the deny is lost", d.Assignments)
		}
	}
}

func TestPitfall_S10_RulesJoinedByComma(t *testing.T) {
	e := plainCasbin(t, priorityEffect, plainMatcher)
	if ok, err := e.AddPolicy("1", "a,b", "c", "x", "allow"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := e.AddPolicy("1", "a", "b,c", "x", "allow"); ok || err != nil {
		t.Errorf("Casbin has changed: the second of two rules that look alike is no longer dropped (%v, %v)", ok, err)
	}
	for _, id := range []string{"a,b", "a, b", ","} {
		if err := mustEngine(t, company()).Reload(t.Context(), Data{Users: []User{{ID: pam.UserID(id)}}}); err == nil {
			t.Errorf("the id %q was taken", id)
		}
	}
}

func TestPitfall_S10_NewlineAddsRule(t *testing.T) {
	m, err := model.NewModelFromString(strings.NewReplacer("EFFECT", priorityEffect, "MATCHER", plainMatcher).Replace(plainModel))
	if err != nil {
		t.Fatal(err)
	}
	name := "bob, db1, access, deny\np, 0, mallory" // as somebody may call an account
	e, err := casbin.NewEnforcer(m, stringadapter.NewAdapter("p, 1, "+name+", db1, access, allow"))
	if err != nil {
		t.Fatal(err)
	}
	casbinSays(t, e, true, "mallory", "db1", "access")

	d := company()
	d.Users = append(d.Users, User{ID: pam.UserID(name)})
	if err := mustEngine(t, company()).Reload(t.Context(), d); err == nil {
		t.Error("an id with a newline was taken")
	}
}

func TestPitfall_S10_ShortRule(t *testing.T) {
	e := plainCasbin(t, priorityEffect, plainMatcher, []string{"1", "alice", "db1", "access", "allow"}, []string{"2", "bob"})
	casbinSays(t, e, true, "alice", "db1", "access") // as the first rule matches before the short one is met
	if _, err := e.Enforce("carol", "db1", "access"); err == nil {
		t.Error("Casbin has changed: a short rule is no error")
	}
	// The engine makes all rules itself (TestPitfall_S10_EffectInOtherSpelling counts their columns); if one were
	// short, the answer would be a denial with an error.
	eng := mustEngine(t, company())
	s := *eng.snap.Load()
	s.rows[kindRole] = [][]string{{"9", "grant:staff"}, {"5", adminSubject}}
	eng.snap.Store(&s)
	if g, err := eng.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err == nil || g.Permitted {
		t.Errorf("got %+v, %v", g, err)
	}
}

func TestPitfall_S10_LongRoleChain(t *testing.T) {
	e := plainCasbin(t, priorityEffect, plainMatcher, []string{"1", "r12", "db1", "access", "allow"})
	for i, r := range []string{"alice", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"} {
		next := []string{"r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12"}[i]
		if _, err := e.AddGroupingPolicy(r, next); err != nil {
			t.Fatal(err)
		}
	}
	casbinSays(t, e, false, "alice", "db1", "access") // more than ten steps are not followed

	// Groups are closed by the engine, to any depth; g holds the ladder alone, which is five steps long.
	d := company()
	for i := range 40 {
		d.Groups = append(d.Groups, Group{ID: GroupID(strings.Repeat("x", i+1)), Groups: []GroupID{GroupID(strings.Repeat("x", i))}})
	}
	d.Groups[2].Groups = []GroupID{"dba"}
	d.Grants[0].Subject = Subject{Group: GroupID(strings.Repeat("x", 40))}
	if !access(t, mustEngine(t, d), "alice", "db1") {
		t.Error("a member forty groups down is not found")
	}
}

// What g() remembers does not grow with what is asked: questions hold roles and known operations only.
func TestPitfall_S10_MemoBounded(t *testing.T) {
	d := company()
	acts := map[string]bool{}
	e, err := newEngine(Config{Data: &d}, modelText, func(real enforcer) enforcer {
		return enforcerFunc(func(rvals ...any) (bool, []string, error) {
			if rvals[0] == stageContext(kindRole) {
				acts[rvals[3].(string)] = true
			}
			return real.EnforceEx(rvals...)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		id := strings.Repeat("z", i%180+1)
		_, _ = e.GrantsFor(t.Context(), query(pam.UserID(id), "db1", pam.OpAccess))
		_, _ = e.GrantsFor(t.Context(), query("alice", pam.AssetID(id), pam.OpAccess))
		_, _ = e.GrantsFor(t.Context(), query("alice", "db1", pam.Operation(id)))
		_, _ = e.GrantsFor(t.Context(), query("carol", "db1", pam.OpAccess))
	}
	if len(acts) > 2 {
		t.Errorf("g was asked about %d things: %v", len(acts), acts)
	}
}
