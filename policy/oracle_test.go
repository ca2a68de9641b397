package policy

import (
	"cmp"
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

// The engine agrees with the reference evaluator on random worlds, in every field.
func TestEngine_E3_E4_E6_E7_Reference(t *testing.T) {
	const worlds = 400
	asked, permits, roles := 0, 0, map[pam.Role]int{}
	for seed := range uint64(worlds) {
		d := randomWorld(seed)
		e, ref := mustEngine(t, d), reference{d}
		for _, q := range questions(d) {
			for op, need := range builtinOperations() {
				if asked++; op != pam.OpAccess && asked%3 != 0 {
					continue
				}
				var g pam.Grants
				var err error
				if asked%8 == 0 {
					g, err = e.Grants(t.Context(), query(q.user, q.asset, op))
				} else {
					g, err = e.GrantsFor(t.Context(), query(q.user, q.asset, op), worldDeclarations()...)
				}
				if err != nil {
					t.Fatalf("world %d, %v, %s: %v", seed, q, op, err)
				}
				role := ref.role(q.user, q.asset)
				roles[role]++
				if g.Role != role || g.Permitted != (role >= need) || g.Site != ref.site(q.user) {
					t.Fatalf("world %d, %v, %s: got %v, permitted %v, site %q; want %v, %q", seed, q, op, g.Role, g.Permitted, g.Site, role, ref.site(q.user))
				}
				for _, dec := range worldDeclarations() {
					want := pam.Deny
					if role != pam.RoleNone {
						want = ref.value(q.user, q.asset, dec)
					}
					if got := g.Declarations[dec]; got != want {
						t.Fatalf("world %d, %v, %s: got %v, want %v", seed, q, dec, got, want)
					}
					if want.Permits() {
						permits++
					}
				}
			}
		}
	}
	// A generator that stopped making interesting worlds would prove nothing.
	for r := pam.RoleNone; r <= pam.RoleOwner; r++ {
		if roles[r] < worlds/2 {
			t.Errorf("only %d answers with role %v", roles[r], r)
		}
	}
	if permits < worlds {
		t.Errorf("only %d declarations permit something", permits)
	}
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
		q := question{d.Users[r.IntN(len(d.Users))].ID, d.Assets[r.IntN(len(d.Assets))].ID}
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
	for seed := range uint64(500) {
		d := randomWorld(seed)
		e := mustEngine(t, d)
		s := e.snap.Load()
		for _, q := range questions(d) {
			sub, leaf := s.subjects[q.user], s.byScope["asset:"+string(q.asset)]
			if sub == nil {
				continue
			}
			var p path
			p.set(s, leaf)
			for k := range kinds {
				rows, _ := s.candidates(k, nil, nil, sub, &p, guardRow(k))
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
	for k, ptype := range [kinds]string{"p", "p2"} {
		for _, row := range append(slices.Clone(s.rows[k]), guardRow(kind(k))) {
			row = slices.Clone(row)
			if mu.row != nil {
				row = mu.row(kind(k), row)
			}
			if row != nil {
				lines = append(lines, append([]string{ptype}, row...))
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
	var p path
	p.set(f.snap, leaf)
	ok, row, err := f.e.EnforceEx(stageContext(k), sub, &p, act, f.snap)
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

// verdict is one answer: the role (what is empty), a permission (an operation), or a declaration's value.
type verdict struct {
	question
	what, want string
	operation  bool
}

func judge(t testing.TB, worlds uint64) (js []judged, answers int) {
	t.Helper()
	for seed := range worlds {
		d := randomWorld(seed)
		j, ref := judged{seed: seed, snap: mustEngine(t, d).snap.Load()}, reference{d}
		for _, u := range d.Users {
			for _, a := range d.Assets {
				q, role := question{u.ID, a.ID}, ref.role(u.ID, a.ID)
				j.want = append(j.want, verdict{question: q, want: role.String()})
				for op, need := range builtinOperations() {
					j.want = append(j.want, verdict{q, string(op), strconv.FormatBool(role >= need), true})
				}
				for _, dec := range worldDeclarations() {
					j.want = append(j.want, verdict{q, string(dec), ref.value(u.ID, a.ID, dec).String(), false})
				}
			}
		}
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
			var got string
			switch {
			case v.operation:
				ok, _ := f.ask(t, kindRole, v.question, v.what)
				got = strconv.FormatBool(ok)
			case v.what == "":
				got = f.role(t, v.question).String()
			default:
				got = f.value(t, v.question, pam.Declaration(v.what))
			}
			if got != v.want {
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
func TestModel_E3_E4_E6_E7_FullScan(t *testing.T) {
	worlds, asked := judge(t, 300)
	differ, first := disagreements(t, worlds, mutation{}, 10)
	if differ != 0 {
		t.Errorf("%d or more of %d answers differ, the first: %s", differ, asked, first)
	}
	if asked < 20_000 {
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
	worlds, asked := judge(t, 40)
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
