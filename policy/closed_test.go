package policy

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
)

// enforcerFunc stands between the engine and Casbin.
type enforcerFunc func(rvals ...any) (bool, []string, error)

func (f enforcerFunc) EnforceEx(rvals ...any) (bool, []string, error) { return f(rvals...) }

func replaceBy(f enforcerFunc) func(enforcer) enforcer {
	return func(enforcer) enforcer { return f }
}

// With a Casbin that always says no, not one of the cases that permit anything still passes: every permit of the
// engine comes from Casbin.
func TestEngine_S10_AlwaysNo(t *testing.T) {
	permits := 0
	for _, b := range behaviours() {
		got, err := b.run(t, replaceBy(func(...any) (bool, []string, error) { return false, nil, nil }))
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
		if got.Role != pam.RoleNone || got.Permitted || len(got.Declarations) != 0 || len(got.Rules) != 0 {
			t.Errorf("%s: permits %+v", b.name, got)
		}
		if b.want.Permitted || len(b.want.Declarations) > 0 || b.want.Role != pam.RoleNone {
			if permits++; cmp.Equal(b.want, got) {
				t.Errorf("%s: the case would still be green", b.name)
			}
		}
	}
	if permits < 30 {
		t.Errorf("only %d cases permit anything", permits)
	}
}

// Also when it says no in the profile stage alone.
func TestEngine_S10_AlwaysNoInProfileStage(t *testing.T) {
	for _, b := range behaviours() {
		got, err := b.run(t, func(real enforcer) enforcer {
			return enforcerFunc(func(rvals ...any) (bool, []string, error) {
				if rvals[0] == stageContext(kindProfile) {
					return false, nil, nil
				}
				return real.EnforceEx(rvals...)
			})
		})
		if err != nil || len(got.Declarations) != 0 || got.Role != b.want.Role || got.Permitted != b.want.Permitted {
			t.Errorf("%s: got %+v, %v", b.name, got, err)
		}
	}
}

// Whatever goes wrong in Casbin is a denial and an error, and the next decision starts with a fresh enforcer.
func TestEngine_S10_BrokenEnforcer(t *testing.T) {
	good := []string{"5", "grant:x", "asset:db1", "user:alice", "role:owner", "allow"}
	for _, c := range []struct {
		name string
		f    enforcerFunc
	}{
		{"error", func(...any) (bool, []string, error) { return false, nil, errors.New("broken") }},
		{"error with a permit", func(...any) (bool, []string, error) { return true, good, errors.New("broken") }},
		{"permit without a rule, as EnableEnforce(false) gives", func(...any) (bool, []string, error) { return true, []string{}, nil }},
		{"permit by a rule that is too short", func(...any) (bool, []string, error) { return true, good[:5], nil }},
		{"permit by a rule that is too long", func(...any) (bool, []string, error) { return true, append(good[:5:5], "x", "y", "allow"), nil }},
		{"permit by a rule that denies", func(...any) (bool, []string, error) { return true, append(good[:5:5], "deny"), nil }},
		{"permit by a rule with an unknown role", func(...any) (bool, []string, error) {
			return true, []string{"5", "grant:x", "asset:db1", "user:alice", "role:god", "allow"}, nil
		}},
		{"permit by the guard", func(...any) (bool, []string, error) { return true, guardRow(kindRole), nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := company()
			made := 0
			e, err := newEngine(Config{Data: &d}, modelText, func(real enforcer) enforcer {
				if made++; made > 1 {
					return real
				}
				return c.f
			})
			if err != nil {
				t.Fatal(err)
			}
			g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess))
			if !errors.Is(err, ErrEnforce) || !cmp.Equal(g, pam.Grants{}) {
				t.Errorf("got %+v, %v; want nothing and ErrEnforce", g, err)
			}
			if g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err != nil || !g.Permitted {
				t.Errorf("the decision after it: %+v, %v", g, err)
			}
		})
	}
}

// A value that Casbin permits with and the engine does not know is no permit.
func TestEngine_S10_UnknownValue(t *testing.T) {
	b := behaviour{user: "alice", asset: "db1"}
	got, err := b.run(t, func(real enforcer) enforcer {
		return enforcerFunc(func(rvals ...any) (bool, []string, error) {
			ok, row, err := real.EnforceEx(rvals...)
			if rvals[0] == stageContext(kindProfile) && ok {
				row = slices.Clone(row)
				row[colValue] = "Allow"
			}
			return ok, row, err
		})
	})
	if !errors.Is(err, ErrEnforce) || !cmp.Equal(got, pam.Grants{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEngine_S10_NotLoaded(t *testing.T) {
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); !errors.Is(err, ErrNotLoaded) || !cmp.Equal(g, pam.Grants{}) {
		t.Errorf("got %+v, %v; want ErrNotLoaded", g, err)
	}
	if e.Version() != 0 {
		t.Errorf("version %d without a policy", e.Version())
	}
	if err := e.Reload(t.Context(), company()); err != nil {
		t.Fatal(err)
	}
	if g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err != nil || !g.Permitted || g.Version != 1 || e.Version() != 1 {
		t.Errorf("after Reload: got %+v, %v", g, err)
	}
}

// An empty policy denies, also where Casbin alone would allow.
func TestEngine_S10_EmptyPolicy(t *testing.T) {
	for name, d := range map[string]Data{
		"nothing at all": {},
		"no rules":       {Users: company().Users, Groups: company().Groups, Assets: company().Assets, Profiles: company().Profiles},
		"roles alone":    {Users: company().Users, Groups: company().Groups, Assets: company().Assets, Grants: company().Grants},
	} {
		for _, op := range []pam.Operation{pam.OpAccess, pam.OpUnlock} {
			g, err := mustEngine(t, d).Grants(t.Context(), query("alice", "db1", op))
			if err != nil || name != "roles alone" && (g.Permitted || g.Role != pam.RoleNone) {
				t.Errorf("%s, %s: got %+v, %v", name, op, g, err)
			}
			for dec, v := range g.Declarations {
				if v.Permits() {
					t.Errorf("%s, %s: %s is %v", name, op, dec, v)
				}
			}
		}
	}
}

// A query with an empty field, or an operation that nobody has named, never reaches Casbin.
func TestEngine_S10_InvalidQuery(t *testing.T) {
	d := company()
	e, err := newEngine(Config{Data: &d}, modelText, replaceBy(func(...any) (bool, []string, error) {
		t.Error("Casbin was asked")
		return true, []string{"5", "grant:x", "asset:db1", "user:alice", "role:owner", "allow"}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*pam.Query){
		"user":                    func(q *pam.Query) { q.User = "" },
		"asset":                   func(q *pam.Query) { q.Asset = "" },
		"operation":               func(q *pam.Query) { q.Operation = "" },
		"client address":          func(q *pam.Query) { q.ClientAddr = netip.Addr{} },
		"time":                    func(q *pam.Query) { q.At = time.Time{} },
		"all":                     func(q *pam.Query) { *q = pam.Query{} },
		"unknown operation":       func(q *pam.Query) { q.Operation = "asset.acces" },
		"role as operation":       func(q *pam.Query) { q.Operation = "role:viewer" },
		"guard as operation":      func(q *pam.Query) { q.Operation = "role:none" },
		"operation in upper case": func(q *pam.Query) { q.Operation = "ASSET.ACCESS" },
		"operation with a comma":  func(q *pam.Query) { q.Operation = "asset.access,allow" },
	} {
		q := query("alice", "db1", pam.OpAccess)
		change(&q)
		if g, err := e.Grants(t.Context(), q); !errors.Is(err, ErrInvalidQuery) || !cmp.Equal(g, pam.Grants{}) {
			t.Errorf("%s: got %+v, %v; want ErrInvalidQuery", name, g, err)
		}
	}
}

func TestEngine_S10_CancelledContext(t *testing.T) {
	e := mustEngine(t, company())
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if g, err := e.Grants(ctx, query("alice", "db1", pam.OpAccess)); !errors.Is(err, cause) || !cmp.Equal(g, pam.Grants{}) {
		t.Errorf("Grants: got %+v, %v", g, err)
	}
	if err := e.Reload(ctx, Data{}); !errors.Is(err, cause) {
		t.Errorf("Reload: got %v", err)
	}
	if g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err != nil || !g.Permitted || g.Version != 1 {
		t.Errorf("after the Reload that did not happen: %+v, %v", g, err)
	}
}

// The functions of the matcher answer wrong arguments with an error.
func TestModel_S10_FunctionArguments(t *testing.T) {
	ev, sub, p := &env{snap: mustEngine(t, company()).snap.Load()}, &subject{}, &path{}
	for name, f := range map[string]func(...any) (any, error){"reaches": reaches, "member": member, "declares": declares, "during": during, "within": within} {
		for _, args := range [][]any{
			nil,
			{""},
			{"", ""},
			{"", "", ""},
			{"", "", "", ""},
			{"", "", "", "", ""},
			{nil, nil},
			{nil, nil, nil},
			{nil, nil, nil, nil},
			{(*path)(nil), "", "role"},
			{p, "", "selektor"},
			{p, 1, "role"},
			{(*subject)(nil), ""},
			{sub, 1},
			{(*env)(nil), "", "", ""},
			{(*env)(nil), ""},
			{ev, "", 1.0, ""},
			{ev, 1},
			{ev, "never|heard"},
		} {
			got, err := f(args...)
			if err == nil && got != false {
				t.Errorf("%s(%v) = %v without an error", name, args, got)
			}
			if err == nil && got == false && !(name == "member" && args[0] == any(sub)) {
				t.Errorf("%s(%v): no error", name, args)
			}
		}
	}
}

// A faulty policy is refused as a whole and the last good one stays. Every fault is reported, and says where it
// is and what to do.
func TestEngine_S10_FaultsKeepLastGood(t *testing.T) {
	deep := func(d *Data) {
		parent := pam.AssetID("root")
		for range maxDepth + 1 {
			id := parent + "x"
			d.Assets = append(d.Assets, Asset{ID: id, Parent: parent, Container: true})
			parent = id
		}
	}
	cases := []struct {
		name  string
		spoil func(*Data)
		where string
		what  string
	}{
		{"user twice", func(d *Data) { d.Users = append(d.Users, User{ID: "bob"}) }, `user "bob"`, "occurs twice"},
		{"unknown site role", func(d *Data) { d.Users[0].Site = "Administrator" }, `user "alice"`, `unknown site role "Administrator"`},
		{"group twice", func(d *Data) { d.Groups = append(d.Groups, Group{ID: "dba"}) }, `group "dba"`, "occurs twice"},
		{"unknown member", func(d *Data) { d.Groups[0].Users = []pam.UserID{"eve"} }, `group "staff"`, `"eve" does not exist`},
		{"unknown inner group", func(d *Data) { d.Groups[0].Groups = []GroupID{"eve"} }, `group "staff"`, `"eve" does not exist`},
		{"asset twice", func(d *Data) { d.Assets = append(d.Assets, Asset{ID: "db1"}) }, `asset "db1"`, "occurs twice"},
		{"unknown parent", func(d *Data) { d.Assets[3].Parent = "dbx" }, `asset "db1"`, `parent "dbx" does not exist`},
		{"parent is no container", func(d *Data) { d.Assets[3].Parent = "lab1" }, `asset "db1"`, `parent "lab1" is not a container`},
		{"circle of containers", func(d *Data) { d.Assets[1].Parent = "db" }, "asset", "inside itself"},
		{"inside itself", func(d *Data) { d.Assets[1].Parent = "prod" }, `asset "prod"`, "inside itself"},
		{"too deep", deep, "asset", "deeper than 63 levels"},
		{"unknown break", func(d *Data) { d.Assets[1].Break = 64 }, `asset "prod"`, "unknown bits 0x40"},
		{"profile twice", func(d *Data) { d.Profiles = append(d.Profiles, Profile{ID: "std"}) }, `profile "std"`, "occurs twice"},
		{"unknown value", func(d *Data) { d.Profiles[0].Declarations[pam.Exec] = 3 }, `profile "std"`, `"exec" has the unknown value Value(3)`},
		{"declaration in upper case", func(d *Data) { d.Profiles[0].Declarations["Web_Session"] = pam.Allow }, `profile "std"`, `"Web_Session"`},
		{"declaration without a name", func(d *Data) { d.Profiles[0].Declarations[""] = pam.Allow }, `profile "std"`, "name is empty"},
		{"grant twice", func(d *Data) { d.Grants = append(d.Grants, d.Grants[0]) }, `grant "staff"`, "occurs twice"},
		{"grant without an id", func(d *Data) { d.Grants[0].ID = "" }, `grant ""`, "id is empty"},
		{"grant of none", func(d *Data) { d.Grants[0].Role = pam.RoleNone }, `grant "staff"`, "role none cannot be granted"},
		{"grant of an unknown role", func(d *Data) { d.Grants[0].Role = 6 }, `grant "staff"`, "Role(6)"},
		{"grant on nothing", func(d *Data) { d.Grants[0].Scope = "dbx" }, `grant "staff"`, `scope "dbx" does not exist`},
		{"grant on an empty scope", func(d *Data) { d.Grants[0].Scope = "" }, `grant "staff"`, `scope "" does not exist`},
		{"grant to nobody", func(d *Data) { d.Grants[0].Subject = Subject{} }, `grant "staff"`, "subject is empty"},
		{"grant to two", func(d *Data) { d.Grants[0].Subject.User = "bob" }, `grant "staff"`, "both user"},
		{"grant to an unknown user", func(d *Data) { d.Grants[0].Subject = Subject{User: "eve"} }, `grant "staff"`, `user "eve" does not exist`},
		{"grant to a group's name as user", func(d *Data) { d.Grants[0].Subject = Subject{User: "dba"} }, `grant "staff"`, `user "dba" does not exist`},
		{"grant to administrators by their internal name", func(d *Data) { d.Grants[0].Subject = Subject{Group: "administrator"} }, `grant "staff"`, "does not exist"},
		{"assignment twice", func(d *Data) { d.Assignments = append(d.Assignments, d.Assignments[0]) }, `assignment "all"`, "occurs twice"},
		{"assignment of nothing", func(d *Data) { d.Assignments[0].Profile = "stx" }, `assignment "all"`, `profile "stx" does not exist`},
		{"assignment on nothing", func(d *Data) { d.Assignments[0].Scope = "dbx" }, `assignment "all"`, `scope "dbx" does not exist`},
		{"assignment to an unknown group", func(d *Data) { d.Assignments[0].Subject = Subject{Group: "eve"} }, `assignment "all"`, `group "eve" does not exist`},
	}
	e := mustEngine(t, company())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := company()
			c.spoil(&d)
			err := e.Reload(t.Context(), d)
			if err == nil {
				t.Fatal("Reload took it")
			}
			if _, newErr := New(Config{Data: &d}); newErr == nil || newErr.Error() != err.Error() {
				t.Errorf("New: got %v, want %v", newErr, err)
			}
			var f *Fault
			if !errors.As(err, &f) || !strings.HasPrefix(f.Where, c.where) || !strings.Contains(f.What, c.what) || f.Fix == "" {
				t.Errorf("got %v; want %s: …%s…", err, c.where, c.what)
			}
			if g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess)); err != nil || !g.Permitted || g.Version != 1 {
				t.Errorf("the last good policy is gone: %+v, %v", g, err)
			}
		})
	}

	d := company() // all that can be broken at once is reported at once
	for _, i := range []int{1, 3, 5, 13, 17, 18, 20, 27} {
		cases[i].spoil(&d)
	}
	err := e.Reload(t.Context(), d)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) < 8 {
		t.Errorf("eight faults at once: got %v", err)
	}
}
