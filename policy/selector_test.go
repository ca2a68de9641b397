package policy

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the calendar of the tests is in Berlin

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
)

// Times of the calendar below, each in one class but for the last.
var (
	tuesdayMorning = time.Date(2030, 1, 8, 9, 0, 0, 0, time.UTC)  // 10:00 in Berlin
	tuesdayEvening = time.Date(2030, 1, 8, 17, 0, 0, 0, time.UTC) // 18:00
	saturdayNoon   = time.Date(2030, 1, 12, 11, 0, 0, 0, time.UTC)
	newYearsDay    = time.Date(2029, 12, 31, 23, 30, 0, 0, time.UTC) // a Tuesday in Berlin already
)

func officeHours() Calendar {
	c := Calendar{Zone: "Europe/Berlin", Holidays: []string{"2030-01-01", "2030-12-25"}}
	for day := time.Monday; day <= time.Friday; day++ {
		c.Work = append(c.Work, Shift{day, "08:00", "18:00"})
	}
	return c
}

// sel is a selector of company for everyone and asset.access, with changes.
func sel(id string, scope pam.AssetID, form pam.Form, change ...func(*Selector)) func(*Data) {
	s := Selector{ID: id, Scope: scope, Form: form, Subjects: []Subject{{Everyone: true}}, Operations: []pam.Operation{pam.OpAccess}}
	for _, f := range change {
		f(&s)
	}
	return func(d *Data) {
		if s.Form == pam.FormInteractive && s.Workflow == "" {
			s.Workflow = "ask"
			if len(d.Workflows) == 0 {
				d.Workflows = []Workflow{{ID: "ask", Levels: []Level{{Name: "Owners", Approvers: []Approver{{Role: pam.RoleOwner}}}}}}
			}
		}
		d.Selectors = append(d.Selectors, s)
	}
}

func excl(e string) func(*Selector)           { return func(s *Selector) { s.Exclusive = e } }
func to(subs ...Subject) func(*Selector)      { return func(s *Selector) { s.Subjects = subs } }
func when(c ...TimeClass) func(*Selector)     { return func(s *Selector) { s.Times = c } }
func at(nets ...string) func(*Selector)       { return func(s *Selector) { s.Networks = nets } }
func withMFA(s *Selector)                     { s.MFA = true }
func of(ops ...pam.Operation) func(*Selector) { return func(s *Selector) { s.Operations = ops } }

// The order of selectors: restricting from anywhere, the nearest level, interactive, required, MFA; and what each of
// the conditions of a selector takes away.
func TestEngine_Q4_Q7_Selectors(t *testing.T) {
	const auto, inter, ban = pam.FormAutomatic, pam.FormInteractive, pam.FormRestricting
	alice, bob, dba := Subject{User: "alice"}, Subject{User: "bob"}, Subject{Group: "dba"}
	for _, c := range []struct {
		name string
		data func(*Data)
		from string // address, zero testAddr
		at   time.Time
		op   pam.Operation
		want string // id of the selector, " mfa"
	}{
		{"none", all(), "", time.Time{}, "", ""},
		{"inherited", sel("s", "root", auto), "", time.Time{}, "", "s"},
		{"nearest wins", all(sel("far", "root", inter, excl("required")), sel("near", "db", auto)), "", time.Time{}, "", "near"},
		{"on the asset", all(sel("far", "db", inter), sel("near", "db1", auto)), "", time.Time{}, "", "near"},
		{"beside the path", sel("s", "lab", inter), "", time.Time{}, "", ""},
		{"restricting far beats automatic near", all(sel("ban", "root", ban), sel("near", "db1", auto)), "", time.Time{}, "", "ban"},
		{"restricting far beats interactive near", all(sel("ban", "prod", ban), sel("near", "db1", inter)), "", time.Time{}, "", "ban"},
		{"interactive over automatic", all(sel("a", "db", auto, excl("required")), sel("i", "db", inter)), "", time.Time{}, "", "i"},
		{"required over optional", all(sel("o", "db", inter, excl("optional")), sel("r", "db", inter, excl("required"))), "", time.Time{}, "", "r"},
		{"optional over unavailable", all(sel("u", "db", inter), sel("o", "db", inter, excl("optional"))), "", time.Time{}, "", "o"},
		{"MFA over none", all(sel("n", "db", inter), sel("m", "db", inter, withMFA)), "", time.Time{}, "", "m mfa"},
		{"form over MFA", all(sel("n", "db", inter), sel("m", "db", auto, withMFA)), "", time.Time{}, "", "n"},
		{"the order of the data means nothing", all(sel("b", "db", auto), sel("a", "db", auto)), "", time.Time{}, "", "b"},
		{"break", all(breaks(BreakSelectors, "db"), sel("s", "prod", inter)), "", time.Time{}, "", ""},
		{"break cuts off a restricting one", all(breaks(BreakSelectors, "db"), sel("s", "prod", ban)), "", time.Time{}, "", ""},
		{"break where it is set", all(breaks(BreakSelectors, "db"), sel("s", "db", ban)), "", time.Time{}, "", "s"},
		{"breaks of other kinds", all(breaks(BreakRoles|BreakProfiles, "prod"), sel("s", "root", ban)), "", time.Time{}, "", "s"},

		{"another operation", sel("s", "root", inter, of(pam.OpExtend, pam.OpUnlock)), "", time.Time{}, "", ""},
		{"one of several operations", sel("s", "root", inter, of(pam.OpAccess, pam.OpExtend)), "", time.Time{}, pam.OpExtend, "s"},
		{"an operation that the role does not reach", sel("s", "root", inter, of(pam.OpJoin)), "", time.Time{}, pam.OpJoin, "s"},
		{"an operation of the host", sel("s", "root", inter, of("asset.edit")), "", time.Time{}, "asset.edit", "s"},
		{"for somebody else", sel("s", "root", ban, to(bob)), "", time.Time{}, "", ""},
		{"for the user", sel("s", "root", ban, to(bob, alice)), "", time.Time{}, "", "s"},
		{"for a group", sel("s", "root", ban, to(dba)), "", time.Time{}, "", "s"},

		{"in work hours", sel("s", "root", inter, when(WorkHours)), "", tuesdayMorning, "", "s"},
		{"not after hours at work", sel("s", "root", inter, when(AfterHours, Weekend, Holiday)), "", tuesdayMorning, "", ""},
		{"the evening is after hours", sel("s", "root", inter, when(AfterHours)), "", tuesdayEvening, "", "s"},
		{"the evening is not work", sel("s", "root", inter, when(WorkHours)), "", tuesdayEvening, "", ""},
		{"the weekend", sel("s", "root", inter, when(Weekend)), "", saturdayNoon, "", "s"},
		{"the weekend is after hours", sel("s", "root", inter, when(AfterHours)), "", saturdayNoon, "", "s"},
		{"not the weekend", sel("s", "root", inter, when(Weekend)), "", tuesdayEvening, "", ""},
		{"a holiday by the calendar's own zone", sel("s", "root", inter, when(Holiday)), "", newYearsDay, "", "s"},
		{"no work on a holiday", sel("s", "root", inter, when(WorkHours)), "", newYearsDay.Add(10 * time.Hour), "", ""},
		{"a holiday is after hours", sel("s", "root", inter, when(AfterHours)), "", newYearsDay.Add(10 * time.Hour), "", "s"},
		{"a far one counts when the near does not", all(sel("far", "root", inter), sel("near", "db1", auto, when(WorkHours))), "", saturdayNoon, "", "far"},

		{"inside", sel("s", "root", inter, at("10.0.0.0/8")), "10.9.8.7", time.Time{}, "", "s"},
		{"outside", sel("s", "root", inter, at("10.0.0.0/8")), "11.0.0.1", time.Time{}, "", ""},
		{"one of two", sel("s", "root", inter, at("10.0.0.0/8", "2001:db8::/32")), "2001:db8::7", time.Time{}, "", "s"},
		{"IPv4 written as IPv6", sel("s", "root", inter, at("10.0.0.0/8")), "::ffff:10.1.1.1", time.Time{}, "", "s"},
		{"IPv4 is not in ::/0", sel("s", "root", inter, at("::/0")), "10.1.1.1", time.Time{}, "", ""},
		{"IPv6 with a zone", sel("s", "root", inter, at("fe80::/10")), "fe80::1%eth0", time.Time{}, "", "s"},
		{"a single address", sel("s", "root", inter, at("192.0.2.7/32")), "192.0.2.8", time.Time{}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := company()
			d.Grants = append(d.Grants, RoleGrant{ID: "here", Scope: "db1", Subject: Subject{User: "alice"}, Role: pam.RoleViewer})
			d.Calendar = officeHours()
			c.data(&d)
			e, err := New(Config{Data: &d, Operations: map[pam.Operation]pam.Role{"asset.edit": pam.RoleEditor}})
			if err != nil {
				t.Fatal(err)
			}
			q := query("alice", "db1", pam.OpAccess)
			if c.op != "" {
				q.Operation = c.op
			}
			if c.from != "" {
				q.ClientAddr = netip.MustParseAddr(c.from)
			}
			if !c.at.IsZero() {
				q.At = c.at
			}
			g, err := e.Grants(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if g.Selector != nil {
				if got = g.Selector.ID; g.Rules[len(g.Rules)-1] != "selector:"+got {
					t.Errorf("rules %q do not end in the selector %q", g.Rules, got)
				}
			}
			if g.MFA {
				got += " mfa"
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A profile on the level that counts asks for a second factor; farther ones and disabled ones do not.
func TestEngine_L4_ProfileMFA(t *testing.T) {
	ask := func(p ProfileID) func(*Data) {
		return func(d *Data) {
			for i := range d.Profiles {
				d.Profiles[i].MFA = d.Profiles[i].MFA || d.Profiles[i].ID == p
			}
		}
	}
	alice := Subject{User: "alice"}
	for _, c := range []struct {
		name string
		data func(*Data)
		want bool
	}{
		{"nobody asks", all(), false},
		{"the only profile asks", ask("std"), true},
		{"one of two on the level asks", all(ask("clip"), assign("clip", alice, "root")), true},
		{"a farther one asks", all(ask("std"), assign("rec", alice, "db")), false},
		{"a nearer one asks", all(ask("rec"), assign("rec", alice, "db")), true},
		{"a disabled one asks", all(ask("dark"), assign("dark", alice, "db1")), false},
		{"one for somebody else asks", all(ask("rec"), assign("rec", Subject{User: "bob"}, "db1")), false},
		{"one behind a break asks", all(ask("std"), breaks(BreakProfiles, "db")), false},
	} {
		d := company()
		c.data(&d)
		g, err := mustEngine(t, d).GrantsFor(t.Context(), query("alice", "db1", pam.OpAccess))
		if err != nil || g.MFA != c.want {
			t.Errorf("%s: got MFA %v, %v; want %v", c.name, g.MFA, err, c.want)
		}
		if cited := len(g.Rules) == 2; cited != c.want {
			t.Errorf("%s: rules %q", c.name, g.Rules)
		}
	}
}

// Pinned parameters follow the level that counts like declarations.
func TestEngine_L3_Pins(t *testing.T) {
	pin := func(p ProfileID, pins pam.Params) func(*Data) {
		return func(d *Data) {
			for i := range d.Profiles {
				if d.Profiles[i].ID == p {
					d.Profiles[i].Pins = pins
				}
			}
		}
	}
	alice := Subject{User: "alice"}
	for _, c := range []struct {
		name string
		data func(*Data)
		want pam.Params
	}{
		{"nothing", all(), nil},
		{"one", pin("std", pam.Params{"term": "vt100"}), pam.Params{"term": "vt100"}},
		{"an empty value is one too", pin("std", pam.Params{"initial_command": ""}), pam.Params{"initial_command": ""}},
		{"two profiles add up", all(pin("std", pam.Params{"term": "vt100"}), pin("rec", pam.Params{"locale": "C"}), assign("rec", alice, "root")), pam.Params{"term": "vt100", "locale": "C"}},
		{"two pin one: the first id counts", all(pin("std", pam.Params{"term": "vt100"}), pin("rec", pam.Params{"term": "xterm"}), assign("rec", alice, "root")), pam.Params{"term": "xterm"}},
		{"nearer hides farther, also what it does not pin", all(pin("std", pam.Params{"term": "vt100"}), pin("rec", pam.Params{"locale": "C"}), assign("rec", alice, "db")), pam.Params{"locale": "C"}},
		{"disabled", all(pin("dark", pam.Params{"term": "vt100"}), assign("dark", alice, "db1")), nil},
	} {
		d := company()
		c.data(&d)
		g, err := mustEngine(t, d).Grants(t.Context(), query("alice", "db1", pam.OpAccess))
		if diff := cmp.Diff(c.want, g.Pins); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

// Site roles, from the policy in force.
func TestEngine_E3_E7_Site(t *testing.T) {
	e := mustEngine(t, company())
	for user, want := range map[pam.UserID]pam.SiteRole{"root": pam.SiteAdministrator, "auditor": pam.SiteAuditor, "alice": pam.SiteNone, "mallory": pam.SiteNone} {
		if got, err := e.Site(t.Context(), user); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", user, got, err, want)
		}
	}
	if got, err := e.Site(t.Context(), ""); !errors.Is(err, ErrInvalidQuery) || got != pam.SiteNone {
		t.Errorf("nobody: got %q, %v", got, err)
	}
	empty, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := empty.Site(t.Context(), "root"); !errors.Is(err, ErrNotLoaded) || got != pam.SiteNone {
		t.Errorf("no policy: got %q, %v", got, err)
	}
}

// What cannot be read in a selector, the calendar or a pin is refused at load: left out it could open a door.
func TestEngine_S10_SelectorFaults(t *testing.T) {
	inter := pam.FormInteractive
	for _, c := range []struct {
		name  string
		spoil func(*Data)
		what  string
	}{
		{"twice", all(sel("s", "db", inter), sel("s", "db", inter)), "occurs twice"},
		{"no id", sel("", "db", inter), "id is empty"},
		{"no scope", sel("s", "", inter), `scope "" does not exist`},
		{"no subjects", sel("s", "db", inter, to()), "no subjects"},
		{"empty subject", sel("s", "db", inter, to(Subject{})), "subject is empty"},
		{"unknown subject", sel("s", "db", inter, to(Subject{Group: "x"})), `group "x" does not exist`},
		{"everyone and somebody", sel("s", "db", inter, to(Subject{Everyone: true, User: "bob"})), "everyone and somebody"},
		{"subject twice", sel("s", "db", inter, to(Subject{User: "bob"}, Subject{User: "bob"})), "subject occurs twice"},
		{"no operations", sel("s", "db", inter, of()), "no operations"},
		{"unknown verb", sel("s", "db", inter, of("asset.acces")), `unknown operation "asset.acces"`},
		{"verb of a role", sel("s", "db", inter, of("role:viewer")), "unknown operation"},
		{"verb twice", sel("s", "db", inter, of(pam.OpAccess, pam.OpAccess)), "occurs twice"},
		{"no form", sel("s", "db", ""), `unknown form ""`},
		{"form none", sel("s", "db", "none"), `unknown form "none"`},
		{"form in upper case", sel("s", "db", "Restricting"), `unknown form "Restricting"`},
		{"exclusive", sel("s", "db", inter, excl("maybe")), `Exclusive is "maybe"`},
		{"time class", sel("s", "db", inter, when("lunch")), `unknown time class "lunch"`},
		{"time class star", sel("s", "db", inter, when("*")), `unknown time class "*"`},
		{"work hours without any", all(func(d *Data) { d.Calendar.Work = nil }, sel("s", "db", inter, when(AfterHours))), "the calendar has none"},
		{"network", sel("s", "db", inter, at("10.0.0.0/33")), "not a CIDR prefix"},
		{"network star", sel("s", "db", inter, at("*")), "not a CIDR prefix"},
		{"network without prefix", sel("s", "db", inter, at("10.0.0.1")), "not a CIDR prefix"},
		{"network with host bits", sel("s", "db", inter, at("10.0.0.1/8")), "bits set after its prefix"},
		{"network in IPv6 form", sel("s", "db", inter, at("::ffff:10.0.0.0/104")), "IPv4 written as IPv6"},
		{"network with a zone", sel("s", "db", inter, at("fe80::%eth0/10")), "not a CIDR prefix"},
		{"zone", func(d *Data) { d.Calendar.Zone = "Europe/Atlantis" }, "time zone is unknown"},
		{"zone of the machine", func(d *Data) { d.Calendar.Zone = "Local" }, "time zone is unknown"},
		{"shift", func(d *Data) { d.Calendar.Work[0].From = "8" }, "not a time"},
		{"shift over midnight", func(d *Data) { d.Calendar.Work[0] = Shift{time.Monday, "22:00", "06:00"} }, "ends before it begins"},
		{"shift on no day", func(d *Data) { d.Calendar.Work[0].Day = 7 }, "unknown day 7"},
		{"weekend", func(d *Data) { d.Calendar.Weekend = []time.Weekday{-1} }, "unknown day -1"},
		{"holiday", func(d *Data) { d.Calendar.Holidays = []string{"2030-02-30"} }, "not a date"},
		{"pin name", func(d *Data) { d.Profiles[0].Pins = pam.Params{"a b": ""} }, `pinned parameter "a b"`},
		{"pin value", func(d *Data) { d.Profiles[0].Pins = pam.Params{"term": "x\n"} }, "control character"},
		{"pin not UTF-8", func(d *Data) { d.Profiles[0].Pins = pam.Params{"term": "\xff"} }, "not valid UTF-8"},
		{"pin too long", func(d *Data) { d.Profiles[0].Pins = pam.Params{"term": strings.Repeat("x", 257)} }, "257 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := company()
			d.Calendar = officeHours()
			e := mustEngine(t, d)
			c.spoil(&d)
			err := e.Reload(t.Context(), d)
			var f *Fault
			if !errors.As(err, &f) || !strings.Contains(f.What, c.what) || f.Fix == "" {
				t.Errorf("got %v; want …%s…", err, c.what)
			}
			if e.Version() != 1 {
				t.Errorf("version %d in force", e.Version())
			}
		})
	}
}

// Every moment of three years is in work hours or after hours, never both; the clock that is moved in spring and
// autumn changes nothing in that, and midnight belongs to the new day.
func TestCalendar_Classes(t *testing.T) {
	b := builder{snap: &snapshot{}}
	b.calendar(Data{Calendar: officeHours()})
	if len(b.faults) > 0 {
		t.Fatal(b.faults)
	}
	c := &b.snap.calendar
	for at := time.Date(2029, 1, 1, 0, 7, 0, 0, time.UTC); at.Year() < 2032; at = at.Add(29 * time.Minute) {
		in := c.classes(at)
		if in&classWork != 0 == (in&classAfter != 0) {
			t.Fatalf("%v is in %b", at, in)
		}
	}
	for text, want := range map[string]classes{
		"2030-01-08T07:59": classAfter, "2030-01-08T08:00": classWork, "2030-01-08T17:59": classWork, "2030-01-08T18:00": classAfter,
		"2030-12-25T10:00": classAfter | classHoliday, "2030-12-25T00:00": classAfter | classHoliday, "2030-12-24T23:59": classAfter,
		"2030-03-31T10:00": classAfter | classWeekend, "2030-04-01T08:00": classWork, "2030-10-28T08:00": classWork,
	} {
		at, err := time.ParseInLocation("2006-01-02T15:04", text, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.classes(at); got != want {
			t.Errorf("%s: got %b, want %b", text, got, want)
		}
	}
}
