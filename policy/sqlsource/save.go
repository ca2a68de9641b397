package sqlsource

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
)

// Save replaces the policy in the database by d, in one transaction, and returns its new version. base is the version
// that d was made from: when the database has another by now, Save changes nothing and the error is ErrConflict. Base
// zero overwrites whatever is there.
//
// Save does not judge d. Try it on an engine first: rows with faults are stored, and refused by whoever follows.
func (s *Source) Save(ctx context.Context, d policy.Data, base int64) (int64, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("sqlsource: save: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	// First of all, as it makes other writers wait.
	if _, err := tx.ExecContext(ctx, raiseVersion); err != nil {
		return 0, fmt.Errorf("sqlsource: save: %w", err)
	}
	var version int64
	if err := tx.QueryRowContext(ctx, selectVersion).Scan(&version); err != nil {
		return 0, fmt.Errorf("sqlsource: save: version: %w", err)
	}
	if base != 0 && version != base+1 {
		return 0, fmt.Errorf("sqlsource: save: %w: it is at version %d, not %d", ErrConflict, version-1, base)
	}
	for _, t := range tables {
		if err := replace(ctx, tx, t.name, t.columns, rowsOf(t.name, &d)); err != nil {
			return 0, fmt.Errorf("sqlsource: save: %s: %w", t.name, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("sqlsource: save: %w", err)
	}
	select {
	case s.wake <- struct{}{}:
	default: // it is to wake up already
	}
	return version, nil
}

// replace writes rows in place of all that the table holds. Names come from the list of tables, never from data.
func replace(ctx context.Context, tx *sql.Tx, name, columns string, rows func(yield func(...any) bool)) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM "+name); err != nil {
		return err
	}
	n := strings.Count(columns, ",") + 1
	marks := make([]string, n)
	for i := range marks {
		marks[i] = fmt.Sprint("$", i+1)
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO "+name+" ("+columns+") VALUES ("+strings.Join(marks, ", ")+")")
	if err != nil {
		return err
	}
	defer insert.Close()
	rows(func(cells ...any) bool {
		_, err = insert.ExecContext(ctx, cells...)
		return err == nil
	})
	return err
}

// rowsOf yields the rows of one table.
func rowsOf(table string, d *policy.Data) func(yield func(...any) bool) {
	var all [][]any
	add := func(cells ...any) { all = append(all, cells) }
	switch table {
	case "policy_users":
		for _, u := range d.Users {
			add(string(u.ID), string(u.Site))
		}
	case "policy_groups":
		for _, g := range d.Groups {
			add(string(g.ID))
		}
	case "policy_members":
		for _, g := range d.Groups {
			for _, u := range g.Users {
				add(string(g.ID), "user", string(u))
			}
			for _, inner := range g.Groups {
				add(string(g.ID), "group", string(inner))
			}
		}
	case "policy_assets":
		for _, a := range d.Assets {
			has := func(b policy.Break) int { return truth(a.Break&b != 0) }
			add(string(a.ID), string(a.Parent), truth(a.Container), has(policy.BreakRoles), has(policy.BreakProfiles), has(policy.BreakSelectors))
		}
	case "policy_grants":
		for _, g := range d.Grants {
			kind, id := subject(g.Subject)
			add(g.ID, string(g.Scope), kind, id, g.Role.String())
		}
	case "policy_profiles":
		for _, p := range d.Profiles {
			add(string(p.ID), p.Name, truth(p.Enabled), truth(p.MFA))
		}
	case "policy_declarations":
		for _, p := range d.Profiles {
			for declaration, v := range p.Declarations {
				add(string(p.ID), string(declaration), v.String())
			}
		}
	case "policy_pins":
		for _, p := range d.Profiles {
			for param, v := range p.Pins {
				add(string(p.ID), param, v)
			}
		}
	case "policy_assignments":
		for _, a := range d.Assignments {
			kind, id := subject(a.Subject)
			add(a.ID, string(a.Scope), kind, id, string(a.Profile))
		}
	case "policy_workflows":
		for _, w := range d.Workflows {
			add(string(w.ID), w.Name, int64(w.Longest/time.Second), truth(w.Once), truth(w.Ticket))
		}
	case "policy_levels":
		for _, w := range d.Workflows {
			for i, l := range w.Levels {
				add(string(w.ID), i+1, l.Name, l.Required)
			}
		}
	case "policy_approvers":
		for _, w := range d.Workflows {
			for i, l := range w.Levels {
				for _, a := range l.Approvers {
					kind, value, _ := strings.Cut(a.String(), ":")
					add(string(w.ID), i+1, kind, value)
				}
			}
		}
	case "policy_selectors":
		for _, s := range d.Selectors {
			add(s.ID, string(s.Scope), string(s.Form), s.Exclusive, truth(s.MFA), string(s.Workflow))
		}
	case "policy_conditions":
		conditions(d, add)
	case "policy_calendar":
		calendar(d.Calendar, add)
	}
	return func(yield func(...any) bool) {
		for _, cells := range all {
			if !yield(cells...) {
				return
			}
		}
	}
}

func conditions(d *policy.Data, add func(...any)) {
	for _, s := range d.Selectors {
		for _, to := range s.Subjects {
			kind, id := subject(to)
			add(s.ID, kind, id)
		}
		for _, op := range s.Operations {
			add(s.ID, "operation", string(op))
		}
		for _, c := range s.Times {
			add(s.ID, "time", string(c))
		}
		for _, n := range s.Networks {
			add(s.ID, "network", n)
		}
	}
}

func calendar(c policy.Calendar, add func(...any)) {
	if c.Zone != "" {
		add("zone", c.Zone)
	}
	for _, w := range c.Work {
		add("work", fmt.Sprintf("%d %s %s", w.Day, w.From, w.To))
	}
	if c.Weekend != nil && len(c.Weekend) == 0 {
		add("weekend", "none")
	}
	for _, day := range c.Weekend {
		add("weekend", fmt.Sprint(int(day)))
	}
	for _, h := range c.Holidays {
		add("holiday", h)
	}
}

// subject is the pair of columns that names s. What names nobody, or two, is stored as such and refused when read.
func subject(s policy.Subject) (kind, id string) {
	switch {
	case s.Everyone && s.User == "" && s.Group == "":
		return "everyone", ""
	case s.User != "" && s.Group == "" && !s.Everyone:
		return "user", string(s.User)
	case s.Group != "" && s.User == "" && !s.Everyone:
		return "group", string(s.Group)
	default:
		return "", string(s.User) + string(s.Group)
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
