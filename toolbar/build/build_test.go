package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckOut(t *testing.T) {
	dir := t.TempDir()
	if err := checkOut(filepath.Join(dir, "new")); err != nil {
		t.Errorf("a new folder: %v", err)
	}
	for _, name := range []string{"index-A.js", "manifest.json", ".keep", "embed.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkOut(dir); err != nil {
		t.Errorf("an old client: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.odt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkOut(dir); err == nil {
		t.Error("a folder with something else in it would be emptied")
	}
}

func TestWrite_ReplacesTheOldClient(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	if err := os.MkdirAll(out, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index-OLD.js", ".keep", "embed.go"} {
		if err := os.WriteFile(filepath.Join(out, name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := &built{files: map[string][]byte{"index-NEW.js": []byte("new"), "manifest.json": []byte("{}")}}
	if err := b.write(out); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{".keep", "embed.go", "index-NEW.js", "manifest.json"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var report bytes.Buffer
	b.report(&report, "dist")
	if !bytes.Contains(report.Bytes(), []byte("index-NEW.js")) {
		t.Errorf("report:\n%s", &report)
	}
}

// TestCopySources is what a build from the read-only module cache begins with.
func TestCopySources(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for _, name := range []string{"package.json", "src/core/frame.ts", "node_modules/x/index.js", "test/unit/a.test.ts"} {
		path := filepath.Join(from, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if err := copySources(to, from); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(to, path)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"package.json", "src/core/frame.ts"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(to, "package.json"), nil, 0o600); err != nil {
		t.Errorf("the copy cannot be written: %v", err)
	}
}

func TestWritable_ModuleCache(t *testing.T) {
	if !writable(t.TempDir()) {
		t.Error("a folder of one's own is not writable")
	}
	cache := filepath.Join(t.TempDir(), "sallyport@v1.2.3", "toolbar", "web")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if writable(cache) {
		t.Error("the module cache would be written to")
	}
}
