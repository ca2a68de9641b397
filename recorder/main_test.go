package recorder_test

import (
	"os"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestMain also is the entry of child processes that tests kill or break, see child_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(childEnv); role != "" {
		os.Exit(child(role))
	}
	pamtest.VerifyNoLeaks(m)
}
