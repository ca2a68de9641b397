package sqlsource_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/policy/sqlsource"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// full uses every table and column. Its lists are in the order in which tables are read.
func full() policy.Data {
	return policy.Data{
		Users: []policy.User{{ID: "alice"}, {ID: "böb 'x'; DROP TABLE policy_users; --"}, {ID: "root", Site: pam.SiteAdministrator}},
		Groups: []policy.Group{
			{ID: "dba", Users: []pam.UserID{"alice"}},
			{ID: "staff", Users: []pam.UserID{"alice", "root"}, Groups: []policy.GroupID{"dba"}},
		},
		Assets: []policy.Asset{
			{ID: "db", Parent: "top", Container: true, Break: policy.BreakProfiles | policy.BreakSelectors},
			{ID: "db1", Parent: "db", Break: policy.BreakRoles},
			{ID: "top", Container: true},
		},
		Grants: []policy.RoleGrant{
			{ID: "1", Scope: "db1", Subject: policy.Subject{Group: "staff"}, Role: pam.RoleManager},
			{ID: "2", Scope: "top", Subject: policy.Subject{Everyone: true}, Role: pam.RoleViewer},
		},
		Profiles: []policy.Profile{
			{ID: "off", Name: "Nothing"},
			{
				ID: "std", Name: "Standard", Enabled: true, MFA: true, Pins: pam.Params{"term": "vt100", "locale": ""},
				Declarations: pam.Declarations{pam.WebSession: pam.Record, pam.Keyboard: pam.Allow, pam.Exec: pam.Deny},
			},
		},
		Assignments: []policy.Assignment{{ID: "1", Scope: "db1", Subject: policy.Subject{User: "alice"}, Profile: "std"}},
		Workflows: []policy.Workflow{
			{ID: "plain", Levels: []policy.Level{{Name: "Root", Approvers: []policy.Approver{{User: "root"}}, Required: 1}}},
			{ID: "two", Name: "Two levels", Longest: 4 * time.Hour, Once: true, Ticket: true, Levels: []policy.Level{
				{Name: "Databases", Approvers: []policy.Approver{{Group: "dba"}, {User: "root"}}, Required: 2},
				{Name: "Owners", Approvers: []policy.Approver{{Role: pam.RoleOwner}}, Required: 1},
			}},
		},
		Selectors: []policy.Selector{
			{
				ID: "1", Scope: "db1", Form: pam.FormInteractive, Workflow: "two", Exclusive: pam.ExclusiveRequired, MFA: true,
				Subjects:   []policy.Subject{{Group: "dba"}, {User: "alice"}},
				Operations: []pam.Operation{pam.OpAccess, pam.OpUnlock},
				Times:      []policy.TimeClass{policy.AfterHours, policy.Holiday}, Networks: []string{"10.0.0.0/8", "fd00::/8"},
			},
			{ID: "2", Scope: "top", Form: pam.FormAutomatic, Subjects: []policy.Subject{{Everyone: true}}, Operations: []pam.Operation{pam.OpJoin}},
		},
		Calendar: policy.Calendar{
			Work: []policy.Shift{{Day: time.Monday, From: "08:00", To: "12:00"}, {Day: time.Monday, From: "13:00", To: "24:00"}},
			Zone: "UTC", Weekend: []time.Weekday{time.Sunday}, Holidays: []string{"2030-01-01"},
		},
	}
}

type rig struct {
	*testing.T
	db     *sql.DB
	source *sqlsource.Source
}

// newRig makes the tables in an empty database.
func newRig(t *testing.T, open opener) *rig {
	t.Helper()
	db := open(t)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := sqlsource.New(sqlsource.Config{DB: db, Interval: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := s.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return &rig{t, db, s}
}

func (r *rig) exec(statements ...string) {
	r.Helper()
	tx, err := r.db.BeginTx(r.Context(), nil)
	if err != nil {
		r.Fatal(err)
	}
	for _, s := range append(statements, "UPDATE policy_version SET version = version + 1") {
		if _, err := tx.Exec(s); err != nil {
			r.Fatalf("%s: %v", s, err)
		}
	}
	if err := tx.Commit(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) save(d policy.Data) int64 {
	r.Helper()
	v, err := r.source.Save(r.Context(), d, 0)
	if err != nil {
		r.Fatal(err)
	}
	return v
}

func access(user pam.UserID) pam.Query {
	return pam.Query{
		User: user, Asset: "db1", Operation: pam.OpAccess, ClientAddr: netip.MustParseAddr("10.0.0.1"),
		At: time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC),
	}
}

// What is saved is what is read, in every field, odd characters included.
func roundTrip(t *testing.T, open opener) {
	r := newRig(t, open)
	for i, d := range []policy.Data{full(), {}, {Calendar: policy.Calendar{Weekend: []time.Weekday{}}}, full()} {
		v := r.save(d)
		got, version, err := r.source.Read(t.Context())
		if err != nil || version != v {
			t.Fatalf("version %d, %v; want %d", version, err, v)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("data %d (-saved +read):\n%s", i, diff)
		}
	}
	if _, err := policy.New(policy.Config{Data: new(full())}); err != nil {
		t.Errorf("the test's own policy: %v", err)
	}
}

// A change in the database, by Save or by a statement, reaches the engine, which tells its broker (S11). A faulty one does
// not, the last good one stays, and the next good one counts again (S47).
func follow(t *testing.T, open opener) {
	r := newRig(t, open)
	engine, err := policy.New(policy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r.save(full())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	changed := engine.Changed()
	go func() { done <- r.source.Follow(ctx, engine) }()
	defer func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow: %v", err)
		}
	}()
	next := func() {
		t.Helper()
		select {
		case <-changed:
			changed = engine.Changed()
		case err := <-done:
			t.Fatalf("Follow ended: %v", err)
		}
	}
	role := func(want pam.Role) {
		t.Helper()
		if g, err := engine.Grants(t.Context(), access("alice")); err != nil || g.Role != want {
			t.Errorf("got %v, %v; want %v", g.Role, err, want)
		}
	}
	next()
	role(pam.RoleManager)
	r.exec("UPDATE policy_grants SET role = 'viewer' WHERE id = '1'")
	next()
	role(pam.RoleViewer)
	r.exec("UPDATE policy_grants SET role = 'god' WHERE id = '1'")
	for r.source.Health().Err == nil {
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
		time.Sleep(time.Millisecond)
	}
	role(pam.RoleViewer)
	var f *policy.Fault
	if h := r.source.Health(); !errors.As(h.Err, &f) || !strings.Contains(f.What, `unknown role "god"`) || h.Version == 0 || h.Read.IsZero() {
		t.Errorf("health %+v", h)
	}
	r.exec("DELETE FROM policy_grants WHERE id = '1'")
	next()
	role(pam.RoleNone)
	d := full()
	d.Grants[0].Role = pam.RoleOwner
	r.save(d)
	next()
	role(pam.RoleOwner)
}

// Rows that do not make a policy are refused, each with a fault.
func faultyRows(t *testing.T, open opener) {
	for statement, want := range map[string]string{
		"INSERT INTO policy_declarations VALUES ('gone', 'exec', 'deny')":          "its profile does not exist",
		"INSERT INTO policy_declarations VALUES ('std', 'audio', 'Allow')":         `unknown value "Allow"`,
		"INSERT INTO policy_declarations VALUES ('std', 'Audio', 'allow')":         `declaration "Audio"`,
		"INSERT INTO policy_pins VALUES ('gone', 'term', 'x')":                     "its profile does not exist",
		"INSERT INTO policy_members VALUES ('gone', 'user', 'alice')":              "its group does not exist",
		"INSERT INTO policy_members VALUES ('dba', 'user', 'eve')":                 `"eve" does not exist`,
		"INSERT INTO policy_grants VALUES ('9', 'db1', 'everyone', 'x', 'viewer')": `unknown kind "everyone"`,
		"INSERT INTO policy_grants VALUES ('9', 'db1', 'role', 'x', 'viewer')":     `unknown kind "role"`,
		"INSERT INTO policy_grants VALUES ('9', 'db1', 'user', 'alice', 'none')":   "cannot be granted",
		"UPDATE policy_profiles SET enabled = 2":                                   `"2" is not 0 or 1`,
		"UPDATE policy_assets SET break_roles = -1":                                `"-1" is not 0 or 1`,
		"INSERT INTO policy_conditions VALUES ('gone', 'network', '10.0.0.0/8')":   "its selector does not exist",
		"INSERT INTO policy_levels VALUES ('gone', 1, 'x', 1)":                     "its workflow does not exist",
		"INSERT INTO policy_levels VALUES ('plain', 3, 'x', 1)":                    "level 2 of the workflow is missing",
		"INSERT INTO policy_approvers VALUES ('plain', 2, 'user', 'root')":         "its level does not exist",
		"INSERT INTO policy_approvers VALUES ('plain', 1, 'role', 'king')":         `unknown role "king"`,
		"INSERT INTO policy_approvers VALUES ('plain', 1, 'fate', 'x')":            `unknown kind "fate"`,
		"INSERT INTO policy_approvers VALUES ('plain', 1, 'group', 'gone')":        `group "gone" does not exist`,
		"UPDATE policy_workflows SET longest = 99999999999":                        "is not a number",
		"UPDATE policy_selectors SET workflow = '' WHERE id = '1'":                 "names no workflow",
		"UPDATE policy_selectors SET workflow = 'gone' WHERE id = '1'":             `"gone" does not exist`,
		"DELETE FROM policy_approvers WHERE workflow = 'plain'":                    "nobody who decides",
		"INSERT INTO policy_conditions VALUES ('1', 'planet', 'mars')":             `unknown kind "planet"`,
		"INSERT INTO policy_conditions VALUES ('1', 'network', '10.0.0.1/8')":      "bits set",
		"DELETE FROM policy_conditions WHERE kind = 'operation'":                   "no operations",
		"INSERT INTO policy_calendar VALUES ('work', '1 08:00')":                   "want a shift",
		"INSERT INTO policy_calendar VALUES ('work', 'Monday 08:00 12:00')":        "is not a day",
		"INSERT INTO policy_calendar VALUES ('weekend', '7')":                      "is not a day",
		"INSERT INTO policy_calendar VALUES ('zone', 'Europe/Berlin')":             "a second time zone",
		"INSERT INTO policy_calendar VALUES ('moon', 'full')":                      `unknown kind "moon"`,
		"UPDATE policy_users SET site = 'god' WHERE id = 'root'":                   "unknown site role",
		"UPDATE policy_selectors SET form = 'Restricting' WHERE id = '1'":          `unknown form "Restricting"`,
	} {
		t.Run(statement, func(t *testing.T) {
			r := newRig(t, open)
			r.save(full())
			engine, err := policy.New(policy.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.source.Load(t.Context(), engine); err != nil {
				t.Fatal(err)
			}
			r.exec(statement)
			err = r.source.Load(t.Context(), engine)
			var f *policy.Fault
			if !errors.As(err, &f) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want …%s…", err, want)
			}
			if g, err := engine.Grants(t.Context(), access("alice")); err != nil || g.Role != pam.RoleManager || g.Version != 1 {
				t.Errorf("the last good policy is gone: %+v, %v", g, err)
			}
		})
	}
}

// A reader beside writers sees each policy whole: as many grants as users, whose number is the version's.
func consistentRead(t *testing.T, open opener) {
	r := newRig(t, open)
	world := func(n int) (d policy.Data) {
		d.Assets = []policy.Asset{{ID: "a"}}
		for i := range n {
			u := pam.UserID(fmt.Sprint("u", i))
			d.Users = append(d.Users, policy.User{ID: u})
			d.Grants = append(d.Grants, policy.RoleGrant{ID: string(u), Scope: "a", Subject: policy.Subject{User: u}, Role: pam.RoleViewer})
		}
		return d
	}
	wrote := make(chan error, 1)
	go func() {
		for n := range 40 {
			if _, err := r.source.Save(context.WithoutCancel(t.Context()), world(n+2), int64(n+1)); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	for last := int64(0); ; {
		d, v, err := r.source.Read(t.Context())
		if err != nil {
			t.Error(err)
			break
		}
		if v < last || v > 1 && (len(d.Users) != int(v) || len(d.Grants) != int(v)) {
			t.Errorf("version %d after %d with %d users and %d grants", v, last, len(d.Users), len(d.Grants))
		}
		if last = v; v == 41 {
			break
		}
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// Who saves on top of an old version overwrites nothing.
func saveConflict(t *testing.T, open opener) {
	r := newRig(t, open)
	v := r.save(full())
	r.exec("UPDATE policy_grants SET role = 'owner' WHERE id = '1'")
	if _, err := r.source.Save(t.Context(), policy.Data{}, v); !errors.Is(err, sqlsource.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	d, now, err := r.source.Read(t.Context())
	if err != nil || now != v+1 || d.Grants[0].Role != pam.RoleOwner {
		t.Fatalf("version %d, %v, %+v", now, err, d.Grants)
	}
	if v, err := r.source.Save(t.Context(), d, now); err != nil || v != now+1 {
		t.Errorf("version %d, %v", v, err)
	}
}

// A database that is away, or has no tables, is an error, and the engine keeps what it has.
func databaseAway(t *testing.T, open opener) {
	r := newRig(t, open)
	r.save(full())
	engine, err := policy.New(policy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.source.Load(t.Context(), engine); err != nil {
		t.Fatal(err)
	}
	r.exec("DROP TABLE policy_selectors")
	if err := r.source.Load(t.Context(), engine); err == nil || r.source.Health().Err == nil {
		t.Error("a missing table is no error")
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.source.Load(t.Context(), engine); err == nil {
		t.Error("a closed database is no error")
	}
	if g, err := engine.Grants(t.Context(), access("alice")); err != nil || g.Role != pam.RoleManager {
		t.Errorf("got %+v, %v", g, err)
	}
}

func TestNew_Checks(t *testing.T) {
	for _, c := range []sqlsource.Config{{}, {DB: new(sql.DB), Interval: 5 * time.Second}, {DB: new(sql.DB), Interval: -1}, {DB: new(sql.DB), Timeout: -1}} {
		if _, err := sqlsource.New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
