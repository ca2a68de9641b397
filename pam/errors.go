package pam

import "errors"

// Sentinels for errors.Is. What hosts return may wrap them.
var (
	ErrNotFound        = errors.New("not found")
	ErrNoField         = errors.New("the asset has no such field")
	ErrUnauthenticated = errors.New("not signed in")
	ErrConflict        = errors.New("somebody else changed the record meanwhile")
	ErrClosed          = errors.New("the broker is closed")
)
