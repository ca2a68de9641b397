package policy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

// Explanation tells an administrator how an answer came about. It names rules, groups and scopes: a user gets Reason
// and nothing else of it (Q6).
type Explanation struct {
	Query  pam.Query
	Grants pam.Grants // the same as Engine.Grants gives
	// Reason is what the user is told, as far as the policy decides it: a protocol, approvals, locks and limits are
	// the broker's to know.
	Reason pam.Code
	Steps  []Step // what Casbin was asked, in order
}

// Step is one question to Casbin.
type Step struct {
	Stage     string // role, profile or selector
	Asked     string // an operation, role:viewer, a declaration, :mfa or :pin. and a parameter
	Permitted bool
	Rule      *Rule // that decided; nil: none matched

	// Failed are rules on the asset and above it that did not decide, the nearest miss first, at most maxFailed; Omitted
	// counts the rest. It is filled in of a role or web_session that was refused, and of the selector.
	Failed  []Failed
	Omitted int
}

// Rule is a rule as Casbin saw it.
type Rule struct {
	ID       string // grant:…, assignment:…, selector:… or site:administrator
	Scope    string // asset:… or site:all
	Above    int    // levels between scope and asset: 0 on the asset itself, -1 for the whole site
	Subject  string // user:…, group:… or site:…
	Profile  ProfileID
	Value    string // the role granted, the value declared, or the form of the selector
	Priority int    // the smallest wins
}

// Failed is a rule that did not decide, and why.
type Failed struct {
	Rule
	Why []string
}

const maxFailed = 50

// Explain answers q as Grants does and tells how. It is for administrators and looks at every rule on the path, so it
// takes longer than an answer.
func (e *Engine) Explain(ctx context.Context, q pam.Query) (*Explanation, error) {
	x := &Explanation{Query: q}
	trace := func(d *decision, k kind, act string, ok bool, row []string) {
		x.Steps = append(x.Steps, e.step(d, k, act, ok, row))
	}
	g, err := e.grants(ctx, q, true, nil, trace)
	if err != nil {
		return nil, err
	}
	x.Grants = g
	f := pam.Facts{Authenticated: true, Role: g.Role, Permitted: g.Permitted, HasProtocol: true, Profile: g.Declarations[pam.WebSession]}
	if g.Selector != nil {
		f.Restricted = g.Selector.Form == pam.FormRestricting
		if g.Selector.Form == pam.FormInteractive {
			f.Approval = pam.ApprovalMissing
		}
	}
	if g.MFA {
		f.MFA = pam.MFANeeded
	}
	x.Reason = pam.Decide(f).Code
	return x, nil
}

func (e *Engine) step(d *decision, k kind, act string, ok bool, row []string) Step {
	s := Step{Stage: k.String(), Asked: act, Permitted: ok}
	if len(row) == k.columns() && row[colID] != "guard" {
		r := d.rule(k, row)
		s.Rule = &r
	}
	switch {
	case k == kindRole && ok, k == kindProfile && (ok || act != string(pam.WebSession)):
		return s
	}
	s.Failed = e.failed(d, k, act, row)
	slices.SortStableFunc(s.Failed, func(a, b Failed) int { return cmp.Compare(len(a.Why), len(b.Why)) })
	if len(s.Failed) > maxFailed {
		s.Omitted = len(s.Failed) - maxFailed
		s.Failed = s.Failed[:maxFailed:maxFailed]
	}
	return s
}

// rule reads a row of kind k.
func (d *decision) rule(k kind, row []string) Rule {
	r := Rule{ID: row[colID], Scope: row[colScope], Subject: row[colSubject], Above: -1}
	r.Priority, _ = strconv.Atoi(row[colPriority]) // made by the builder
	s, leaf := d.snap, &d.snap.nodes[d.worker.path.leaf]
	if n, ok := s.byScope[r.Scope]; ok {
		r.Above = int(leaf.depth) - int(s.nodes[n].depth)
	}
	switch k {
	case kindRole:
		r.Value = strings.TrimPrefix(row[colRole], "role:")
	case kindProfile:
		r.Profile, r.Value = ProfileID(strings.TrimPrefix(row[colProfile], "profile:")), row[colValue]
	case kindSelector:
		r.Value = row[colForm]
	}
	return r
}

// failed lists the rules on the path, breaks or not, that did not decide.
func (e *Engine) failed(d *decision, k kind, act string, decided []string) (fs []Failed) {
	s, p := d.snap, &d.worker.path
	for depth := int(s.nodes[p.leaf].depth); depth >= 0; depth-- {
		sp := s.nodes[p.nodes[depth]].span[k]
		for _, en := range s.entries[k][sp.from:sp.to] {
			row := s.rows[k][en.row]
			if k == kindProfile {
				row = s.rows[k][en.row+uint32(valueCode(s.profiles[row[colProfile]].value(act)))]
			}
			if len(decided) > colID && row[colID] == decided[colID] || k == kindSelector && row[colAct] != act {
				continue
			}
			fs = append(fs, Failed{d.rule(k, row), e.why(d, k, act, row, depth)})
		}
	}
	return fs
}

// why lists what stands between a rule and the decision. The checks are those of the matcher, in words.
func (e *Engine) why(d *decision, k kind, act string, row []string, depth int) (why []string) {
	s, env := d.snap, &d.worker.env
	if !d.subject.in(row[colSubject]) {
		why = append(why, "the user is not "+row[colSubject]+" and not in it")
	}
	if cut := int(s.nodes[d.worker.path.leaf].cut[k]); depth < cut {
		why = append(why, fmt.Sprintf("asset:%s breaks the inheritance of %s rules", s.idOf(d.worker.path.nodes[cut]), k))
	}
	switch k {
	case kindRole:
		role := strings.TrimPrefix(row[colRole], "role:")
		if need, ok := e.operations[pam.Operation(act)]; ok {
			if r, err := pam.ParseRole(role); err == nil && r < need {
				why = append(why, fmt.Sprintf("%s needs %s", act, need))
			}
		}
	case kindProfile:
		if !s.profiles[row[colProfile]].enabled {
			why = append(why, "the profile is disabled")
		}
	case kindSelector:
		if in, ok := s.times[row[colTime]]; ok && in&env.now == 0 {
			why = append(why, "it is not "+row[colTime])
		}
		if row[colNet] != anything {
			if in, err := within(env, row[colNet]); err != nil || in != true {
				why = append(why, fmt.Sprintf("%s is not in %s", env.addr, row[colNet]))
			}
		}
	}
	if len(why) == 0 {
		why = append(why, "a rule before it decides")
	}
	return why
}

// idOf finds the id of a node. It searches: nothing but explanations needs it.
func (s *snapshot) idOf(n int32) pam.AssetID {
	for id, i := range s.nodeOf {
		if i == n {
			return id
		}
	}
	return ""
}

// String renders the explanation as lines of text, for a log or a page of an administrator.
func (x *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: user:%s, %s on asset:%s from %s at %s, policy %d\n", x.Reason, x.Query.User, x.Query.Operation, x.Query.Asset,
		x.Query.ClientAddr, x.Query.At.UTC().Format("2006-01-02 15:04:05Z"), x.Grants.Version)
	if len(x.Steps) == 0 {
		b.WriteString("the policy does not know this user or this asset\n")
	}
	for _, s := range x.Steps {
		answer := "no rule matches"
		switch {
		case s.Rule != nil:
			answer = s.Rule.String()
		case s.Permitted:
			answer = "none governs it"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", s.Stage, s.Asked, answer)
		for _, f := range s.Failed {
			fmt.Fprintf(&b, "  not %s: %s\n", f.Rule, strings.Join(f.Why, ", "))
		}
		if s.Omitted > 0 {
			fmt.Fprintf(&b, "  and %d more\n", s.Omitted)
		}
	}
	return b.String()
}

// String reads, for example, "viewer by grant:7 to group:ops on asset:prod, 2 above".
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString(r.Value + " by " + r.ID)
	if r.Profile != "" {
		b.WriteString(" of profile:" + string(r.Profile))
	}
	b.WriteString(" to " + r.Subject + " on " + r.Scope)
	if r.Above > 0 {
		fmt.Fprintf(&b, ", %d above", r.Above)
	}
	return b.String()
}
