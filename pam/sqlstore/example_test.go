package sqlstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/sqlstore"
)

// A host opens the database, gives it to the broker as its Store and its Events, and reads the log for its audit page.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "sqlstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlstore.Open(ctx, sqlstore.Config{Path: filepath.Join(dir, "pam.db")})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	// The broker does this: each event follows the last one of its gateway.
	for n, verb := range []pam.Verb{pam.StartSession, pam.CompleteSession} {
		e := pam.Event{Seq: uint64(n + 1), At: time.Unix(int64(n), 0), Verb: verb, User: "alice", Asset: "server-1"}
		if err := db.Write(ctx, e); err != nil {
			log.Fatal(err)
		}
	}
	page, err := db.Events(ctx, pam.EventFilter{User: "alice", Text: "server-1"})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range page.Events {
		fmt.Println(e.Seq, e.Verb)
	}
	// Output:
	// 2 Complete Session
	// 1 Start Session
}
