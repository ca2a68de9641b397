package policy

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/persist"

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

// fullScan is Casbin over all rules of a snapshot: loaded by an adapter in random order and sorted by Casbin.
// The engine's index has no part in it, so what it answers is what the model says.
type fullScan struct {
	snap *snapshot
	e    *casbin.Enforcer
}

// mutation changes the model or the rules before they are loaded; nil fields change nothing.
type mutation struct {
	name  string
	text  func(string) string
	row   func(kind, []string) []string // nil drops the rule
	links func([][]string) [][]string
}

func newFullScan(t testing.TB, s *snapshot, seed uint64, mu mutation) *fullScan {
	t.Helper()
	text, links := modelText, ladder(builtinOperations())
	if mu.text != nil {
		if text = mu.text(text); text == modelText {
			t.Fatalf("mutation %q changes nothing", mu.name)
		}
	}
	if mu.links != nil {
		links = mu.links(links)
	}
	e, err := newCasbin(text, links)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for k := range kinds {
		for _, row := range append(slices.Clone(s.rows[k]), guardRow(k)) {
			row = slices.Clone(row)
			if mu.row != nil {
				row = mu.row(k, row)
			}
			if row != nil {
				lines = append(lines, append([]string{k.ptype()}, row...))
			}
		}
	}
	for _, l := range links {
		lines = append(lines, append([]string{"g"}, l...))
	}
	r := rand.New(rand.NewPCG(seed, 1))
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	e.SetAdapter(linesAdapter(lines))
	if err := e.LoadPolicy(); err != nil {
		t.Fatal(err)
	}
	return &fullScan{s, e}
}

// ask puts the question that the engine would put, to all rules.
func (f *fullScan) ask(t testing.TB, k kind, q question, act string) (bool, []string) {
	t.Helper()
	sub, leaf := f.snap.subjects[q.user], f.snap.byScope["asset:"+string(q.asset)]
	var w worker
	w.begin(f.snap, leaf, q.query(pam.OpAccess))
	ok, row, err := f.e.EnforceEx(stageContext(k), sub, &w.path, act, &w.env)
	if err != nil {
		t.Fatal(err)
	}
	return ok, row
}

func (f *fullScan) role(t testing.TB, q question) pam.Role {
	ok, row := f.ask(t, kindRole, q, "role:viewer")
	if !ok {
		return pam.RoleNone
	}
	r, err := pam.ParseRole(strings.TrimPrefix(row[colRole], "role:"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f *fullScan) value(t testing.TB, q question, dec pam.Declaration) string {
	ok, row := f.ask(t, kindProfile, q, string(dec))
	if !ok {
		return valueDeny
	}
	return row[colValue]
}

// selector names the kind of selector as the reference does.
func (f *fullScan) selector(t testing.TB, q question, op pam.Operation) string {
	ok, row := f.ask(t, kindSelector, q, string(op))
	switch {
	case len(row) != colsSelector:
		return "no rule"
	case !ok:
		return row[colForm]
	case row[colForm] == formNone:
		return formNone
	case row[colMFA] == "yes":
		return row[colForm] + " " + row[colExcl] + " mfa"
	default:
		return row[colForm] + " " + row[colExcl]
	}
}

// states says whether the level that counts states what profiles say beside declarations.
func (f *fullScan) states(t testing.TB, q question, act string) string {
	_, row := f.ask(t, kindProfile, q, act)
	return strconv.FormatBool(len(row) == colsProfile && row[colValue] == valueDeny)
}

// answer gives the answer of a verdict's kind.
func (f *fullScan) answer(t testing.TB, v verdict) string {
	switch v.stage {
	case "role":
		return f.role(t, v.question).String()
	case "operation":
		ok, _ := f.ask(t, kindRole, v.question, v.what)
		return strconv.FormatBool(ok)
	case "declaration":
		return f.value(t, v.question, pam.Declaration(v.what))
	case "stated":
		return f.states(t, v.question, v.what)
	default:
		return f.selector(t, v.question, pam.Operation(v.what))
	}
}

type linesAdapter [][]string

func (a linesAdapter) LoadPolicy(m model.Model) error {
	for _, l := range a {
		if err := persist.LoadPolicyArray(l, m); err != nil {
			return err
		}
	}
	return nil
}
func (linesAdapter) SavePolicy(model.Model) error                              { return nil }
func (linesAdapter) AddPolicy(string, string, []string) error                  { return nil }
func (linesAdapter) RemovePolicy(string, string, []string) error               { return nil }
func (linesAdapter) RemoveFilteredPolicy(string, string, int, ...string) error { return nil }

// judged is a random world with what the reference says about it.
type judged struct {
	seed uint64
	snap *snapshot
	want []verdict
}

// verdict is one answer of a stage.
type verdict struct {
	question
	stage, what, want string
}

// verdicts are all that there is to ask about a world.
func verdicts(d Data) (vs []verdict) {
	ref := reference{d}
	for i, u := range d.Users {
		for j, a := range d.Assets {
			q, role := ask(u.ID, a.ID, i*len(d.Assets)+j+len(d.Grants)), ref.role(u.ID, a.ID)
			vs = append(vs, verdict{q, "role", "", role.String()})
			for op, need := range builtinOperations() {
				vs = append(vs, verdict{q, "operation", string(op), strconv.FormatBool(role >= need)}, verdict{q, "selector", string(op), ref.selector(q, op)})
			}
			for _, dec := range worldDeclarations() {
				vs = append(vs, verdict{q, "declaration", string(dec), ref.value(u.ID, a.ID, dec).String()})
			}
			vs = append(vs, verdict{q, "stated", declareMFA, strconv.FormatBool(ref.profileMFA(u.ID, a.ID))})
			for _, param := range worldParams() {
				_, pinned := ref.pin(u.ID, a.ID, param)
				vs = append(vs, verdict{q, "stated", declarePin + param, strconv.FormatBool(pinned)})
			}
		}
	}
	return vs
}

func judge(t testing.TB, worlds uint64) (js []judged, answers int) {
	t.Helper()
	for seed := range worlds {
		d := randomWorld(seed)
		j := judged{seed: seed, snap: mustEngine(t, d).snap.Load(), want: verdicts(d)}
		js, answers = append(js, j), answers+len(j.want)
	}
	return js, answers
}

// disagreements counts the answers of the full scan that differ from the reference, up to limit.
func disagreements(t testing.TB, js []judged, mu mutation, limit int) (differ int, first string) {
	t.Helper()
	for _, j := range js {
		f := newFullScan(t, j.snap, j.seed, mu)
		for _, v := range j.want {
			if got := f.answer(t, v); got != v.want {
				if differ++; first == "" {
					first = fmt.Sprintf("world %d, %+v: got %s", j.seed, v, got)
				}
				if differ == limit {
					return differ, first
				}
			}
		}
	}
	return differ, first
}

// Plain Casbin over all rules, in the order in which Casbin sorts them, gives the answers of the reference: the
// model alone decides, and the index only makes it fast.
func TestModel_E3_E4_E6_E7_L3_L4_SoakFullScan(t *testing.T) {
	worlds, asked := judge(t, uint64(cases(t)/40))
	differ, first := disagreements(t, worlds, mutation{}, 10)
	if differ != 0 {
		t.Errorf("%d or more of %d answers differ, the first: %s", differ, asked, first)
	}
	if asked < cases(t) {
		t.Errorf("only %d answers were compared", asked)
	}
}

// Every part of the model and of the rules is needed: without it the full scan and the reference disagree. This
// shows that the oracle can see, also where the index would hide the fault because it filters the same facts.
func TestModel_E3_E7_MutantsCaught(t *testing.T) {
	without := func(part string) func(string) string {
		return func(s string) string { return strings.Replace(s, part, "", 1) }
	}
	priority := func(change func(kind, int) int) func(kind, []string) []string {
		return func(k kind, row []string) []string {
			if row[colID] != "guard" {
				row[0] = strconv.Itoa(change(k, atoi(t, row[0])))
			}
			return row
		}
	}
	selectors := func(change func(int, []string) int) func(kind, []string) []string {
		return func(k kind, row []string) []string {
			if k == kindSelector && row[colID] != "guard" {
				row[0] = strconv.Itoa(change(atoi(t, row[0]), row))
			}
			return row
		}
	}
	within12 := func(n int, change func(int) int) int { // form, exclusive and MFA on a level
		if n == 0 {
			return 0
		}
		return 1 + (n-1)/12*12 + change((n-1)%12)
	}
	worlds, asked := judge(t, 60)
	for _, mu := range []mutation{
		{name: "role stage without member", text: without(` && member(r.sub, p.sub)`)},
		{name: "role stage without reaches", text: without(` && reaches(r.obj, p.scope, "role")`)},
		{name: "role stage without ladder", text: without(`g(p.role, r.act) && `)},
		{name: "profile stage without member", text: without(` && member(r.sub, p2.sub)`)},
		{name: "profile stage without reaches", text: without(`reaches(r.obj, p2.scope, "profile") && `)},
		{name: "profile stage without declares", text: without(`declares(r.env, p2.profile, r.act, p2.value) && `)},
		{name: "profile stage with the breaks of roles", text: func(s string) string { return strings.Replace(s, `"profile")`, `"role")`, 1) }},
		{name: "role stage with the breaks of profiles", text: func(s string) string { return strings.Replace(s, `p.scope, "role")`, `p.scope, "profile")`, 1) }},
		{name: "profile stage allows if any allows", text: func(s string) string {
			return strings.Replace(s, "e2 = priority(p.eft) || deny", "e2 = some(where (p.eft == allow))", 1)
		}},
		{name: "best role not first", row: priority(func(k kind, n int) int {
			if k == kindRole {
				return 20 - n
			}
			return n
		})},
		{name: "nearest level lost", row: priority(func(k kind, n int) int {
			if k == kindProfile {
				return n % 4
			}
			return n
		})},
		{name: "strictness reversed", row: priority(func(k kind, n int) int {
			if k == kindProfile {
				return n/4*4 + 3 - n%4
			}
			return n
		})},
		{name: "deny rules lost", row: func(_ kind, row []string) []string {
			if len(row) == colsProfile && row[colValue] == valueDeny {
				return nil
			}
			return row
		}},
		{name: "unstated rules lost", row: func(_ kind, row []string) []string {
			if len(row) == colsProfile && row[colValue] == valueUnstated {
				return nil
			}
			return row
		}},
		{name: "unstated allows", row: func(_ kind, row []string) []string {
			if len(row) == colsProfile && row[colValue] == valueUnstated {
				row[colsProfile-1] = "allow"
			}
			return row
		}},
		{name: "site rule lost", row: func(_ kind, row []string) []string {
			if row[colID] == adminSubject {
				return nil
			}
			return row
		}},
		{name: "selector stage without operations", text: without(`p3.act == r.act && `)},
		{name: "selector stage without reaches", text: without(`reaches(r.obj, p3.scope, "selector") && `)},
		{name: "selector stage without member", text: without(`member(r.sub, p3.sub) && `)},
		{name: "selector stage without times", text: without(` && (p3.time == "*" || during(r.env, p3.time))`)},
		{name: "selector stage without networks", text: without(` && (p3.net == "*" || within(r.env, p3.net))`)},
		{name: "selector stage without the rule for none", text: without(`p3.form == "none" || `)},
		{name: "selector stage with the breaks of roles", text: func(s string) string { return strings.Replace(s, `"selector")`, `"role")`, 1) }},
		{name: "selector stage allows if any allows", text: func(s string) string {
			return strings.Replace(s, "e3 = priority(p.eft) || deny", "e3 = some(where (p.eft == allow))", 1)
		}},
		{name: "restricting counts on its level alone", row: selectors(func(n int, row []string) int {
			if row[colForm] == "restricting" {
				return 1 + 12*maxDepth
			}
			return n
		})},
		{name: "nearest selector lost", row: selectors(func(n int, _ []string) int {
			if n > 0 {
				n = 1 + (n-1)%12
			}
			return n
		})},
		{name: "farthest selector first", row: selectors(func(n int, _ []string) int {
			if n > 0 {
				n = 1 + (maxDepth-(n-1)/12)*12 + (n-1)%12
			}
			return n
		})},
		{name: "automatic before interactive", row: selectors(func(n int, _ []string) int { return within12(n, func(i int) int { return (i + 6) % 12 }) })},
		{name: "unavailable before required", row: selectors(func(n int, _ []string) int {
			return within12(n, func(i int) int { return i/6*6 + 4 - i%6/2*2 + i%2 })
		})},
		{name: "selector without MFA first", row: selectors(func(n int, _ []string) int { return within12(n, func(i int) int { return i ^ 1 }) })},
		{name: "ladder step lost", links: func(l [][]string) [][]string { return l[1:] }},
	} {
		t.Run(mu.name, func(t *testing.T) {
			differ, first := disagreements(t, worlds, mu, 1)
			if differ == 0 {
				t.Errorf("none of %d answers differs: the oracle does not see this fault", asked)
			}
			t.Logf("caught: %s", first)
		})
	}
}
