package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/sallyport/sallyport/toolbar"

// findSources is the folder of package toolbar: the one given, or where the go command has it.
func findSources(given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	cmd := exec.Command("go", "list", "-f", "{{.Dir}}", module)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list %s: %w", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// install makes sure that the packages of the lock file are in a folder with the sources, and returns it. done
// removes what was made for this build alone.
func install(web string) (dir string, done func(), err error) {
	done = func() {}
	dir = web
	args := []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}
	if !writable(web) {
		if dir, err = os.MkdirTemp("", "sallyport-web-"); err != nil {
			return "", nil, err
		}
		done = func() { _ = os.RemoveAll(dir) }
		if err := copySources(dir, web); err != nil {
			done()
			return "", nil, err
		}
		args = append(args, "--omit=dev")
	}
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		done()
		return "", nil, err
	}
	sum := sha256.Sum256(lock)
	want := []byte(hex.EncodeToString(sum[:]))
	stamp := filepath.Join(dir, "node_modules", ".installed")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, want) {
		return dir, done, nil
	}
	cmd := exec.Command("npm", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		done()
		return "", nil, fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	if err := os.WriteFile(stamp, want, 0o600); err != nil {
		done()
		return "", nil, err
	}
	return dir, done, nil
}

// writable tells whether files can be made in dir. The module cache's folders are read only, but not for everyone:
// what lies in it is never touched.
func writable(dir string) bool {
	if strings.Contains(filepath.ToSlash(dir), "@v") {
		return false
	}
	f, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// copySources copies what a bundle is made from: files keep their places, but not the modes of the module cache.
func copySources(to, from string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "node_modules" || d.Name() == "test" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), body, 0o600)
	})
}
