// Package sftp is a client of the SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02), for targets
// that are not trusted. Start with [New] on the channel of the subsystem.
//
// It is made for what a gateway needs and a general client does not give: every call ends with its context and leaves
// no goroutine behind, memory stays within named limits whatever the server sends, names reach the caller as the
// server sent them, to be judged there, and a short read in the middle of a file is not taken for its end. In
// exchange it knows only what a file manager asks for.
//
// The server may answer requests in any order, but each once: an answer nobody waits for, one of the wrong kind, or
// one that does not parse ends the channel, as a server that is out of step could make one file's bytes another's.
package sftp
