package pamtest_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// collector is a testing.TB that records failures instead of failing.
type collector struct {
	testing.TB
	errors []string
	fatal  string
}

func (c *collector) Helper() {}
func (c *collector) Errorf(format string, args ...any) {
	c.errors = append(c.errors, fmt.Sprintf(format, args...))
}
func (c *collector) Error(args ...any) { c.errors = append(c.errors, fmt.Sprint(args...)) }
func (c *collector) Fatalf(format string, args ...any) {
	c.fatal = fmt.Sprintf(format, args...)
	panic(stopped{})
}

const secret = "canary/Tr0ub4dor&é+3="

func TestScannerFindsEveryForm(t *testing.T) {
	raw := []byte(secret)
	tests := map[string]string{
		"raw":                secret,
		"hex":                fmt.Sprintf("%x", raw),
		"upper-case hex":     fmt.Sprintf("%X", raw),
		"hex dump":           fmt.Sprintf("% x", raw),
		"%v of bytes":        fmt.Sprint(raw),
		"JSON array":         strings.ReplaceAll(fmt.Sprint(raw), " ", ", "),
		"%#v of bytes":       fmt.Sprintf("%#v", raw),
		"%q":                 fmt.Sprintf("%q", secret),
		"%+q":                fmt.Sprintf("%+q", secret),
		"base64":             base64.StdEncoding.EncodeToString(raw),
		"base64 of password": base64.URLEncoding.EncodeToString([]byte(`{"password":"` + secret + `"}`)),
		"base64, 1 before":   base64.StdEncoding.EncodeToString([]byte("u" + secret + "\n")),
		"base64, 2 before":   base64.StdEncoding.EncodeToString([]byte("u:" + secret)),
		"query":              "password=canary%2FTr0ub4dor%26%C3%A9%2B3%3D",
		"query, lower case":  "password=canary%2fTr0ub4dor%26%c3%a9%2b3%3d",
		"JSON of a browser":  `"canary/Tr0ub4dor&é+3="`,
		"JSON of Go":         `"canary/Tr0ub4dor\u0026é+3="`,
		"HTML":               "canary/Tr0ub4dor&amp;é+3=",
		"reversed bytes":     "=3+\xa9\xc3&rod4bu0rT/yranac",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			for _, reader := range []io.Reader{strings.NewReader("x " + text + " y"), iotest.OneByteReader(strings.NewReader("x " + text + " y"))} {
				c := &collector{TB: t}
				s := pamtest.NewScanner(c, secret)
				s.Stream("stream", reader)
				s.Verify()
				if len(c.errors) == 0 {
					t.Errorf("not found in %q", text)
				}
				if strings.Contains(strings.Join(c.errors, "\n"), secret) {
					t.Errorf("the report shows the secret: %q", c.errors)
				}
			}
		})
	}
}

func TestScannerIsQuietOnNoise(t *testing.T) {
	s := pamtest.NewScanner(t, secret, pamtest.NewCanary())
	s.Bytes("noise", []byte(strings.Repeat("canary/Tr0ub4dor&é+4= nothing to see here ", 1000)))
	s.Verify()
	if got := s.Scanned(); got == 0 {
		t.Errorf("Scanned() = %d, want more", got)
	}
}

func TestScannerProvesNothingOnNothing(t *testing.T) {
	c := &collector{TB: t}
	s := pamtest.NewScanner(c, secret)
	s.Verify()
	if len(c.errors) != 1 {
		t.Errorf("Verify after no scan: errors %q, want one", c.errors)
	}
	s.Tree(t.TempDir())
	if len(c.errors) != 2 {
		t.Errorf("Tree of an empty folder: errors %q, want two", c.errors)
	}
	s.Tree(filepath.Join(t.TempDir(), "missing"))
	if len(c.errors) != 4 { // the walk and the empty result
		t.Errorf("Tree of a missing folder: errors %q, want four", c.errors)
	}
	v := &verdict{TB: t}
	v.run(func() { pamtest.NewScanner(v, "short") })
	if v.fatal == "" {
		t.Error("NewScanner took a secret that is too short")
	}
}

func TestScannerTree(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	plain := "Canary1Canary2Canary3"
	for path, text := range map[string]string{
		filepath.Join(deep, "log"):             "password=" + plain,
		filepath.Join(root, "a", plain+".txt"): "empty enough",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/tmp/"+plain, filepath.Join(root, "link")); err != nil {
		t.Logf("no symlinks here: %v", err)
	}
	c := &collector{TB: t}
	s := pamtest.NewScanner(c, plain)
	s.Tree(root)
	where := map[string]bool{}
	for _, h := range s.Hits() {
		where[filepath.ToSlash(h.Where)] = true
	}
	for _, want := range []string{"a/b/log", "name of a"} {
		if !where[want] {
			t.Errorf("no hit in %q; hits %v", want, s.Hits())
		}
	}
}

// However a stream is cut into writes, a secret in it is found once, at the right place.
func TestScannerCuts(t *testing.T) {
	s := pamtest.NewScanner(t, secret) // its control is expensive: once
	rapid.Check(t, func(r *rapid.T) {
		before := rapid.StringN(0, 300, 300).Draw(r, "before")
		text := before + secret + rapid.StringN(0, 300, 300).Draw(r, "after")
		seen := len(s.Hits())
		w := s.Tap("cut")
		for rest := []byte(text); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(r, "n")
			_, _ = w.Write(rest[:n])
			rest = rest[n:]
		}
		found := false
		for _, h := range s.Hits()[seen:] {
			found = found || h.Form == "raw" && h.Offset == int64(len(before))
		}
		if !found {
			r.Fatalf("hits %v, want raw at %d", s.Hits()[seen:], len(before))
		}
	})
}
