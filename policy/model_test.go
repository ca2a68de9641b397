package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/persist"

	"github.com/sallyport/sallyport/pam"
)

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
