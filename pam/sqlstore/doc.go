// Package sqlstore keeps what a broker must not forget in a database: sessions, tickets, remembered parameters, single-use
// marks and audit events. It implements pam.Store, pam.EventSink, pam.EventLog and pam.EventSequencer. The database is an
// embedded SQLite file and needs no server and no cgo.
//
//	db, err := sqlstore.Open(ctx, sqlstore.Config{Path: "/var/lib/portal/pam.db"})
//	if err != nil { … }
//	defer db.Close() // after the broker's Shutdown
//	broker, err := pam.New(pam.Config{Store: db, Events: db, …})
//	_, err = broker.Recover(ctx) // before requests are served: completes what a crash has left
//	page, err := db.Events(ctx, pam.EventFilter{User: "alice"}) // newest first; page.Next leads to older ones
//
// # What a nil error means
//
// What was written when a method returned nil is on the disk: each write is a transaction of its own, synced before the
// method returns. A process that is killed loses nothing of it, and neither does a machine that loses power, if its disk
// keeps what it says it has synced. After an error the write may have happened all the same; every method can be called
// again.
//
// # One file, several brokers
//
// Brokers and other readers may share a file, in one process or in several on one machine, with a Store each; writers wait
// for each other. Each broker needs a Config.Gateway of its own. The file must not be on a network file system: SQLite's
// locks do not work there.
//
// # Schema
//
// Open brings an older file to the schema of this version, step by step, each step in a transaction. A file of a newer
// version is refused with ErrNewer: going back needs a backup from before.
package sqlstore
