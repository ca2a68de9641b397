//go:build race

package sshx_test

// raceEnabled tells whether the race detector is on, which makes everything some twenty times slower.
const raceEnabled = true
