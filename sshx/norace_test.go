//go:build !race

package sshx_test

const raceEnabled = false
