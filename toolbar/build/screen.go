package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// beside is what is built beside the bundle: files that pages name by what a module says. Their names hold a hash, and so does that of every
// entry that loads them: a page never gets a Worker of another build.
type beside struct {
	module string
	files  map[string][]byte
	names  map[string]string // exported name to file
}

func newBeside(module string) *beside {
	return &beside{module: module, files: map[string][]byte{}, names: map[string]string{}}
}

// bundle adds a script that browsers load by its name, with all that it needs.
func (s *beside) bundle(web, export, source string) error {
	options := bundling(web)
	name := strings.TrimSuffix(path.Base(source), ".ts")
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: source, OutputPath: name}}
	options.EntryNames = "chunk-[name]-[hash]"
	result := api.Build(options)
	if len(result.Errors) > 0 || len(result.OutputFiles) != 1 {
		return fmt.Errorf("bundling %s failed", source)
	}
	s.add(export, filepath.Base(result.OutputFiles[0].Path), result.OutputFiles[0].Contents)
	return nil
}

// buildScreen makes what pictures are decoded with: a Worker, and its decoder.
func buildScreen(web string) (*beside, error) {
	s := newBeside("built:screen")
	if err := s.bundle(web, "worker", "src/screen/screen-worker.ts"); err != nil {
		return nil, err
	}
	module, err := compile(web)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(module)
	s.add("wasm", "chunk-screen-decoder-"+hex.EncodeToString(sum[:4])+".wasm", module)
	return s, nil
}

// compile makes the WebAssembly module from the sources in asm, as asconfig.json says.
func compile(web string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "sallyport-asm-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "decoder.wasm")
	cmd := exec.Command("node", filepath.Join("node_modules", "assemblyscript", "bin", "asc.js"), "--outFile", out)
	cmd.Dir, cmd.Stdout, cmd.Stderr = web, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("compiling the screen's decoder: %w", err)
	}
	return os.ReadFile(out)
}

func (s *beside) add(name, file string, body []byte) {
	s.files[file], s.names[name] = body, file
}

// plugin answers for the module.
func (s *beside) plugin() api.Plugin {
	return api.Plugin{Name: s.module, Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: "^" + s.module + "$"}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: s.module, Namespace: s.module}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: ".", Namespace: s.module}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
			var text string
			for _, name := range slices.Sorted(maps.Keys(s.names)) {
				value, err := json.Marshal(s.names[name])
				if err != nil {
					return api.OnLoadResult{}, err
				}
				text += fmt.Sprintf("export const %s = %s\n", name, value)
			}
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
	}}
}
