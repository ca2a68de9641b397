package pam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// evaluation is what one question to inventory and policy gave.
type evaluation struct {
	asset    Asset
	protocol Protocol // nil if the asset has none
	grants   Grants
	facts    Facts
	decision Decision
	request  *AccessRequest // by which it is allowed, or that is waited for; nil if there is none
}

// passMFA decides once more, now that the second factor is given.
func (ev *evaluation) passMFA() {
	ev.facts.MFA = MFAPassed
	ev.decision = Decide(ev.facts)
}

// question is what is to be decided about one user.
type question struct {
	asset   AssetID
	op      Operation
	addr    netip.Addr
	needs   Declaration // that must permit beside web_session; empty: none
	limited bool        // it would exceed a limit; attaching again never does
	session SessionID   // of an operation in a session
	mode    Mode        // of joining
	asking  bool        // for approval: what was approved before does not count
	live    bool        // the person is in already
	request RequestID   // of the live session, by which it was started
}

// evaluate asks inventory and policy a question and lets Decide answer. An error of either is a denial.
func (b *Broker) evaluate(ctx context.Context, who Identity, q question) (evaluation, error) {
	var ev evaluation
	ev.decision = Decision{Code: CodePolicyError}
	asset, err := b.cfg.Inventory.Asset(ctx, q.asset)
	switch {
	case errors.Is(err, ErrNotFound):
		ev.decision = Decision{Code: CodeNotFound}
		return ev, nil
	case err != nil:
		return ev, fmt.Errorf("inventory: %w", err)
	}
	start := time.Now()
	grants, err := b.cfg.Policy.Grants(ctx, Query{User: who.User, Asset: q.asset, Operation: q.op, ClientAddr: q.addr, At: b.cfg.Now()})
	b.met.decideNs.Update(int64(time.Since(start)))
	if err != nil {
		return ev, fmt.Errorf("policy: %w", err)
	}
	ev.asset, ev.grants, ev.protocol = asset, grants, b.protocols[asset.Type.Protocol]
	ev.facts = b.facts(grants, ev.protocol != nil, q)
	ev.decision = Decide(ev.facts)
	if err := b.consult(ctx, who, q, &ev); err != nil {
		ev.decision = Decision{Code: CodePolicyError}
		return ev, err
	}
	return ev, nil
}

// consult adds what the store knows, where a decision comes that far: approvals, and who has the asset alone.
func (b *Broker) consult(ctx context.Context, who Identity, q question, ev *evaluation) error {
	if q.asking {
		return nil
	}
	if ev.decision.Code == CodeRequestRequired {
		state, r, err := b.approval(ctx, who, q, ev.asset, ev.grants.Selector)
		if err != nil {
			return err
		}
		ev.facts.Approval, ev.request = state, r
		if state == ApprovalGiven {
			ev.grants = ev.grants.bind(r)
			if q.op != OpPlay { // which asks no profile
				ev.facts.Profile = b.facts(ev.grants, true, q).Profile
			}
		}
		ev.decision = Decide(ev.facts)
	}
	if q.op == OpAccess && !q.live && (ev.decision.stays() || ev.decision.Code == CodeLimitReached) {
		locked, err := b.locked(ctx, who, q.asset, ev.request)
		if err != nil {
			return err
		}
		ev.facts.LockedByOther = locked
		ev.decision = Decide(ev.facts)
	}
	return nil
}

// facts gathers what the policy's answer says to Decide.
func (b *Broker) facts(g Grants, hasProtocol bool, q question) Facts {
	f := Facts{
		Authenticated: true, Role: g.Role, Permitted: g.Permitted, HasProtocol: hasProtocol,
		Profile: g.Declarations[WebSession], LimitReached: q.limited,
	}
	if q.needs != "" && !g.Declarations[q.needs].Permits() {
		f.Profile = Deny
	}
	if g.Selector != nil {
		switch g.Selector.Form {
		case FormAutomatic:
		case FormInteractive:
			f.Approval = ApprovalMissing
		default: // restricting, and whatever we do not know
			f.Restricted = true
		}
	}
	switch {
	case !g.MFA:
	case b.cfg.MFA == nil:
		f.MFA = MFAUnavailable
	default:
		f.MFA = MFANeeded
	}
	return f
}

// paramError names the launch parameter that is wrong.
type paramError struct{ field, text string }

func (e *paramError) Error() string { return e.field + ": " + e.text }

// resolveParams checks given against the schema and fills in what is missing: from remembered values where they
// are still valid, else from defaults (Q2). A given value that is not valid is an error, and so is one that differs
// from a pinned one (L3). Pins of parameters that the schema does not have, or not for this family, are about others.
func resolveParams(schema []Param, os OSFamily, g Grants, remembered, given Params) (Params, error) {
	caps := NewCapabilities(g.Declarations)
	out := Params{}
	for name := range given {
		if !slices.ContainsFunc(schema, func(p Param) bool { return p.Name == name }) {
			return nil, &paramError{name, "no such parameter"}
		}
	}
	for _, p := range schema {
		v, ok := given[p.Name]
		pin, pinned := p.pin(os, g)
		switch {
		case pinned && ok && v != pin:
			return nil, &paramError{p.Name, "is pinned by policy"}
		case pinned:
			// The policy chose the value, so it needs no declaration.
			p.Needs, v = "", pin
			if err := p.check(v, os, caps); err != nil {
				return nil, fmt.Errorf("pinned by policy: %w", err)
			}
		case ok:
			if err := p.check(v, os, caps); err != nil {
				return nil, err
			}
		default:
			if v, ok = remembered[p.Name]; !ok || p.check(v, os, caps) != nil {
				v = p.Default
			}
		}
		out[p.Name] = v
	}
	return out, nil
}

// pin returns the value that the policy fixes, if it does.
func (p Param) pin(os OSFamily, g Grants) (value string, pinned bool) {
	value, pinned = g.Pins[p.Name]
	return value, pinned && (p.OS == "" || p.OS == os)
}

// toRemember returns what the next launcher begins with: a pinned value is the policy's, so that what the user chose
// before stands.
func toRemember(params, remembered, pins Params) Params {
	out := maps.Clone(params)
	for name := range pins {
		delete(out, name)
		if v, ok := remembered[name]; ok {
			out[name] = v
		}
	}
	return out
}

// maxParamText is the greatest length of a text parameter whose schema names none.
const maxParamText = 256

// check reports why v is not a valid value of p.
func (p Param) check(v string, os OSFamily, caps Capabilities) error {
	fail := func(format string, args ...any) error {
		return &paramError{p.Name, fmt.Sprintf(format, args...)}
	}
	if v == p.Default {
		return nil
	}
	if !p.permitted(caps) {
		if p.Or != "" {
			return fail("needs one of the declarations %s and %s, which are denied here", p.Needs, p.Or)
		}
		return fail("needs the declaration %s, which is denied here", p.Needs)
	}
	if p.OS != "" && p.OS != os {
		return fail("only for assets of the family %s", p.OS)
	}
	switch p.Kind {
	case ParamText:
		most := p.Max
		if most == 0 {
			most = maxParamText
		}
		if len(v) > most {
			return fail("%d bytes, at most %d", len(v), most)
		}
		if !utf8.ValidString(v) || slices.ContainsFunc([]rune(v), unicode.IsControl) {
			return fail("must be text without control characters")
		}
	case ParamInt:
		n, err := strconv.Atoi(v)
		if err != nil || n < p.Min || n > p.Max || strconv.Itoa(n) != v {
			return fail("want a whole number from %d to %d", p.Min, p.Max)
		}
	case ParamChoice:
		if !slices.ContainsFunc(p.Choices, func(c Choice) bool { return c.Value == v }) {
			return fail("not one of the choices")
		}
	case ParamBool:
		if v != "true" && v != "false" {
			return fail("want true or false")
		}
	default:
		return fail("unknown kind of parameter %q", p.Kind)
	}
	return nil
}
