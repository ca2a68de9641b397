package vt

import (
	"fmt"
	"strings"
	"testing"
)

// Links are the target's to invent: their number and length, and what a key frame costs for them, have limits, and the
// text stays whatever happens to them.
func TestTerminal_S21_LinksAreBounded(t *testing.T) {
	const cols, rows = 100, 30
	address := func(i, size int) string {
		return fmt.Sprintf("https://example.com/%d/%s", i, strings.Repeat("a", size))
	}
	for name, tc := range map[string]struct {
		mark func(i int) string
	}{
		"many":               {func(i int) string { return ";" + address(i, 0) }},
		"many with one name": {func(i int) string { return "id=x;" + address(i, 0) }},
		"long":               {func(i int) string { return ";" + address(i, 3000) }},
		"two in turns":       {func(i int) string { return fmt.Sprintf("id=%d;%s", i%2, address(i%2, 3000)) }},
		"too long":           {func(i int) string { return ";" + address(i, 5000) }},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(cols, rows)
			for i := range 3 * cols * rows {
				fmt.Fprintf(writer{m}, "\x1b]8;%s\a%c", tc.mark(i), 'a'+i%26)
			}
			if len(m.links.links) > maxLinks || m.links.bytes > maxLinkBytes {
				t.Errorf("%d links of %d bytes are kept", len(m.links.links), m.links.bytes)
			}
			if m.back.bytes > maxBackBytes {
				t.Errorf("%d bytes of scroll-back", m.back.bytes)
			}
			snapshot := m.AppendSnapshot(nil)
			if n := len(snapshot); n > maxDrawLinkBytes+maxBackBytes+cols*rows*32 {
				t.Errorf("the key frame has %d bytes", n)
			}
			again := New(cols, rows)
			again.Write(snapshot)
			for y := range rows {
				for x := range cols {
					if a, b := m.line(y).at(x), again.line(y).at(x); a.r != b.r {
						t.Fatalf("cell %d,%d shows %q, drawn %q", x, y, a.r, b.r)
					}
				}
			}
		})
	}
}

func TestTerminal_S21_LinksThatAreGoneMakeRoom(t *testing.T) {
	m := New(80, 24)
	for i := range 20 * maxLinks {
		fmt.Fprintf(writer{m}, "\x1b]8;;https://example.com/%d\alink\x1b]8;;\a\r\n", i)
	}
	c := m.line(m.y - 1).at(0)
	if l := m.links.get(c.link); l == nil || string(l.address) != fmt.Sprintf("https://example.com/%d", 20*maxLinks-1) {
		t.Errorf("the last link is %v", l)
	}
	// Whatever was swept, each cell still has the link that it was given.
	for y := range m.y {
		want := fmt.Sprintf("https://example.com/%d", 20*maxLinks-m.y+y)
		if l := m.links.get(m.line(y).at(0).link); l == nil || string(l.address) != want {
			t.Errorf("line %d leads to %v, want %s", y, l, want)
		}
	}
}
