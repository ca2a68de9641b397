package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

var (
	testAddr = netip.MustParseAddr("192.0.2.7")
	testTime = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
)

func query(u pam.UserID, a pam.AssetID, op pam.Operation) pam.Query {
	return pam.Query{User: u, Asset: a, Operation: op, ClientAddr: testAddr, At: testTime}
}

func mustEngine(t testing.TB, d Data) *Engine {
	t.Helper()
	e, err := New(Config{Data: &d})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return e
}

// randomWorld makes a small world in which rules meet often: few names, many rules, breaks of each kind,
// groups in groups and in circles, disabled profiles, unstated declarations, an administrator now and then.
func randomWorld(seed uint64) Data {
	r := rand.New(rand.NewPCG(seed, 0x5a11))
	var d Data
	pick := func(percent int) bool { return r.IntN(100) < percent }
	users, groups := 1+r.IntN(4), r.IntN(5)
	for i := range users {
		u := User{ID: pam.UserID(fmt.Sprint("u", i))}
		if pick(12) {
			u.Site = pam.SiteAdministrator
		} else if pick(12) {
			u.Site = pam.SiteAuditor
		}
		d.Users = append(d.Users, u)
	}
	for i := range groups {
		g := Group{ID: GroupID(fmt.Sprint("g", i))}
		for j := range users {
			if pick(35) {
				g.Users = append(g.Users, pam.UserID(fmt.Sprint("u", j)))
			}
		}
		for j := range groups { // itself and circles included
			if pick(20) {
				g.Groups = append(g.Groups, GroupID(fmt.Sprint("g", j)))
			}
		}
		d.Groups = append(d.Groups, g)
	}
	containers, assets := 1+r.IntN(5), 1+r.IntN(4)
	for i := range containers + assets {
		a := Asset{ID: pam.AssetID(fmt.Sprint("a", i)), Container: i < containers}
		if i > 0 && pick(90) {
			a.Parent = pam.AssetID(fmt.Sprint("a", max(0, min(i, containers)-1-r.IntN(2))))
		}
		for _, b := range []Break{BreakRoles, BreakProfiles, BreakSelectors} {
			if pick(12) {
				a.Break |= b
			}
		}
		d.Assets = append(d.Assets, a)
	}
	r.Shuffle(len(d.Assets), func(i, j int) { d.Assets[i], d.Assets[j] = d.Assets[j], d.Assets[i] })
	subject := func() Subject {
		if groups > 0 && pick(60) {
			return Subject{Group: GroupID(fmt.Sprint("g", r.IntN(groups)))}
		}
		return Subject{User: pam.UserID(fmt.Sprint("u", r.IntN(users)))}
	}
	scope := func() pam.AssetID { return pam.AssetID(fmt.Sprint("a", r.IntN(containers+assets))) }
	for i := range r.IntN(7) {
		d.Grants = append(d.Grants, RoleGrant{
			ID: fmt.Sprint(i), Scope: scope(), Subject: subject(), Role: pam.RoleViewer + pam.Role(r.IntN(5)),
		})
	}
	profiles := 1 + r.IntN(4)
	for i := range profiles {
		p := Profile{ID: ProfileID(fmt.Sprint("p", i)), Enabled: pick(75), Declarations: pam.Declarations{}}
		for _, dec := range worldDeclarations() {
			if pick(65) {
				p.Declarations[dec] = pam.Value(r.IntN(3))
			}
		}
		d.Profiles = append(d.Profiles, p)
	}
	for i := range r.IntN(9) {
		d.Assignments = append(d.Assignments, Assignment{
			ID: fmt.Sprint(i), Scope: scope(), Subject: subject(), Profile: ProfileID(fmt.Sprint("p", r.IntN(profiles))),
		})
	}
	return d
}

// worldDeclarations are two that the SDK knows and one that it does not.
func worldDeclarations() []pam.Declaration {
	return []pam.Declaration{pam.WebSession, pam.Keyboard, "vnc.blank"}
}

// question is one thing to ask about a world.
type question struct {
	user  pam.UserID
	asset pam.AssetID
}

func questions(d Data) []question {
	var qs []question
	for _, u := range append(slices.Clone(d.Users), User{ID: "nobody"}) {
		for _, a := range append(slices.Clone(d.Assets), Asset{ID: "nothing"}) {
			qs = append(qs, question{u.ID, a.ID})
		}
	}
	return qs
}
