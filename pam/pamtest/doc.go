// Package pamtest is a test kit for adapters, hosts and the broker itself: fakes of every interface of
// package pam that a test can script and break, and a host made of them, a leak check, a scan for secrets that escaped, a bad network
// and one that changes bytes, and a strict way to call real programs.
//
// The fakes are for tests only. None of them is safe to run a gateway with: they keep everything in memory
// and do what the test says.
package pamtest
