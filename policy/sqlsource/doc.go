// Package sqlsource keeps a policy in an SQL database: it loads [policy.Data] from tables, saves it to them, and lets
// an engine follow them, so that a change in the database reaches live sessions within seconds.
//
//	source, err := sqlsource.New(sqlsource.Config{DB: db, Log: log})
//	err = source.Create(ctx)                      // once: the tables, if they are missing
//	engine, err := policy.New(policy.Config{Log: log}) // denies everything until the first load
//	err = source.Load(ctx, engine)                // the first policy, with every fault
//	go source.Follow(ctx, engine)                 // until ctx ends
//
// The statements are those that SQLite and PostgreSQL share; the package imports no driver, the host opens the
// database. Tests run on both.
//
// # Versions
//
// The table policy_version holds one number. Every [Source.Save] raises it, and whoever changes rows in another way
// must raise it too, in the same transaction:
//
//	UPDATE policy_version SET version = version + 1
//
// Following reads that number alone until it changes. The rows are read in one transaction with a consistent view,
// so that a policy is never half of one version and half of the next.
//
// # When something is wrong
//
// Rows that do not make a policy are refused as a whole, every fault is reported, and the engine keeps the last good
// policy, as it does while the database cannot be read. Then changes do not arrive either: watch [Source.Health].
package sqlsource
