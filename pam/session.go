package pam

import (
	"time"
)

// SessionID is the public id of a session: unguessable, but it grants nothing (S01).
type SessionID string

// ParticipantID is the id of a person's place in one session.
type ParticipantID string

// Mode is how a person takes part in a session.
type Mode string

// The modes.
const (
	ModeOwner       Mode = "owner"
	ModeParticipate Mode = "participate"
	ModeMonitor     Mode = "monitor"
)

// State is the internal state of a session.
type State string

// The states, in the order of a session's life. Only active and, for participants who are still attached,
// reconnecting permit operations (S04).
const (
	StateRequested    State = "requested"  // created, waits to be attached
	StateLaunching    State = "launching"  // recorder and vault
	StateConnecting   State = "connecting" // the target
	StateActive       State = "active"
	StateSuspended    State = "suspended"    // input frozen by an administrator
	StateReconnecting State = "reconnecting" // the owner is away, the window runs
	StateEnding       State = "ending"
	StateCompleted    State = "completed"
)

// Public returns what reports show: "Active" or "Completed".
func (s State) Public() string {
	if s == StateCompleted {
		return "Completed"
	}
	return "Active"
}

// EndReason is why a session ended.
type EndReason string

// The end reasons.
const (
	EndUserDisconnect  EndReason = "user_disconnect"
	EndRemoteLogoff    EndReason = "remote_logoff"
	EndExpired         EndReason = "expired"
	EndTerminated      EndReason = "terminated"
	EndPolicyRule      EndReason = "policy_rule"
	EndIdle            EndReason = "idle"
	EndRevoked         EndReason = "revoked"
	EndNetworkLost     EndReason = "network_lost"
	EndTargetError     EndReason = "target_error"
	EndRecordingFailed EndReason = "recording_failed"
	EndGatewayShutdown EndReason = "gateway_shutdown"
	EndGatewayCrash    EndReason = "gateway_crash"
)

// endReasons are all of them.
var endReasons = []EndReason{
	EndUserDisconnect, EndRemoteLogoff, EndExpired, EndTerminated, EndPolicyRule, EndIdle, EndRevoked, EndNetworkLost,
	EndTargetError, EndRecordingFailed, EndGatewayShutdown, EndGatewayCrash,
}

// SessionInfo is a snapshot of one session for hosts and reports. It holds nothing that lets anyone attach.
type SessionInfo struct {
	ID        SessionID `json:"id"`
	Asset     AssetID   `json:"asset"`
	AssetName string    `json:"asset_name"`
	Protocol  string    `json:"protocol"`
	User      UserID    `json:"user"`
	UserName  string    `json:"user_name"`
	State     State     `json:"state"`
	Recorded  bool      `json:"recorded"`
	Reason    EndReason `json:"reason,omitempty"` // when completed
	Code      Code      `json:"code,omitempty"`   // finer than Reason, when completed
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
	Completed time.Time `json:"completed,omitzero"`
	Params    Params    `json:"params,omitempty"`
	// Request is the access request by which it was started, and Expires when that ends it; empty if no workflow governs it.
	Request RequestID `json:"request,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	// Channels are the declarations that the decision permitted, sorted (R9).
	Channels  []Declaration `json:"channels,omitempty"`
	Gateway   string        `json:"-"` // Config.Gateway of the broker that runs or ran it
	Recording string        `json:"-"` // where the recording is
	LoginID   string        `json:"-"` // the owner's login; binds every attach
}
