// Package policy answers what a user may do on an asset: the asset role that reaches them, what their access
// profiles declare, and which workflow governs the operation. Casbin decides; [Engine] implements [pam.Policy].
//
// # From data to a decision
//
// The host fills a [Data] from wherever its policy lives (a file, a database, a directory service): users and
// nested groups, the tree of containers and assets, role grants, access profiles and their assignments, workflow
// selectors and a calendar.
//
//	engine, err := policy.New(policy.Config{Data: &data, Log: log})
//	broker, err := pam.New(pam.Config{Policy: engine, ...})
//
// [New] turns the data into one immutable snapshot of Casbin rules, or reports every fault found, each as a
// [Fault] that says where it is and what to do. When something changes, the host hands over the whole data
// again:
//
//	err := engine.Reload(ctx, data)
//
// The new snapshot replaces the old one in a single step, or, if it has a fault, the old one stays in force.
// Decisions never wait for a reload, and each comes from exactly one snapshot (S47).
//
// Package policy/sqlsource does that for a policy that is kept in SQL tables. A host with a store of its own reads it
// in one transaction, calls Reload, and does so again within seconds of a change: live sessions follow, as the
// engine is a [pam.PolicyNotifier].
//
// [Engine.Explain] tells an administrator which rule decided each stage, and of a refusal which rules came close
// and why they did not count.
//
// # What is decided
//
// Roles: the highest role counts that any grant gives to the user, directly or through groups, on the asset
// or on a container above it, up to a break of role inheritance. A role includes the lower ones; each
// operation needs a role. An administrator is Owner of every asset in the data.
//
// Profiles: only enabled profiles count that are assigned to the user or one of their groups, and of those
// only the ones at the level nearest to the asset, for every declaration alike. On that level an explicit
// Deny beats Record, Record beats Allow, and anything stated beats nothing stated. What nobody states there
// is Deny, whatever farther levels say (E7). An administrator needs a profile like everyone else.
//
// Profiles may also ask for a fresh second factor and pin launch parameters. Both follow the same level.
//
// Selectors: a restricting selector takes the operation away from whatever level it is inherited, unless a break
// of selector inheritance cuts it off. Else the nearest level with a selector that matches counts, and there
// interactive beats automatic, and required beats optional beats unavailable. A selector matches by operation,
// subject (everyone, if it says so), time class and client network. What cannot be read is refused at load.
//
// A user or an asset that the data does not hold has no rights, which is not an error. An error from
// [Engine.Grants] is always a denial, and comes with zero grants (S10).
//
// # How
//
// A plain Casbin enforcer over 100,000 rules needs seconds per decision. So an index picks the few rules
// whose subject and scope can concern the question, and Casbin decides over these: its model, matcher and
// priority effect, nothing else. The index may pick too much, but never too little; tests compare it with
// Casbin over all rules and with an evaluator that shares no code with either. See model.go for the model and
// for how strictness and nearness become the priority column.
package policy
