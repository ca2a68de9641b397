package rdp

import (
	"context"
	"errors"
	"net"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// targetCodes say in the words of the browser what a connection ended with.
var targetCodes = map[Code]pam.Code{
	CodeUnreachable: pam.CodeTargetUnreachable, CodeDowngrade: pam.CodeTargetSecurity, CodeNegotiation: pam.CodeTargetSecurity,
	CodeAuth: pam.CodeTargetAuthFailed, CodeLicence: pam.CodeTargetLicence, CodeRedirected: pam.CodeTargetConfig, CodeProtocol: pam.CodeTargetProtocol,
	CodeServer: pam.CodeTargetError, CodeDisconnected: pam.CodeTargetDisconnected, CodeAdmin: pam.CodeTargetTerminated, CodeReplaced: pam.CodeTargetReplaced,
	CodeIdle: pam.CodeTargetIdle, CodeNetwork: pam.CodeTargetLost, CodeUnresponsive: pam.CodeTargetUnresponsive, CodeTimeout: pam.CodeTargetLost, CodeClosed: pam.CodeTargetLost, CodeCanceled: pam.CodeTargetLost,
}

// failed is why no desktop came about.
func (w *way) failed(err error) error {
	var target *pam.TargetError
	if errors.As(err, &target) { // of the vault
		return target
	}
	var e *Error
	if !errors.As(err, &e) { // of the configuration
		return &pam.TargetError{Code: pam.CodeTargetConfig, Err: err}
	}
	code := targetCodes[e.Code]
	switch e.Code {
	case CodeCertificate:
		if code = pam.CodeCertificateUnknown; w.cfg.known() {
			code = pam.CodeCertificateMismatch
		}
	case CodeNetwork, CodeTimeout, CodeCanceled, CodeClosed:
		code = pam.CodeTargetUnreachable // there never was anything to lose
	}
	return &pam.TargetError{Code: code, Err: err}
}

// endOf is how a session ended whose connection did.
func endOf(err error) *pam.End {
	e := asError("session", err)
	end := &pam.End{Reason: pam.EndTargetError, Code: targetCodes[e.Code], Text: serverText(e), Err: err}
	if e.Code == CodeLoggedOff || e.Code == CodeDisconnected && end.Text == "" {
		// xrdp, for one, says no more than that it hangs up when the user has signed out.
		end.Reason, end.Code = pam.EndRemoteLogoff, ""
	}
	return end
}

// serverText is the reason that the server itself has given, "" if it gave none.
func serverText(e *Error) string {
	var info *pdu.ErrorInfo
	if errors.As(e, &info) {
		return info.Error()
	}
	return ""
}

// errClosed is what Run and Input return after Close.
var errClosed = &Error{Code: CodeClosed, Phase: "session", Err: net.ErrClosed}

// over says whether an error comes from a context or from Close, so that there is no end to tell of.
func over(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if CodeOf(err) == CodeClosed {
		return errClosed
	}
	return nil
}
