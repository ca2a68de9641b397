package policy_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
)

// Operators may see everything and work on it without recording; on production databases, sessions of everyone
// are recorded.
func Example() {
	data := policy.Data{
		Users:  []policy.User{{ID: "u1"}},
		Groups: []policy.Group{{ID: "operators", Users: []pam.UserID{"u1"}}},
		Assets: []policy.Asset{
			{ID: "root", Container: true},
			{ID: "databases", Parent: "root", Container: true},
			{ID: "db1", Parent: "databases"},
			{ID: "web1", Parent: "root"},
		},
		Grants: []policy.RoleGrant{
			{ID: "1", Scope: "root", Subject: policy.Subject{Group: "operators"}, Role: pam.RoleViewer},
		},
		Profiles: []policy.Profile{
			{ID: "standard", Enabled: true, Declarations: pam.Declarations{pam.WebSession: pam.Allow, pam.Keyboard: pam.Allow}},
			{ID: "recorded", Enabled: true, Declarations: pam.Declarations{pam.WebSession: pam.Record, pam.Keyboard: pam.Allow}},
		},
		Assignments: []policy.Assignment{
			{ID: "1", Scope: "root", Subject: policy.Subject{Group: "operators"}, Profile: "standard"},
			{ID: "2", Scope: "databases", Subject: policy.Subject{Group: "operators"}, Profile: "recorded"},
		},
	}
	engine, err := policy.New(policy.Config{Data: &data})
	if err != nil {
		fmt.Println(err) // every fault, where it is, and what to do
		return
	}
	for _, asset := range []pam.AssetID{"web1", "db1"} {
		g, err := engine.Grants(context.Background(), pam.Query{
			User: "u1", Asset: asset, Operation: pam.OpAccess,
			ClientAddr: netip.MustParseAddr("192.0.2.1"), At: time.Now(),
		})
		if err != nil {
			fmt.Println(err) // denied
			return
		}
		fmt.Println(asset, g.Role, g.Permitted, g.Declarations[pam.WebSession], g.Declarations[pam.Exec], g.Rules)
	}
	// Output:
	// web1 viewer true allow deny [grant:1 assignment:1]
	// db1 viewer true record deny [grant:1 assignment:2]
}

// Production needs an approval; nobody gets there from outside; and after hours a second factor is asked for.
func ExampleSelector() {
	data := policy.Data{
		Users:  []policy.User{{ID: "u1"}},
		Assets: []policy.Asset{{ID: "production", Container: true}, {ID: "db1", Parent: "production"}, {ID: "web1", Parent: "production"}},
		Grants: []policy.RoleGrant{{ID: "1", Scope: "production", Subject: policy.Subject{User: "u1"}, Role: pam.RoleViewer}},
		Workflows: []policy.Workflow{{ID: "two", Longest: 4 * time.Hour, Levels: []policy.Level{
			{Name: "Owners", Approvers: []policy.Approver{{Role: pam.RoleOwner}}},
			{Name: "Security desk", Approvers: []policy.Approver{{User: "u1"}}},
		}}},
		Selectors: []policy.Selector{
			{
				ID: "approval", Scope: "production", Form: pam.FormInteractive, Workflow: "two", Exclusive: pam.ExclusiveOptional,
				Subjects: []policy.Subject{{Everyone: true}}, Operations: []pam.Operation{pam.OpAccess},
			},
			{
				ID: "outside", Scope: "production", Form: pam.FormRestricting,
				Subjects: []policy.Subject{{Everyone: true}}, Operations: []pam.Operation{pam.OpAccess, pam.OpUnlock},
				Networks: []string{"203.0.113.0/24"},
			},
			{
				ID: "night", Scope: "web1", Form: pam.FormAutomatic, MFA: true,
				Subjects: []policy.Subject{{Everyone: true}}, Operations: []pam.Operation{pam.OpAccess},
				Times: []policy.TimeClass{policy.AfterHours},
			},
		},
		Calendar: policy.Calendar{Work: []policy.Shift{{Day: time.Monday, From: "08:00", To: "18:00"}}},
	}
	engine, err := policy.New(policy.Config{Data: &data})
	if err != nil {
		fmt.Println(err)
		return
	}
	monday := time.Date(2030, 1, 7, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		asset pam.AssetID
		from  string
		at    time.Time
	}{
		{"db1", "192.0.2.1", monday},
		{"db1", "203.0.113.9", monday},
		{"web1", "192.0.2.1", monday},
		{"web1", "192.0.2.1", monday.Add(12 * time.Hour)},
	} {
		g, err := engine.Grants(context.Background(), pam.Query{
			User: "u1", Asset: c.asset, Operation: pam.OpAccess, ClientAddr: netip.MustParseAddr(c.from), At: c.at,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.asset, g.Selector.ID, g.Selector.Form, g.MFA)
	}
	// Output:
	// db1 approval interactive false
	// db1 outside restricting false
	// web1 approval interactive false
	// web1 night automatic true
}

// An administrator asks why somebody is refused. The user is told the reason alone.
func ExampleEngine_Explain() {
	data := policy.Data{
		Users:  []policy.User{{ID: "u1"}},
		Groups: []policy.Group{{ID: "dba"}, {ID: "ops", Users: []pam.UserID{"u1"}}},
		Assets: []policy.Asset{
			{ID: "root", Container: true},
			{ID: "vault", Parent: "root", Container: true, Break: policy.BreakRoles},
			{ID: "db1", Parent: "vault"},
		},
		Grants: []policy.RoleGrant{
			{ID: "1", Scope: "root", Subject: policy.Subject{Group: "ops"}, Role: pam.RoleOwner},
			{ID: "2", Scope: "vault", Subject: policy.Subject{Group: "ops"}, Role: pam.RoleViewer},
			{ID: "3", Scope: "db1", Subject: policy.Subject{Group: "dba"}, Role: pam.RoleManager},
		},
	}
	engine, err := policy.New(policy.Config{Data: &data})
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := engine.Explain(context.Background(), pam.Query{
		User: "u1", Asset: "db1", Operation: pam.OpUnlock,
		ClientAddr: netip.MustParseAddr("192.0.2.1"), At: time.Date(2030, 1, 7, 10, 0, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	lines := strings.Split(x.String(), "\n")
	fmt.Println(strings.Join(lines[:6], "\n"))
	// Output:
	// not_found: user:u1, asset.unlock on asset:db1 from 192.0.2.1 at 2030-01-07 10:00:00Z, policy 1
	// role asset.unlock: no rule matches
	//   not manager by grant:3 to group:dba on asset:db1: the user is not group:dba and not in it
	//   not viewer by grant:2 to group:ops on asset:vault, 1 above: asset.unlock needs supervisor
	//   not owner by grant:1 to group:ops on asset:root, 2 above: asset:vault breaks the inheritance of role rules
	// role role:viewer: viewer by grant:2 to group:ops on asset:vault, 1 above
}

func ExampleFault() {
	_, err := policy.New(policy.Config{Data: &policy.Data{
		Assets: []policy.Asset{{ID: "web1", Parent: "servers"}},
		Grants: []policy.RoleGrant{{ID: "1", Scope: "web1", Subject: policy.Subject{Group: "ops"}, Role: pam.RoleViewer}},
	}})
	fmt.Println(err)
	// Output:
	// policy: asset "web1": its parent "servers" does not exist; add the container to Assets or correct Parent
	// policy: grant "1": its group "ops" does not exist; add it to the data or delete the entry
}
