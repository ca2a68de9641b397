package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
		talk     = `{"Action":"output","Package":"m/s","Test":"TestOther","Output":"=== RUN   TestOther\n"}` + "\n" + `{"Action":"output","Package":"m/s","Test":"TestOther","Output":"    other_test.go:7: \u001b[31mgot 1,\u001b[0m want 2\n"}` + "\n" + `{"Action":"output","Package":"m/s","Test":"TestOther","Output":"--- FAIL: TestOther (0.00s)\n"}` + "\n"
		partFail = `{"Action":"output","Package":"m/s","Test":"TestOther/part","Output":"    other_test.go:8: broken\n"}` + "\n" + `{"Action":"fail","Package":"m/s","Test":"TestOther/part"}` + "\n"
		realFail = `{"Action":"fail","Package":"m/s","Test":"TestReal"}` + "\n"
		crash    = `{"Action":"output","Package":"m/s","Test":"TestOther","Output":"panic: no map\n\ngoroutine 7 [running]:\nm/s.f()\n"}` + "\n"
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
		{"a failed test", peer + subPass + realPass + fail + pkgFail, list, 2, 1, []string{"m/s TestOther: "}},
		{"a failed test says why", talk + fail + pkgFail, nil, 0, 1, []string{"m/s TestOther: other_test.go:7: got 1, want 2"}},
		{"a failed part of a test", partFail + fail + pkgFail, nil, 0, 2, []string{"m/s TestOther/part: other_test.go:8: broken"}},
		{"a listed test fails", realFail + pkgFail, list, 0, 1, []string{"m/s TestReal: "}},
		{"a panic says more than its last line", crash + fail + pkgFail, nil, 0, 1, []string{"TestOther: panic: no map goroutine 7"}},
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
	c, err := tallyVitest([]byte(`{"numFailedTests":1,"testResults":[{"name":"/w/src/a.test.ts","status":"failed","assertionResults":[
		{"status":"passed","fullName":"A works","failureMessages":[]},
		{"status":"failed","fullName":"A counts","failureMessages":["AssertionError: expected 1\nto be 2\n    at x"]}]},
		{"name":"/w/src/b.test.ts","status":"failed","message":"no such module","assertionResults":[]}]}`))
	want := []string{"a.test.ts > A counts: AssertionError: expected 1 to be 2 at x", "b.test.ts: no such module"}
	if err != nil || !slices.Equal(c.Faults, want) {
		t.Errorf("faults %q, %v; want %q", c.Faults, err, want)
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
		return `{"suites":[{"title":"a.spec.ts","suites":[{"title":"group","specs":[{"title":"works","tests":[{"status":"` + status + `","results":[{"errors":[{"message":"\u001b[2mError:\u001b[22m no\nbutton"},{"message":"late"}]}]}]}]}]}],"errors":[]}`
	}
	for status, good := range map[string]bool{"expected": true, "unexpected": false, "flaky": false, "skipped": false, "new": false} {
		c, err := tallyPlaywright([]byte(of(status)))
		if err != nil || c.good() != good {
			t.Errorf("%s: got %+v, %v; want good %t", status, c, err, good)
		}
		if want := "a.spec.ts > group > works: unexpected: Error: no button | late"; status == "unexpected" && !slices.Equal(c.Faults, []string{want}) {
			t.Errorf("faults %q, want %q", c.Faults, want)
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

func TestSumNamesFaultsLast(t *testing.T) {
	const end = "3 passed, %d failed\n"
	long := strings.Repeat("and so on ", 100)
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("test %02d: %s", i, long))
	}
	tests := []struct {
		name, faults string
		json         []string
		failed       int
		want         []string // in this order, before the last line
	}{
		{"a step without words", "", nil, 1, []string{"FAULT: check: ended with status 1\n"}},
		{"parts of a step", "vet: x.go\ntidy: go.mod\n", nil, 2, []string{"FAULT: check: tidy: go.mod\n", "FAULT: check: vet: x.go\n"}},
		{"few and long", "vet: x.go\n", []string{"b: " + long, "a: " + long}, 3, []string{"FAULT: check: vet", "FAULT: go: a: and so", "FAULT: go: b: and so"}},
		{"many", "", many, 21, []string{"FAULTS: 21", "FAULT: check: ended", "FAULT: go: test 00", "FAULT: go: test 10"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			raw, err := json.Marshal(count{Passed: 2, Failed: len(tc.json), Faults: tc.json})
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"steps": "build\t0\t1\ncheck\t1\t5\ngo\t1\t9\n", "go.json": string(raw), "check.faults": tc.faults} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if len(tc.json) == 0 {
				steps := "build\t0\t1\ncheck\t1\t5\ngo\t0\t9\n"
				if err := os.WriteFile(filepath.Join(dir, "steps"), []byte(steps), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			if err := sum(dir, &out); err == nil {
				t.Error("the run is good")
			}
			rest, ok := strings.CutSuffix(out.String(), fmt.Sprintf(end, tc.failed))
			if !ok {
				t.Fatalf("the output ends with another line than %d failed: %q", tc.failed, out.String())
			}
			_, faults, _ := strings.Cut(rest, "\n\n")
			if len(faults) > 1100 {
				t.Errorf("the faults take %d bytes", len(faults))
			}
			for _, want := range tc.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("no %q in order in %q", want, out.String())
				}
				rest = after
			}
		})
	}
}
