package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// peerMark begins the line that pamtest.Peer logs when a test met a real program.
const peerMark = "met interop peer "

// module stands before the path of each package; faults leave it out.
const module = "github.com/sallyport/sallyport/"

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events
	// FailedBuild is set where a package failed because something did not build, which was an event of its own.
	FailedBuild string
	Test        string
	Output      string
	Elapsed     float64
}

// tallyGo reads a `go test -json` stream. It prints one line per package and the whole output of what failed, and blames
// each failed test by name, but for those that failed through a part of them. The tests in list must have passed and
// met a peer; with strict, no other test may have met one.
func tallyGo(in io.Reader, out io.Writer, list []string, strict bool) (count, error) {
	var c count
	logs := map[string][]string{} // package and test to its output so far
	met := map[string]bool{}      // "package Test" that met a peer
	passed := map[string]bool{}
	failed := map[string]string{} // package and test to its last words
	failedIn := map[string]bool{} // packages in which a test failed
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		line := scanner.Bytes()
		var e event
		if err := json.Unmarshal(line, &e); err != nil || e.Action == "" {
			fmt.Fprintln(out, scanner.Text()) // what the go command says outside the stream
			continue
		}
		key := e.Package + " " + e.Test
		top, _, sub := strings.Cut(e.Test, "/")
		switch e.Action {
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "build-fail":
			c.Failed++
			c.blame("%s does not build", e.ImportPath)
		case "output":
			logs[key] = append(logs[key], e.Output)
			if strings.Contains(e.Output, peerMark) && e.Test != "" {
				met[e.Package+" "+top] = true
			}
		case "pass":
			switch {
			case e.Test == "":
				fmt.Fprintf(out, "ok    %-60s %6.1fs\n", e.Package, e.Elapsed)
			case !sub:
				passed[key] = true
				c.Passed++
			default:
				c.Passed++
			}
			delete(logs, key)
		case "skip":
			if e.Test == "" {
				continue // a package without tests
			}
			c.Skipped++
			c.blame("%s was skipped: %s", key, strings.TrimSpace(strings.Join(logs[key], " ")))
			delete(logs, key)
		case "fail":
			if e.Test != "" {
				c.Failed++
				failedIn[e.Package] = true
				failed[key] = lastWords(logs[key])
				fmt.Fprintf(out, "%s", strings.Join(logs[key], ""))
				continue
			}
			fmt.Fprintf(out, "%s", strings.Join(logs[key], ""))
			fmt.Fprintf(out, "FAIL  %-60s %6.1fs\n", e.Package, e.Elapsed)
			if !failedIn[e.Package] && e.FailedBuild == "" {
				// A panic, a timeout or a leaked goroutine fails the package and no test of it.
				c.Failed++
				c.blame("%s failed outside its tests: %s", strings.TrimPrefix(e.Package, module), lastWords(logs[key]))
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return c, err
	}
	for name, words := range failed {
		part := func(other string) bool { return strings.HasPrefix(other, name+"/") }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(failed)), part) {
			c.blame("%s: %s", strings.TrimPrefix(name, module), words)
		}
	}
	for _, name := range list {
		_, blamed := failed[name]
		switch {
		case blamed:
		case !passed[name]:
			c.blame("%s is in the interop list and did not pass", name)
		case !met[name]:
			c.blame("%s is in the interop list and passed without a real peer", name)
		}
	}
	if strict {
		for name := range met {
			if !slices.Contains(list, name) {
				c.blame("%s met a real peer and is not in the interop list: add it", name)
			}
		}
	}
	slices.Sort(c.Faults)
	return c, nil
}

// readList reads "package Test" lines; empty lines and lines from # on do not count.
func readList(name string) ([]string, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(string(raw)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch len(fields) {
		case 0:
		case 2:
			list = append(list, fields[0]+" "+fields[1])
		default:
			return nil, fmt.Errorf("%s: %q: want a package and a test", name, strings.TrimSpace(line))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s names no test", name)
	}
	return list, nil
}
