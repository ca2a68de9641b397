//go:build unix

package sqlsource_test

import (
	"database/sql"
	"fmt"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// postgreSQL gives each test a database of its own on one server.
func postgreSQL(t *testing.T) opener {
	t.Helper()
	server := pamtest.NewPostgreSQL(t)
	admin := open(t, "pgx", server.DSN("postgres"))
	t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	made := 0
	return func(t *testing.T) *sql.DB {
		t.Helper()
		made++
		name := fmt.Sprint("policy", made)
		if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
			t.Fatal(err)
		}
		return open(t, "pgx", server.DSN(name))
	}
}

// TestPostgreSQL_S10_S11_S47 asks of a real server what the tests above ask of SQLite.
func TestPostgreSQL_S10_S11_S47(t *testing.T) {
	open := postgreSQL(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, opener)
	}{
		{"RoundTrip", roundTrip},
		{"Follow", follow},
		{"FaultyRows", faultyRows},
		{"ConsistentRead", consistentRead},
		{"SaveConflict", saveConflict},
		{"DatabaseAway", databaseAway},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}
