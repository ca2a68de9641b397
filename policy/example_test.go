package policy_test

import (
	"context"
	"fmt"
	"net/netip"
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
