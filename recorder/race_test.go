//go:build race

package recorder_test

// raceEnabled: the race detector makes one Ed25519 check cost over a millisecond, so that exhaustive loops over
// signatures take every eighth step; the run without it takes all.
const raceEnabled = true
