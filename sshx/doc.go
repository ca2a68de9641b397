// Package sshx is the SSH adapter of a session broker: it implements [pam.Protocol] on golang.org/x/crypto/ssh.
//
// Start with [New] and hand the value to the broker:
//
//	proto, err := sshx.New(sshx.Config{KnownHosts: []string{"/etc/sallyport/known_hosts"}})
//	broker, err := pam.New(pam.Config{Protocols: []pam.Protocol{proto}, ...})
//
// A connection verifies the target's host key against the asset's pins ([AttrHostKeys]) or a known_hosts file
// before it asks the vault for anything (S05), signs in with the private key or the password of the asset,
// opens one PTY, and emits what the target prints. The bytes go to the browser as they are; beside them a
// bounded screen model (package sshx/internal/vt) makes key frames for late and returning viewers.
//
// The target's files are reached over the same connection by SFTP ([pam.Files]; package sshx/internal/sftp), with one
// channel for all who use them.
//
// The package knows no policy and no browser. It forwards no agent, no X11 and no port, and it answers no
// request of the target. Failures of Connect are [*pam.TargetError] with one of the target codes; the end of a
// session is a [*pam.End].
//
// Package sshx/sshtest has SSH servers for tests and demonstrations.
package sshx
