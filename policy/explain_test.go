package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
)

// An explanation is of the very answer that Grants gives, on any world: its steps name the rules that the answer cites,
// and no rule is said to have failed that decided.
func TestExplain_Q6_AgreesWithGrants(t *testing.T) {
	failed, steps := 0, 0
	for seed := range uint64(120) {
		d := randomWorld(seed)
		e, ref := mustEngine(t, d), reference{d}
		for _, q := range questions(d) {
			for _, op := range []pam.Operation{pam.OpAccess, pam.OpUnlock, pam.OpJoin} {
				g, err := e.Grants(t.Context(), q.query(op))
				if err != nil {
					t.Fatal(err)
				}
				x, err := e.Explain(t.Context(), q.query(op))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(g, x.Grants); diff != "" {
					t.Fatalf("world %d, %v: Explain gives another answer (-Grants +Explain):\n%s", seed, q, diff)
				}
				var cited []string
				for _, s := range x.Steps {
					steps++
					if s.Rule != nil && s.Stage != "profile" {
						cited = append(cited, s.Rule.ID)
					}
					for _, f := range s.Failed {
						failed++
						if len(f.Why) == 0 || s.Rule != nil && f.ID == s.Rule.ID {
							t.Errorf("world %d, %v: %+v failed without a reason, or decided", seed, q, f)
						}
						// What fails for its subject alone is about somebody else indeed.
						if strings.HasPrefix(f.Subject, "user:") && slices.ContainsFunc(f.Why, func(w string) bool { return strings.HasPrefix(w, "the user is not") }) !=
							(f.Subject != "user:"+string(q.user)) {
							t.Errorf("world %d, %v: %+v", seed, q, f)
						}
					}
				}
				for _, id := range cited {
					if !slices.Contains(g.Rules, id) {
						t.Errorf("world %d, %v: rule %s is explained and not cited in %q", seed, q, id, g.Rules)
					}
				}
				role := ref.role(q.user, q.asset)
				if known := role >= builtinOperations()[op]; (x.Reason == pam.CodeNotFound) != !known {
					t.Errorf("world %d, %v, %s: reason %s with role %v", seed, q, op, x.Reason, role)
				}
				if !strings.HasPrefix(x.String(), string(x.Reason)+": user:"+string(q.user)) {
					t.Errorf("text: %s", x)
				}
			}
		}
	}
	if failed < 500 || steps < 5000 {
		t.Errorf("only %d steps and %d rules that failed", steps, failed)
	}
}

// The reason class follows Q7: a denial before a request, a request before a second factor.
func TestExplain_Q6_Q7_Reason(t *testing.T) {
	for _, c := range []struct {
		name string
		data func(*Data)
		want pam.Code
	}{
		{"all is well", all(), pam.CodeAllowed},
		{"automatic", sel("s", "db", pam.FormAutomatic), pam.CodeAllowed},
		{"second factor", sel("s", "db", pam.FormAutomatic, withMFA), pam.CodeMFARequired},
		{"request before second factor", sel("s", "db", pam.FormInteractive, withMFA), pam.CodeRequestRequired},
		{"restricted before request", all(sel("s", "db", pam.FormInteractive), sel("ban", "root", pam.FormRestricting)), pam.CodeRestricted},
		{"profile before restricted", all(sel("ban", "root", pam.FormRestricting), assign("off", Subject{User: "alice"}, "db1")), pam.CodeProfileDenied},
		{"role before profile", all(assign("off", Subject{User: "alice"}, "db1"), breaks(BreakRoles, "db")), pam.CodeNotFound},
	} {
		d := company()
		c.data(&d)
		x, err := mustEngine(t, d).Explain(t.Context(), query("alice", "db1", pam.OpAccess))
		if err != nil || x.Reason != c.want {
			t.Errorf("%s: got %+v, %v; want %s", c.name, x, err, c.want)
		}
	}
}

// A long list of rules that failed is cut, and says so.
func TestExplain_Bounded(t *testing.T) {
	d := company()
	for i := range 3 * maxFailed {
		id := strings.Repeat("x", i+1)
		d.Grants = append(d.Grants, RoleGrant{ID: id, Scope: "root", Subject: Subject{User: "bob"}, Role: pam.RoleOwner})
	}
	x, err := mustEngine(t, d).Explain(t.Context(), query("carol", "db1", pam.OpAccess))
	if err != nil || len(x.Steps[0].Failed) != maxFailed || x.Steps[0].Omitted != 2*maxFailed+1 {
		t.Errorf("got %+v, %v", x, err)
	}
	if _, err := mustEngine(t, d).Explain(t.Context(), pam.Query{}); !errors.Is(err, ErrInvalidQuery) {
		t.Errorf("an empty query: %v", err)
	}
}
