package rdpdr

import (
	"strings"
	"testing"
)

// TestParsePath_S19: what names an entry of the drive becomes its path, everything else is refused.
func TestParsePath_S19(t *testing.T) {
	for path, want := range map[string]string{
		"": "/", `\`: "/", `\a`: "/a", `a`: "/a", `\a\`: "/a", `\a\b c.txt`: "/a/b c.txt", `/a/b`: "/a/b", `\a/b`: "/a/b", `\..a\b..c`: "/..a/b..c",
		strings.Repeat(`\d`, 64): strings.Repeat("/d", 64),
	} {
		if got, err := parsePath(path); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", path, got, err, want)
		}
	}
	for _, path := range []string{
		`..`, `\..`, `\..\..\etc\passwd`, `\a\..`, `\a\..\..\b`, `/../a`, `\a/../b`, `\.`, `\a\.\b`, `\\server\share`, `\\?\C:\a`, `\\.\pipe\x`, `\a\\b`, `\a\\`,
		`C:\a`, `\C:`, `\a:stream`, `\a::$DATA`, `\a:$I30:$INDEX_ALLOCATION`, `\nul`, `\NUL.txt`, `\a\con`, `\a\Com1`, `\aux .txt`, "\\a\x00b", "\\a\x00", "\x00", "\\\x00",
		`\a*`, `\a?`, `\a.`, `\a `, `\a. \b`, `\ \b`, `\...`, "\\a\n", "\\\ufffd", strings.Repeat(`\d`, 65), `\` + strings.Repeat("n", 256),
	} {
		if got, err := parsePath(path); err == nil {
			t.Errorf("%q is taken for %q", path, got)
		}
	}
}

// TestMatch: patterns, those of DOS too ([MS-FSA] 2.1.4.4).
func TestMatch(t *testing.T) {
	for p, names := range map[string][2]string{ // those that match, those that do not
		"*":      {"a|a.b|.a|", ""},
		"a":      {"a|A", "b|ab|"},
		"Ä*":     {"ä|äb", "a"},
		"*.txt":  {"a.txt|.TXT|a.b.txt", "txt|a.txt.b|a.tx"},
		"a?c":    {"abc|a.c", "ac|abbc"},
		"*a*b*":  {"ab|xaxbx|aab", "ba|a"},
		"<":      {"a|a.|ab", "a.b"},
		"<.txt":  {"a.txt|a.b.txt", "a.txt.b|txt"},
		"<txt":   {"a.txt|txt", "a.txt.b"},
		"a>>":    {"a|ab|abc", "abcd|b|a.b"},
		">>>.c":  {"a.c|abc.c|.c", "abcd.c|a.cc"},
		`a"`:     {"a|a.", "a.b|ab"},
		`a"b`:    {"a.b", "ab|a"},
		`>>>">>`: {"abc|abc.d|a.de", "abcd|a.def"},
		"":       {"", "a"},
	} {
		for i, list := range names {
			for _, n := range strings.Split(list, "|") {
				if n == "" && i == 1 {
					continue
				}
				if n == "" && (p != "*" && p != "") {
					continue
				}
				if got := match(p, n); got != (i == 0) {
					t.Errorf("%q, %q: %v", p, n, got)
				}
			}
		}
	}
	if match(strings.Repeat("*a", 127), strings.Repeat("a", 126)+"b") { // it ends soon, too
		t.Error("no such name")
	}
	for path, want := range map[string]string{`\*`: "*", `\a\*.*`: "*", `\a\b?`: "b?", "": "*", `\..\*`: "*", `*.c`: "*.c"} {
		if got, err := pattern(path); err != nil || got != want {
			t.Errorf("%q: %q, %v", path, got, err)
		}
	}
	if _, err := pattern(strings.Repeat("*", 256)); err == nil {
		t.Error("a pattern of 256 characters is taken")
	}
}

// TestBelow: folders are compared by parts, not by letters.
func TestBelow(t *testing.T) {
	for pair, want := range map[[2]string]bool{{"/", "/a"}: true, {"/a", "/a"}: true, {"/a", "/a/b"}: true, {"/a", "/ab"}: false, {"/a/b", "/a"}: false} {
		if got := below(pair[0], pair[1]); got != want {
			t.Errorf("%v: %v", pair, got)
		}
	}
}
