package pamtest

import (
	"os"
	"strconv"
	"testing"
)

// SoakEnv names the environment variable that sets the number of rounds of soak tests.
const SoakEnv = "PAM_SOAK"

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
