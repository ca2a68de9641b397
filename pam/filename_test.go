package pam_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/pam"
)

func TestFileName_S17_Shown(t *testing.T) {
	for _, tc := range []struct{ raw, want string }{
		{"plain.txt", "plain.txt"},
		{"with space", "with space"},
		{"-rf", "-rf"},
		{"...", "..."},
		{"日本 ✓ e\u0301 👩\u200d🚀", "日本 ✓ e\u0301 👩\u200d🚀"},
		{"a\nb", `a\x0ab`},
		{"\x1b[31m", `\x1b[31m`},
		{"\x7f", `\x7f`},
		{"\u009b", `\xc2\x9b`},
		{"latin1-\xe9", `latin1-\xe9`},
		{`back\slash`, `back\\slash`},
		{`\x0a`, `\\x0a`},
		{"photo\u202egpj.exe", `photo\xe2\x80\xaegpj.exe`},
		{"line\u2028end", `line\xe2\x80\xa8end`},
		{"\ufffd", "\ufffd"},
		{strings.Repeat("n", pam.MaxFileName), strings.Repeat("n", pam.MaxFileName)},
	} {
		got, ok := pam.ShowFileName(tc.raw)
		if !ok || got != tc.want {
			t.Errorf("ShowFileName(%q) = %q, %t; want %q", tc.raw, got, ok, tc.want)
			continue
		}
		if raw, err := pam.RawFilePath("/d/" + got); err != nil || raw != "/d/"+tc.raw {
			t.Errorf("RawFilePath(/d/%s) = %q, %v; want what it came from", got, raw, err)
		}
	}
	for _, raw := range []string{"", ".", "..", "/", "a/b", "../x", "/etc/passwd", "a\x00", strings.Repeat("n", pam.MaxFileName+1)} {
		if name, ok := pam.ShowFileName(raw); ok {
			t.Errorf("ShowFileName(%.20q) = %q, want it refused", raw, name)
		}
	}
}

func TestFilePath_S17_Refused(t *testing.T) {
	for _, name := range []string{
		"", ".", "a", "a/b", "//", "/a/", "/a//b", "/a/../b", "/..", "/.", "/a/.", "/a\x00", "/a\nb", "/\xff", "/\u202e",
		`/\`, `/\x`, `/\x0`, `/\xg0`, `/\n`, `/\x41`, `/\x2f`, `/\x00`, `/\X0a`, `/\x0A`, `/\x2e\x2e`, `/\x 1`, `/\x+1`,
		strings.Repeat("/a", pam.MaxFileDepth+1),
		strings.Repeat("/"+strings.Repeat("n", 1000), 5),
		"/" + strings.Repeat("n", pam.MaxFileName+1),
		"/" + strings.Repeat("a", 1<<20),
	} {
		if raw, err := pam.RawFilePath(name); err == nil {
			t.Errorf("RawFilePath(%.40q) = %q, want an error", name, raw)
		}
	}
	for _, name := range []string{"/", "/a", "/C:/Users/x", strings.Repeat("/a", pam.MaxFileDepth), strings.Repeat("/"+strings.Repeat("n", 1000), 4)} {
		if raw, err := pam.RawFilePath(name); err != nil || raw != name {
			t.Errorf("RawFilePath(%.40q) = %.40q, %v", name, raw, err)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"a", "..", "a\\b", "\xff\n", `\x0a`, "\u202e", "a/b", "日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// As a target's name: what is shown is inert and leads back.
		if shown, ok := pam.ShowFileName(s); ok {
			if !utf8.ValidString(shown) || strings.ContainsAny(shown, "/\x00\n\x1b\u202e") || len(shown) > 4*len(s) {
				t.Fatalf("ShowFileName(%q) = %q", s, shown)
			}
			if raw, err := pam.RawFilePath("/" + shown); err != nil || raw != "/"+s {
				t.Fatalf("RawFilePath(%q) = %q, %v; want %q", "/"+shown, raw, err, "/"+s)
			}
		}
		// As a browser's path: what is taken is the one form of what it names, and stays below the root.
		raw, err := pam.RawFilePath(s)
		if err != nil || raw == "/" {
			return
		}
		if len(raw) > pam.MaxFilePath || raw[0] != '/' {
			t.Fatalf("RawFilePath(%q) = %q", s, raw)
		}
		again := ""
		for element := range strings.SplitSeq(raw[1:], "/") {
			shown, ok := pam.ShowFileName(element)
			if !ok {
				t.Fatalf("RawFilePath(%q) = %q, which has the element %q", s, raw, element)
			}
			again += "/" + shown
		}
		if again != s {
			t.Fatalf("RawFilePath(%q) = %q, which is shown as %q", s, raw, again)
		}
	})
}
