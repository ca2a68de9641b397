package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

// standing stands in for the test that rdplab's fixtures belong to: it ends when it is told to, or with the process when something fails. What
// is missing is a failure here; nobody starts this command to have it do nothing.
type standing struct {
	testing.TB // nil: what is not below is not for fixtures

	mu      sync.Mutex // guards what follows
	cleanup []func()
	failed  bool
}

func (s *standing) Helper()                  {}
func (s *standing) Logf(string, ...any)      {}
func (s *standing) Log(...any)               {}
func (s *standing) Context() context.Context { return context.Background() }

func (s *standing) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanup = append(s.cleanup, f)
}

func (s *standing) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

func (s *standing) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "realrdp: "+format+"\n", args...)
	s.mu.Lock()
	s.failed = true
	s.mu.Unlock()
	s.end()
	os.Exit(1)
}

func (s *standing) Fatal(args ...any)                 { s.Fatalf("%s", fmt.Sprint(args...)) }
func (s *standing) Skipf(format string, args ...any)  { s.Fatalf(format, args...) }
func (s *standing) Skip(args ...any)                  { s.Fatal(args...) }
func (s *standing) Errorf(format string, args ...any) { s.Fatalf(format, args...) }
func (s *standing) Error(args ...any)                 { s.Fatal(args...) }

// end undoes what was made, the last first.
func (s *standing) end() {
	s.mu.Lock()
	undo := slices.Clone(s.cleanup)
	s.cleanup = nil
	s.mu.Unlock()
	for _, f := range slices.Backward(undo) {
		f()
	}
}
