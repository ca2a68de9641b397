package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGo(t *testing.T) {
	const (
		peer     = `{"Action":"output","Package":"m/s","Test":"TestReal/sub","Output":"    x.go:1: met interop peer sshd: /usr/sbin/sshd\n"}` + "\n"
		subPass  = `{"Action":"pass","Package":"m/s","Test":"TestReal/sub"}` + "\n"
		realPass = `{"Action":"pass","Package":"m/s","Test":"TestReal"}` + "\n"
		pkgPass  = `{"Action":"pass","Package":"m/s","Elapsed":1}` + "\n"
		noTests  = `{"Action":"skip","Package":"m/empty","Elapsed":0}` + "\n"
		skip     = `{"Action":"output","Package":"m/s","Test":"TestOther","Output":"no time today"}` + "\n" + `{"Action":"skip","Package":"m/s","Test":"TestOther"}` + "\n"
		fail     = `{"Action":"fail","Package":"m/s","Test":"TestOther"}` + "\n"
		pkgFail  = `{"Action":"fail","Package":"m/s","Elapsed":1}` + "\n"
		noBuild  = `{"Action":"build-fail","ImportPath":"m/s"}` + "\n" + `{"Action":"fail","Package":"m/s","FailedBuild":"m/s"}` + "\n"
	)
	list := []string{"m/s TestReal"}
	tests := []struct {
		name, in       string
		list           []string
		passed, failed int
		faults         []string // a part of each
	}{
		{"good", peer + subPass + realPass + pkgPass + noTests, list, 2, 0, nil},
		{"a skipped test", peer + subPass + realPass + skip + pkgPass, list, 2, 0, []string{"TestOther was skipped: no time today"}},
		{"a failed test", peer + subPass + realPass + fail + pkgFail, list, 2, 1, nil},
		{"a package that fails alone", peer + subPass + realPass + pkgFail, list, 2, 1, []string{"outside its tests"}},
		{"no build", noBuild, nil, 0, 1, []string{"does not build"}},
		{"listed test is gone", pkgPass, list, 0, 0, []string{"did not pass"}},
		{"listed test met nobody", subPass + realPass + pkgPass, list, 2, 0, []string{"without a real peer"}},
		{"unlisted test met a peer", peer + subPass + realPass + pkgPass, nil, 2, 0, []string{"not in the interop list"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c, err := tallyGo(strings.NewReader(tc.in), io.Discard, tc.list, true)
			if err != nil {
				t.Fatal(err)
			}
			if c.Passed != tc.passed || c.Failed != tc.failed || len(c.Faults) != len(tc.faults) {
				t.Fatalf("got %+v, want %d passed, %d failed, faults %q", c, tc.passed, tc.failed, tc.faults)
			}
			for i, want := range tc.faults {
				if !strings.Contains(c.Faults[i], want) {
					t.Errorf("fault %q, want %q in it", c.Faults[i], want)
				}
			}
			if wantGood := tc.failed == 0 && len(tc.faults) == 0; c.good() != wantGood {
				t.Errorf("good() = %t, want %t", c.good(), wantGood)
			}
		})
	}
}

func TestVitest(t *testing.T) {
	tests := []struct {
		name, in string
		good     bool
	}{
		{"good", `{"success":true,"numPassedTests":3}`, true},
		{"failed", `{"success":false,"numPassedTests":3,"numFailedTests":1}`, false},
		{"skipped", `{"success":true,"numPassedTests":3,"numPendingTests":1}`, false},
		{"broken suite", `{"success":false,"numPassedTests":3,"numFailedTestSuites":1}`, false},
	}
	for _, tc := range tests {
		c, err := tallyVitest([]byte(tc.in))
		if err != nil || c.good() != tc.good || c.Passed != 3 {
			t.Errorf("%s: got %+v, %v; want good %t", tc.name, c, err, tc.good)
		}
	}
}

func TestPlaywright(t *testing.T) {
	of := func(status string) string {
		return `{"suites":[{"title":"a.spec.ts","suites":[{"title":"group","specs":[{"title":"works","tests":[{"status":"` + status + `"}]}]}]}],"errors":[]}`
	}
	for status, good := range map[string]bool{"expected": true, "unexpected": false, "flaky": false, "skipped": false, "new": false} {
		c, err := tallyPlaywright([]byte(of(status)))
		if err != nil || c.good() != good {
			t.Errorf("%s: got %+v, %v; want good %t", status, c, err, good)
		}
	}
	if c, err := tallyPlaywright([]byte(`{"suites":[],"errors":[{"message":"no server"}]}`)); err != nil || c.good() {
		t.Errorf("errors outside tests: got %+v, %v; want a fault", c, err)
	}
}

func TestRunRefusesNothing(t *testing.T) {
	if err := run([]string{"go"}, strings.NewReader(""), io.Discard); err == nil {
		t.Error("an empty run is good")
	}
	if err := run([]string{"sum", t.TempDir()}, nil, io.Discard); err == nil {
		t.Error("a run without steps is good")
	}
}

func TestSum(t *testing.T) {
	tests := []struct {
		name, steps, count, line string
		good                     bool
	}{
		{"good", "lint\t0\t5\ngo\t0\t9\n", `{"passed":7}`, "8 passed, 0 failed\n", true},
		{"a step without a count failed", "lint\t1\t5\ngo\t0\t9\n", `{"passed":7}`, "7 passed, 1 failed\n", false},
		{"a step failed after its tests", "lint\t0\t5\ngo\t1\t9\n", `{"passed":7}`, "8 passed, 1 failed\n", false},
		{"tests failed", "lint\t0\t5\ngo\t1\t9\n", `{"passed":7,"failed":2}`, "8 passed, 2 failed\n", false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"steps": tc.steps, "go.json": tc.count} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			err := sum(dir, &out)
			if (err == nil) != tc.good || !strings.HasSuffix(out.String(), tc.line) {
				t.Errorf("sum = %v with last line of %q; want good %t and %q", err, out.String(), tc.good, tc.line)
			}
		})
	}
}
