package pam

// Code is what a browser is told. The set is closed: causes go to the log. Every code has a text in the client.
type Code string

// Codes of decisions (Q6, Q8).
const (
	CodeAllowed         Code = "allowed"
	CodeUnauthenticated Code = "unauthenticated"
	CodeNotFound        Code = "not_found"      // absent, or not yours: the same answer (E3, S01)
	CodeNoProtocol      Code = "no_protocol"    // the asset type defines no web session (Q1)
	CodeProfileDenied   Code = "profile_denied" // no enabled profile permits web sessions here
	CodeRestricted      Code = "restricted"     // a restricting selector matches now
	CodeRequestRequired Code = "request_required"
	CodeRequestPending  Code = "request_pending" // not decided yet, or its time has not come
	CodeInUse           Code = "in_use"          // exclusive lock of another user
	CodeLimitReached    Code = "limit_reached"
	CodeMFARequired     Code = "mfa_required"
	CodeMFAUnavailable  Code = "mfa_unavailable"
	CodeMFAInvalid      Code = "mfa_invalid"      // wrong, or used before
	CodeMFALocked       Code = "mfa_locked"       // too many were wrong
	CodeMFANotEnrolled  Code = "mfa_not_enrolled" // the user has no second factor
	CodePolicyError     Code = "policy_error"     // the policy could not answer: denied (S10)
)

// Codes of access requests.
const (
	CodeRequestNotNeeded Code = "request_not_needed" // nothing has to be approved here now
	CodeRequestClosed    Code = "request_closed"     // decided, withdrawn or over already
	CodeRequestChanged   Code = "request_changed"    // it is not as it was looked at
	CodeRequestDecided   Code = "request_decided"    // this person has decided about it before
	CodeOwnRequest       Code = "own_request"        // nobody decides about an own request
)

// Codes of HTTP requests.
const (
	CodeBadRequest       Code = "bad_request"
	CodeInvalidParam     Code = "invalid_param"
	CodeOriginRefused    Code = "origin_refused"
	CodeHostRefused      Code = "host_refused"
	CodeMethodNotAllowed Code = "method_not_allowed"
	CodeTooLarge         Code = "too_large"
	CodeRateLimited      Code = "rate_limited"
	CodeTicketInvalid    Code = "ticket_invalid" // unknown, used, expired or not for this socket
	CodeOtherLogin       Code = "other_login"    // the session belongs to another sign-in of the same user
	CodeReload           Code = "reload"         // the page is older than the gateway
	CodeInternal         Code = "internal"
	CodeShuttingDown     Code = "shutting_down"
	CodeAuditFailed      Code = "audit_failed" // the event could not be written, so nothing was done (S31)
)

// Codes of sessions.
const (
	CodeSessionEnded       Code = "session_ended"
	CodeOpenedElsewhere    Code = "opened_elsewhere" // a newer page took over (C2)
	CodeProtocolViolation  Code = "protocol_violation"
	CodeViewerTooSlow      Code = "viewer_too_slow"
	CodeCapabilityDenied   Code = "capability_denied"
	CodeTargetUnreachable  Code = "target_unreachable"
	CodeHostKeyUnknown     Code = "host_key_unknown"
	CodeHostKeyMismatch    Code = "host_key_mismatch"
	CodeTargetAuthFailed   Code = "target_auth_failed"
	CodeTargetNoShell      Code = "target_no_shell"
	CodeTargetProtocol     Code = "target_protocol"     // the target broke its protocol
	CodeTargetLost         Code = "target_lost"         // the connection to the target broke
	CodeTargetUnresponsive Code = "target_unresponsive" // the connection stands, and the target answers nothing
	CodeTargetConfig       Code = "target_config"       // the asset's record cannot be used as it is
	CodeTargetSecurity     Code = "target_security"     // the target does not offer the security that is wanted
	CodeTargetLicence      Code = "target_licence"      // the target has no licence left for us
	// What a target says when it ends a session by itself.
	CodeTargetDisconnected Code = "target_disconnected" // from inside: what ran there may go on
	CodeTargetTerminated   Code = "target_terminated"   // an administrator of the target did
	CodeTargetReplaced     Code = "target_replaced"     // another connection took over
	CodeTargetIdle         Code = "target_idle"         // by the target's own clock

	CodeCertificateUnknown  Code = "certificate_unknown"
	CodeCertificateMismatch Code = "certificate_mismatch"
	CodeRecordingFailed     Code = "recording_failed"
	CodeRecordingMissing    Code = "recording_missing" // there is none, or it is not there any more
	CodeRecordingBroken     Code = "recording_broken"  // nothing of it holds, or it was changed while it was played
	CodeMaxDuration         Code = "max_duration"      // it has lasted as long as a session may
	CodeNotStarted          Code = "not_started"       // it cannot be joined before its owner is there
	CodeNotRecorded         Code = "not_recorded"      // who would join must be recorded, and the session is not
	CodeOwnSession          Code = "own_session"       // this login owns it: attach instead of joining
)

// Codes of operations on files.
const (
	CodeFilesUnavailable Code = "files_unavailable" // the target has no file service
	CodeFileNotFound     Code = "file_not_found"
	CodeFileExists       Code = "file_exists"
	CodeFileDenied       Code = "file_denied" // by the target's own permissions
	CodeFileBadName      Code = "file_bad_name"
	CodeFileTooLarge     Code = "file_too_large" // beyond a limit or quota
	CodeFileTimeout      Code = "file_timeout"
	CodeFileCancelled    Code = "file_cancelled" // by who began the transfer, or it lay still for too long
	CodeFileFailed       Code = "file_failed"    // anything else; the log says more
)

// Codes of sessions that ended for a reason that needs no finer word: one for each EndReason.
const (
	CodeUserDisconnect  = Code(EndUserDisconnect)
	CodeRemoteLogoff    = Code(EndRemoteLogoff)
	CodeExpired         = Code(EndExpired)
	CodeTerminated      = Code(EndTerminated)
	CodePolicyRule      = Code(EndPolicyRule)
	CodeIdle            = Code(EndIdle)
	CodeRevoked         = Code(EndRevoked)
	CodeNetworkLost     = Code(EndNetworkLost)
	CodeTargetError     = Code(EndTargetError)
	CodeGatewayShutdown = Code(EndGatewayShutdown)
	CodeGatewayCrash    = Code(EndGatewayCrash)
)
