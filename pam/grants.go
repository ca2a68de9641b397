package pam

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Role is an asset role. Roles are ordered; a higher role includes the lower ones.
type Role uint8

// The asset roles. RoleNone makes an asset invisible everywhere (E3).
const (
	RoleNone       Role = iota
	RoleViewer          // sees the asset, may start a session if a profile allows
	RoleSupervisor      // may decrypt secured fields
	RoleEditor          // may change the asset
	RoleManager         // may join live sessions and read the asset's reports
	RoleOwner           // grants rights
)

var roleNames = [...]string{"none", "viewer", "supervisor", "editor", "manager", "owner"}

// String returns the lower-case name.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// MarshalText writes the lower-case name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// ParseRole is the inverse of String. An unknown name is an error.
func ParseRole(s string) (Role, error) {
	for i, n := range roleNames {
		if n == s {
			return Role(i), nil
		}
	}
	return RoleNone, fmt.Errorf("pam: unknown asset role %q; want one of %q", s, roleNames)
}

// SiteRole is a role over the whole installation.
type SiteRole string

// The site roles. The zero value is none.
const (
	SiteNone          SiteRole = ""
	SiteAdministrator SiteRole = "administrator" // acts as Owner of every asset, but needs a profile to start (E7)
	SiteAuditor       SiteRole = "auditor"       // reads settings, reports and recordings
)

// Declaration names one thing that an access profile speaks about. The set is open: a host may add its own.
type Declaration string

// The declarations that the SDK itself checks.
const (
	WebSession        Declaration = "web_session"
	NativeSession     Declaration = "native_session" // kept for native clients; nothing checks it yet
	Keyboard          Declaration = "keyboard"
	ClipboardUpload   Declaration = "clipboard_upload"   // local to target
	ClipboardDownload Declaration = "clipboard_download" // target to local
	FileUpload        Declaration = "file_upload"
	FileDownload      Declaration = "file_download"
	FileDelete        Declaration = "file_delete"
	JoinMonitor       Declaration = "join_monitor"
	JoinParticipate   Declaration = "join_participate"
	SessionURL        Declaration = "session_url"
	Audio             Declaration = "audio"
	Printing          Declaration = "printing"
	PortForward       Declaration = "port_forward"
	Exec              Declaration = "exec"
)

// Value is what a declaration says. The zero value is Deny.
type Value uint8

// The values of a declaration.
const (
	Deny   Value = iota
	Allow        // permitted, not recorded
	Record       // permitted and recorded
)

var valueNames = [...]string{"deny", "allow", "record"}

// String returns the lower-case name.
func (v Value) String() string {
	if int(v) < len(valueNames) {
		return valueNames[v]
	}
	return fmt.Sprintf("Value(%d)", uint8(v))
}

// MarshalText writes the lower-case name.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote. An unknown name is an error.
func (v *Value) UnmarshalText(text []byte) error {
	i := slices.Index(valueNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("pam: unknown value %q of a declaration; want one of %q", text, valueNames)
	}
	*v = Value(i)
	return nil
}

// Permits reports whether v is Allow or Record. Any other value, known or not, does not permit.
func (v Value) Permits() bool { return v == Allow || v == Record }

// Declarations maps each declaration to its value. A missing one is Deny, so a nil map denies everything.
type Declarations map[Declaration]Value

// Operation is what a user asks to do; role ladder and selectors are about operations.
type Operation string

// The operations.
const (
	OpAccess  Operation = "asset.access"
	OpUnlock  Operation = "asset.unlock"
	OpExtend  Operation = "session.extend"
	OpJoin    Operation = "session.join"
	OpPlay    Operation = "recording.play"
	OpReports Operation = "asset.reports"
)

// Query asks a Policy what one user may do on one asset. Every field must be set.
type Query struct {
	User       UserID
	Asset      AssetID
	Operation  Operation
	ClientAddr netip.Addr // of the browser, after trusted proxies
	At         time.Time
}

// Form is the form of an approval workflow.
type Form string

// The workflow forms.
const (
	FormAutomatic   Form = "automatic"
	FormInteractive Form = "interactive"
	FormRestricting Form = "restricting" // removes the operation while it matches
)

// What a workflow says about holding the asset alone while the request lasts.
const (
	ExclusiveUnavailable = "unavailable"
	ExclusiveOptional    = "optional"
	ExclusiveRequired    = "required"
)

// Selector is the workflow selector that governs a query.
type Selector struct {
	ID        string
	Form      Form
	Exclusive string // one of the Exclusive… constants
	// Workflow is how approval runs; of FormInteractive. Without one nobody can give it. It is shared: never change it.
	Workflow *Workflow
}

// Grants is a policy's answer. The zero value grants nothing.
type Grants struct {
	Role         Role
	Site         SiteRole
	Permitted    bool         // the role reaches the operation asked for
	Declarations Declarations // after nearest level and strictness (E7)
	Selector     *Selector    // nil: no workflow governs the operation
	MFA          bool         // the operation needs a fresh second factor (L4)
	Pins         Params       // launch parameters that the user sees and cannot change (L3)
	Rules        []string     // ids of the deciding rules, for the audit log
	Version      uint64       // of the policy snapshot that answered
}

// Policy answers what a user may do. An error is a denial: the broker fails closed (S10).
type Policy interface {
	Grants(ctx context.Context, q Query) (Grants, error)
}

// ApproverPolicy is a Policy that knows who decides about access requests. Without it nobody does.
type ApproverPolicy interface {
	// Approves reports whether a user is one of those who decide at a level about requests for an asset, by the policy in
	// force now. An error means that nothing is decided.
	Approves(ctx context.Context, u UserID, a AssetID, l Level) (bool, error)
}

// SitePolicy is a Policy that knows site roles. Without it nobody has one.
type SitePolicy interface {
	// Site returns the user's site role; of an unknown user SiteNone.
	Site(ctx context.Context, u UserID) (SiteRole, error)
}
