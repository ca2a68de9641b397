// Command tally reads what test runners say, shows what matters, counts, and decides whether the run was good.
//
//	go test -json ./... | tally go -interop .ci/interop.txt -out .cache/test/go.json
//	tally vitest -in vitest.json -out .cache/test/web-unit.json
//	tally playwright -in playwright.json -out .cache/test/web-e2e.json
//	tally sum .cache/test
//
// Its exit status is not 0 if anything failed, if nothing ran, if a test was skipped, or, for go, if the tests
// that met a real peer are not exactly those of the list.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// count is what one runner did; sum adds them up.
type count struct {
	Name    string   `json:"name"`
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
	Faults  []string `json:"faults,omitempty"` // why the run is bad, one line each
}

// blame notes a reason why the run is bad.
func (c *count) blame(format string, args ...any) {
	c.Faults = append(c.Faults, fmt.Sprintf(format, args...))
}

func (c *count) good() bool { return c.Failed == 0 && len(c.Faults) == 0 }

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return errors.New("want go, vitest, playwright or sum")
	}
	set := flag.NewFlagSet(args[0], flag.ContinueOnError)
	interop := set.String("interop", "", "list of the tests that must meet a real peer")
	only := set.Bool("only", false, "the run holds only the listed tests, so skip the look for unlisted ones")
	in := set.String("in", "", "report of the runner")
	out := set.String("out", "", "where the count goes")
	if err := set.Parse(args[1:]); err != nil {
		return err
	}
	var c count
	var err error
	switch args[0] {
	case "go":
		var list []string
		if *interop != "" {
			if list, err = readList(*interop); err != nil {
				return err
			}
		}
		c, err = tallyGo(stdin, stdout, list, *interop != "" && !*only)
	case "vitest":
		c, err = tallyFile(*in, tallyVitest)
	case "playwright":
		c, err = tallyFile(*in, tallyPlaywright)
	case "sum":
		return sum(set.Arg(0), stdout)
	default:
		return fmt.Errorf("unknown runner %q", args[0])
	}
	if err != nil {
		return err
	}
	if c.Passed+c.Failed == 0 {
		c.blame("no test ran")
	}
	c.Name = args[0]
	if *out != "" {
		raw, err := json.MarshalIndent(c, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*out, append(raw, '\n'), 0o644); err != nil {
			return err
		}
	}
	for _, f := range c.Faults {
		fmt.Fprintln(stdout, "FAULT:", f)
	}
	fmt.Fprintf(stdout, "%s: %d passed, %d failed, %d skipped\n", c.Name, c.Passed, c.Failed, c.Skipped)
	if !c.good() {
		return errors.New("the run is not good")
	}
	return nil
}
