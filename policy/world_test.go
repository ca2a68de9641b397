package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
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
		p.MFA = pick(20)
		for _, param := range worldParams() {
			if pick(20) {
				if p.Pins == nil {
					p.Pins = pam.Params{}
				}
				p.Pins[param] = fmt.Sprint(i)
			}
		}
		d.Profiles = append(d.Profiles, p)
	}
	for i := range r.IntN(9) {
		d.Assignments = append(d.Assignments, Assignment{
			ID: fmt.Sprint(i), Scope: scope(), Subject: subject(), Profile: ProfileID(fmt.Sprint("p", r.IntN(profiles))),
		})
	}
	if pick(85) { // enough people get far enough to meet a selector
		d.Grants = append(d.Grants, RoleGrant{ID: "all", Scope: "a0", Subject: Subject{Everyone: true}, Role: pam.RoleViewer + pam.Role(r.IntN(5))})
	}
	randomSelectors(r, &d, subject, scope)
	return d
}

// randomSelectors gives d a calendar and selectors of which some match nearly always.
func randomSelectors(r *rand.Rand, d *Data, subject func() Subject, scope func() pam.AssetID) {
	pick := func(percent int) bool { return r.IntN(100) < percent }
	d.Calendar.Zone = []string{"", "Europe/Berlin", "Asia/Kolkata", "America/New_York"}[r.IntN(4)]
	for day := range time.Weekday(7) {
		if pick(70) {
			d.Calendar.Work = append(d.Calendar.Work, Shift{day, "08:00", "12:00"}, Shift{day, "12:30", []string{"17:15", "24:00"}[r.IntN(2)]})
		}
	}
	d.Calendar.Work = append(d.Calendar.Work, Shift{time.Monday, "00:00", "00:01"}) // selectors may speak of it
	if pick(50) {
		d.Calendar.Weekend = []time.Weekday{time.Friday, time.Saturday}
	}
	for _, q := range worldTimes()[:2] {
		if pick(50) {
			d.Calendar.Holidays = append(d.Calendar.Holidays, q.Format(time.DateOnly))
		}
	}
	for i := range 2 + r.IntN(9) {
		s := Selector{
			ID: fmt.Sprint(i), Scope: scope(), MFA: pick(30),
			Form:      []pam.Form{pam.FormAutomatic, pam.FormAutomatic, pam.FormInteractive, pam.FormInteractive, pam.FormRestricting}[r.IntN(5)],
			Exclusive: []string{"", pam.ExclusiveUnavailable, pam.ExclusiveOptional, pam.ExclusiveRequired}[r.IntN(4)],
			Subjects:  []Subject{subject()},
		}
		if pick(75) {
			s.Subjects = []Subject{{Everyone: true}}
		} else if other := subject(); other != s.Subjects[0] {
			s.Subjects = append(s.Subjects, other)
		}
		for _, op := range []pam.Operation{pam.OpAccess, pam.OpUnlock, pam.OpExtend, pam.OpJoin, pam.OpPlay, pam.OpReports} {
			if pick(75) {
				s.Operations = append(s.Operations, op)
			}
		}
		if s.Operations == nil {
			s.Operations = []pam.Operation{pam.OpAccess}
		}
		for _, c := range []TimeClass{WorkHours, AfterHours, Weekend, Holiday} {
			if pick(15) {
				s.Times = append(s.Times, c)
			}
		}
		for _, n := range []string{"10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "fd00::/8", "0.0.0.0/0", "::/0"} {
			if pick(7) {
				s.Networks = append(s.Networks, n)
			}
		}
		if s.Form == pam.FormInteractive {
			s.Workflow = "w"
		}
		d.Selectors = append(d.Selectors, s)
	}
	d.Workflows = []Workflow{{ID: "w", Levels: []Level{{Name: "Owners", Approvers: []Approver{{Role: pam.RoleOwner}}}}}}
}

// worldTimes are moments on both sides of what worlds know, in work hours, at night, on weekends and holidays.
func worldTimes() []time.Time {
	return []time.Time{
		time.Date(2030, 1, 2, 10, 0, 0, 0, time.UTC), time.Date(2030, 1, 5, 23, 30, 0, 0, time.UTC), time.Date(2030, 1, 4, 3, 0, 0, 0, time.UTC),
		time.Date(2030, 1, 6, 12, 10, 0, 0, time.UTC), time.Date(2030, 7, 8, 16, 14, 59, 0, time.UTC), time.Date(2030, 7, 9, 5, 59, 0, 0, time.UTC),
	}
}

func worldAddrs() []netip.Addr {
	return []netip.Addr{
		testAddr, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("10.200.0.1"), netip.MustParseAddr("::ffff:10.1.2.3"),
		netip.MustParseAddr("fd12::1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1%eth0"),
	}
}

// worldParams are two that profiles of worlds pin.
func worldParams() []string { return []string{"term", "font_size"} }

// worldDeclarations are two that the SDK knows and one that it does not.
func worldDeclarations() []pam.Declaration {
	return []pam.Declaration{pam.WebSession, pam.Keyboard, "vnc.blank"}
}

// question is one thing to ask about a world.
type question struct {
	user  pam.UserID
	asset pam.AssetID
	addr  netip.Addr
	at    time.Time
}

func (q question) query(op pam.Operation) pam.Query {
	return pam.Query{User: q.user, Asset: q.asset, Operation: op, ClientAddr: q.addr, At: q.at}
}

// ask makes a question; n picks time and address.
func ask(u pam.UserID, a pam.AssetID, n int) question {
	addrs, times := worldAddrs(), worldTimes()
	return question{u, a, addrs[n%len(addrs)], times[n/2%len(times)]}
}

func questions(d Data) []question {
	var qs []question
	add := func(u pam.UserID, a pam.AssetID) { qs = append(qs, ask(u, a, len(qs)+len(d.Grants))) }
	for _, u := range d.Users {
		for _, a := range d.Assets {
			add(u.ID, a.ID)
		}
	}
	add("nobody", d.Assets[0].ID)
	add(d.Users[0].ID, "nothing")
	return qs
}
