package pamtest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// SoakEnv names the environment variable that sets the number of rounds of soak tests, MinutesEnv the one that sets
// how long those run that are measured in time.
const (
	SoakEnv    = "PAM_SOAK"
	MinutesEnv = "PAM_SOAK_MINUTES"
)

// Rounds returns how often a test repeats a fault at a random point: usual, or what PAM_SOAK says. The test's name
// should hold the word Soak, so that `make soak` finds it. A value that is no positive number fails the test.
func Rounds(t testing.TB, usual int) int {
	t.Helper()
	text := os.Getenv(SoakEnv)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q; want a positive number or unset", SoakEnv, text)
	}
	return n
}

// Minutes returns how long a test under load is to run as PAM_SOAK_MINUTES says; zero, for a short run, if it is unset.
// A value that is no positive number fails the test.
func Minutes(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv(MinutesEnv)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q; want a positive number or unset", MinutesEnv, text)
	}
	return time.Duration(n) * time.Minute
}
