// Package sshtest has SSH servers for tests of hosts and for demonstrations.
//
// [NewServer] runs in the process, on a listener or on single connections, with a handler for each session; the
// ready handler [Demo] is a small shell over a file system in memory that cannot reach the machine it runs
// on. The sftp subsystem serves a tree in memory ([NewMemSFTP]), with a filter before it if a test wants one
// ([FilterSFTP]). [StartOpenSSH] runs the real sshd on loopback for interop tests.
//
// [Hostiles] and [HostileSFTPs] list servers that misbehave, each in one way and by name, on the level of packets:
// [StartHostile] runs one of the former, and a [HostileSFTP] is a handler for [Config]. A host can run its own code
// against all of them.
//
// The servers are made for tests: they keep what clients presented, so that a test can prove what was never
// sent ([Server.Attempts]). They are no base for a real SSH service.
package sshtest
