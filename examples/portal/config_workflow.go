package main

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
)

// selector is a workflow selector of the configuration.
type selector struct {
	ID, On, Form, Workflow, Exclusive string
	To, Operations, Times, Networks   []string
	MFA                               bool
}

// calendar is what time classes go by.
type calendar struct {
	Zone     string
	Work     []string // "mon-fri 08:00-18:00"
	Holidays []string
}

func readSelector(d *doc, n *yaml.Node) selector {
	var s selector
	d.mapping(n, "a selector", keys{
		"id": d.text("id of a selector", &s.ID), "on": d.text("on", &s.On), "form": d.text("form", &s.Form),
		"workflow":  d.text("workflow", &s.Workflow),
		"exclusive": d.text("exclusive", &s.Exclusive), "to": d.texts("to", &s.To), "operations": d.texts("operations", &s.Operations),
		"times": d.texts("times", &s.Times), "networks": d.texts("networks", &s.Networks), "mfa": d.boolean("mfa", &s.MFA),
	})
	return s
}

func readCalendar(d *doc, n *yaml.Node) *calendar {
	c := &calendar{}
	d.mapping(n, "the calendar", keys{
		"zone": d.text("zone", &c.Zone), "work": d.texts("work", &c.Work), "holidays": d.texts("holidays", &c.Holidays),
	})
	return c
}

var operations = map[string]bool{
	string(pam.OpAccess): true, string(pam.OpUnlock): true, string(pam.OpExtend): true, string(pam.OpJoin): true, string(pam.OpPlay): true,
}

func (k *checker) workflow() {
	timed := false
	for i := range k.c.Selectors {
		s := &k.c.Selectors[i]
		what := "selector " + s.ID
		line := k.id(what, "selector", s.ID)
		k.refer(line, what, "container or asset", s.On, k.nodes)
		if len(s.To) == 0 {
			k.d.fault(line, "add to: [everyone], or a list of user:ID and group:ID", "%s is about nobody", what)
		}
		for _, to := range s.To {
			k.subject(line, what, to)
		}
		if len(s.Operations) == 0 {
			s.Operations = []string{string(pam.OpAccess)}
		}
		for _, op := range s.Operations {
			k.oneOf(line, what, "operation", op, slices.Sorted(maps.Keys(operations))...)
		}
		k.oneOf(line, what, "form", s.Form, string(pam.FormAutomatic), string(pam.FormInteractive), string(pam.FormRestricting))
		if s.Exclusive != "" {
			k.oneOf(line, what, "value of exclusive", s.Exclusive, pam.ExclusiveUnavailable, pam.ExclusiveOptional, pam.ExclusiveRequired)
		}
		for _, t := range s.Times {
			k.oneOf(line, what, "time class", t, string(policy.WorkHours), string(policy.AfterHours), string(policy.Weekend), string(policy.Holiday))
			timed = timed || t == string(policy.WorkHours) || t == string(policy.AfterHours)
		}
		for _, n := range s.Networks {
			if _, err := netip.ParsePrefix(n); err != nil {
				k.d.fault(line, "write a prefix, for example 10.20.0.0/16", "%s has the network %q", what, n)
			}
		}
	}
	k.approvals()
	c := k.c.Calendar
	if c == nil {
		c = &calendar{}
	}
	line := max(k.c.lines["calendar"], 1)
	if timed && len(c.Work) == 0 {
		k.d.fault(line, `add calendar: {zone: Europe/Berlin, work: ["mon-fri 08:00-18:00"]}`, "selectors speak of work hours and there are none")
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		k.d.fault(line, "write a name such as Europe/Berlin", "the calendar has the unknown zone %q", c.Zone)
	}
	for _, w := range c.Work {
		if _, err := parseShifts(w); err != nil {
			k.d.fault(line, `write "mon-fri 08:00-18:00"`, "the calendar has the work hours %q: %v", w, err)
		}
	}
	for _, h := range c.Holidays {
		if _, err := time.Parse(time.DateOnly, h); err != nil {
			k.d.fault(line, "write dates as 2026-12-25", "the calendar has the holiday %q", h)
		}
	}
}

func (k *checker) oneOf(line int, what, kind, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		k.d.fault(line, "write one of "+strings.Join(allowed, ", "), "%s has the unknown %s %q", what, kind, value)
	}
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseShifts reads "mon-fri 08:00-18:00" or "sat 09:00-12:00".
func parseShifts(s string) ([]policy.Shift, error) {
	days, hours, ok := strings.Cut(s, " ")
	from, to, ok2 := strings.Cut(strings.TrimSpace(hours), "-")
	if !ok || !ok2 {
		return nil, fmt.Errorf("no days and hours")
	}
	first, last, more := strings.Cut(strings.ToLower(days), "-")
	if !more {
		last = first
	}
	a, b := slices.Index(weekdays, first), slices.Index(weekdays, last)
	if a < 0 || b < 0 {
		return nil, fmt.Errorf("days are %s", strings.Join(weekdays, ", "))
	}
	for _, clock := range []string{from, to} {
		if _, err := time.Parse("15:04", clock); err != nil && clock != "24:00" {
			return nil, fmt.Errorf("no time of day: %q", clock)
		}
	}
	if from >= to {
		return nil, fmt.Errorf("%s is not before %s", from, to)
	}
	var out []policy.Shift
	for d := a; ; d = (d + 1) % 7 {
		out = append(out, policy.Shift{Day: time.Weekday(d), From: from, To: to})
		if d == b {
			return out, nil
		}
	}
}

// workflowData is the part of the policy about selectors.
func (c *config) workflowData(data *policy.Data) {
	for _, s := range c.Selectors {
		p := policy.Selector{
			ID: s.ID, Scope: pam.AssetID(s.On), Form: pam.Form(s.Form), Workflow: policy.WorkflowID(s.Workflow), Exclusive: s.Exclusive, Networks: s.Networks, MFA: s.MFA,
		}
		for _, to := range s.To {
			p.Subjects = append(p.Subjects, parseSubject(to))
		}
		for _, op := range s.Operations {
			p.Operations = append(p.Operations, pam.Operation(op))
		}
		for _, t := range s.Times {
			p.Times = append(p.Times, policy.TimeClass(t))
		}
		data.Selectors = append(data.Selectors, p)
	}
	if c.Calendar == nil {
		return
	}
	data.Calendar = policy.Calendar{Zone: c.Calendar.Zone, Holidays: c.Calendar.Holidays}
	for _, w := range c.Calendar.Work {
		shifts, _ := parseShifts(w) // checked
		data.Calendar.Work = append(data.Calendar.Work, shifts...)
	}
}
