package pam_test

import (
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/pam"
)

// allowed returns facts that nothing stands against.
func allowed() pam.Facts {
	return pam.Facts{
		Authenticated: true, Role: pam.RoleViewer, Permitted: true, HasProtocol: true, Profile: pam.Allow,
		Approval: pam.ApprovalNotNeeded, MFA: pam.MFANotNeeded,
	}
}

// obstacles in the order of Q7.
var obstacles = []struct {
	name string
	set  func(*pam.Facts)
	want pam.Code
}{
	{"anonymous", func(f *pam.Facts) { f.Authenticated = false }, pam.CodeUnauthenticated},
	{"no role", func(f *pam.Facts) { f.Role = pam.RoleNone }, pam.CodeNotFound},
	{"no protocol", func(f *pam.Facts) { f.HasProtocol = false }, pam.CodeNoProtocol},
	{"profile", func(f *pam.Facts) { f.Profile = pam.Deny }, pam.CodeProfileDenied},
	{"restricting", func(f *pam.Facts) { f.Restricted = true }, pam.CodeRestricted},
	{"request", func(f *pam.Facts) { f.Approval = pam.ApprovalMissing }, pam.CodeRequestRequired},
	{"locked", func(f *pam.Facts) { f.LockedByOther = true }, pam.CodeInUse},
	{"limit", func(f *pam.Facts) { f.LimitReached = true }, pam.CodeLimitReached},
	{"MFA", func(f *pam.Facts) { f.MFA = pam.MFANeeded }, pam.CodeMFARequired},
}

// TestDecide_Q7_EveryPair: of two obstacles the earlier one answers.
func TestDecide_Q7_EveryPair(t *testing.T) {
	for i, a := range obstacles {
		for j, b := range obstacles {
			t.Run(fmt.Sprintf("%s and %s", a.name, b.name), func(t *testing.T) {
				f := allowed()
				a.set(&f)
				b.set(&f)
				want := obstacles[min(i, j)].want
				if got := pam.Decide(f); got.Code != want || got.Record {
					t.Errorf("Decide = %+v, want %s", got, want)
				}
			})
		}
	}
}

func TestDecide_Q8_Outcomes(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  func(*pam.Facts)
		want pam.Decision
	}{
		{"zero facts", func(f *pam.Facts) { *f = pam.Facts{} }, pam.Decision{Code: pam.CodeUnauthenticated}},
		{"E3 a role that does not reach the operation", func(f *pam.Facts) { f.Permitted = false }, pam.Decision{Code: pam.CodeNotFound}},
		{"E3 an unknown role", func(f *pam.Facts) { f.Role = 99 }, pam.Decision{Code: pam.CodeNotFound}},
		{"E4 allow", func(*pam.Facts) {}, pam.Decision{Code: pam.CodeAllowed}},
		{"E6 record", func(f *pam.Facts) { f.Profile = pam.Record }, pam.Decision{Code: pam.CodeAllowed, Record: true}},
		{"E4 an unknown value", func(f *pam.Facts) { f.Profile = 7 }, pam.Decision{Code: pam.CodeProfileDenied}},
		{"approved", func(f *pam.Facts) { f.Approval = pam.ApprovalGiven }, pam.Decision{Code: pam.CodeAllowed}},
		{"pending", func(f *pam.Facts) { f.Approval = pam.ApprovalPending }, pam.Decision{Code: pam.CodeRequestPending}},
		{"unknown request state", func(f *pam.Facts) { f.Approval = 9 }, pam.Decision{Code: pam.CodeRequestRequired}},
		{"MFA passed", func(f *pam.Facts) { f.MFA = pam.MFAPassed }, pam.Decision{Code: pam.CodeAllowed}},
		{"MFA unavailable", func(f *pam.Facts) { f.MFA = pam.MFAUnavailable }, pam.Decision{Code: pam.CodeMFAUnavailable}},
		{"unknown MFA state", func(f *pam.Facts) { f.MFA = 9 }, pam.Decision{Code: pam.CodeMFAUnavailable}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := allowed()
			tc.set(&f)
			if got := pam.Decide(f); got != tc.want {
				t.Errorf("Decide = %+v, want %+v", got, tc.want)
			}
		})
	}
}
