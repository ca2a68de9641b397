package policy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// WorkflowID is the opaque id of a workflow.
type WorkflowID string

// Workflow is how approval runs where an interactive selector asks for it: levels that decide one after the other.
type Workflow struct {
	ID     WorkflowID
	Name   string  // what people read; nothing is decided by it
	Levels []Level // in order, 1 to 10

	Longest time.Duration // that can be asked for; zero leaves it to pam.Limits
	Once    bool          // an approval is good for one use, and not for any number in its time
	Ticket  bool          // a request must name a ticket
}

// Level is one step of a workflow.
type Level struct {
	Name      string     // what people read, required
	Approvers []Approver // any of them may decide; at least one
	Required  int        // how many people of them must agree; zero: 1
}

// Approver is who decides at a level: exactly one of the fields is set.
type Approver struct {
	User  pam.UserID
	Group GroupID
	Role  pam.Role // everyone whose role on the asset is at least this, RoleManager for example
}

const maxLevels, maxRequired = 10, 100

// String is the approver as requests and their records name it.
func (a Approver) String() string {
	switch {
	case a.User != "":
		return "user:" + string(a.User)
	case a.Group != "":
		return "group:" + string(a.Group)
	}
	return rolePrefix + a.Role.String()
}

const rolePrefix = "role:"

// workflows checks d.Workflows and makes of each what a selector hands to pam.
func (b *builder) workflows(d Data) {
	b.flows = make(map[WorkflowID]*pam.Workflow, len(d.Workflows))
	for _, w := range d.Workflows {
		at := where{"workflow", string(w.ID)}
		_, seen := b.flows[w.ID]
		if !b.id(at, seen) {
			continue
		}
		flow := &pam.Workflow{ID: string(w.ID), Name: w.Name, Longest: w.Longest, Once: w.Once, Ticket: w.Ticket}
		b.flows[w.ID] = flow
		switch {
		case len(w.Levels) == 0:
			b.fault(at, "it has no levels", "say who decides, or use the form automatic")
		case len(w.Levels) > maxLevels:
			b.fault(at, fmt.Sprintf("it has %d levels", len(w.Levels)), fmt.Sprintf("use at most %d", maxLevels))
		case w.Longest < 0:
			b.fault(at, fmt.Sprintf("its longest time is %v", w.Longest), "use a positive time, or 0 for the default")
		}
		for i, l := range w.Levels {
			flow.Levels = append(flow.Levels, b.level(at, i, l))
		}
	}
}

func (b *builder) level(at where, i int, l Level) pam.Level {
	out := pam.Level{Name: l.Name, Required: max(1, l.Required)}
	if l.Name == "" {
		b.fault(at, fmt.Sprintf("level %d has no name", i+1), "name it as people know those who decide")
	}
	if l.Required < 0 || l.Required > maxRequired {
		b.fault(at, fmt.Sprintf("level %d needs %d people", i+1, l.Required), fmt.Sprintf("use 1 to %d", maxRequired))
	}
	if len(l.Approvers) == 0 {
		b.fault(at, fmt.Sprintf("level %d has nobody who decides", i+1), "name users, groups or a role")
	}
	for _, a := range l.Approvers {
		switch {
		case a.Role != pam.RoleNone && (a.User != "" || a.Group != ""):
			b.fault(at, fmt.Sprintf("level %d names a role and somebody in one entry", i+1), "make two entries of it")
		case a.Role > pam.RoleOwner:
			b.fault(at, fmt.Sprintf("level %d names the unknown role %v", i+1, a.Role), "use one of the pam.Role… constants")
		case a.Role == pam.RoleNone:
			if _, ok := b.subject(at, Subject{User: a.User, Group: a.Group}); !ok {
				continue
			}
		}
		out.Approvers = append(out.Approvers, a.String())
	}
	return out
}

// flow returns the workflow of a selector: one that is interactive needs one, another must not have any.
func (b *builder) flow(at where, sel Selector) *pam.Workflow {
	flow, ok := b.flows[sel.Workflow]
	switch interactive := sel.Form == pam.FormInteractive; {
	case interactive && sel.Workflow == "":
		b.fault(at, "it asks for approval and names no workflow", "name one of Workflows")
	case !interactive && sel.Workflow != "":
		b.fault(at, fmt.Sprintf("it names a workflow and its form is %s", sel.Form), "use the form interactive, or name none")
	case interactive && !ok:
		b.fault(at, fmt.Sprintf("its workflow %q does not exist", sel.Workflow), "add it to Workflows or correct the id")
	}
	return flow
}

// Approves implements pam.ApproverPolicy: it says whether a user decides at a level about requests for an asset, by the
// policy in force. What it does not know decides nothing.
func (e *Engine) Approves(ctx context.Context, u pam.UserID, a pam.AssetID, l pam.Level) (bool, error) {
	s := e.snap.Load()
	if s == nil {
		return false, fmt.Errorf("policy: %w", ErrNotLoaded)
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("policy: %w", context.Cause(ctx))
	}
	sub := s.subjects[u]
	if sub == nil {
		return false, nil
	}
	for _, name := range l.Approvers {
		role, byRole := strings.CutPrefix(name, rolePrefix)
		if !byRole {
			if sub.in(name) {
				return true, nil
			}
			continue
		}
		need, err := pam.ParseRole(role)
		if err != nil || need == pam.RoleNone {
			continue
		}
		has, err := e.roleOn(s, sub, u, a)
		if err != nil {
			return false, err
		}
		if has >= need {
			return true, nil
		}
	}
	return false, nil
}

// roleOn is a user's role on an asset.
func (e *Engine) roleOn(s *snapshot, sub *subject, u pam.UserID, a pam.AssetID) (pam.Role, error) {
	leaf, ok := s.nodeOf[a]
	if !ok {
		return pam.RoleNone, nil
	}
	w, err := e.workers.get()
	if err != nil {
		return pam.RoleNone, fmt.Errorf("policy: %w", err)
	}
	d := decision{snap: s, subject: sub, worker: w}
	w.begin(s, leaf, pam.Query{User: u, Asset: a, Operation: pam.OpAccess})
	var g pam.Grants
	if err := d.role(&g, pam.OpAccess); err != nil {
		return pam.RoleNone, fmt.Errorf("policy: %w", err) // the worker is dropped with whatever state it is in
	}
	e.workers.put(w)
	return g.Role, nil
}
