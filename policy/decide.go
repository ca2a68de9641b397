package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

// known are the declarations of the SDK, in the order in which they are asked for: the deciding rule of web_session
// comes before those of the others.
var known = [...]pam.Declaration{
	pam.WebSession, pam.NativeSession, pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload,
	pam.FileUpload, pam.FileDownload, pam.FileDelete, pam.JoinMonitor, pam.JoinParticipate,
	pam.SessionURL, pam.Audio, pam.Printing, pam.PortForward, pam.Exec,
}

// Grants answers q, with every declaration that the SDK knows or that a profile in reach states. Rules names
// the role grant, then the assignments that decided about declarations, the second factor and pinned parameters,
// then the selector, without repetition.
//
// Who has no role gets nothing else. Who has one gets the rest whether or not it reaches the operation: check
// Permitted first. Without an error the answer is whole; with one it is the zero Grants.
func (e *Engine) Grants(ctx context.Context, q pam.Query) (pam.Grants, error) {
	return e.grants(ctx, q, true, nil, nil)
}

// GrantsFor is Grants for the declarations in want alone, for example to list assets. Each declaration costs about
// as much as the role and the selector.
func (e *Engine) GrantsFor(ctx context.Context, q pam.Query, want ...pam.Declaration) (pam.Grants, error) {
	for _, d := range want {
		if what := checkName(string(d)); what != "" {
			return pam.Grants{}, fmt.Errorf("policy: %w: declaration %q: %s", ErrInvalidQuery, d, what)
		}
	}
	return e.grants(ctx, q, false, want, nil)
}

// Site implements pam.SitePolicy. An unknown user has no site role; an error is a denial.
func (e *Engine) Site(ctx context.Context, u pam.UserID) (pam.SiteRole, error) {
	if err := ctx.Err(); err != nil {
		return pam.SiteNone, fmt.Errorf("policy: %w", context.Cause(ctx))
	}
	if u == "" {
		return pam.SiteNone, fmt.Errorf("policy: %w: the user is empty", ErrInvalidQuery)
	}
	s := e.snap.Load()
	if s == nil {
		return pam.SiteNone, fmt.Errorf("policy: %w", ErrNotLoaded)
	}
	if sub := s.subjects[u]; sub != nil {
		return sub.site, nil
	}
	return pam.SiteNone, nil
}

// tracer is told of every question that a decision puts to Casbin.
type tracer func(d *decision, k kind, act string, ok bool, row []string)

func (e *Engine) grants(ctx context.Context, q pam.Query, all bool, want []pam.Declaration, trace tracer) (pam.Grants, error) {
	if err := ctx.Err(); err != nil {
		return pam.Grants{}, fmt.Errorf("policy: %w", context.Cause(ctx))
	}
	if err := e.checkQuery(q); err != nil {
		return pam.Grants{}, fmt.Errorf("policy: %w", err)
	}
	s := e.snap.Load()
	if s == nil {
		return pam.Grants{}, fmt.Errorf("policy: %w", ErrNotLoaded)
	}
	g := pam.Grants{Version: s.version}
	sub := s.subjects[q.User]
	if sub == nil {
		return g, nil
	}
	g.Site = sub.site
	leaf, ok := s.nodeOf[q.Asset]
	if !ok {
		return g, nil
	}
	w, err := e.workers.get()
	if err != nil {
		e.log.Error("policy decision failed", "user", q.User, "asset", q.Asset, "err", err)
		return pam.Grants{}, fmt.Errorf("policy: %w", err)
	}
	d := decision{snap: s, subject: sub, worker: w, trace: trace}
	w.begin(s, leaf, q)
	if err := d.whole(&g, q.Operation, all, want); err != nil {
		e.log.Error("policy decision failed", "user", q.User, "asset", q.Asset, "err", err)
		return pam.Grants{}, fmt.Errorf("policy: %w", err) // the worker is dropped with whatever state it is in
	}
	e.workers.put(w)
	return g, nil
}

// checkQuery refuses what must never reach a matcher: Casbin gives empty strings a meaning of its own.
func (e *Engine) checkQuery(q pam.Query) error {
	switch {
	case q.User == "":
		return fmt.Errorf("%w: User is empty", ErrInvalidQuery)
	case q.Asset == "":
		return fmt.Errorf("%w: Asset is empty", ErrInvalidQuery)
	case q.Operation == "":
		return fmt.Errorf("%w: Operation is empty", ErrInvalidQuery)
	case !q.ClientAddr.IsValid():
		return fmt.Errorf("%w: ClientAddr is not set", ErrInvalidQuery)
	case q.At.IsZero():
		return fmt.Errorf("%w: At is not set", ErrInvalidQuery)
	}
	if _, ok := e.operations[q.Operation]; !ok {
		return fmt.Errorf("%w: unknown operation %q; name it in Config.Operations", ErrInvalidQuery, q.Operation)
	}
	return nil
}

// decision is one question to one snapshot.
type decision struct {
	snap    *snapshot
	subject *subject
	worker  *worker
	trace   tracer // nil: nobody wants to know
}

// whole fills in everything but Site and Version.
func (d *decision) whole(g *pam.Grants, op pam.Operation, all bool, want []pam.Declaration) error {
	if err := d.role(g, op); err != nil || g.Role == pam.RoleNone {
		return err
	}
	d.worker.assigned, d.worker.hits = d.snap.assignments(d.worker.assigned, d.worker.hits, d.subject, &d.worker.path)
	if all {
		want = d.stated()
	}
	if err := d.declarations(g, want); err != nil {
		return err
	}
	if err := d.mfa(g); err != nil {
		return err
	}
	if err := d.pins(g); err != nil {
		return err
	}
	return d.selector(g, op)
}

// role fills in Role and Permitted.
//
// The list is sorted by role, so the rule that permits the operation names the best role. If none permits
// it, the user may still have a lower role, which decides between "denied" and "does not exist" (E3): each
// role includes viewer, so asking for that finds it.
func (d *decision) role(g *pam.Grants, op pam.Operation) error {
	d.worker.load(kindRole, d.subject, "")
	permitted, row, err := d.ask(kindRole, string(op))
	if err != nil {
		return err
	}
	if !permitted {
		var some bool
		if some, row, err = d.ask(kindRole, roleName(pam.RoleViewer)); err != nil || !some {
			return err
		}
	}
	for r := pam.RoleViewer; r <= pam.RoleOwner; r++ {
		if roleName(r) == row[colRole] {
			g.Role, g.Permitted = r, permitted
			g.Rules = append(g.Rules, row[colID])
			return nil
		}
	}
	return fmt.Errorf("%w: rule %q names the role %q", ErrEnforce, row[colID], row[colRole])
}

// declarations fills in Declarations.
func (d *decision) declarations(g *pam.Grants, want []pam.Declaration) error {
	g.Declarations = make(pam.Declarations, len(want))
	for _, declaration := range want {
		ok, row, err := d.profile(string(declaration))
		if err != nil {
			return err
		}
		value := pam.Deny
		if ok {
			switch row[colValue] {
			case valueAllow:
				value = pam.Allow
			case valueRecord:
				value = pam.Record
			default:
				return fmt.Errorf("%w: rule %q allows with the value %q", ErrEnforce, row[colID], row[colValue])
			}
		}
		g.Declarations[declaration] = value
		cite(g, row)
	}
	return nil
}

// profile asks what the profiles say about a declaration.
func (d *decision) profile(declaration string) (ok bool, row []string, err error) {
	d.worker.load(kindProfile, d.subject, declaration)
	return d.ask(kindProfile, declaration)
}

// mfa fills in MFA as far as it comes from profiles. There is nothing to ask if no profile in reach speaks of it.
func (d *decision) mfa(g *pam.Grants) error {
	if !slices.ContainsFunc(d.worker.assigned, func(a assigned) bool { return a.profile.mfa }) {
		return nil
	}
	_, row, err := d.profile(declareMFA)
	if err == nil && len(row) == colsProfile && row[colValue] == valueDeny {
		g.MFA = true
		cite(g, row)
	}
	return err
}

// pins fills in Pins.
func (d *decision) pins(g *pam.Grants) error {
	for _, a := range d.worker.assigned {
		for _, param := range a.profile.pinned {
			if _, seen := g.Pins[param]; seen {
				continue
			}
			_, row, err := d.profile(declarePin + param)
			if err != nil {
				return err
			}
			if len(row) != colsProfile || row[colValue] != valueDeny {
				continue // pinned on a farther level alone
			}
			if g.Pins == nil {
				g.Pins = pam.Params{}
			}
			g.Pins[param] = d.snap.profiles[row[colProfile]].pins[param]
			cite(g, row)
		}
	}
	return nil
}

// selector fills in Selector, and MFA if the selector asks for it. That there is none is the answer of a rule too.
func (d *decision) selector(g *pam.Grants, op pam.Operation) error {
	d.worker.load(kindSelector, d.subject, string(op))
	ok, row, err := d.ask(kindSelector, string(op))
	switch {
	case err != nil:
		return err
	case len(row) != colsSelector:
		return fmt.Errorf("%w: no rule about workflows matches: %q", ErrEnforce, row)
	case ok && row[colForm] == formNone:
		return nil
	case ok == (row[colForm] == string(pam.FormRestricting)):
		return fmt.Errorf("%w: rule %q of form %q, allowed %v", ErrEnforce, row[colID], row[colForm], ok)
	}
	g.Selector = &pam.Selector{ID: strings.TrimPrefix(row[colID], "selector:"), Form: pam.Form(row[colForm]), Exclusive: row[colExcl], Workflow: d.snap.flows[row[colID]]}
	g.MFA = g.MFA || row[colMFA] == "yes"
	cite(g, row)
	return nil
}

// cite adds the rule to Rules, once.
func cite(g *pam.Grants, row []string) {
	if len(row) > colID && !slices.Contains(g.Rules, row[colID]) {
		g.Rules = append(g.Rules, row[colID])
	}
}

// stated returns what there is to ask about: a host's own declaration that no assignment in reach states is Deny
// because it is missing.
func (d *decision) stated() []pam.Declaration {
	want := slices.Clone(known[:])
	for _, a := range d.worker.assigned {
		for _, own := range a.profile.own {
			if !slices.Contains(want[len(known):], own) {
				want = append(want, own)
			}
		}
	}
	return want
}

// ask puts one question to Casbin, over the rules that load has set. A permit counts only with the whole rule
// that it rests on. Without a permit row is the rule that denied, or empty if none matched.
func (d *decision) ask(k kind, act string) (ok bool, row []string, err error) {
	columns := k.columns()
	ok, row, err = d.worker.enforcer.EnforceEx(stageContext(k), d.subject, &d.worker.path, act, &d.worker.env)
	switch {
	case err != nil:
		return false, nil, fmt.Errorf("%w: %w", ErrEnforce, err)
	case ok && len(row) != columns:
		return false, nil, fmt.Errorf("%w: it allows without a rule: %q", ErrEnforce, row)
	case ok && row[columns-1] != "allow":
		return false, nil, fmt.Errorf("%w: it allows by rule %q, which denies", ErrEnforce, row[colID])
	}
	if d.trace != nil {
		d.trace(d, k, act, ok, row)
	}
	return ok, row, nil
}
