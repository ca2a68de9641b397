// Command build makes the browser client: it installs what the sources need from the committed lock file and bundles
// them.
//
//	go run github.com/sallyport/sallyport/toolbar/build -out webassets
//
// Without -out the result goes to the folder dist beside it, from where package toolbar embeds it. Sources that
// cannot be written to, as in the module cache, are copied to a temporary folder first. It needs npm.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "", "`folder` for the built client; it is emptied first (default: toolbar/dist)")
	src := flag.String("src", "", "`folder` of package toolbar (default: found with the go command)")
	flag.Parse()
	if err := run(*src, *out); err != nil {
		fmt.Fprintln(os.Stderr, "toolbar/build:", err)
		os.Exit(1)
	}
}

func run(src, out string) error {
	src, err := findSources(src)
	if err != nil {
		return err
	}
	if out == "" {
		out = filepath.Join(src, "dist")
	}
	if err := checkOut(out); err != nil {
		return err
	}
	web, done, err := install(filepath.Join(src, "web"))
	if err != nil {
		return err
	}
	defer done()
	b, err := bundle(web)
	if err != nil {
		return err
	}
	if err := b.write(out); err != nil {
		return err
	}
	b.report(os.Stdout, out)
	return nil
}

// checkOut refuses to empty a folder that holds something else than a built client.
func checkOut(out string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".js", ".ts", ".json", ".txt", ".css", ".wasm", ".keep", ".go":
		default:
			return fmt.Errorf("%s holds %s, which no build has written: name another folder", out, e.Name())
		}
	}
	return nil
}
