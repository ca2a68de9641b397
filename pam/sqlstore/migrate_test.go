package sqlstore

import (
	"database/sql"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// older returns a file of an older schema version.
func older(t *testing.T, version int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pam.db")
	if err := prepareFile(path); err != nil {
		t.Fatal(err)
	}
	db, err := (&Store{path: path}).pool(time.Second, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := migrator(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO sessions (id, asset, user_id, completed, created, doc) VALUES ('old', 'a', 'u', 0, 7,
		'{"id":"old","asset":"a","user":"u","state":"active","created":"1970-01-01T00:00:00.000007Z","login_id":"l","of_a_later_version":1}')`); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMigrate_OlderSchema: a file of every older version becomes one of this version and keeps what it holds.
func TestMigrate_OlderSchema(t *testing.T) {
	for version := int64(1); version <= newest(t); version++ {
		s, err := Open(t.Context(), Config{Path: older(t, version)})
		if err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		got, err := s.Session(t.Context(), "old")
		if err != nil || got.User != "u" || got.LoginID != "l" || got.Created.UnixMicro() != 7 {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
		if err := s.Write(t.Context(), pam.Event{Seq: 1}); err != nil {
			t.Errorf("version %d: %v", version, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMigrate_TwoAtOnce: any number of processes may start on an old file together.
func TestMigrate_TwoAtOnce(t *testing.T) {
	path := older(t, 1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(t.Context(), Config{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestMigrate_NewerSchema: a file that a later version has written is refused and stays as it is.
func TestMigrate_NewerSchema(t *testing.T) {
	path := older(t, newest(t))
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", newest(t)+1); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{Path: path})
	if s != nil || !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, %v; want ErrNewer and the file's name", s, err)
	}
}

func newest(t *testing.T) int64 {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := migrator(db)
	if err != nil {
		t.Fatal(err)
	}
	return latest(p)
}

// TestSessionDoc fills every field of a record: one that the JSON of reports leaves out must not be lost here.
func TestSessionDoc(t *testing.T) {
	var in pam.SessionInfo
	v := reflect.ValueOf(&in).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(time.Unix(int64(i), 5000).UTC()))
		case f.Kind() == reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.Kind() == reflect.Map:
			f.Set(reflect.ValueOf(pam.Params{"k": "v"}))
		case f.Kind() == reflect.Slice:
			f.Set(reflect.ValueOf([]pam.Declaration{pam.Keyboard}))
		default:
			t.Fatalf("this test does not know how to fill %s", v.Type().Field(i).Name)
		}
	}
	doc, err := encodeSession(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := decodeSession(doc)
	if err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, out, in)
	}
}

// TestIndexes asks SQLite how it answers the queries of reports: none reads a whole table, or sorts.
func TestIndexes(t *testing.T) {
	s, err := Open(t.Context(), Config{Path: older(t, newest(t))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for query, index := range map[string]string{
		"SELECT doc FROM sessions ORDER BY created DESC, id LIMIT 9":                                                  "sessions_by_created",
		"SELECT doc FROM sessions WHERE user_id = 'u' ORDER BY created DESC, id LIMIT 9":                              "sessions_by_user",
		"SELECT doc FROM sessions WHERE asset = 'a' AND created < 5 ORDER BY created DESC, id LIMIT 9":                "sessions_by_asset",
		"SELECT doc FROM sessions WHERE completed = 0 ORDER BY created DESC, id LIMIT 9":                              "sessions_live",
		"SELECT doc FROM sessions WHERE created <= 5 AND (created < 5 OR id > 'x') ORDER BY created DESC, id LIMIT 9": "sessions_by_created",
		"SELECT id, doc FROM events WHERE user_id = 'u' ORDER BY id DESC LIMIT 9":                                     "events_by_user",
		"SELECT id, doc FROM events WHERE session = 's' AND id < 9 ORDER BY id DESC LIMIT 9":                          "events_by_session",
		"SELECT id, doc FROM events WHERE id < 9 ORDER BY id DESC LIMIT 9":                                            "PRIMARY KEY",
		"SELECT COALESCE(MAX(seq), 0) FROM events WHERE gateway = 'g'":                                                "sqlite_autoindex_events_1",
	} {
		rows, err := s.read.Query("EXPLAIN QUERY PLAN " + query)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(plan, "; ")
		if !strings.Contains(all, index) || strings.Contains(all, "TEMP B-TREE") {
			t.Errorf("%s\nplan: %s\nwant it to use %s and not to sort", query, all, index)
		}
	}
}
