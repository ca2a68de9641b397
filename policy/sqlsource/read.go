package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
)

// Read returns the policy that the database holds and its version. What a table cannot say in the types of
// policy.Data is an error that joins a *policy.Fault for each; the rest is for the engine to judge.
func (s *Source) Read(ctx context.Context) (policy.Data, int64, error) {
	// A view of one moment: PostgreSQL needs the level named, SQLite gives it to every transaction.
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return policy.Data{}, 0, fmt.Errorf("sqlsource: read: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to keep
	var version int64
	if err := tx.QueryRowContext(ctx, selectVersion).Scan(&version); err != nil {
		return policy.Data{}, 0, fmt.Errorf("sqlsource: version: %w", err)
	}
	r := reader{profiles: map[string]int{}, groups: map[string]int{}, workflows: map[string]int{}, selectors: map[string]int{}}
	for _, t := range tables {
		if err := r.table(ctx, tx, t.name, t.columns); err != nil {
			return policy.Data{}, 0, fmt.Errorf("sqlsource: %s: %w", t.name, err)
		}
	}
	if len(r.faults) > 0 {
		return policy.Data{}, version, fmt.Errorf("sqlsource: version %d: %w", version, errors.Join(r.faults...))
	}
	return r.d, version, nil
}

// reader gathers rows. The tables come in an order in which a row's owner is there before it.
type reader struct {
	d      policy.Data
	faults []error

	groups, profiles, workflows, selectors map[string]int // by id, where in d
}

func (r *reader) table(ctx context.Context, tx *sql.Tx, name, columns string) error {
	rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM "+name+" ORDER BY "+columns)
	if err != nil {
		return err
	}
	defer rows.Close()
	cells := make([]string, strings.Count(columns, ",")+1)
	to := make([]any, len(cells))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		r.row(name, cells)
	}
	return rows.Err()
}

func (r *reader) fault(table string, row []string, what string) {
	r.faults = append(r.faults, &policy.Fault{Where: fmt.Sprintf("row %q of %s", row, table), What: what, Fix: "correct or delete the row"})
}

// row takes one row.
func (r *reader) row(table string, c []string) {
	truth := func(s string) bool {
		if s != "0" && s != "1" {
			r.fault(table, c, fmt.Sprintf("%q is not 0 or 1", s))
		}
		return s == "1"
	}
	owner := func(of map[string]int, noun string) (int, bool) {
		i, ok := of[c[0]]
		if !ok {
			r.fault(table, c, fmt.Sprintf("its %s does not exist", noun)) // what it says would be lost
		}
		return i, ok
	}
	d := &r.d
	switch table {
	case "policy_users":
		d.Users = append(d.Users, policy.User{ID: pam.UserID(c[0]), Site: pam.SiteRole(c[1])})
	case "policy_groups":
		r.groups[c[0]] = len(d.Groups)
		d.Groups = append(d.Groups, policy.Group{ID: policy.GroupID(c[0])})
	case "policy_members":
		if i, ok := owner(r.groups, "group"); ok {
			switch g := &d.Groups[i]; c[1] {
			case "user":
				g.Users = append(g.Users, pam.UserID(c[2]))
			case "group":
				g.Groups = append(g.Groups, policy.GroupID(c[2]))
			default:
				r.fault(table, c, fmt.Sprintf("unknown kind %q", c[1]))
			}
		}
	case "policy_assets":
		a := policy.Asset{ID: pam.AssetID(c[0]), Parent: pam.AssetID(c[1]), Container: truth(c[2])}
		for i, b := range []policy.Break{policy.BreakRoles, policy.BreakProfiles, policy.BreakSelectors} {
			if truth(c[3+i]) {
				a.Break |= b
			}
		}
		d.Assets = append(d.Assets, a)
	case "policy_grants":
		role, err := pam.ParseRole(c[4])
		if err != nil {
			r.fault(table, c, fmt.Sprintf("unknown role %q", c[4]))
		}
		d.Grants = append(d.Grants, policy.RoleGrant{ID: c[0], Scope: pam.AssetID(c[1]), Subject: r.subject(table, c, c[2], c[3]), Role: role})
	case "policy_profiles":
		r.profiles[c[0]] = len(d.Profiles)
		d.Profiles = append(d.Profiles, policy.Profile{ID: policy.ProfileID(c[0]), Name: c[1], Enabled: truth(c[2]), MFA: truth(c[3])})
	case "policy_declarations":
		if i, ok := owner(r.profiles, "profile"); ok {
			p := &d.Profiles[i]
			if p.Declarations == nil {
				p.Declarations = pam.Declarations{}
			}
			p.Declarations[pam.Declaration(c[1])] = r.value(table, c, c[2])
		}
	case "policy_pins":
		if i, ok := owner(r.profiles, "profile"); ok {
			p := &d.Profiles[i]
			if p.Pins == nil {
				p.Pins = pam.Params{}
			}
			p.Pins[c[1]] = c[2]
		}
	case "policy_assignments":
		d.Assignments = append(d.Assignments, policy.Assignment{
			ID: c[0], Scope: pam.AssetID(c[1]), Subject: r.subject(table, c, c[2], c[3]), Profile: policy.ProfileID(c[4]),
		})
	case "policy_workflows":
		r.workflows[c[0]] = len(d.Workflows)
		d.Workflows = append(d.Workflows, policy.Workflow{
			ID: policy.WorkflowID(c[0]), Name: c[1], Longest: time.Duration(r.number(table, c, c[2])) * time.Second, Once: truth(c[3]), Ticket: truth(c[4]),
		})
	case "policy_levels":
		if i, ok := owner(r.workflows, "workflow"); ok {
			w := &d.Workflows[i]
			w.Levels = append(w.Levels, policy.Level{Name: c[2], Required: int(r.number(table, c, c[3]))})
			if c[1] != strconv.Itoa(len(w.Levels)) {
				r.fault(table, c, fmt.Sprintf("level %d of the workflow is missing", len(w.Levels)))
			}
		}
	case "policy_approvers":
		if i, ok := owner(r.workflows, "workflow"); ok {
			level, err := strconv.Atoi(c[1])
			if w := &d.Workflows[i]; err != nil || level < 1 || level > len(w.Levels) {
				r.fault(table, c, "its level does not exist")
			} else {
				l := &w.Levels[level-1]
				l.Approvers = append(l.Approvers, r.approver(table, c))
			}
		}
	case "policy_selectors":
		r.selectors[c[0]] = len(d.Selectors)
		d.Selectors = append(d.Selectors, policy.Selector{ID: c[0], Scope: pam.AssetID(c[1]), Form: pam.Form(c[2]), Exclusive: c[3], MFA: truth(c[4]), Workflow: policy.WorkflowID(c[5])})
	case "policy_conditions":
		if i, ok := owner(r.selectors, "selector"); ok {
			switch s := &d.Selectors[i]; c[1] {
			case "operation":
				s.Operations = append(s.Operations, pam.Operation(c[2]))
			case "time":
				s.Times = append(s.Times, policy.TimeClass(c[2]))
			case "network":
				s.Networks = append(s.Networks, c[2])
			default:
				s.Subjects = append(s.Subjects, r.subject(table, c, c[1], c[2]))
			}
		}
	case "policy_calendar":
		r.calendar(c)
	}
}

func (r *reader) subject(table string, row []string, kind, id string) policy.Subject {
	switch {
	case kind == "user":
		return policy.Subject{User: pam.UserID(id)}
	case kind == "group":
		return policy.Subject{Group: policy.GroupID(id)}
	case kind == "everyone" && id == "":
		return policy.Subject{Everyone: true}
	}
	r.fault(table, row, fmt.Sprintf("unknown kind %q", kind))
	return policy.Subject{}
}

func (r *reader) approver(table string, row []string) policy.Approver {
	switch kind, value := row[2], row[3]; kind {
	case "user":
		return policy.Approver{User: pam.UserID(value)}
	case "group":
		return policy.Approver{Group: policy.GroupID(value)}
	case "role":
		if role, err := pam.ParseRole(value); err == nil && role != pam.RoleNone {
			return policy.Approver{Role: role}
		}
		r.fault(table, row, fmt.Sprintf("unknown role %q", value))
	default:
		r.fault(table, row, fmt.Sprintf("unknown kind %q", kind))
	}
	return policy.Approver{}
}

func (r *reader) number(table string, row []string, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		r.fault(table, row, fmt.Sprintf("%q is not a number that can be meant", text))
	}
	return n
}

func (r *reader) value(table string, row []string, text string) pam.Value {
	for _, v := range []pam.Value{pam.Deny, pam.Allow, pam.Record} {
		if v.String() == text {
			return v
		}
	}
	r.fault(table, row, fmt.Sprintf("unknown value %q", text))
	return pam.Deny
}

func (r *reader) calendar(c []string) {
	cal := &r.d.Calendar
	switch kind, value := c[0], c[1]; kind {
	case "zone":
		if cal.Zone != "" {
			r.fault("policy_calendar", c, "a second time zone")
		}
		cal.Zone = value
	case "work":
		f := strings.Fields(value)
		if len(f) != 3 {
			r.fault("policy_calendar", c, `want a shift as "1 08:00 17:30"`)
			return
		}
		cal.Work = append(cal.Work, policy.Shift{Day: r.day(c, f[0]), From: f[1], To: f[2]})
	case "weekend":
		if cal.Weekend == nil {
			cal.Weekend = []time.Weekday{}
		}
		if value != "none" {
			cal.Weekend = append(cal.Weekend, r.day(c, value))
		}
	case "holiday":
		cal.Holidays = append(cal.Holidays, value)
	default:
		r.fault("policy_calendar", c, fmt.Sprintf("unknown kind %q", kind))
	}
}

func (r *reader) day(row []string, s string) time.Weekday {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 6 {
		r.fault("policy_calendar", row, fmt.Sprintf("%q is not a day from 0, Sunday, to 6", s))
	}
	return time.Weekday(n)
}
