package sqlsource_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/policy/sqlsource"
)

// A host keeps its policy in SQLite and edits it in a copy.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	source, err := sqlsource.New(sqlsource.Config{DB: db})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := policy.New(policy.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := source.Create(ctx); err != nil {
		fmt.Println(err)
		return
	}
	data, version, err := source.Read(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	data.Users = append(data.Users, policy.User{ID: "u1", Site: pam.SiteAuditor})
	if version, err = source.Save(ctx, data, version); err != nil {
		fmt.Println(err) // sqlsource.ErrConflict: somebody else was faster
		return
	}
	if err := source.Load(ctx, engine); err != nil {
		fmt.Println(err) // every fault
		return
	}
	site, err := engine.Site(ctx, "u1")
	fmt.Println(version, site, err)
	// Output: 2 auditor <nil>
}
