package policy

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
)

// workflowData is a small office: a request for db1 is decided by its owners and then by two of the security desk.
func workflowData() Data {
	return Data{
		Users:  []User{{ID: "alice"}, {ID: "bob"}, {ID: "carol"}, {ID: "dan"}, {ID: "root", Site: pam.SiteAdministrator}},
		Groups: []Group{{ID: "desk", Users: []pam.UserID{"bob"}, Groups: []GroupID{"night"}}, {ID: "night", Users: []pam.UserID{"carol"}}},
		Assets: []Asset{{ID: "top", Container: true}, {ID: "db1", Parent: "top"}, {ID: "web1", Parent: "top"}},
		Grants: []RoleGrant{
			{ID: "1", Scope: "top", Subject: Subject{Everyone: true}, Role: pam.RoleViewer},
			{ID: "2", Scope: "db1", Subject: Subject{User: "dan"}, Role: pam.RoleOwner},
			{ID: "3", Scope: "web1", Subject: Subject{User: "bob"}, Role: pam.RoleManager},
		},
		Workflows: []Workflow{{ID: "two", Name: "Two levels", Ticket: true, Once: true, Levels: []Level{
			{Name: "Owners", Approvers: []Approver{{Role: pam.RoleOwner}}},
			{Name: "Security desk", Approvers: []Approver{{Group: "desk"}, {User: "dan"}}, Required: 2},
		}}},
		Selectors: []Selector{{
			ID: "ask", Scope: "top", Form: pam.FormInteractive, Workflow: "two", Subjects: []Subject{{Everyone: true}},
			Operations: []pam.Operation{pam.OpAccess},
		}},
	}
}

// TestWorkflow_S12_WhoDecides: the levels come with the selector, and who decides at one is asked of the policy in force.
func TestWorkflow_S12_WhoDecides(t *testing.T) {
	e := mustEngine(t, workflowData())
	g, err := e.Grants(t.Context(), query("alice", "db1", pam.OpAccess))
	if err != nil || g.Selector == nil || g.Selector.Workflow == nil {
		t.Fatalf("%+v, %v", g, err)
	}
	flow := g.Selector.Workflow
	if flow.ID != "two" || !flow.Ticket || !flow.Once || len(flow.Levels) != 2 || flow.Levels[0].Required != 1 || flow.Levels[1].Required != 2 ||
		strings.Join(flow.Levels[1].Approvers, " ") != "group:desk user:dan" || flow.Levels[0].Approvers[0] != "role:owner" {
		t.Fatalf("%+v", flow)
	}
	who := func(e *Engine, asset pam.AssetID, level int) (names string) {
		for _, u := range []pam.UserID{"alice", "bob", "carol", "dan", "root", "nobody"} {
			ok, err := e.Approves(t.Context(), u, asset, flow.Levels[level])
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				names += string(u) + " "
			}
		}
		return names
	}
	for _, c := range []struct {
		asset pam.AssetID
		level int
		want  string
	}{
		{"db1", 0, "dan root "}, {"db1", 1, "bob carol dan "}, {"web1", 0, "root "}, {"gone", 0, ""}, {"gone", 1, "bob carol dan "},
	} {
		if got := who(e, c.asset, c.level); got != c.want {
			t.Errorf("%s, level %d: %q decide, want %q", c.asset, c.level, got, c.want)
		}
	}
	next := workflowData()
	next.Groups[1].Users = nil
	next.Grants = next.Grants[:1]
	if err := e.Reload(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if got := who(e, "db1", 0) + "| " + who(e, "db1", 1); got != "root | bob dan " {
		t.Errorf("after a reload %q decide", got)
	}
	for _, odd := range []string{"", "role:", "role:none", "role:king", "everyone", "group:", "user:", "group:desk "} {
		if ok, err := e.Approves(t.Context(), "root", "db1", pam.Level{Approvers: []string{odd}}); ok || err != nil {
			t.Errorf("the approver %q: %v, %v", odd, ok, err)
		}
	}
}

func TestWorkflow_Faults(t *testing.T) {
	flow := func(f func(w *Workflow)) func(*Data) { return func(d *Data) { f(&d.Workflows[0]) } }
	for want, change := range map[string]func(*Data){
		"it has no levels":                       flow(func(w *Workflow) { w.Levels = nil }),
		"it has 11 levels":                       flow(func(w *Workflow) { w.Levels = make([]Level, 11) }),
		"its longest time is -1ns":               flow(func(w *Workflow) { w.Longest = -1 }),
		"level 1 has no name":                    flow(func(w *Workflow) { w.Levels[0].Name = "" }),
		"level 2 needs -1 people":                flow(func(w *Workflow) { w.Levels[1].Required = -1 }),
		"level 2 has nobody who decides":         flow(func(w *Workflow) { w.Levels[1].Approvers = nil }),
		"level 1 names a role and somebody":      flow(func(w *Workflow) { w.Levels[0].Approvers[0].User = "bob" }),
		"level 1 names the unknown role":         flow(func(w *Workflow) { w.Levels[0].Approvers[0].Role = 9 }),
		`its user "eve" does not exist`:          flow(func(w *Workflow) { w.Levels[1].Approvers[1].User = "eve" }),
		"its subject is empty":                   flow(func(w *Workflow) { w.Levels[1].Approvers[1].User = "" }),
		"the id occurs twice":                    func(d *Data) { d.Workflows = append(d.Workflows, d.Workflows[0]) },
		"it asks for approval and names no":      func(d *Data) { d.Selectors[0].Workflow = "" },
		`its workflow "three" does not exist`:    func(d *Data) { d.Selectors[0].Workflow = "three" },
		"names a workflow and its form is autom": func(d *Data) { d.Selectors[0].Form = pam.FormAutomatic },
	} {
		d := workflowData()
		change(&d)
		if _, err := New(Config{Data: &d}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
