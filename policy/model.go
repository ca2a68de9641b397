package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/sallyport/sallyport/pam"
)

// modelText is the model by which Casbin decides, once per stage: p, e, m for the role, p2, e2, m2 for one
// declaration of the profiles, p3, e3, m3 for the workflow selector.
//
// Casbin's priority effect takes the first rule in the list that matches, so everything about precedence is in
// the priority column, and the lists are sorted by it:
//
//   - p: 10-rank of the role, so the best role that the user has comes first and the rule that Casbin
//     returns names it.
//   - p2: (maxDepth-depth)*4 + 0 for deny, 1 for record, 2 for allow, 3 for unstated. The depth of a scope in
//     the tree is fixed, so the nearest level comes first and on a level the strictest. An assignment makes
//     all four rules; declares picks the one that the profile has at present, so that editing a profile
//     touches no rule, and a disabled profile matches none. The matcher asks declares first because three of
//     the four fail there, and every call out of a matcher costs an allocation or two. That a profile asks for a
//     second factor, or pins a parameter, is a declaration with a name of its own (declareMFA, declarePin).
//   - p3: 0 for restricting, whatever the level; else 1 + (maxDepth-depth)*12 + 6 for automatic + 2 for optional or
//     4 for unavailable + 1 without MFA. The last rule says "no selector": that too is decided by a rule.
//
// Things about Casbin v2.135.0 that this depends on, or avoids (pitfalls_test.go shows each):
//
//   - e2 and e3 must say p.eft, not p2.eft: Casbin compares the text of the effect.
//   - With no rules Casbin evaluates the matcher once on empty strings and may allow. So every list ends in
//     a guard rule, and a decision counts only if it comes with a whole rule.
//   - An effect other than exactly "allow" or "deny" is skipped in silence. Effects are constants here.
//   - A rule with too few fields makes every Enforce fail. Rules are made in one place, from checked data.
//   - RemovePolicy breaks the order of a priority model, and AddPolicy keeps it only after a sort. No
//     management call is ever made: a snapshot is built anew and never changed.
//   - g() remembers every pair of arguments for ever. It is asked about roles and known operations only.
//   - keyMatch stops at the first '*', regexMatch is not anchored. Neither is used: ids match exactly.
//   - EnableEnforce(false) allows everything, and AddFunction races with Enforce. An enforcer is private to
//     its worker and configured before its first use.
const modelText = `
[request_definition]
r = sub, obj, act, env

[policy_definition]
p  = priority, id, scope, sub, role, eft
p2 = priority, id, scope, sub, profile, value, eft
p3 = priority, id, scope, sub, act, time, net, form, excl, mfa, eft

[role_definition]
g = _, _

[policy_effect]
e  = priority(p.eft) || deny
e2 = priority(p.eft) || deny
e3 = priority(p.eft) || deny

[matchers]
m  = g(p.role, r.act) && reaches(r.obj, p.scope, "role") && member(r.sub, p.sub)
m2 = declares(r.env, p2.profile, r.act, p2.value) && reaches(r.obj, p2.scope, "profile") && member(r.sub, p2.sub)
m3 = p3.form == "none" || (p3.act == r.act && reaches(r.obj, p3.scope, "selector") && member(r.sub, p3.sub) && (p3.time == "*" || during(r.env, p3.time)) && (p3.net == "*" || within(r.env, p3.net)))
`

// kind is a kind of rule. Inheritance is broken per kind.
type kind uint8

const (
	kindRole kind = iota
	kindProfile
	kindSelector
	kinds
)

// Columns of the rules, as modelText defines them.
const (
	colPriority = 0
	colID       = 1
	colScope    = 2
	colSubject  = 3

	colRole  = 4
	colsRole = 6 // priority, id, scope, sub, role, eft

	colProfile  = 4
	colValue    = 5
	colsProfile = 7 // priority, id, scope, sub, profile, value, eft

	colAct       = 4
	colTime      = 5
	colNet       = 6
	colForm      = 7
	colExcl      = 8
	colMFA       = 9
	colsSelector = 11 // priority, id, scope, sub, act, time, net, form, excl, mfa, eft
)

const (
	maxDepth = 63 // of a node; a node at the top has depth 0

	// adminSubject stands for all administrators, everyone for all users, siteScope for every asset. None can be an
	// id from outside: those carry the prefixes user:, group: and asset:.
	adminSubject = "site:administrator"
	everyone     = "site:everyone"
	siteScope    = "site:all"

	// What profiles state beside declarations, as the value deny: to go on with one factor, to change a
	// parameter. Declarations have no colon in their names.
	declareMFA = ":mfa"
	declarePin = ":pin."

	anything = "*"    // the time or network of a selector that has none
	formNone = "none" // of the rule that says "no selector"
)

// The values that a profile rule can be about. Their order is their strictness: it becomes the last part of
// the priority.
const (
	valueDeny     = "deny"
	valueRecord   = "record"
	valueAllow    = "allow"
	valueUnstated = "unstated"
)

type valueEffect struct{ value, eft string }

// perAssignment is how many rules an assignment makes: one per value.
const perAssignment = 4

func profileValues() [perAssignment]valueEffect {
	return [...]valueEffect{{valueDeny, "deny"}, {valueRecord, "allow"}, {valueAllow, "allow"}, {valueUnstated, "deny"}}
}

// guardRow ends every list of its kind. Of roles and profiles it matches nothing: no subject, scope, role or profile
// has such a name. Of selectors it matches always: no selector governs the operation.
func guardRow(k kind) []string {
	switch k {
	case kindRole:
		return []string{"999999", "guard", "guard:none", "guard:none", "role:none", "deny"}
	case kindProfile:
		return []string{"999999", "guard", "guard:none", "guard:none", "guard:none", "guard:none", "deny"}
	default:
		return []string{"999999", "guard", "guard:none", "guard:none", "guard:none", anything, anything, formNone, "guard:none", "guard:none", "allow"}
	}
}

func (k kind) String() string {
	switch k {
	case kindRole:
		return "role"
	case kindProfile:
		return "profile"
	case kindSelector:
		return "selector"
	default:
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
}

// ptype is the kind's section of the policy definition.
func (k kind) ptype() string { return [kinds]string{"p", "p2", "p3"}[k] }

// columns is how many a rule of the kind has.
func (k kind) columns() int { return [kinds]int{colsRole, colsProfile, colsSelector}[k] }

func rolePriority(r pam.Role) string { return strconv.Itoa(10 - int(r)) }

func profilePriority(depth, value int) string {
	return strconv.Itoa((maxDepth-depth)*perAssignment + value)
}

// selectorPriority is the place of a selector among others: see modelText.
func selectorPriority(depth int, form, excl string, mfa bool) int {
	if form == string(pam.FormRestricting) {
		return 0
	}
	n := 1 + (maxDepth-depth)*12
	if form == string(pam.FormAutomatic) {
		n += 6
	}
	switch excl {
	case pam.ExclusiveOptional:
		n += 2
	case pam.ExclusiveUnavailable:
		n += 4
	}
	if !mfa {
		n++
	}
	return n
}

func roleName(r pam.Role) string { return "role:" + r.String() }

// builtinOperations is the role that each operation needs at least.
func builtinOperations() map[pam.Operation]pam.Role {
	return map[pam.Operation]pam.Role{
		pam.OpAccess:  pam.RoleViewer,
		pam.OpExtend:  pam.RoleViewer,
		pam.OpUnlock:  pam.RoleSupervisor,
		pam.OpJoin:    pam.RoleManager,
		pam.OpPlay:    pam.RoleManager,
		pam.OpReports: pam.RoleManager,
	}
}

// ladder returns the g rules: each role includes the next lower one and the operations that need it.
func ladder(operations map[pam.Operation]pam.Role) [][]string {
	var links [][]string
	for r := pam.RoleOwner; r > pam.RoleViewer; r-- {
		links = append(links, []string{roleName(r), roleName(r - 1)})
	}
	for _, op := range slices.Sorted(maps.Keys(operations)) {
		links = append(links, []string{roleName(operations[op]), string(op)})
	}
	return links
}

// newCasbin makes an enforcer for text. An enforcer has no lock of its own worth having: it belongs to one
// goroutine at a time.
func newCasbin(text string, links [][]string) (*casbin.Enforcer, error) {
	m, err := model.NewModelFromString(text)
	if err != nil {
		return nil, fmt.Errorf("casbin model: %w", err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("casbin enforcer: %w", err)
	}
	m["g"]["g"].Policy = links
	if err := e.BuildRoleLinks(); err != nil {
		return nil, fmt.Errorf("casbin role links: %w", err)
	}
	e.AddFunction("reaches", reaches)
	e.AddFunction("member", member)
	e.AddFunction("declares", declares)
	e.AddFunction("during", during)
	e.AddFunction("within", within)
	return e, nil
}

// The functions below get what the engine passes to EnforceEx and columns of rules. They are pure look-ups in
// one snapshot and remember nothing. Wrong arguments are an error, so a denial.

// reaches(path, scope, kind) tells whether a rule of that kind on scope is inherited by the asset.
func reaches(args ...any) (any, error) {
	if len(args) != 3 {
		return nil, fmt.Errorf("reaches: got %d arguments, want 3", len(args))
	}
	p, ok := args[0].(*path)
	scope, ok2 := args[1].(string)
	name, ok3 := args[2].(string)
	if !ok || !ok2 || !ok3 || p == nil {
		return nil, fmt.Errorf("reaches: got (%T, %T, %T)", args[0], args[1], args[2])
	}
	switch name {
	case "role":
		return scope == siteScope || p.reaches(scope, kindRole), nil
	case "profile":
		return p.reaches(scope, kindProfile), nil
	case "selector":
		return p.reaches(scope, kindSelector), nil
	default:
		return nil, fmt.Errorf("reaches: unknown kind %q", name)
	}
}

// member(subject, name) tells whether the subject is, or is directly or indirectly in, what name names.
func member(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("member: got %d arguments, want 2", len(args))
	}
	s, ok := args[0].(*subject)
	name, ok2 := args[1].(string)
	if !ok || !ok2 || s == nil {
		return nil, fmt.Errorf("member: got (%T, %T)", args[0], args[1])
	}
	return s.in(name), nil
}

// declares(env, profile, declaration, value) tells whether that is what the profile says at present.
func declares(args ...any) (any, error) {
	if len(args) != 4 {
		return nil, fmt.Errorf("declares: got %d arguments, want 4", len(args))
	}
	ev, ok := args[0].(*env)
	id, ok2 := args[1].(string)
	declaration, ok3 := args[2].(string)
	value, ok4 := args[3].(string)
	if !ok || !ok2 || !ok3 || !ok4 || ev == nil {
		return nil, fmt.Errorf("declares: got (%T, %T, %T, %T)", args[0], args[1], args[2], args[3])
	}
	p := ev.snap.profiles[id]
	if p == nil || !p.enabled {
		return false, nil
	}
	return p.value(declaration) == value, nil
}

// during(env, times) tells whether the moment of the question is in one of the time classes of a selector.
func during(args ...any) (any, error) {
	ev, text, err := envText("during", args)
	if err != nil {
		return nil, err
	}
	in, ok := ev.snap.times[text]
	if !ok {
		return nil, fmt.Errorf("during: unknown times %q", text)
	}
	return in&ev.now != 0, nil
}

// within(env, networks) tells whether the client's address is in one of the networks of a selector.
func within(args ...any) (any, error) {
	ev, text, err := envText("within", args)
	if err != nil {
		return nil, err
	}
	nets, ok := ev.snap.nets[text]
	if !ok {
		return nil, fmt.Errorf("within: unknown networks %q", text)
	}
	for _, n := range nets {
		if n.Contains(ev.addr) {
			return true, nil
		}
	}
	return false, nil
}

func envText(name string, args []any) (*env, string, error) {
	if len(args) != 2 {
		return nil, "", fmt.Errorf("%s: got %d arguments, want 2", name, len(args))
	}
	ev, ok := args[0].(*env)
	text, ok2 := args[1].(string)
	if !ok || !ok2 || ev == nil {
		return nil, "", fmt.Errorf("%s: got (%T, %T)", name, args[0], args[1])
	}
	return ev, text, nil
}
