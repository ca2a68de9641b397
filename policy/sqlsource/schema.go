package sqlsource

import (
	"context"
	"fmt"
)

// schema is what Create runs. Truth values are 0 and 1: SQLite has no others.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS policy_version (id INTEGER PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS policy_users (id TEXT PRIMARY KEY, site TEXT NOT NULL DEFAULT '')`,
	`CREATE TABLE IF NOT EXISTS policy_groups (id TEXT PRIMARY KEY)`,
	`CREATE TABLE IF NOT EXISTS policy_members (in_group TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('user', 'group')), member TEXT NOT NULL,
		PRIMARY KEY (in_group, kind, member))`,
	`CREATE TABLE IF NOT EXISTS policy_assets (id TEXT PRIMARY KEY, parent TEXT NOT NULL DEFAULT '', container INTEGER NOT NULL DEFAULT 0,
		break_roles INTEGER NOT NULL DEFAULT 0, break_profiles INTEGER NOT NULL DEFAULT 0, break_selectors INTEGER NOT NULL DEFAULT 0)`,
	`CREATE TABLE IF NOT EXISTS policy_grants (id TEXT PRIMARY KEY, scope TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, role TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS policy_profiles (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', enabled INTEGER NOT NULL, mfa INTEGER NOT NULL DEFAULT 0)`,
	`CREATE TABLE IF NOT EXISTS policy_declarations (profile TEXT NOT NULL, declaration TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (profile, declaration))`,
	`CREATE TABLE IF NOT EXISTS policy_pins (profile TEXT NOT NULL, param TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (profile, param))`,
	`CREATE TABLE IF NOT EXISTS policy_assignments (id TEXT PRIMARY KEY, scope TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, profile TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS policy_selectors (id TEXT PRIMARY KEY, scope TEXT NOT NULL, form TEXT NOT NULL, exclusive TEXT NOT NULL DEFAULT '',
		mfa INTEGER NOT NULL DEFAULT 0, workflow TEXT NOT NULL DEFAULT '')`,
	// longest is in seconds.
	`CREATE TABLE IF NOT EXISTS policy_workflows (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', longest BIGINT NOT NULL DEFAULT 0,
		once INTEGER NOT NULL DEFAULT 0, ticket INTEGER NOT NULL DEFAULT 0)`,
	// Levels count from 1.
	`CREATE TABLE IF NOT EXISTS policy_levels (workflow TEXT NOT NULL, level INTEGER NOT NULL, name TEXT NOT NULL, required INTEGER NOT NULL DEFAULT 1,
		PRIMARY KEY (workflow, level))`,
	// kind is user, group or role.
	`CREATE TABLE IF NOT EXISTS policy_approvers (workflow TEXT NOT NULL, level INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
		PRIMARY KEY (workflow, level, kind, value))`,
	// kind is user, group, everyone (with an empty value), operation, time or network.
	`CREATE TABLE IF NOT EXISTS policy_conditions (selector TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL DEFAULT '', PRIMARY KEY (selector, kind, value))`,
	// kind is zone ("Europe/Berlin"), work ("1 08:00 17:30"), weekend ("6", "none" for no weekend at all) or holiday
	// ("2030-12-25"); days of the week count from Sunday, which is 0.
	`CREATE TABLE IF NOT EXISTS policy_calendar (kind TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, value))`,
	`INSERT INTO policy_version (id, version) SELECT 1, 1 WHERE NOT EXISTS (SELECT 1 FROM policy_version)`,
}

// tables are those with rows of the policy, and their columns in the order in which they are written.
var tables = []struct {
	name    string
	columns string
}{
	{"policy_users", "id, site"},
	{"policy_groups", "id"},
	{"policy_members", "in_group, kind, member"},
	{"policy_assets", "id, parent, container, break_roles, break_profiles, break_selectors"},
	{"policy_grants", "id, scope, kind, subject, role"},
	{"policy_profiles", "id, name, enabled, mfa"},
	{"policy_declarations", "profile, declaration, value"},
	{"policy_pins", "profile, param, value"},
	{"policy_assignments", "id, scope, kind, subject, profile"},
	{"policy_workflows", "id, name, longest, once, ticket"},
	{"policy_levels", "workflow, level, name, required"},
	{"policy_approvers", "workflow, level, kind, value"},
	{"policy_selectors", "id, scope, form, exclusive, mfa, workflow"},
	{"policy_conditions", "selector, kind, value"},
	{"policy_calendar", "kind, value"},
}

const (
	selectVersion = `SELECT version FROM policy_version WHERE id = 1`
	raiseVersion  = `UPDATE policy_version SET version = version + 1 WHERE id = 1`
)

// Create makes the tables that are missing, with an empty policy of version 1. It changes none that exist.
func (s *Source) Create(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlsource: create: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for _, statement := range schema {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("sqlsource: create: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlsource: create: %w", err)
	}
	return nil
}
