package policy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
)

// company is a small world: root > prod > db > db1, and root > lab > lab1.
//
// alice is in dba, dba is in staff, bob is in staff. Staff may see everything and has profile std everywhere.
func company() Data {
	return Data{
		Users: []User{
			{ID: "alice"},
			{ID: "bob"},
			{ID: "carol"},
			{ID: "root", Site: pam.SiteAdministrator},
			{ID: "auditor", Site: pam.SiteAuditor},
		},
		Groups: []Group{
			{ID: "staff", Users: []pam.UserID{"bob"}, Groups: []GroupID{"dba"}},
			{ID: "dba", Users: []pam.UserID{"alice"}},
		},
		Assets: []Asset{
			{ID: "root", Container: true},
			{ID: "prod", Parent: "root", Container: true},
			{ID: "db", Parent: "prod", Container: true},
			{ID: "db1", Parent: "db"},
			{ID: "lab", Parent: "root", Container: true},
			{ID: "lab1", Parent: "lab"},
		},
		Grants: []RoleGrant{{ID: "staff", Scope: "root", Subject: Subject{Group: "staff"}, Role: pam.RoleViewer}},
		Profiles: []Profile{
			{ID: "std", Enabled: true, Declarations: pam.Declarations{pam.WebSession: pam.Allow, pam.Keyboard: pam.Allow}},
			{ID: "rec", Enabled: true, Declarations: pam.Declarations{pam.WebSession: pam.Record}},
			{ID: "off", Enabled: true, Declarations: pam.Declarations{pam.WebSession: pam.Deny}},
			{ID: "clip", Enabled: true, Declarations: pam.Declarations{pam.ClipboardUpload: pam.Record, "vnc.blank": pam.Allow}},
			{ID: "dark", Declarations: pam.Declarations{pam.WebSession: pam.Deny, pam.Keyboard: pam.Record}},
		},
		Assignments: []Assignment{{ID: "all", Scope: "root", Subject: Subject{Group: "staff"}, Profile: "std"}},
	}
}

type behaviour struct {
	name  string
	data  func(*Data) // changes company
	user  pam.UserID
	asset pam.AssetID
	op    pam.Operation // zero means asset.access
	want  pam.Grants    // Version left out; Declarations only those that permit
}

func (b behaviour) run(t *testing.T, wrap func(enforcer) enforcer) (pam.Grants, error) {
	t.Helper()
	d := company()
	if b.data != nil {
		b.data(&d)
	}
	e, err := newEngine(Config{Data: &d, Operations: map[pam.Operation]pam.Role{"asset.edit": pam.RoleEditor}}, modelText, wrap)
	if err != nil {
		t.Fatal(err)
	}
	op := b.op
	if op == "" {
		op = pam.OpAccess
	}
	g, err := e.Grants(context.Background(), query(b.user, b.asset, op))
	g.Version = 0
	for dec, v := range g.Declarations {
		if !v.Permits() {
			delete(g.Declarations, dec)
		}
	}
	if len(g.Declarations) == 0 {
		g.Declarations = nil
	}
	return g, err
}

func give(role pam.Role, s Subject, scope pam.AssetID) func(*Data) {
	return func(d *Data) { d.Grants = append(d.Grants, RoleGrant{ID: "new", Scope: scope, Subject: s, Role: role}) }
}

func assign(p ProfileID, s Subject, scope pam.AssetID) func(*Data) {
	return func(d *Data) {
		d.Assignments = append(d.Assignments, Assignment{ID: string(p), Scope: scope, Subject: s, Profile: p})
	}
}

func breaks(kind Break, scope pam.AssetID) func(*Data) {
	return func(d *Data) {
		for i := range d.Assets {
			if d.Assets[i].ID == scope {
				d.Assets[i].Break |= kind
			}
		}
	}
}

func all(fs ...func(*Data)) func(*Data) {
	return func(d *Data) {
		for _, f := range fs {
			f(d)
		}
	}
}

func behaviours() []behaviour {
	alice, dba := Subject{User: "alice"}, Subject{Group: "dba"}
	std := pam.Declarations{pam.WebSession: pam.Allow, pam.Keyboard: pam.Allow}
	grants := func(r pam.Role, permitted bool, d pam.Declarations, rules ...string) pam.Grants {
		return pam.Grants{Role: r, Permitted: permitted, Declarations: d, Rules: rules}
	}
	site := func(s pam.SiteRole, g pam.Grants) pam.Grants { g.Site = s; return g }
	const viewer, owner = pam.RoleViewer, pam.RoleOwner
	return []behaviour{
		// E3: a role is needed; none is the same as an asset that does not exist.
		{"E3 no grant reaches the user", nil, "carol", "db1", "", pam.Grants{}},
		{"E3 unknown asset", nil, "alice", "db9", "", pam.Grants{}},
		{"E3 unknown user", nil, "mallory", "db1", "", pam.Grants{}},
		{"E3 viewer by a group in a group, from the top", nil, "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E3 viewer on a container", nil, "bob", "prod", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E3 the highest role on any level counts, far", all(give(owner, dba, "root"), func(d *Data) { d.Grants[0].Scope = "db1" }), "alice", "db1", "", grants(owner, true, std, "grant:new", "assignment:all")},
		{"E3 the highest role on any level counts, near", give(owner, dba, "db1"), "alice", "db1", "", grants(owner, true, std, "grant:new", "assignment:all")},
		{"E3 a grant beside the path", give(owner, alice, "lab"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E3 a grant below the asset", give(owner, alice, "db1"), "alice", "db", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E3 break of roles on the way", breaks(BreakRoles, "prod"), "alice", "db1", "", pam.Grants{}},
		{"E3 break of roles where the grant is", breaks(BreakRoles, "root"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E3 break of roles on the asset with a grant of its own", all(breaks(BreakRoles, "db1"), give(viewer, alice, "db1")), "alice", "db1", "", grants(viewer, true, std, "grant:new", "assignment:all")},
		{"E3 breaks of other kinds", breaks(BreakProfiles|BreakSelectors, "root"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E3 circle of groups", func(d *Data) { d.Groups[1].Groups = []GroupID{"staff"} }, "bob", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E3 administrator", nil, "root", "db1", "", site(pam.SiteAdministrator, grants(owner, true, nil, "site:administrator"))},
		{"E3 administrator behind a break", breaks(BreakRoles, "db1"), "root", "db1", pam.OpReports, site(pam.SiteAdministrator, grants(owner, true, nil, "site:administrator"))},
		{"E3 auditor has no asset role", nil, "auditor", "db1", "", site(pam.SiteAuditor, pam.Grants{})},

		// The ladder: what each operation needs.
		{"E3 viewer may not unlock", nil, "bob", "db1", pam.OpUnlock, grants(viewer, false, std, "grant:staff", "assignment:all")},
		{"E3 supervisor may unlock", give(pam.RoleSupervisor, alice, "db"), "alice", "db1", pam.OpUnlock, grants(pam.RoleSupervisor, true, std, "grant:new", "assignment:all")},
		{"E3 editor may not join", give(pam.RoleEditor, alice, "db"), "alice", "db1", pam.OpJoin, grants(pam.RoleEditor, false, std, "grant:new", "assignment:all")},
		{"E3 manager may join", give(pam.RoleManager, alice, "db"), "alice", "db1", pam.OpJoin, grants(pam.RoleManager, true, std, "grant:new", "assignment:all")},
		{"E3 owner may what managers may", give(owner, alice, "db"), "alice", "db1", pam.OpReports, grants(owner, true, std, "grant:new", "assignment:all")},
		{"E3 operation of the host, role too low", give(pam.RoleSupervisor, alice, "db"), "alice", "db1", "asset.edit", grants(pam.RoleSupervisor, false, std, "grant:new", "assignment:all")},
		{"E3 operation of the host", give(pam.RoleEditor, alice, "db"), "alice", "db1", "asset.edit", grants(pam.RoleEditor, true, std, "grant:new", "assignment:all")},

		// E4 and E6: an enabled profile whose web_session is Allow or Record.
		{"E4 no profile", func(d *Data) { d.Assignments = nil }, "alice", "db1", "", grants(viewer, true, nil, "grant:staff")},
		{"E4 disabled profile", func(d *Data) { d.Profiles[0].Enabled = false }, "alice", "db1", "", grants(viewer, true, nil, "grant:staff")},
		{"E4 profile that does not state web_session", func(d *Data) { d.Assignments[0].Profile = "clip" }, "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.ClipboardUpload: pam.Record, "vnc.blank": pam.Allow}, "grant:staff", "assignment:all")},
		{"E4 profile that denies", func(d *Data) { d.Assignments[0].Profile = "off" }, "alice", "db1", "", grants(viewer, true, nil, "grant:staff", "assignment:all")},
		{"E4 profile without a role", all(assign("std", Subject{User: "carol"}, "db1")), "carol", "db1", "", pam.Grants{}},
		{"E6 recorded", func(d *Data) { d.Assignments[0].Profile = "rec" }, "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.WebSession: pam.Record}, "grant:staff", "assignment:all")},
		{"E6 not recorded", nil, "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},

		// E7: nearest level, strictness, unstated, disabled, breaks, administrators.
		{"E7 a nearer level hides the farther, also what it does not state", assign("rec", dba, "db"), "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.WebSession: pam.Record}, "grant:staff", "assignment:rec")},
		{"E7 a nearer permit hides a farther deny", all(func(d *Data) { d.Assignments[0].Profile = "off" }, assign("std", alice, "db1")), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:std")},
		{"E7 a nearer deny hides a farther permit", assign("off", dba, "db1"), "alice", "db1", "", grants(viewer, true, nil, "grant:staff", "assignment:off")},
		{"E7 a level beside the path does not count", assign("off", dba, "lab"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E7 a level for other people does not count", assign("off", Subject{User: "bob"}, "db1"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E7 deny beats allow on a level", assign("off", alice, "root"), "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.Keyboard: pam.Allow}, "grant:staff", "assignment:off", "assignment:all")},
		{"E7 record beats allow on a level", assign("rec", alice, "root"), "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.WebSession: pam.Record, pam.Keyboard: pam.Allow}, "grant:staff", "assignment:rec", "assignment:all")},
		{"E7 deny beats record on a level", all(assign("rec", alice, "root"), assign("off", alice, "root")), "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.Keyboard: pam.Allow}, "grant:staff", "assignment:off", "assignment:all")},
		{"E7 stated beats unstated on a level", assign("clip", alice, "root"), "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.WebSession: pam.Allow, pam.Keyboard: pam.Allow, pam.ClipboardUpload: pam.Record, "vnc.blank": pam.Allow}, "grant:staff", "assignment:all", "assignment:clip")},
		{"E7 unstated on the nearest level is deny", assign("clip", alice, "db1"), "alice", "db1", "", grants(viewer, true, pam.Declarations{pam.ClipboardUpload: pam.Record, "vnc.blank": pam.Allow}, "grant:staff", "assignment:clip")},
		{"E7 a profile that states nothing still is the nearest", all(func(d *Data) { d.Profiles[1].Declarations = nil }, assign("rec", alice, "db1")), "alice", "db1", "", grants(viewer, true, nil, "grant:staff", "assignment:rec")},
		{"E7 disabled on the nearest level: the next one counts", assign("dark", alice, "db1"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E7 disabled beside an enabled one", assign("dark", alice, "root"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E7 break of profiles", breaks(BreakProfiles, "db"), "alice", "db1", "", grants(viewer, true, nil, "grant:staff")},
		{"E7 break of profiles where the assignment is", breaks(BreakProfiles, "root"), "alice", "db1", "", grants(viewer, true, std, "grant:staff", "assignment:all")},
		{"E7 breaks of other kinds", all(breaks(BreakRoles|BreakSelectors, "db1"), give(viewer, alice, "db1")), "alice", "db1", "", grants(viewer, true, std, "grant:new", "assignment:all")},
		{"E7 administrators need a profile", nil, "root", "db1", "", site(pam.SiteAdministrator, grants(owner, true, nil, "site:administrator"))},
		{"E7 an administrator with a profile", assign("rec", Subject{User: "root"}, "prod"), "root", "db1", "", site(pam.SiteAdministrator, grants(owner, true, pam.Declarations{pam.WebSession: pam.Record}, "site:administrator", "assignment:rec"))},
	}
}

func TestEngine_E3_E4_E6_E7_Cases(t *testing.T) {
	for _, b := range behaviours() {
		t.Run(b.name, func(t *testing.T) {
			got, err := b.run(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b.want, got); diff != "" {
				t.Errorf("Grants (-want +got):\n%s", diff)
			}
		})
	}
}

// A profile is edited, disabled or enabled without a new assignment.
func TestEngine_E7_ProfileEdited(t *testing.T) {
	d := company()
	e := mustEngine(t, d)
	for i, v := range []pam.Value{pam.Record, pam.Deny, pam.Allow} {
		d.Profiles[0].Declarations[pam.WebSession] = v // the engine must not see this before Reload
		before, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess))
		if err != nil {
			t.Fatal(err)
		}
		if before.Declarations[pam.WebSession] == v || before.Version != uint64(i+1) {
			t.Errorf("step %d: before Reload got %v in version %d", i, before.Declarations[pam.WebSession], before.Version)
		}
		if err := e.Reload(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		after, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess))
		if err != nil {
			t.Fatal(err)
		}
		if after.Declarations[pam.WebSession] != v || after.Version != uint64(i+2) {
			t.Errorf("step %d: got %v in version %d, want %v in %d", i, after.Declarations[pam.WebSession], after.Version, v, i+2)
		}
	}
}

// Every declaration of the SDK is in the answer, denied ones too, so that a caller sees what was asked.
func TestEngine_GrantsNamesEveryDeclaration(t *testing.T) {
	g, err := mustEngine(t, company()).Grants(t.Context(), query("alice", "db1", pam.OpAccess))
	if err != nil {
		t.Fatal(err)
	}
	for _, dec := range known[:] {
		if _, ok := g.Declarations[dec]; !ok {
			t.Errorf("declaration %q is missing", dec)
		}
	}
}

func TestEngine_GrantsFor(t *testing.T) {
	e := mustEngine(t, company())
	q := query("alice", "db1", pam.OpAccess)
	g, err := e.GrantsFor(t.Context(), q)
	if err != nil || g.Role != pam.RoleViewer || !g.Permitted || len(g.Declarations) != 0 {
		t.Errorf("role alone: got %+v, %v", g, err)
	}
	g, err = e.GrantsFor(t.Context(), q, pam.Keyboard, "unheard_of")
	want := pam.Declarations{pam.Keyboard: pam.Allow, "unheard_of": pam.Deny}
	if diff := cmp.Diff(want, g.Declarations); err != nil || diff != "" {
		t.Errorf("two declarations: %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []pam.Declaration{"", "Web_Session", "a,b", "role:viewer"} {
		if g, err := e.GrantsFor(t.Context(), q, bad); !errors.Is(err, ErrInvalidQuery) || !cmp.Equal(g, pam.Grants{}) {
			t.Errorf("declaration %q: got %+v, %v", bad, g, err)
		}
	}
}

// The host's slices and maps stay the host's.
func TestEngine_KeepsNothingOfData(t *testing.T) {
	d := company()
	e := mustEngine(t, d)
	q := query("alice", "db1", pam.OpAccess)
	want, err := e.Grants(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	clear(d.Users)
	clear(d.Groups[0].Groups)
	clear(d.Assets)
	clear(d.Grants)
	clear(d.Profiles[0].Declarations)
	clear(d.Assignments)
	got, err := e.Grants(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the host cleared its data (-before +after):\n%s", diff)
	}
}

func TestNew_OperationsChecked(t *testing.T) {
	_, err := New(Config{Operations: map[pam.Operation]pam.Role{
		pam.OpAccess: pam.RoleOwner, "role:viewer": pam.RoleViewer, "a b": pam.RoleViewer, "": pam.RoleViewer, "x": pam.RoleNone, "y": 9,
	}})
	if err == nil {
		t.Fatal("New took operations that it must refuse")
	}
	if got := len(strings.Split(err.Error(), "\n")); got != 6 {
		t.Errorf("got %d faults, want 6:\n%v", got, err)
	}
	if !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(l string) bool { return strings.Contains(l, `"asset.access"`) }) {
		t.Errorf("the built-in operation is not named:\n%v", err)
	}
}
