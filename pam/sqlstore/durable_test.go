package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/pam/sqlstore"
)

// childPath tells the test binary to be a process that writes until it is killed.
const childPath = "SQLSTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		writeForever(path)
	}
	pamtest.VerifyNoLeaks(m)
}

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func event(n int) pam.Event {
	return pam.Event{Seq: uint64(n), At: began.Add(time.Duration(n) * time.Second), Verb: pam.StartSession, User: "alice", Detail: strings.Repeat("d", n%500)}
}

func session(n int) pam.SessionInfo {
	return pam.SessionInfo{ID: pam.SessionID(fmt.Sprintf("s%06d", n)), User: "alice", State: pam.StateActive, Created: began.Add(time.Duration(n) * time.Second)}
}

// writeForever writes sessions and events, and names each that was acknowledged on standard output.
func writeForever(path string) {
	ctx := context.Background()
	fatal := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	db, err := sqlstore.Open(ctx, sqlstore.Config{Path: path})
	fatal(err)
	last, err := db.LastSeq(ctx, "")
	fatal(err)
	go func() { // a second writer, whose transactions lie between
		for n := 0; ; n++ {
			_, err := db.Tally(ctx, "noise", 1, began, time.Hour)
			fatal(err)
		}
	}()
	for n := int(last) + 1; ; n++ {
		fatal(db.PutSession(ctx, session(n)))
		fatal(db.Write(ctx, event(n)))
		fmt.Println("wrote", n)
	}
}

// checkAll reads events 1 to last and their sessions.
func checkAll(t *testing.T, db *sqlstore.Store, last int) {
	t.Helper()
	n := last
	f := pam.EventFilter{Limit: 100}
	for {
		page, err := db.Events(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if want := event(n); e.Seq != want.Seq || e.Detail != want.Detail || !e.At.Equal(want.At) {
				t.Fatalf("got %+v, want %+v", e, want)
			}
			if _, err := db.Session(t.Context(), session(n).ID); err != nil {
				t.Fatalf("session %d: %v", n, err)
			}
			n--
		}
		if f.Before = page.Next; f.Before == 0 {
			break
		}
	}
	if n != 0 {
		t.Fatalf("%d events are missing", n)
	}
}

// TestReopen: everything is there after an orderly end, and SQLite has left no second file that could be forgotten when
// the database is copied.
func TestReopen(t *testing.T) {
	path := newPath(t)
	db := open(t, path)
	ctx := t.Context()
	info := session(1)
	info.Gateway, info.Recording, info.LoginID = "gw", "2026/x.rec", "login"
	hash, ticket := pam.TicketHash{1}, pam.Ticket{Session: info.ID, User: "alice", Expires: began}
	if err := errors.Join(db.PutSession(ctx, info), db.PutTicket(ctx, hash, ticket), db.PutParams(ctx, "alice", "a", pam.Params{"term": "xterm"}),
		db.Write(ctx, event(1))); err != nil {
		t.Fatal(err)
	}
	if first, err := db.Claim(ctx, "used", began, began.Add(time.Hour)); err != nil || !first {
		t.Fatal(first, err)
	}
	if _, err := db.Tally(ctx, "wrong", 3, began, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*-wal")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}

	db = open(t, path)
	if got, err := db.Session(ctx, info.ID); err != nil || got.Gateway != "gw" || got.Recording != info.Recording || got.LoginID != "login" {
		t.Errorf("session: %+v, %v", got, err)
	}
	if got, err := db.TakeTicket(ctx, hash); err != nil || got != ticket {
		t.Errorf("ticket: %+v, %v", got, err)
	}
	if got, err := db.Params(ctx, "alice", "a"); err != nil || got["term"] != "xterm" {
		t.Errorf("parameters: %v, %v", got, err)
	}
	if first, err := db.Claim(ctx, "used", began, began.Add(time.Hour)); err != nil || first {
		t.Errorf("the mark is gone: %v", err)
	}
	if n, err := db.Tally(ctx, "wrong", 0, began, time.Hour); err != nil || n != 3 {
		t.Errorf("tally: %d, %v", n, err)
	}
	if err := db.Write(ctx, event(2)); err != nil {
		t.Error(err)
	}
}

// TestMarks_Purged: marks, counters and tickets whose time has come do not gather in the file.
func TestMarks_Purged(t *testing.T) {
	path := newPath(t)
	db := open(t, path)
	ctx := t.Context()
	now := began
	for n := range 50 {
		if _, err := db.Claim(ctx, fmt.Sprint("c", n), now, now.Add(10*time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Tally(ctx, fmt.Sprint("t", n), 1, now, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		now = now.Add(10 * time.Second)
	}
	raw := rawDB(t, path)
	for _, table := range []string{"claims", "tallies"} {
		var n int
		if err := raw.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil || n > 10 {
			t.Errorf("%d rows in %s, %v; want those of the last minute", n, table, err)
		}
	}
}

// rawDB opens the file as any program may.
func rawDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", "file://"+escaped(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func escaped(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23", " ", "%20").Replace(path)
}

// TestTickets_S07_TextIsNowhere looks for a ticket in the files of the database.
func TestTickets_S07_TextIsNowhere(t *testing.T) {
	path := newPath(t)
	db := open(t, path)
	text := []byte("canary-ticket-text-0123456789")
	hash := pam.TicketHash(sha(text))
	if err := db.PutTicket(t.Context(), hash, pam.Ticket{Session: "s", Expires: began}); err != nil {
		t.Fatal(err)
	}
	found := false
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), string(text)) {
			t.Errorf("%s holds the ticket's text", f)
		}
		found = found || strings.Contains(string(b), fmt.Sprintf("%x", hash))
	}
	if !found {
		t.Error("no file holds the ticket's hash: the test looks in the wrong place")
	}
}

func TestOpen_Refused(t *testing.T) {
	for name, c := range map[string]sqlstore.Config{
		"no path":       {},
		"negative wait": {Path: newPath(t), Busy: -1},
		"no folder":     {Path: filepath.Join(t.TempDir(), "absent", "x.db")},
		"a folder":      {Path: t.TempDir()},
	} {
		if s, err := sqlstore.Open(t.Context(), c); err == nil || s != nil || !strings.HasPrefix(err.Error(), "sqlstore: ") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if _, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "absent", "x.db")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v, want it to match fs.ErrNotExist", err)
	}
}

// TestCorrupt: a damaged file is refused with a clear error, wherever the damage is, and never made worse.
func TestCorrupt(t *testing.T) {
	path := newPath(t)
	db := open(t, path)
	for n := 1; n <= 200; n++ {
		if err := errors.Join(db.PutSession(t.Context(), session(n)), db.Write(t.Context(), event(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string]func(b []byte) []byte{
		"no database":  func([]byte) []byte { return []byte(strings.Repeat("this is no database\n", 100)) },
		"magic":        func(b []byte) []byte { b[0] ^= 1; return b },
		"truncated":    func(b []byte) []byte { return b[:len(b)/2] },
		"zeroed pages": func(b []byte) []byte { clear(b[4096 : 4096*8]); return b },
		"random pages": func(b []byte) []byte {
			for i := 4096 * 2; i < len(b); i += 37 {
				b[i] ^= byte(i * 7)
			}
			return b
		},
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			bad := harm(append([]byte(nil), good...))
			path := newPath(t)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
			if s != nil || !errors.Is(err, sqlstore.ErrCorrupt) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, %v; want ErrCorrupt and the file's name", s, err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(bad) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

// TestShared: two stores on one file, as two processes have them. Each sees what the other wrote, one of many takes a
// ticket or a mark, and an event log of two gateways has no gap.
func TestShared(t *testing.T) {
	path := newPath(t)
	a, b := open(t, path), open(t, path)
	ctx := t.Context()
	if err := a.PutSession(ctx, session(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Session(ctx, session(1).ID); err != nil {
		t.Errorf("the other store: %v", err)
	}
	const rounds = 25
	won := make(chan string, 4*rounds)
	group(t, map[string]*sqlstore.Store{"a": a, "b": b}, func(name string, s *sqlstore.Store) error {
		for n := 1; n <= rounds; n++ {
			hash := pam.TicketHash{byte(n)}
			_ = s.PutTicket(ctx, hash, pam.Ticket{Expires: began}) // one of the two finds it there
			if first, err := s.Claim(ctx, fmt.Sprint(n), began, began.Add(time.Hour)); err != nil {
				return err
			} else if first {
				won <- fmt.Sprint("claim ", n)
			}
			e := event(n)
			e.Gateway = name
			if err := s.Write(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if len(won) != rounds {
		t.Errorf("%d marks were given, want %d", len(won), rounds)
	}
	for _, name := range []string{"a", "b"} {
		if n, err := a.LastSeq(ctx, name); err != nil || n != rounds {
			t.Errorf("gateway %s: last event %d, %v", name, n, err)
		}
	}
	// The same gateway twice is a mistake, which one of the two hears of.
	e := event(rounds + 1)
	e.Gateway = "a"
	if err := errors.Join(a.Write(ctx, e), b.Write(ctx, e)); !errors.Is(err, sqlstore.ErrSequence) {
		t.Errorf("one number twice: %v, want ErrSequence", err)
	}
}

// group runs f for every store at once.
func group(t *testing.T, stores map[string]*sqlstore.Store, f func(name string, s *sqlstore.Store) error) {
	t.Helper()
	done := make(chan error, len(stores))
	for name, s := range stores {
		go func() { done <- f(name, s) }()
	}
	for range stores {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestContext: a call that waits for another process's transaction gives up with its context.
func TestContext(t *testing.T) {
	path := newPath(t)
	db := open(t, path)
	raw := rawDB(t, path)
	if _, err := raw.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := db.PutSession(ctx, session(1)); err == nil {
		t.Error("written in spite of another process's lock")
	}
	if _, err := raw.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := db.PutSession(t.Context(), session(1)); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
}
