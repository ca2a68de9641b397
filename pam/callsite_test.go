package pam_test

import (
	"go/ast"
	"go/parser"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// auditSites is every place where the broker writes an event, and the test that lets the sink fail there.
var auditSites = map[string]string{
	"Start":            "TestAudit_S31_EachWriteFails",             // no session without its event
	"Join":             "TestJoin_S31_NoEventNoPlace",              // no place
	"open":             "TestPlay_S31_NoEventNoByte",               // nothing is played
	"Terminate":        "TestAudit_S31_EachWriteFails",             // the session goes on
	"submit":           "TestRequest_S31_NoEventNothingHappens",    // no request
	"changeRequest":    "TestRequest_S31_NoEventNothingHappens",    // it stays as it was
	"auditClipboard":   "TestAudit_S31_EachWriteFails",             // nothing is pasted
	"writeDown":        "TestFiles_I11_I12_I13_S18_OpenSSH",        // nothing is done to a file
	"verifyMFA":        "TestStart_S31_S15_NothingWithoutItsEvent", // the factor opens nothing
	"failMFA":          "TestAudit_S31_RefusalStays",               // refused, written down or not
	"auditDenial":      "TestAudit_S31_EachWriteFails",             // the same
	"noteChangeLocked": "TestAudit_S31_ChangeHappens",
	"removeLocked":     "TestAudit_S31_LeavingHappens",           // an end happens, whatever the sink says
	"tell":             "TestSettle_EndsAreWrittenWhenTheyCanBe", // the same, and its event follows
	"completeOrphan":   "TestRecover_CompletesWhatACrashLeft",    // left for the next time
}

// TestAudit_S31_EveryCallSite finds the calls in the source: one that is not in the table has no test for a sink that fails.
func TestAudit_S31_EveryCallSite(t *testing.T) {
	found := map[string]bool{}
	for _, s := range moduleSources(t, parser.SkipObjectResolution) {
		if s.pkg != "pam" || s.test {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				write, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || write.Sel.Name != "write" {
					return true
				}
				if on, ok := write.X.(*ast.SelectorExpr); ok && on.Sel.Name == "audit" {
					found[f.Name.Name] = true
				}
				return true
			})
		}
	}
	if got, want := slices.Sorted(maps.Keys(found)), slices.Sorted(maps.Keys(auditSites)); !slices.Equal(got, want) {
		t.Errorf("events are written in\n%q\nand the table has\n%q", got, want)
	}
	names := testNames(t)
	for site, test := range auditSites {
		if !names[test] {
			t.Errorf("%s: there is no %s", site, test)
		}
	}
}

// TestAudit_S31_RefusalStays: a wrong second factor is refused and counted, though that cannot be written down.
func TestAudit_S31_RefusalStays(t *testing.T) {
	r := newMFARig(t)
	r.events.At("Write", 0, pamtest.Fault{Err: errFake})
	for range 4 {
		r.alice().wantStart("wrong", "000000", pam.CodeMFAInvalid)
	}
	r.alice().wantStart("once more", "000000", pam.CodeMFALocked)
	if n := len(r.events.Events()); n != 0 {
		t.Errorf("%d events in a sink that fails", n)
	}
	if !strings.Contains(r.log.String(), "audit event lost") {
		t.Error("the log does not say that an event was lost")
	}
}

// TestAudit_S31_LeavingHappens: a joiner who leaves is gone, though that cannot be written down, and the session goes on.
func TestAudit_S31_LeavingHappens(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	part := r.carol().joined(id, pam.ModeParticipate)
	part.awaitState("active")
	r.events.At("Write", 0, pamtest.Fault{Err: errFake})
	part.send(frame.Frame{Kind: frame.Disconnect})
	if got := part.awaitEnd(); got != pam.CodeUserDisconnect {
		t.Errorf("end %q", got)
	}
	pg.await("alone", func() bool { return len(people(pg)) == 1 })
	r.say(c, "goes on")
	pg.awaitOutput("goes on")
	if st, code := r.carol().join(id, pam.ModeMonitor); st != http.StatusServiceUnavailable || code != pam.CodeAuditFailed {
		t.Errorf("coming back without an event: %d %s", st, code)
	}
	r.events.Heal("Write")
}

// TestAudit_S31_ChangeHappens: a right that is withdrawn in a live session is gone, though that cannot be written down.
func TestAudit_S31_ChangeHappens(t *testing.T) {
	r := newRig(t)
	_, pg, c := r.begin()
	r.events.At("Write", 0, pamtest.Fault{Err: errFake})
	r.losesClipboard(pg, c)
	r.events.Heal("Write")
}
