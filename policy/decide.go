package policy

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/pam"
)

// knownDeclarations are those of the SDK, in the order in which they are asked for: the deciding rule of
// web_session comes before those of the others.
func knownDeclarations() []pam.Declaration {
	return []pam.Declaration{
		pam.WebSession, pam.NativeSession, pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload,
		pam.FileUpload, pam.FileDownload, pam.FileDelete, pam.JoinMonitor, pam.JoinParticipate,
		pam.SessionURL, pam.Audio, pam.Printing, pam.PortForward, pam.Exec,
	}
}

// Grants answers q, with every declaration that the SDK knows or that a profile in reach states. Rules names
// the role grant, then the assignments that decided about declarations, without repetition.
//
// Who has no role gets no declarations. Who has one gets them whether or not it reaches the operation: check
// Permitted first. Without an error the answer is whole; with one it is the zero Grants.
func (e *Engine) Grants(ctx context.Context, q pam.Query) (pam.Grants, error) {
	return e.grants(ctx, q, true, nil)
}

// GrantsFor is Grants for the declarations in want alone; with none it answers about the role, for example to
// list assets. Each declaration costs as much again as the role.
func (e *Engine) GrantsFor(ctx context.Context, q pam.Query, want ...pam.Declaration) (pam.Grants, error) {
	for _, d := range want {
		if what := checkName(string(d)); what != "" {
			return pam.Grants{}, fmt.Errorf("policy: %w: declaration %q: %s", ErrInvalidQuery, d, what)
		}
	}
	return e.grants(ctx, q, false, want)
}

func (e *Engine) grants(ctx context.Context, q pam.Query, all bool, want []pam.Declaration) (pam.Grants, error) {
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
	d := decision{snap: s, subject: sub, worker: w}
	w.path.set(s, leaf)
	err = d.role(&g, q.Operation)
	if err == nil && g.Role != pam.RoleNone {
		err = d.declarations(&g, all, want)
	}
	if err != nil {
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
}

// role fills in Role and Permitted.
//
// The list is sorted by role, so the rule that permits the operation names the best role. If none permits
// it, the user may still have a lower role, which decides between "denied" and "does not exist" (E3): each
// role includes viewer, so asking for that finds it.
func (d *decision) role(g *pam.Grants, op pam.Operation) error {
	d.worker.load(d.snap, kindRole, d.subject)
	permitted, row, err := d.ask(kindRole, colsRole, string(op))
	if err != nil {
		return err
	}
	if !permitted {
		var some bool
		if some, row, err = d.ask(kindRole, colsRole, roleName(pam.RoleViewer)); err != nil || !some {
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
func (d *decision) declarations(g *pam.Grants, all bool, want []pam.Declaration) error {
	d.worker.load(d.snap, kindProfile, d.subject)
	if all {
		want = d.stated()
	}
	g.Declarations = make(pam.Declarations, len(want))
	for _, declaration := range want {
		ok, row, err := d.ask(kindProfile, colsProfile, string(declaration))
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
		if len(row) > colID && !slices.Contains(g.Rules, row[colID]) {
			g.Rules = append(g.Rules, row[colID])
		}
	}
	return nil
}

// stated returns what there is to ask about: a host's own declaration that no candidate states is Deny
// because it is missing.
func (d *decision) stated() []pam.Declaration {
	want := knownDeclarations()
	known := len(want)
	rules := d.worker.rules[kindProfile].Policy
	for _, row := range rules[:len(rules)-1] { // without the guard
		if row[colValue] != valueUnstated { // once per assignment is enough
			continue
		}
		for _, own := range d.snap.profiles[row[colProfile]].own {
			if !slices.Contains(want[known:], own) {
				want = append(want, own)
			}
		}
	}
	return want
}

// ask puts one question to Casbin, over the rules that load has set. A permit counts only with the whole rule
// that it rests on. Without a permit row is the rule that denied, or empty if none matched.
func (d *decision) ask(k kind, columns int, act string) (ok bool, row []string, err error) {
	ok, row, err = d.worker.enforcer.EnforceEx(stageContext(k), d.subject, &d.worker.path, act, d.snap)
	switch {
	case err != nil:
		return false, nil, fmt.Errorf("%w: %w", ErrEnforce, err)
	case ok && len(row) != columns:
		return false, nil, fmt.Errorf("%w: it allows without a rule: %q", ErrEnforce, row)
	case ok && row[columns-1] != "allow":
		return false, nil, fmt.Errorf("%w: it allows by rule %q, which denies", ErrEnforce, row[colID])
	}
	return ok, row, nil
}
