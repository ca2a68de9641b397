package pam

import (
	"context"
	"fmt"
)

// result is what a neighbour's call gave.
type result[T any] struct {
	value T
	err   error
}

// patiently calls f, which should keep to ctx. When it has not come back CloseTimeout after the end of ctx, the session goes
// on to its end without it (S28): the error is ctx's cause, and late is given what f returns after all, if that is no error.
// The broker's Shutdown waits for f all the same.
func patiently[T any](ctx context.Context, s *liveSession, where string, f func() (T, error), late func(T)) (T, error) {
	done := make(chan result[T], 1)
	s.b.wg.Go(func() {
		r := result[T]{err: fmt.Errorf("%s: %w", where, errPanic)} // what stays if f panics
		s.contain(where, func() { r.value, r.err = f() })
		done <- r
	})
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	last, cancel := s.lastSteps()
	defer cancel()
	select {
	case r := <-done:
		return r.value, r.err
	case <-last.Done():
	}
	s.log.Error("a call did not keep to its context", "call", where)
	s.b.wg.Go(func() {
		if r := <-done; r.err == nil {
			s.contain(where, func() { late(r.value) })
		}
	})
	var none T
	return none, fmt.Errorf("%s did not return: %w", where, context.Cause(ctx))
}
