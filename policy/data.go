package policy

import "github.com/sallyport/sallyport/pam"

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
	BreakSelectors // for workflow selectors; kept, as the engine does not take selectors yet

	breakAll = BreakRoles | BreakProfiles | BreakSelectors
)

// Subject is whom a rule is about: exactly one of the fields is set.
type Subject struct {
	User  pam.UserID
	Group GroupID
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
}

// Assignment gives a subject an access profile on an asset, or on a container and all that is below it.
type Assignment struct {
	ID      string // unique among assignments; decisions name it as "assignment:" + ID
	Scope   pam.AssetID
	Subject Subject
	Profile ProfileID
}
