package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
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
		Files       []struct {
			Name, Status, Message string
			Tests                 []struct {
				Name     string   `json:"fullName"`
				Status   string   // passed, failed, and what is skipped
				Messages []string `json:"failureMessages"`
			} `json:"assertionResults"`
		} `json:"testResults"`
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return count{}, fmt.Errorf("vitest report: %w", err)
	}
	c := count{Passed: report.Passed, Failed: report.Failed, Skipped: report.Pending + report.Todo}
	if c.Skipped > 0 {
		c.blame("%d tests were skipped", c.Skipped)
	}
	for _, file := range report.Files {
		blamed := false
		for _, test := range file.Tests {
			if test.Status == "failed" {
				blamed = true
				c.blame("%s > %s: %s", path.Base(file.Name), test.Name, brief(strings.Join(test.Messages, " | "), messageSize))
			}
		}
		if file.Status == "failed" && !blamed {
			c.blame("%s: %s", path.Base(file.Name), brief(file.Message, messageSize))
		}
	}
	slices.Sort(c.Faults)
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
			Results []struct{ Errors []message }
		}
	}
}

type message struct{ Message string }

// tallyPlaywright reads Playwright's JSON report. A flaky test is a failed one: no retry hides it.
func tallyPlaywright(raw []byte) (count, error) {
	var report struct {
		Suites []suite
		Errors []message
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return count{}, fmt.Errorf("playwright report: %w", err)
	}
	var c count
	for _, e := range report.Errors {
		c.blame("playwright: %s", brief(e.Message, messageSize))
	}
	var walk func(at string, s suite)
	walk = func(at string, s suite) {
		at += s.Title + " > "
		for _, inner := range s.Suites {
			walk(at, inner)
		}
		for _, spec := range s.Specs {
			for _, test := range spec.Tests {
				switch test.Status {
				case "expected":
					c.Passed++
				case "skipped":
					c.Skipped++
					c.blame("%s%s was skipped", at, spec.Title)
				default: // unexpected, flaky, and what a later version may add
					c.Failed++
					var said []string
					for _, result := range test.Results {
						for _, e := range result.Errors {
							said = append(said, e.Message)
						}
					}
					c.blame("%s%s: %s: %s", at, spec.Title, test.Status, brief(strings.Join(said, " | "), messageSize))
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
