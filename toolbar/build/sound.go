package main

import (
	"errors"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// buildSound makes the AudioWorklet, which browsers load by its name as they do Workers. Pages learn that from the module built:sound.
func buildSound(web string) (*beside, error) {
	s := newBeside("built:sound")
	options := bundling(web)
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "src/sound/sound-worklet.ts", OutputPath: "sound-worklet"}}
	options.EntryNames = "chunk-[name]-[hash]"
	result := api.Build(options)
	if len(result.Errors) > 0 || len(result.OutputFiles) != 1 {
		return nil, errors.New("bundling the sound's worklet failed")
	}
	s.add("worklet", filepath.Base(result.OutputFiles[0].Path), result.OutputFiles[0].Contents)
	return s, nil
}
