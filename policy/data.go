package policy

import (
	"time"

	"github.com/sallyport/sallyport/pam"
)

// GroupID is the opaque id of a group of users.
type GroupID string

// ProfileID is the opaque id of an access profile.
type ProfileID string

// Data is a whole policy as the host knows it. Order means nothing. The engine copies what it keeps, so the
// host may change or drop the data after the call that took it. The zero value is a valid policy under which
// nobody may do anything.
//
// Ids of all kinds are opaque and compared byte by byte. They are 1 to 200 bytes of valid UTF-8 without
// control or format characters, commas, double quotes, or spaces at either end: what could be misread in a
// rule or in a log is refused at load.
type Data struct {
	Users       []User
	Groups      []Group
	Assets      []Asset // containers and assets alike
	Grants      []RoleGrant
	Profiles    []Profile
	Assignments []Assignment
	Selectors   []Selector
	Workflows   []Workflow
	Calendar    Calendar // tells the time classes of selectors apart
}

// User is a person.
type User struct {
	ID   pam.UserID
	Site pam.SiteRole // the zero value is none
}

// Group is a set of users and of further groups. Members of an inner group are members of the outer one, to
// any depth. Groups that contain each other have the same members.
type Group struct {
	ID     GroupID
	Users  []pam.UserID
	Groups []GroupID
}

// Asset is one node of the tree: a container, or an asset in one.
type Asset struct {
	ID        pam.AssetID
	Parent    pam.AssetID // the container that holds it; empty: it is at the top
	Container bool        // it may hold others
	Break     Break       // what it does not inherit; zero inherits everything
}

// Break is a set of kinds of rules whose inheritance ends at a node: rules set above it reach neither the
// node nor anything below. Rules set on the node itself still count.
type Break uint8

// The kinds that can be broken, each on its own.
const (
	BreakRoles Break = 1 << iota
	BreakProfiles
	BreakSelectors // workflow selectors, restricting ones too

	breakAll = BreakRoles | BreakProfiles | BreakSelectors
)

// Subject is whom a rule is about: exactly one of the fields is set.
type Subject struct {
	User     pam.UserID
	Group    GroupID
	Everyone bool // every user in the data
}

// RoleGrant gives a subject an asset role on an asset, or on a container and all that is below it.
type RoleGrant struct {
	ID      string // unique among grants; decisions name it as "grant:" + ID
	Scope   pam.AssetID
	Subject Subject
	Role    pam.Role // RoleViewer to RoleOwner
}

// Profile is an access profile.
type Profile struct {
	ID      ProfileID
	Name    string // what people read; nothing is decided by it
	Enabled bool   // a disabled profile counts as not assigned

	// Declarations holds what the profile states. One that is absent is unstated: another profile on the same
	// level may state it; if none does it is Deny. A name is lower-case letters, digits, '_', '.' and '-'.
	Declarations pam.Declarations

	// MFA asks for a fresh second factor (L4). On the level that counts one profile that asks is enough.
	MFA bool

	// Pins fixes launch parameters: the user sees the value and cannot change it (L3). Of several profiles on the
	// level that counts that pin one parameter, the one whose ID sorts first does. A name is made like a
	// declaration's; a value is valid UTF-8 without control characters, at most 256 bytes.
	Pins pam.Params
}

// Assignment gives a subject an access profile on an asset, or on a container and all that is below it.
type Assignment struct {
	ID      string // unique among assignments; decisions name it as "assignment:" + ID
	Scope   pam.AssetID
	Subject Subject
	Profile ProfileID
}

// Selector is a workflow selector: it says when an operation on an asset, or on a container and all that is below
// it, goes through a workflow.
//
// Of all that match, a restricting one wins from any level that is inherited. Else the nearest level counts, and on
// it interactive before automatic, then required before optional before unavailable, then what asks for MFA.
type Selector struct {
	ID         string // unique among selectors; decisions name it as "selector:" + ID
	Scope      pam.AssetID
	Subjects   []Subject       // whom it is about, at least one
	Operations []pam.Operation // what they do, at least one, each known to the engine
	Form       pam.Form
	Workflow   WorkflowID  // how approval runs; of an interactive selector, and of no other
	Exclusive  string      // one of the pam.Exclusive… constants; empty: unavailable
	Times      []TimeClass // when; it matches in any of them, and at any time if there are none
	Networks   []string    // from where, as CIDR prefixes ("10.0.0.0/8", "fd00::/8"); anywhere if there are none
	MFA        bool        // the operation needs a fresh second factor as well (L4)
}

// TimeClass is a kind of time by the calendar. Any moment is either in work hours or after hours, and may be on a
// weekend or holiday as well: after hours is the time at which nobody is expected, so nights, weekends and holidays.
type TimeClass string

// The time classes.
const (
	WorkHours  TimeClass = "work_hours"  // in Calendar.Work and not on a holiday
	AfterHours TimeClass = "after_hours" // whenever it is not work hours
	Weekend    TimeClass = "weekend"
	Holiday    TimeClass = "holiday"
)

// Calendar tells time classes apart. The zero value is in UTC and knows no work hours and no holidays; selectors
// that speak of work hours or after hours need Work.
type Calendar struct {
	Zone     string         // IANA name of the time zone, for example "Europe/Berlin"; empty: UTC
	Work     []Shift        // several on a day are fine
	Weekend  []time.Weekday // nil: Saturday and Sunday
	Holidays []string       // dates as "2030-12-25"
}

// Shift is a span of work hours on a day of the week, by the clock on the wall.
type Shift struct {
	Day      time.Weekday
	From, To string // "08:00" to "17:30"; To is not part of it and may be "24:00"
}
