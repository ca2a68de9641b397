package sqlstore_test

import (
	"crypto/sha256"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/pam/sqlstore"
)

func TestStoreSuite(t *testing.T) {
	pamtest.StoreSuite(t, func(t *testing.T) pam.Store { return open(t, newPath(t)) })
}

func TestEventLogSuite(t *testing.T) {
	pamtest.EventLogSuite(t, func(t *testing.T) pam.EventSink { return open(t, newPath(t)) })
}

// newPath has what a URL would make much of.
func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "a ?b#c%20d.db") }

func open(t testing.TB, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// sha is the hash under which a ticket is kept.
func sha(text []byte) [32]byte { return sha256.Sum256(text) }
