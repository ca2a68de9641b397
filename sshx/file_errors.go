package sshx

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/sshx/internal/sftp"
)

// givenUp tells an error that is the caller's own end of patience from what the target did.
func givenUp(caller context.Context, err error) error {
	if cause := context.Cause(caller); cause != nil && errors.Is(err, cause) {
		code := pam.CodeFileFailed
		if errors.Is(cause, context.DeadlineExceeded) {
			code = pam.CodeFileTimeout
		}
		return &coded{code, err}
	}
	return err
}

// coded is an error whose code is known where it arises.
type coded struct {
	code pam.Code
	err  error
}

func (e *coded) Error() string { return e.err.Error() }
func (e *coded) Unwrap() error { return e.err }

// fileError finds the code for a failed call.
func fileError(op, name string, err error) error {
	code := pam.CodeFileFailed
	var (
		known    *coded
		status   *sftp.StatusError
		protocol *sftp.ProtocolError
	)
	switch {
	case errors.As(err, &known):
		code, err = known.code, known.err
	case errors.As(err, &status):
		code = statusCode(status.Code)
	case errors.As(err, &protocol):
		code = pam.CodeTargetProtocol
	case errors.Is(err, errFileTimeout):
		code = pam.CodeFileTimeout
	default: // the channel or the connection is gone
		code = pam.CodeFilesUnavailable
	}
	return &pam.FileError{Op: op, Name: name, Code: code, Err: err}
}

func statusCode(status uint32) pam.Code {
	switch status {
	case sftp.StatusNoSuchFile:
		return pam.CodeFileNotFound
	case sftp.StatusPermissionDenied:
		return pam.CodeFileDenied
	case sftp.StatusBadMessage: // OpenSSH's word for ENAMETOOLONG and EINVAL
		return pam.CodeFileBadName
	case sftp.StatusExists:
		return pam.CodeFileExists
	case sftp.StatusQuota:
		return pam.CodeFileTooLarge
	}
	return pam.CodeFileFailed
}

// orExists explains a failure that has no finer word: something is at that path already.
func orExists(ctx context.Context, c *sftp.Client, raw string, err error) error {
	var status *sftp.StatusError
	if errors.As(err, &status) && status.Code == sftp.StatusFailure {
		if _, lerr := c.Lstat(ctx, raw); lerr == nil {
			return &coded{pam.CodeFileExists, err}
		}
	}
	return err
}

// isMissing reports whether the server says that nothing is there.
func isMissing(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.Code == sftp.StatusNoSuchFile
}
