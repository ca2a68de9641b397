package pamtest

import (
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// minSecret is the least length of a secret to look for. Shorter ones would turn up by chance in noise, and leave
// nothing sure of a base64 text that has something before and after them.
const minSecret = 12

// NewCanary returns a secret that exists nowhere else: plant it as a password, then look for it with a Scanner.
// It holds characters that quoting, URL and HTML encoding change.
func NewCanary() string { return "canary/" + rand.Text() + "+&é=" }

// Hit is one find. It does not hold the secret, so that printing it leaks nothing.
type Hit struct {
	Where  string // as named by the caller; of a tree the path inside it
	Offset int64  // of the first byte; in whitespace-free text without the whitespace
	Secret int    // index into the secrets given to NewScanner
	Form   string // "raw", "base64", "hex" …
}

// String describes the hit.
func (h Hit) String() string {
	return fmt.Sprintf("%s: secret %d as %s at byte %d", h.Where, h.Secret, h.Form, h.Offset)
}

// Scanner looks for secrets in whatever a test lets out: logs, socket bytes, files. It knows each secret raw,
// reversed, in UTF-16, hex, base64 (at each alignment), decimal byte lists, and as quoted by Go, JSON, URL, and
// HTML; line breaks and spaces inside hex and base64 do not hide it. Compressed or encrypted bytes have to be
// decoded by the caller. Safe for concurrent use.
type Scanner struct {
	t        testing.TB
	patterns []pattern
	longest  int

	mu      sync.Mutex // guards all below
	hits    []Hit
	scanned int64
}

// NewScanner returns a scanner for the given secrets and proves at once, for each form of each, that it finds it
// (a scan that cannot find anything proves nothing). A secret shorter than 12 bytes fails the test.
func NewScanner(t testing.TB, secrets ...string) *Scanner {
	t.Helper()
	if len(secrets) == 0 {
		t.Fatal("pamtest: NewScanner without a secret")
	}
	s := &Scanner{t: t}
	for i, secret := range secrets {
		if len(secret) < minSecret {
			t.Fatalf("pamtest: secret %d has %d bytes; want at least %d", i, len(secret), minSecret)
		}
		s.patterns = append(s.patterns, patternsOf(i, secret)...)
	}
	for _, p := range s.patterns {
		s.longest = max(s.longest, len(p.text))
	}
	if missed := s.Control(secrets...); len(missed) > 0 {
		t.Fatalf("pamtest: the scan would miss %v", missed)
	}
	return s
}

// Stream scans r to its end.
func (s *Scanner) Stream(where string, r io.Reader) {
	s.t.Helper()
	if _, err := io.Copy(s.Tap(where), r); err != nil {
		s.t.Errorf("pamtest: scan of %s: %v", where, err)
	}
}

// Bytes scans b.
func (s *Scanner) Bytes(where string, b []byte) { _, _ = s.Tap(where).Write(b) }

// Tap returns a writer that scans what is written to it, for io.MultiWriter and the like. A secret cut in two by
// the borders of writes is found as well. Safe for concurrent use.
func (s *Scanner) Tap(where string) io.Writer { return &tap{s: s, where: where} }

// Tree scans every regular file below root, the names of all files and folders, and the targets of links. An
// unreadable entry, and a tree without a single file, fail the test: nothing was proved.
func (s *Scanner) Tree(root string) {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s.Bytes("name of "+filepath.Dir(name), []byte(name))
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			s.Bytes("link "+name, []byte(target))
		case d.Type().IsRegular():
			files++
			return s.file(name, path)
		}
		return nil
	})
	if err != nil {
		s.t.Errorf("pamtest: scan of the tree: %v", err)
	}
	if files == 0 {
		s.t.Errorf("pamtest: scan of the tree: no file in it")
	}
}

func (s *Scanner) file(name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(s.Tap(name), f)
	return err
}

// Hits returns what was found so far.
func (s *Scanner) Hits() []Hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hits)
}

// Scanned returns how many bytes were looked at so far.
func (s *Scanner) Scanned() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scanned
}

// Verify fails the test for every hit, and if nothing was scanned at all.
func (s *Scanner) Verify() {
	s.t.Helper()
	for _, h := range s.Hits() {
		s.t.Errorf("secret escaped: %v", h)
	}
	if s.Scanned() == 0 {
		s.t.Error("pamtest: nothing was scanned")
	}
}

// Control is the negative control: it hides every form of the secrets in noise, one byte per write, and returns
// the forms that the scanner does not find. It leaves hits and counts alone.
func (s *Scanner) Control(secrets ...string) (missed []string) {
	for i, secret := range secrets {
		for _, form := range plainForms(secret) {
			trial := &Scanner{t: s.t, patterns: s.patterns, longest: s.longest}
			w := trial.Tap("control")
			for _, c := range []byte("noise " + form.text + " noise") {
				_, _ = w.Write([]byte{c})
			}
			if len(trial.hits) == 0 {
				missed = append(missed, fmt.Sprintf("secret %d as %s", i, form.name))
			}
		}
	}
	return missed
}
