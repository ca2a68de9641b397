package pam

import "errors"

// Sentinels for errors.Is. What hosts return may wrap them.
var (
	ErrNotFound        = errors.New("not found")
	ErrNoField         = errors.New("the asset has no such field")
	ErrUnauthenticated = errors.New("not signed in")
	ErrClosed          = errors.New("the broker is closed")
)
