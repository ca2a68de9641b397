package recorder_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also is the entry of child processes that tests kill or break, see child_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(childEnv); role != "" {
		os.Exit(child(role))
	}
	goleak.VerifyTestMain(m)
}
