package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// entries are the modules that pages name. Everything else is a chunk of them.
var entries = map[string]string{
	"index":   "src/index.ts",        // the elements, for hosts' pages
	"session": "src/session.ts",      // the session page
	"screen":  "src/screen/index.ts", // the screen of a desktop by itself
}

// built is a client, ready to be written.
type built struct {
	files map[string][]byte
}

// bundle makes the client from the sources in web, whose packages are installed.
func bundle(web string) (*built, error) {
	var points []api.EntryPoint
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		points = append(points, api.EntryPoint{InputPath: entries[name], OutputPath: name})
	}
	screen, err := buildScreen(web)
	if err != nil {
		return nil, err
	}
	sound, err := buildSound(web)
	if err != nil {
		return nil, err
	}
	options := bundling(web)
	options.EntryPointsAdvanced = points
	options.EntryNames = "[name]-[hash]"
	options.ChunkNames = "chunk-[hash]"
	options.Splitting = true
	options.Plugins = []api.Plugin{screen.plugin(), sound.plugin()}
	options.Metafile = true
	result := api.Build(options)
	if len(result.Errors) > 0 {
		return nil, errors.New("bundling failed")
	}
	var meta metafile
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
		return nil, fmt.Errorf("metafile: %w", err)
	}
	b := &built{files: screen.files}
	maps.Copy(b.files, sound.files)
	for _, f := range result.OutputFiles {
		b.files[filepath.Base(f.Path)] = f.Contents
	}
	licences, err := licences(web, meta)
	if err != nil {
		return nil, err
	}
	b.files["licences.txt"] = licences
	if b.files["index.d.ts"], err = os.ReadFile(filepath.Join(web, "types", "index.d.ts")); err != nil {
		return nil, err
	}
	manifest := struct {
		Entries map[string]string `json:"entries"`
	}{map[string]string{}}
	for name, out := range meta.Outputs {
		for entry, src := range entries {
			if out.EntryPoint == src {
				manifest.Entries[entry+".js"] = filepath.Base(name)
			}
		}
	}
	if b.files["manifest.json"], err = json.MarshalIndent(manifest, "", "  "); err != nil {
		return nil, err
	}
	return b, nil
}

// bundling is what all bundles have in common.
func bundling(web string) api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir:     web,
		Outdir:            "out",
		Bundle:            true,
		Format:            api.FormatESModule,
		Platform:          api.PlatformBrowser,
		Target:            api.ES2022,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Charset:           api.CharsetUTF8,       // served as such; escapes double what is not ASCII
		LegalComments:     api.LegalCommentsNone, // all licences are in one file
		Loader:            map[string]api.Loader{".css": api.LoaderText},
		Conditions:        []string{"browser", "production"},
		Define:            map[string]string{"process.env.NODE_ENV": `"production"`},
		LogLevel:          api.LogLevelWarning,
	}
}

// metafile is what is read of the bundler's report.
type metafile struct {
	Inputs  map[string]struct{} `json:"inputs"`
	Outputs map[string]struct {
		EntryPoint string `json:"entryPoint"`
	} `json:"outputs"`
}

// licences are the licences of all packages of which something is in the bundle. A package without one is an error.
func licences(web string, meta metafile) ([]byte, error) {
	packages := map[string]bool{}
	for input := range meta.Inputs {
		_, rest, ok := strings.Cut(filepath.ToSlash(input), "node_modules/")
		if !ok {
			continue
		}
		parts := strings.SplitN(rest, "/", 3)
		name := parts[0]
		if strings.HasPrefix(name, "@") && len(parts) > 1 {
			name += "/" + parts[1]
		}
		packages[name] = true
	}
	var out bytes.Buffer
	out.WriteString("The browser client contains parts of the following packages.\n")
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		dir := filepath.Join(web, "node_modules", filepath.FromSlash(name))
		var about struct{ Version, License string }
		raw, err := os.ReadFile(filepath.Join(dir, "package.json"))
		if err == nil {
			err = json.Unmarshal(raw, &about)
		}
		if err != nil {
			return nil, fmt.Errorf("licence of %s: %w", name, err)
		}
		text, err := licenceText(dir)
		if err != nil {
			return nil, fmt.Errorf("licence of %s: %w", name, err)
		}
		fmt.Fprintf(&out, "\n%s\n%s %s, %s\n\n%s\n", strings.Repeat("-", 72), name, about.Version, about.License, text)
	}
	return out.Bytes(), nil
}

func licenceText(dir string) (string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range list {
		if n := strings.ToLower(e.Name()); !e.IsDir() && (strings.HasPrefix(n, "license") || strings.HasPrefix(n, "licence")) {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			return strings.TrimSpace(string(text)), err
		}
	}
	return "", errors.New("no licence file")
}

// write replaces the client in out. The manifest comes last: without it there is no client.
func (b *built) write(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	old, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range old {
		if ext := filepath.Ext(e.Name()); ext != ".keep" && ext != ".go" {
			if err := os.Remove(filepath.Join(out, e.Name())); err != nil {
				return err
			}
		}
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(b.files)), func(n string) bool { return n == "manifest.json" })
	for _, name := range append(names, "manifest.json") {
		if err := os.WriteFile(filepath.Join(out, name), b.files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// report prints what was built, with the sizes that go over the wire.
func (b *built) report(w io.Writer, out string) {
	var total, zipped int
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		if filepath.Ext(name) != ".js" {
			continue
		}
		var z bytes.Buffer
		g := gzip.NewWriter(&z)
		_, _ = g.Write(b.files[name])
		_ = g.Close()
		total += len(b.files[name])
		zipped += z.Len()
		_, _ = fmt.Fprintf(w, "%8d %8d gzip  %s\n", len(b.files[name]), z.Len(), name)
	}
	_, _ = fmt.Fprintf(w, "%8d %8d gzip  in %s\n", total, zipped, out)
}
