package pam

// Approval is how far the approval of an operation has come, where one is needed.
type Approval uint8

// The approvals that a decision knows.
const (
	ApprovalNotNeeded Approval = iota
	ApprovalMissing            // a selector asks for it, and there is no request
	ApprovalPending            // there is one that is not decided, or whose time has not come
	ApprovalGiven
)

// MFAState is whether a second factor is asked for and given.
type MFAState uint8

// The MFA states that a decision knows.
const (
	MFANotNeeded   MFAState = iota
	MFANeeded               // asked for, not given yet
	MFAUnavailable          // asked for, and nothing here can check it
	MFAPassed
)

// Facts are all that a decision depends on. The zero value is refused.
type Facts struct {
	Authenticated bool
	Role          Role
	Permitted     bool // the role reaches the operation
	HasProtocol   bool // the asset's type names a protocol that this broker speaks
	Profile       Value
	Restricted    bool // a restricting selector matches now
	Approval      Approval
	LockedByOther bool // somebody else holds the asset exclusively
	LimitReached  bool
	MFA           MFAState
}

// Decision is the answer to Facts.
type Decision struct {
	Code   Code // CodeAllowed, or the first thing that stands in the way
	Record bool // the session must be recorded (E6)
}

// Allowed reports whether the operation may go on.
func (d Decision) Allowed() bool { return d.Code == CodeAllowed }

// Decide is the one pure function that decides about starting and joining, and about whether buttons are drawn
// (Q8). Facts are looked at in the order of Q7: denial beats request, request beats MFA. Unknown values deny.
func Decide(f Facts) Decision {
	deny := func(c Code) Decision { return Decision{Code: c} }
	switch {
	case !f.Authenticated:
		return deny(CodeUnauthenticated)
	case f.Role == RoleNone || f.Role > RoleOwner || !f.Permitted:
		return deny(CodeNotFound) // E3: the same answer as for an asset that does not exist
	case !f.HasProtocol:
		return deny(CodeNoProtocol)
	case !f.Profile.Permits():
		return deny(CodeProfileDenied)
	case f.Restricted:
		return deny(CodeRestricted)
	}
	switch f.Approval {
	case ApprovalNotNeeded, ApprovalGiven:
	case ApprovalPending:
		return deny(CodeRequestPending)
	default:
		return deny(CodeRequestRequired)
	}
	switch {
	case f.LockedByOther:
		return deny(CodeInUse)
	case f.LimitReached:
		return deny(CodeLimitReached)
	}
	d := Decision{Code: CodeAllowed, Record: f.Profile == Record}
	switch f.MFA {
	case MFANotNeeded, MFAPassed:
	case MFANeeded:
		d.Code = CodeMFARequired
	default:
		d.Code = CodeMFAUnavailable
	}
	return d
}

// stays reports whether a person who is in a live session may stay. A second factor is a matter of the doors: who
// came in with one is not asked again (S15).
func (d Decision) stays() bool {
	return d.Allowed() || d.Code == CodeMFARequired || d.Code == CodeMFAUnavailable
}
