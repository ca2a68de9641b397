package pamtest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// Policy is a pam.Policy that answers what the test has set. Nothing set means nothing granted. The zero value
// is ready; Faults knows its method "Grants".
type Policy struct {
	Faults
	mu       sync.Mutex // guards all below
	version  uint64
	grants   map[policyKey]pam.Grants
	queries  []pam.Query
	sites    map[pam.UserID]pam.SiteRole
	deciding map[string][]pam.UserID
	changed  chan struct{} // made by the first Changed
}

type policyKey struct {
	user  pam.UserID
	asset pam.AssetID
}

var (
	_ pam.PolicyNotifier = (*Policy)(nil)
	_ pam.SitePolicy     = (*Policy)(nil)
	_ pam.ApproverPolicy = (*Policy)(nil)
)

// SetApprover says who decides where a level names an approver.
func (p *Policy) SetApprover(approver string, users ...pam.UserID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deciding == nil {
		p.deciding = make(map[string][]pam.UserID)
	}
	p.deciding[approver] = users
}

// Approves implements pam.ApproverPolicy. Faults knows it as "Approves".
func (p *Policy) Approves(ctx context.Context, user pam.UserID, _ pam.AssetID, l pam.Level) (bool, error) {
	if err := p.enter(ctx, "Approves"); err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(l.Approvers, func(a string) bool { return slices.Contains(p.deciding[a], user) }), nil
}

// SetSite gives a user a site role. Grants do not follow from it: Set them.
func (p *Policy) SetSite(user pam.UserID, role pam.SiteRole) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sites == nil {
		p.sites = make(map[pam.UserID]pam.SiteRole)
	}
	p.sites[user] = role
}

// Site implements pam.SitePolicy. Faults knows it as "Site".
func (p *Policy) Site(ctx context.Context, user pam.UserID) (pam.SiteRole, error) {
	if err := p.enter(ctx, "Site"); err != nil {
		return pam.SiteNone, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sites[user], nil
}

// Set makes g the answer for one user on one asset, for every operation, and raises the policy version, which
// Grants fills in. Permitted and the declarations are given back as they are.
func (p *Policy) Set(user pam.UserID, asset pam.AssetID, g pam.Grants) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.grants == nil {
		p.grants = make(map[policyKey]pam.Grants)
	}
	g.Declarations = maps.Clone(g.Declarations)
	p.version++
	p.grants[policyKey{user, asset}] = g
}

// Revoke removes what Set gave.
func (p *Policy) Revoke(user pam.UserID, asset pam.AssetID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version++
	delete(p.grants, policyKey{user, asset})
}

// Changed implements pam.PolicyNotifier. Only Announce closes the channel, so that a test can also see what happens
// before anybody notices a change.
func (p *Policy) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// Announce tells whoever watches that the policy has changed.
func (p *Policy) Announce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// Queries returns every question so far, in order, failed ones included.
func (p *Policy) Queries() []pam.Query {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.queries)
}

// Grants implements pam.Policy.
func (p *Policy) Grants(ctx context.Context, q pam.Query) (pam.Grants, error) {
	p.mu.Lock()
	p.queries = append(p.queries, q)
	p.mu.Unlock()
	if err := p.enter(ctx, "Grants"); err != nil {
		return pam.Grants{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.grants[policyKey{q.User, q.Asset}]
	g.Declarations = maps.Clone(g.Declarations)
	g.Version = p.version
	return g, nil
}

// Permit returns grants that permit the operation asked for with the given role and declarations, each Allow.
func Permit(role pam.Role, allowed ...pam.Declaration) pam.Grants {
	d := make(pam.Declarations, len(allowed))
	for _, name := range allowed {
		d[name] = pam.Allow
	}
	return pam.Grants{Role: role, Permitted: true, Declarations: d, Rules: []string{"test"}}
}

// Recorded returns g with the given declarations at Record.
func Recorded(g pam.Grants, recorded ...pam.Declaration) pam.Grants {
	g.Declarations = maps.Clone(g.Declarations)
	if g.Declarations == nil {
		g.Declarations = make(pam.Declarations, len(recorded))
	}
	for _, name := range recorded {
		g.Declarations[name] = pam.Record
	}
	return g
}
