package pamtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// verdict is a testing.TB that records how a helper ended its test.
type verdict struct {
	testing.TB
	fatal, skipped string
}

type stopped struct{}

func (v *verdict) Helper() {}

// Logf says nothing: CI takes the line of a peer that was met for the truth.
func (v *verdict) Logf(string, ...any) {}

func (v *verdict) Fatalf(format string, args ...any) {
	v.fatal = fmt.Sprintf(format, args...)
	panic(stopped{})
}

func (v *verdict) Skipf(format string, args ...any) {
	v.skipped = fmt.Sprintf(format, args...)
	panic(stopped{})
}

// run calls f until it returns or ends its test.
func (v *verdict) run(f func()) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				panic(r)
			}
		}
	}()
	f()
}

func TestPeer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("file modes do not make a program here; the lookup rules are the same")
		return
	}
	dir := t.TempDir()
	here := filepath.Join(dir, "spoke")
	if err := os.WriteFile(here, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, mode, program      string
		path, fatal, skippedWith string
	}{
		{name: "present", program: "spoke", path: here},
		{name: "present and required", mode: "required", program: "spoke", path: here},
		{name: "missing", program: "no-such-peer", skippedWith: "no-such-peer"},
		{name: "missing and required", mode: "required", program: "no-such-peer", fatal: "no-such-peer"},
		{name: "typo in the mode", mode: "requried", program: "spoke", fatal: "requried"},
		{name: "absolute and missing", mode: "required", program: "/nowhere/spoke", fatal: "/nowhere/spoke"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("PATH", dir)
			t.Setenv(pamtest.InteropEnv, tc.mode)
			v := &verdict{TB: t}
			var path string
			v.run(func() { path = pamtest.Peer(v, tc.program) })
			if path != tc.path {
				t.Errorf("Peer(%q) = %q, want %q", tc.program, path, tc.path)
			}
			if (v.fatal != "") != (tc.fatal != "") || !strings.Contains(v.fatal, tc.fatal) {
				t.Errorf("Peer(%q) failed with %q, want %q in it", tc.program, v.fatal, tc.fatal)
			}
			if (v.skipped != "") != (tc.skippedWith != "") || !strings.Contains(v.skipped, tc.skippedWith) {
				t.Errorf("Peer(%q) skipped with %q, want %q in it", tc.program, v.skipped, tc.skippedWith)
			}
		})
	}
}
