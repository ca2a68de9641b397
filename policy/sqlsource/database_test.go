package sqlsource_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// opener opens an empty database.
type opener func(t *testing.T) *sql.DB

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func sqlite(t *testing.T) *sql.DB {
	t.Helper()
	return open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "policy.db")+"?_pragma=journal_mode(wal)&_pragma=busy_timeout(10000)&_txlock=immediate")
}

func TestSQLite_RoundTrip(t *testing.T)          { roundTrip(t, sqlite) }
func TestSQLite_S11_S47_Follow(t *testing.T)     { follow(t, sqlite) }
func TestSQLite_S10_FaultyRows(t *testing.T)     { faultyRows(t, sqlite) }
func TestSQLite_S47_ConsistentRead(t *testing.T) { consistentRead(t, sqlite) }
func TestSQLite_SaveConflict(t *testing.T)       { saveConflict(t, sqlite) }
func TestSQLite_S10_DatabaseAway(t *testing.T)   { databaseAway(t, sqlite) }
