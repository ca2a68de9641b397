package main

import (
	"fmt"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
)

// approvalFlow is a workflow of the configuration: who decides about access requests, level by level.
type approvalFlow struct {
	ID, Name     string
	Longest      time.Duration
	Once, Ticket bool
	Levels       []approvalLevel
}

type approvalLevel struct {
	Name      string
	Approvers []string // user:ID, group:ID or role:ROLE
	Required  int
}

func readFlow(d *doc, n *yaml.Node) approvalFlow {
	var w approvalFlow
	d.mapping(n, "a workflow", keys{
		"id": d.text("id of a workflow", &w.ID), "name": d.text("name of a workflow", &w.Name),
		"longest": d.duration("longest", &w.Longest), "once": d.boolean("once", &w.Once), "ticket": d.boolean("ticket", &w.Ticket),
		"levels": func(n *yaml.Node) {
			d.list(n, "levels", func(n *yaml.Node) {
				l := approvalLevel{Required: 1}
				d.mapping(n, "a level", keys{
					"name": d.text("name of a level", &l.Name), "approvers": d.texts("approvers", &l.Approvers), "required": d.number("required", &l.Required),
				})
				w.Levels = append(w.Levels, l)
			})
		},
	})
	return w
}

// approvals checks the workflows and what selectors say of them.
func (k *checker) approvals() {
	flows := map[string]bool{}
	for i := range k.c.Workflows {
		w := &k.c.Workflows[i]
		what := "workflow " + w.ID
		line := k.id(what, "workflow", w.ID)
		flows[w.ID] = true
		if len(w.Levels) == 0 {
			k.d.fault(line, "add levels: [{name: Owners, approvers: [role:owner]}]", "%s has no levels: nobody would decide", what)
		}
		for i, l := range w.Levels {
			at := fmt.Sprintf("level %d of %s", i+1, what)
			if l.Name == "" {
				k.d.fault(line, "add name: with what people call those who decide", "%s has no name", at)
			}
			if len(l.Approvers) == 0 {
				k.d.fault(line, "add approvers: [group:ID], or user:ID or role:owner", "%s has nobody who decides", at)
			}
			for _, a := range l.Approvers {
				k.approver(line, at, a)
			}
		}
	}
	for i := range k.c.Selectors {
		s := &k.c.Selectors[i]
		what := "selector " + s.ID
		line := k.c.lines[what]
		switch interactive := s.Form == string(pam.FormInteractive); {
		case interactive:
			k.refer(line, what, "workflow", s.Workflow, flows)
		case s.Workflow != "":
			k.d.fault(line, "write form: interactive, or take the workflow out", "%s names a workflow and is %s", what, s.Form)
		}
	}
}

func (k *checker) approver(line int, what, a string) {
	role, ok := strings.CutPrefix(a, "role:")
	switch {
	case ok:
		k.oneOf(line, what, "role", role, "viewer", "supervisor", "editor", "manager", "owner")
	case strings.HasPrefix(a, "user:"), strings.HasPrefix(a, "group:"):
		k.subject(line, what, a)
	default:
		k.d.fault(line, "write user:ID, group:ID or role:owner", "%s names the approver %q", what, a)
	}
}

// approvalData is the part of the policy about who decides.
func (c *config) approvalData(data *policy.Data) {
	for _, w := range c.Workflows {
		flow := policy.Workflow{ID: policy.WorkflowID(w.ID), Name: w.Name, Longest: w.Longest, Once: w.Once, Ticket: w.Ticket}
		for _, l := range w.Levels {
			level := policy.Level{Name: l.Name, Required: l.Required}
			for _, a := range l.Approvers {
				if name, ok := strings.CutPrefix(a, "role:"); ok {
					role, _ := pam.ParseRole(name) // checked
					level.Approvers = append(level.Approvers, policy.Approver{Role: role})
					continue
				}
				s := parseSubject(a)
				level.Approvers = append(level.Approvers, policy.Approver{User: s.User, Group: s.Group})
			}
			flow.Levels = append(flow.Levels, level)
		}
		data.Workflows = append(data.Workflows, flow)
	}
}
