package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// step is one line of the file "steps" in the folder of a run: name, exit status, seconds, separated by tabs.
type step struct {
	name    string
	status  int
	elapsed time.Duration
}

// faultsSize is how many characters the faults at the end of a run take together, for they are read where only the last
// kilobyte of the output is kept.
const faultsSize = 900

// sum prints the table of a run, then its faults, and, as its last line, "N passed, N failed". A step counts by the tests
// of its runner if it left a count with its name, by the lines of NAME.faults if it left those, else as one test: what
// fails must show in the last line. The line is also written to the file "total".
func sum(dir string, out io.Writer) error {
	steps, err := readSteps(filepath.Join(dir, "steps"))
	if err != nil {
		return err
	}
	var total count
	var all time.Duration
	fmt.Fprintf(out, "\n%-14s %8s %8s %8s %9s\n", "step", "passed", "failed", "skipped", "time")
	for _, s := range steps {
		var c count
		raw, err := os.ReadFile(filepath.Join(dir, s.name+".json"))
		switch {
		case errors.Is(err, os.ErrNotExist):
			c.Passed = 1
			if s.status != 0 {
				faults, err := readFaults(filepath.Join(dir, s.name+".faults"))
				if err != nil {
					return err
				}
				if len(faults) == 0 {
					faults = []string{fmt.Sprintf("ended with status %d", s.status)}
				}
				c.Passed, c.Failed, c.Faults = 0, len(faults), faults
			}
		case err != nil:
			return err
		default:
			if err := json.Unmarshal(raw, &c); err != nil {
				return fmt.Errorf("%s.json: %w", s.name, err)
			}
			if s.status != 0 && c.Failed == 0 {
				c.Failed = max(1, len(c.Faults))
				if len(c.Faults) == 0 {
					c.blame("ended with status %d", s.status)
				}
			}
		}
		total.Passed += c.Passed
		total.Failed += c.Failed
		total.Skipped += c.Skipped
		for _, f := range c.Faults {
			total.blame("%s: %s", s.name, f)
		}
		all += s.elapsed
		fmt.Fprintf(out, "%-14s %8d %8d %8d %9s\n", s.name, c.Passed, c.Failed, c.Skipped, s.elapsed)
	}
	fmt.Fprintf(out, "%-14s %8d %8d %8d %9s\n\n", "all", total.Passed, total.Failed, total.Skipped, all)
	printFaults(out, total.Faults)
	line := fmt.Sprintf("%d passed, %d failed\n", total.Passed, total.Failed)
	if err := os.WriteFile(filepath.Join(dir, "total"), []byte(line), 0o644); err != nil {
		return err
	}
	fmt.Fprint(out, line)
	if !total.good() {
		return errors.New("the run is not good")
	}
	return nil
}

// printFaults prints the faults so that all of them are within faultsSize: many are cut shorter than few, and beyond
// a dozen only their number is said. Each step has printed its own in full.
func printFaults(out io.Writer, faults []string) {
	const most = 12
	slices.Sort(faults)
	shown := faults[:min(len(faults), most)]
	if len(faults) > most {
		fmt.Fprintf(out, "FAULTS: %d, of which the first are\n", len(faults))
	}
	left := faultsSize
	for i, f := range shown {
		f = brief(f, left/(len(shown)-i))
		left -= len(f) // what a short one leaves is for those behind it
		fmt.Fprintln(out, "FAULT:", f)
	}
}

// readFaults reads what a step without a count left to say which of its parts failed, one a line.
func readFaults(name string) ([]string, error) {
	raw, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return slices.Collect(strings.Lines(string(raw))), err
}

func readSteps(name string) ([]step, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var steps []step
	for line := range strings.Lines(string(raw)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: line %q", name, line)
		}
		status, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		seconds, err := strconv.Atoi(fields[2])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		steps = append(steps, step{fields[0], status, time.Duration(seconds) * time.Second})
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%s: no step ran", name)
	}
	if i := slices.IndexFunc(steps, func(s step) bool { return s.name == "" }); i >= 0 {
		return nil, fmt.Errorf("%s: step %d has no name", name, i+1)
	}
	return steps, nil
}
