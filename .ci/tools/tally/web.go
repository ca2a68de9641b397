package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
)

func tallyFile(name string, f func(raw []byte) (count, error)) (count, error) {
	if name == "" {
		return count{}, errors.New("-in is missing")
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return count{}, err
	}
	return f(raw)
}

// tallyVitest reads vitest's JSON report.
func tallyVitest(raw []byte) (count, error) {
	var report struct {
		Success     bool
		Passed      int `json:"numPassedTests"`
		Failed      int `json:"numFailedTests"`
		Pending     int `json:"numPendingTests"`
		Todo        int `json:"numTodoTests"`
		FailedSuite int `json:"numFailedTestSuites"`
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return count{}, fmt.Errorf("vitest report: %w", err)
	}
	c := count{Passed: report.Passed, Failed: report.Failed, Skipped: report.Pending + report.Todo}
	if c.Skipped > 0 {
		c.blame("%d tests were skipped", c.Skipped)
	}
	if !report.Success && c.Failed == 0 {
		c.blame("the run failed outside its tests (%d suites)", report.FailedSuite)
	}
	return c, nil
}

// suite is a node of Playwright's JSON report.
type suite struct {
	Title  string
	Suites []suite
	Specs  []struct {
		Title string
		OK    bool
		Tests []struct {
			Status  string // expected, unexpected, flaky, skipped
			Project string `json:"projectName"`
		}
	}
}

// tallyPlaywright reads Playwright's JSON report. A flaky test is a failed one: no retry hides it.
func tallyPlaywright(raw []byte) (count, error) {
	var report struct {
		Suites []suite
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return count{}, fmt.Errorf("playwright report: %w", err)
	}
	var c count
	for _, e := range report.Errors {
		c.blame("playwright: %s", e.Message)
	}
	var walk func(path string, s suite)
	walk = func(path string, s suite) {
		path += s.Title + " > "
		for _, inner := range s.Suites {
			walk(path, inner)
		}
		for _, spec := range s.Specs {
			for _, test := range spec.Tests {
				switch test.Status {
				case "expected":
					c.Passed++
				case "skipped":
					c.Skipped++
					c.blame("%s%s was skipped", path, spec.Title)
				default: // unexpected, flaky, and what a later version may add
					c.Failed++
					c.blame("%s%s: %s", path, spec.Title, test.Status)
				}
			}
		}
	}
	for _, s := range report.Suites {
		walk("", s)
	}
	slices.Sort(c.Faults)
	return c, nil
}
