// Package sshx is the SSH adapter of a session broker: it implements [pam.Protocol] on golang.org/x/crypto/ssh.
//
// Start with [New] and hand the value to the broker:
//
//	proto, err := sshx.New(sshx.Config{KnownHosts: []string{"/etc/sallyport/known_hosts"}})
//	broker, err := pam.New(pam.Config{Protocols: []pam.Protocol{proto}, ...})
//
// A connection verifies the target's host key before it asks the vault for anything (S05), signs in as the asset's account,
// opens one PTY, and emits what the target prints. The bytes go to the browser as they are; beside them a
// bounded screen model (package sshx/internal/vt) makes key frames for late and returning viewers.
//
// # What an asset's record says
//
// The attributes of [pam.Asset] are text; lists stand one entry per line, or separated by commas or spaces.
//
//	host_keys        AttrHostKeys        pins: public keys or SHA256 fingerprints; instead of known_hosts
//	host_ca_keys     AttrHostCAKeys      authorities whose host certificates are accepted, in the same form
//	host_principals  AttrHostPrincipals  names that the host certificate may bear instead of the address's host
//	auth_methods     AttrAuthMethods     certificate, private_key, agent, password, keyboard_interactive: which, and in which order
//	auth_prompts     AttrAuthPrompts     questions of keyboard-interactive and the fields that answer them
//	user_principals  AttrUserPrincipals  names that the user certificate may bear instead of the account
//	agent_keys       AttrAgentKeys       which keys of Config.Signers may be used
//	algorithms       AttrAlgorithms      "modern" or "legacy"
//	environment      AttrEnvironment     NAME=value for the shell
//
// For example, a database host behind an authority, with a one-time code after the key:
//
//	pam.Asset{
//		ID: "db7", Address: "db7.internal:22", Account: "ops", Via: []pam.AssetID{"bastion"},
//		Attributes: map[string]string{
//			sshx.AttrHostCAKeys:  "ssh-ed25519 AAAA… host authority",
//			sshx.AttrAuthMethods: "certificate, keyboard_interactive",
//			sshx.AttrAuthPrompts: "password = .*password:\notp = verification code:",
//		},
//	}
//
// Secrets are the vault's fields: [pam.FieldPrivateKey] with [pam.FieldPassphrase] and [pam.FieldCertificate],
// [pam.FieldPassword], and whatever auth_prompts names. Each is fetched when the target accepts the method that needs
// it, and not before.
//
// # Trust
//
// Config.RevokedKeys and the @revoked lines of known_hosts go before everything; then the record's pins and authorities, or
// else known_hosts, decide alone. Only about a target of which nothing is known Config.ConfirmHostKey is asked, and
// without it such a target is refused. [Protocol.Reload] reads the files again.
//
// # Jump hosts
//
// The jump hosts of pam.Asset.Via are assets with records of their own, and everything above holds for each. Nothing is opened
// on them but the connection to the next machine, whose name they resolve. Errors name the jump host. [Protocol.DialVia] goes the same way for adapters of other protocols.
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
