package rdp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/credssp"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Code says what ended a connection, or kept it from coming about. The values are stable.
type Code string

// The codes.
const (
	CodeUnreachable  Code = "unreachable"         // no connection
	CodeCertificate  Code = "certificate_refused" // the server's certificate is not trusted; nothing secret was sent
	CodeDowngrade    Code = "downgrade"           // the server selected less than was asked for
	CodeNegotiation  Code = "negotiation_failed"  // the server agrees to no security that was offered
	CodeAuth         Code = "auth_failed"         // the server refused the user or the password
	CodeLicence      Code = "licence_refused"     // the server wants a licence that the client does not have
	CodeRedirected   Code = "redirected"          // the server sends the client elsewhere, which is not followed (S30)
	CodeProtocol     Code = "protocol_error"      // the server broke the protocol
	CodeServer       Code = "server_error"        // the server gave a reason of its own: see the text
	CodeLoggedOff    Code = "logged_off"          // the user signed out inside the session
	CodeDisconnected Code = "disconnected"        // the session was disconnected from inside, or in order
	CodeAdmin        Code = "admin_disconnect"    // an administrator ended the session
	CodeReplaced     Code = "replaced"            // another connection took the session over
	CodeIdle         Code = "idle_timeout"        // the session was idle for too long
	CodeNetwork      Code = "network_lost"        // the connection broke
	CodeTimeout      Code = "timeout"             // the server did not answer in time
	CodeUnresponsive Code = "unresponsive"        // the server has stopped: it answers neither input nor the request to draw
	CodeCanceled     Code = "canceled"            // the caller's context ended
	CodeClosed       Code = "closed"              // Close was called
)

// Error is what every error of this package is that has to do with a connection.
type Error struct {
	Code  Code
	Phase string // of the connection sequence, or "session"
	// Fingerprint is the sha256:… of the certificate that was refused, with CodeCertificate.
	Fingerprint string
	Err         error // the cause
}

// Error says what happened, where and why.
func (e *Error) Error() string {
	s := fmt.Sprintf("rdp: %s: %s: %v", e.Phase, e.Code, e.Err)
	if e.Fingerprint != "" {
		s += " (the certificate is " + e.Fingerprint + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of an error of this package, "" of any other.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// errHungUp says that a server closed the connection while the password was on trial.
var errHungUp = errors.New("the server hung up while it checked the sign-in, as some do when user or password is wrong")

// asError gives an error its code.
func asError(phase string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: codeOf(phase, err), Phase: phase, Err: err}
}

func codeOf(phase string, err error) Code {
	var (
		info        *pdu.ErrorInfo
		license     *pdu.LicenseError
		negotiation *connect.NegotiationError
		disconnect  *connect.DisconnectError
		network     net.Error
	)
	switch {
	case errors.Is(err, errHandshakeTimeout):
		return CodeTimeout
	case errors.Is(err, errUnresponsive):
		return CodeUnresponsive
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return CodeCanceled
	case errors.Is(err, connect.ErrDowngrade):
		return CodeDowngrade
	case errors.Is(err, connect.ErrRedirected):
		return CodeRedirected
	case errors.Is(err, credssp.ErrDenied), errors.Is(err, errHungUp):
		return CodeAuth
	case errors.As(err, &negotiation):
		return CodeNegotiation
	case errors.As(err, &license):
		return CodeLicence
	case errors.As(err, &info):
		return infoCode(info.Code)
	case errors.As(err, &disconnect):
		return CodeDisconnected
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return CodeTimeout
	case errors.Is(err, net.ErrClosed):
		return CodeClosed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(*net.OpError)):
		return CodeNetwork
	}
	return CodeProtocol
}

func infoCode(info uint32) Code {
	switch info {
	case pdu.ErrorInfoRPCDisconnect, pdu.ErrorInfoRPCLogoff:
		return CodeAdmin
	case pdu.ErrorInfoIdleTimeout:
		return CodeIdle
	case pdu.ErrorInfoReplaced:
		return CodeReplaced
	case pdu.ErrorInfoDenied, pdu.ErrorInfoPrivileges, pdu.ErrorInfoFreshCredentials:
		return CodeAuth
	case pdu.ErrorInfoUserDisconnect:
		return CodeDisconnected
	case pdu.ErrorInfoUserLogoff:
		return CodeLoggedOff
	}
	if info >= 0x101 && info <= 0x10a {
		return CodeLicence
	}
	return CodeServer
}
