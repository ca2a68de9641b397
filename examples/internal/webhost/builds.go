package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/sallyport/sallyport/toolbar"
)

// hashed is a file name that a build gives to one content alone.
var hashed = regexp.MustCompile(`^(.+-)([A-Z0-9]{8})(\.js)$`)

// clientBuilds are the embedded client and a second build of it, in which every hashed name is another one: as after a
// deploy, the second has no file under a name of the first but those that never change their name.
func clientBuilds() ([]*toolbar.UI, error) {
	first, err := toolbar.Assets()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	renamed := map[string]string{}
	err = fs.WalkDir(first, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == ".keep" {
			return err
		}
		if files[name], err = fs.ReadFile(first, name); err != nil {
			return err
		}
		if m := hashed.FindStringSubmatch(name); m != nil {
			runes := []byte(m[2])
			slices.Reverse(runes)
			renamed[name] = m[1] + "Z" + string(runes[1:]) + m[3]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sallyport-build-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body := files[name]
		for _, old := range slices.Sorted(maps.Keys(renamed)) {
			body = bytes.ReplaceAll(body, []byte(old), []byte(renamed[old]))
		}
		if to, ok := renamed[name]; ok {
			name = to
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			return nil, err
		}
	}
	var builds []*toolbar.UI
	for _, assets := range []fs.FS{first, os.DirFS(dir)} {
		ui, err := toolbar.New(toolbar.Config{Assets: assets})
		if err != nil {
			return nil, fmt.Errorf("build %d: %w", len(builds), err)
		}
		builds = append(builds, ui)
	}
	return builds, nil
}
