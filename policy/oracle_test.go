package policy

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// cases is how many questions a long comparison asks: a few thousand, a hundred thousand in a soak run of 200 rounds.
func cases(t testing.TB) int { return 500 * pamtest.Rounds(t, 16) }

// compare asks the engine one question and the reference the same, in every field.
func compare(t *testing.T, e *Engine, ref reference, q question, op pam.Operation, whole bool) pam.Grants {
	t.Helper()
	var g pam.Grants
	var err error
	if whole {
		g, err = e.Grants(t.Context(), q.query(op))
	} else {
		g, err = e.GrantsFor(t.Context(), q.query(op), worldDeclarations()...)
	}
	if err != nil {
		t.Fatalf("%v, %s: %v", q, op, err)
	}
	role := ref.role(q.user, q.asset)
	if g.Role != role || g.Permitted != (role >= builtinOperations()[op]) || g.Site != ref.site(q.user) {
		t.Fatalf("%v, %s: got %v, permitted %v, site %q; want %v, %q", q, op, g.Role, g.Permitted, g.Site, role, ref.site(q.user))
	}
	if site, err := e.Site(t.Context(), q.user); err != nil || site != g.Site {
		t.Fatalf("%v: site role %q, %v", q.user, site, err)
	}
	if role == pam.RoleNone {
		if len(g.Declarations) > 0 || g.MFA || g.Selector != nil || len(g.Pins) > 0 || len(g.Rules) > 0 {
			t.Fatalf("%v, %s: got %+v without a role", q, op, g)
		}
		return g
	}
	for _, dec := range worldDeclarations() {
		if got, want := g.Declarations[dec], ref.value(q.user, q.asset, dec); got != want {
			t.Fatalf("%v, %s: got %v, want %v", q, dec, got, want)
		}
	}
	got, want := "none", ref.selector(q, op)
	if g.Selector != nil {
		got = string(g.Selector.Form)
		if g.Selector.Form != pam.FormRestricting {
			got += " " + g.Selector.Exclusive
			if strings.HasSuffix(want, " mfa") && g.MFA {
				got += " mfa"
			}
		}
	}
	if got != want {
		t.Fatalf("%v, %s: got selector %s, want %s", q, op, got, want)
	}
	if want != "restricting" { // whether a ban asks for MFA as well is nobody's business
		if want := strings.HasSuffix(want, " mfa") || ref.profileMFA(q.user, q.asset); g.MFA != want {
			t.Fatalf("%v, %s: got MFA %v, want %v", q, op, g.MFA, want)
		}
	}
	for _, param := range worldParams() {
		got, pinned := g.Pins[param]
		if want, ok := ref.pin(q.user, q.asset, param); got != want || pinned != ok {
			t.Fatalf("%v: got %s pinned %v to %q, want %v, %q", q, param, pinned, got, ok, want)
		}
	}
	return g
}

// The engine agrees with the reference evaluator on random worlds, in every field.
func TestEngine_E3_E4_E6_E7_L3_L4_SoakReference(t *testing.T) {
	asked, permits, mfa, pins := 0, 0, 0, 0
	roles, forms := map[pam.Role]int{}, map[pam.Form]int{}
	most := cases(t)
	for seed := uint64(0); asked < most; seed++ {
		d := randomWorld(seed)
		e, ref := mustEngine(t, d), reference{d}
		for _, q := range questions(d) {
			for _, op := range slices.Sorted(maps.Keys(builtinOperations())) {
				if asked++; op != pam.OpAccess && asked%3 != 0 {
					continue
				}
				g := compare(t, e, ref, q, op, asked%8 == 0)
				roles[g.Role]++
				if g.Selector != nil {
					forms[g.Selector.Form]++
				}
				if g.Declarations[pam.WebSession].Permits() {
					permits++
				}
				if g.MFA {
					mfa++
				}
				pins += len(g.Pins)
			}
			if t.Failed() {
				t.Fatalf("world %d", seed)
			}
		}
	}
	// A generator that stopped making interesting worlds would prove nothing.
	total, least := 0, most/100
	for r := pam.RoleNone; r <= pam.RoleOwner; r++ {
		if total += roles[r]; roles[r] < least {
			t.Errorf("only %d answers with role %v", roles[r], r)
		}
	}
	selected := 0
	for _, f := range []pam.Form{pam.FormAutomatic, pam.FormInteractive, pam.FormRestricting} {
		if selected += forms[f]; forms[f] < least {
			t.Errorf("only %d answers with an %s selector", forms[f], f)
		}
	}
	if selected*3 < total {
		t.Errorf("only %d of %d answers have a selector, want a third", selected, total)
	}
	if permits < least || mfa < least || pins < least {
		t.Errorf("only %d permits, %d with MFA, %d pins", permits, mfa, pins)
	}
	t.Logf("%d answers, selectors %v, %d permits, %d with MFA, %d pins", total, forms, permits, mfa, pins)
}

// The engine agrees with the reference where lists are long and of unequal length, so that the index takes its
// other ways through them.
func TestEngine_E3_E7_LongLists(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	d := benchData(benchShape{grants: 900, assets: 60, containers: 12, users: 40, groups: 120, perUser: 30, hot: 3})
	for i := range d.Assets {
		if r.IntN(12) == 0 {
			d.Assets[i].Break = Break(r.IntN(8))
		}
	}
	e, ref := mustEngine(t, d), reference{d}
	permits := 0
	for range 1500 {
		q := ask(d.Users[r.IntN(len(d.Users))].ID, d.Assets[r.IntN(len(d.Assets))].ID, 0)
		g, err := e.GrantsFor(t.Context(), query(q.user, q.asset, pam.OpAccess), pam.WebSession, pam.Audio)
		if err != nil {
			t.Fatal(err)
		}
		if want := ref.role(q.user, q.asset); g.Role != want {
			t.Fatalf("%v: got role %v, want %v", q, g.Role, want)
		}
		for _, dec := range []pam.Declaration{pam.WebSession, pam.Audio} {
			want := pam.Deny
			if g.Role != pam.RoleNone {
				want = ref.value(q.user, q.asset, dec)
			}
			if g.Declarations[dec] != want {
				t.Fatalf("%v %s: got %v, want %v", q, dec, g.Declarations[dec], want)
			}
			if want.Permits() {
				permits++
			}
		}
	}
	if permits < 100 {
		t.Errorf("only %d declarations permit something", permits)
	}
}

// All ways through two lists find the same.
func TestJoin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 3000 {
		var entries, want []entry
		for i := range r.IntN(1 + r.IntN(200)) {
			entries = append(entries, entry{subject: uint32(r.IntN(300)), row: uint32(i)})
		}
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.row, b.row)) })
		var ids []uint32
		for range r.IntN(1 + r.IntN(200)) {
			ids = append(ids, uint32(r.IntN(300)))
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		for _, e := range entries {
			if slices.Contains(ids, e.subject) {
				want = append(want, e)
			}
		}
		if got := join(nil, entries, ids); !slices.Equal(got, want) {
			t.Fatalf("join(%v, %v) = %v, want %v", entries, ids, got, want)
		}
	}
}

// What the index hands to Casbin is sorted as Casbin itself would sort it, and ends in the guard.
func TestSnapshot_CandidatesSorted(t *testing.T) {
	for seed := range uint64(120) {
		d := randomWorld(seed)
		e := mustEngine(t, d)
		s := e.snap.Load()
		for _, q := range questions(d) {
			sub, leaf := s.subjects[q.user], s.byScope["asset:"+string(q.asset)]
			if sub == nil {
				continue
			}
			w, err := newWorker(modelText, ladder(builtinOperations()), nil)
			if err != nil {
				t.Fatal(err)
			}
			w.begin(s, leaf, q.query(pam.OpAccess))
			w.assigned, _ = s.assignments(nil, nil, sub, &w.path)
			for k := range kinds {
				act := string(pam.OpAccess)
				if k == kindProfile {
					act = string(pam.WebSession)
				}
				w.load(k, sub, act)
				rows := w.rules[k].Policy
				if !slices.IsSortedFunc(rows, func(a, b []string) int { return atoi(t, a[0]) - atoi(t, b[0]) }) {
					t.Fatalf("world %d, %v: not sorted by priority: %q", seed, q, rows)
				}
				if last := rows[len(rows)-1]; last[colID] != "guard" {
					t.Fatalf("world %d, %v: the last rule is %q", seed, q, last)
				}
			}
		}
	}
}

func atoi(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
