package vt

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The shortcut for plain control sequences and the parser must agree. Fed byte by byte, only the parser is used.
func FuzzFastCSI(f *testing.F) {
	for _, s := range []string{
		"\x1b[m", "\x1b[;m", "\x1b[1;31mx", "\x1b[38;2;1;2;3mx", "\x1b[38:2::1:2:3mx", "\x1b[4:3mx", "\x1b[;5Hx", "\x1b[5;Hx",
		"\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17mx", "\x1b[0000001mx", "\x1b[>1mx", "\x1b[1\x07mx", "a\x1b[3bx", "\x1b[1:mx", "\x1b[:1mx",
	} {
		f.Add([]byte("ab" + s + "y"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		whole, single := New(20, 5), New(20, 5)
		whole.Write(data)
		for i := range data {
			single.Write(data[i : i+1])
		}
		if diff := cmp.Diff(view(single), view(whole)); diff != "" {
			t.Errorf("%q (-parser +shortcut):\n%s", data, diff)
		}
	})
}
