package pam

import (
	"context"
	"time"
)

// Verb is what an audit event says happened.
type Verb string

// The verbs.
const (
	StartSession      Verb = "Start Session"
	CompleteSession   Verb = "Complete Session"
	DenySession       Verb = "Deny Session"
	JoinSession       Verb = "Join Session"
	LeaveSession      Verb = "Leave Session"
	TerminateSession  Verb = "Terminate Session"
	DecryptField      Verb = "Decrypt Field"
	UploadClipboard   Verb = "Upload Clipboard"
	DownloadClipboard Verb = "Download Clipboard"
	PlayRecording     Verb = "Play Recording"
	UploadFile        Verb = "Upload File" // new folders and renames too
	DownloadFile      Verb = "Download File"
	DeleteFile        Verb = "Delete File"
	VerifyMFA         Verb = "Verify MFA"
	FailMFA           Verb = "Fail MFA"
	ExtendSession     Verb = "Extend Session"
	RequestAccess     Verb = "Request Access"
	ApproveRequest    Verb = "Approve Request" // one approver's word; the request may need more
	RejectRequest     Verb = "Reject Request"
	WithdrawRequest   Verb = "Withdraw Request" // by its requester
	RevokeRequest     Verb = "Revoke Request"
	ChangePolicy      Verb = "Change Policy" // with a session: the policy changed what one of its people may do (S11)
)

// Event is one audit entry: who did what to which asset, from where, with what outcome.
type Event struct {
	Seq        uint64    `json:"seq"`               // gap-free per gateway, set by the broker
	Gateway    string    `json:"gateway,omitempty"` // Config.Gateway
	At         time.Time `json:"at"`
	Verb       Verb      `json:"verb"`
	User       UserID    `json:"user,omitempty"`
	Login      string    `json:"login,omitempty"`
	Asset      AssetID   `json:"asset,omitempty"`
	Session    SessionID `json:"session,omitempty"`
	Request    RequestID `json:"request,omitempty"`     // the access request that it is about, or by which it was allowed
	ClientAddr string    `json:"client_addr,omitempty"` // after trusted proxies
	SocketAddr string    `json:"socket_addr,omitempty"` // the peer of the TCP connection
	Code       Code      `json:"code,omitempty"`        // outcome
	Reason     EndReason `json:"reason,omitempty"`      // of Complete Session
	Detail     string    `json:"detail,omitempty"`      // never a secret
	Rules      []string  `json:"rules,omitempty"`
	Policy     uint64    `json:"policy,omitempty"`
}

// EventSink takes audit events. When it returns nil the event is durable: the broker acts only afterwards, and
// denies what it could not write down (S31).
type EventSink interface {
	Write(ctx context.Context, e Event) error
}
