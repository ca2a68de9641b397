package pam_test

import (
	"go/ast"
	"go/parser"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDependencies_S45_Floors checks that go.mod asks for no version below the ones that hold security fixes
// this project counts on.
func TestDependencies_S45_Floors(t *testing.T) {
	floors := []struct {
		module, version, why string
		required             bool
	}{
		{"golang.org/x/crypto", "v0.52.0", "fixes of 2026 in ssh, above all CVE-2026-39830: a client whose Close could not free it", true},
		{"github.com/pkg/sftp", "v1.13.12", "the version whose packet limit of 256 KiB was checked", true},
		{"github.com/casbin/casbin/v2", "v2.135.0", "the version whose pitfalls the tests of package policy describe", true},
		{"nhooyr.io/websocket", "v1.8.17", "the last one", true},
	}
	raw, err := os.ReadFile(filepath.Join(moduleRoot(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	required := requirements(string(raw))
	for _, f := range floors {
		got, ok := required[f.module]
		switch {
		case !ok && f.required:
			t.Errorf("%s is not in go.mod; want at least %s", f.module, f.version)
		case ok && versionLess(t, got, f.version):
			t.Errorf("%s is required at %s; want at least %s (%s)", f.module, got, f.version, f.why)
		}
	}
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(strings.TrimSpace(line), "replace") {
			t.Errorf("go.mod has %q: importers would not get what the tests ran with", strings.TrimSpace(line))
		}
	}
}

func TestVersionLess(t *testing.T) {
	ordered := []string{"v0.9.9", "v0.52.0", "v0.100.0", "v1.0.0-rc.1", "v1.0.0", "v1.13.9", "v1.13.12", "v2.0.0"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := versionLess(t, a, b); got != (i < j) {
				t.Errorf("versionLess(%s, %s) = %t, want %t", a, b, got, i < j)
			}
		}
	}
}

// TestDependencies_S45_NoBlindTrust looks for the two switches that turn off the check of who the other side is.
// They may stand in tests, and nowhere else but in the places of the list.
func TestDependencies_S45_NoBlindTrust(t *testing.T) {
	switches := []string{"InsecureIgnoreHostKey", "InsecureSkipVerify"}
	allowed := map[string]string{ // file to the reason why it holds exactly one switch
		"rdp/certificate.go": "RDP servers sign their certificates themselves: VerifyConnection on the same literal decides",
	}
	found := map[string]int{}
	files := 0
	for _, s := range moduleSources(t, parser.SkipObjectResolution) {
		if s.test {
			continue
		}
		files++
		where := s.pkg + "/" + s.name
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && hasKey(lit, "InsecureSkipVerify") && !hasKey(lit, "VerifyConnection") {
				t.Errorf("%v: InsecureSkipVerify without VerifyConnection beside it", s.fset.Position(lit.Pos()))
			}
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			for _, name := range switches {
				if id.Name != name {
					continue
				}
				if found[where]++; allowed[where] == "" || found[where] > 1 {
					t.Errorf("%v: %s outside tests", s.fset.Position(id.Pos()), name)
				}
			}
			return true
		})
	}
	for where := range allowed {
		if found[where] == 0 {
			t.Errorf("%s is allowed a switch that it does not have: remove the allowance", where)
		}
	}
	if files == 0 {
		t.Error("no file was looked at")
	}
}

// hasKey reports whether a composite literal sets a field.
func hasKey(lit *ast.CompositeLit, field string) bool {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == field {
				return true
			}
		}
	}
	return false
}

// requirements returns the versions that a go.mod file requires.
func requirements(mod string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(mod) {
		line, _, _ = strings.Cut(line, "//")
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			out[fields[0]] = fields[1]
		}
	}
	return out
}

// versionLess compares two versions vX.Y.Z; a pre-release is less than its release.
func versionLess(t *testing.T, a, b string) bool {
	t.Helper()
	na, prea := versionParts(t, a)
	nb, preb := versionParts(t, b)
	for i := range na {
		if na[i] != nb[i] {
			return na[i] < nb[i]
		}
	}
	return prea && !preb
}

func versionParts(t *testing.T, v string) (n [3]int, pre bool) {
	t.Helper()
	core, _, pre := strings.Cut(strings.TrimPrefix(v, "v"), "-")
	parts := strings.Split(core, ".")
	if len(parts) != len(n) {
		t.Fatalf("version %q: want three numbers", v)
	}
	for i, p := range parts {
		x, err := strconv.Atoi(p)
		if err != nil {
			t.Fatalf("version %q: %v", v, err)
		}
		n[i] = x
	}
	return n, pre
}
