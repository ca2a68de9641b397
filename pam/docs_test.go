package pam_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// writing marks the days in which a document may still be missing: that is reported, not failed. Set it to false as
// soon as all are there.
const writing = false

// rowID is the form of an id of a behaviour row or a security requirement.
var rowID = regexp.MustCompile(`^(?:[ELQTICJR]\d{1,2}|S\d\d)$`)

// TestDocsRows checks the way from a test to its promise: an id in the name of a test is a row of pam/BEHAVIOUR.md or
// SECURITY.md, and every row has exactly one line there.
func TestDocsRows(t *testing.T) {
	rows := map[string]int{}
	rowLine := regexp.MustCompile(`(?m)^- ([A-Z]\d+) `)
	for _, name := range []string{"pam/BEHAVIOUR.md", "SECURITY.md"} {
		for _, m := range rowLine.FindAllStringSubmatch(readDoc(t, name), -1) {
			rows[m[1]]++
		}
	}
	if len(rows) < 100 {
		t.Errorf("found %d rows in the documents, want all of them", len(rows))
	}
	for id, n := range rows {
		if n != 1 || !rowID.MatchString(id) {
			t.Errorf("row %s has %d lines, want one and a known form", id, n)
		}
	}
	for name := range testNames(t) {
		for _, piece := range strings.Split(name, "_") {
			if rowID.MatchString(piece) && rows[piece] == 0 {
				t.Errorf("%s names row %s, which no document has", name, piece)
			}
		}
	}
}

// TestDocsNamedTests checks the way from a promise to its test: every test that a document names exists.
func TestDocsNamedTests(t *testing.T) {
	names := testNames(t)
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`")
	for _, doc := range []string{"SECURITY.md", "README.md", "ARCHITECTURE.md", "pam/BEHAVIOUR.md", "pam/PROTOCOL.md"} {
		for _, m := range named.FindAllStringSubmatch(readDoc(t, doc), -1) {
			if !names[m[1]] && m[1] != "TestToolbar_T2_AutoHide" { // the example of a name
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			}
		}
	}
}

// TestDocsLinks checks that links to files of the project lead somewhere.
func TestDocsLinks(t *testing.T) {
	root := moduleRoot(t)
	link := regexp.MustCompile(`\]\(([^)#\s]+)`)
	for _, doc := range []string{"README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md", "pam/BEHAVIOUR.md", "pam/PROTOCOL.md", "pam/METRICS.md"} {
		for _, m := range link.FindAllStringSubmatch(readDoc(t, doc), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if !fileExists(filepath.Join(root, filepath.Dir(doc), filepath.FromSlash(m[1]))) {
				t.Errorf("%s links to %s, which does not exist", doc, m[1])
			}
		}
	}
}

// TestDocsCommands checks that every make target that a document names exists.
func TestDocsCommands(t *testing.T) {
	makefile := readDoc(t, "Makefile")
	command := regexp.MustCompile("(?m)(?:^    |`)make ([a-z]+)")
	seen := 0
	for _, doc := range []string{"README.md", "ARCHITECTURE.md", "SECURITY.md", "pam/BEHAVIOUR.md"} {
		for _, m := range command.FindAllStringSubmatch(readDoc(t, doc), -1) {
			seen++
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s says make %s, which is no target", doc, m[1])
			}
		}
	}
	if seen == 0 {
		t.Error("no document names a make target: the pattern of this test is out of date")
	}
}

// TestDocsGoBlocks checks that Go code in the README is code that is built and run: it stands, but for indentation,
// line by line in the quickstart.
func TestDocsGoBlocks(t *testing.T) {
	program := trimLines(readDoc(t, "examples/quickstart/main.go"))
	block := regexp.MustCompile("(?s)```go\n(.*?)```")
	for _, m := range block.FindAllStringSubmatch(readDoc(t, "README.md"), -1) {
		if code := trimLines(m[1]); !strings.Contains(program, code) {
			t.Errorf("README.md has code that examples/quickstart/main.go does not have as a whole:\n%s", code)
		}
	}
}

// trimLines returns text without the white space around each line.
func trimLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return strings.Trim(b.String(), "\n") + "\n"
}

// testNames returns the names of all tests, fuzz targets and examples of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, s := range moduleSources(t, parser.SkipObjectResolution) {
		if !s.test {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(moduleRoot(t), filepath.FromSlash(name)))
	if writing && errors.Is(err, fs.ErrNotExist) {
		t.Log(err)
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
