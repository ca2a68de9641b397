// Package pam is the innermost vocabulary of privileged sessions and the broker that runs them.
//
// A host application gives the broker what only it knows (who the user is, its assets, its secrets, its
// policy) through the small interfaces of [Config], and mounts what it gets back:
//
//	broker, err := pam.New(pam.Config{...})
//	mux.Handle("/pam/", http.StripPrefix("/pam", broker.Handler()))
//
// From then on a signed-in user can start a session on an asset with one POST, open the session page in a
// browser tab, and work on a machine that the browser could never reach. The broker asks the policy, opens
// the recording, fetches the secret, drives the protocol adapter (packages sshx and rdp implement
// [Protocol]), checks a capability for every operation at the moment of use, and ends the session exactly
// once, with a true reason.
//
// The package knows no protocol, no policy engine, no storage format and no browser code: those are siblings
// that import it. It is not a user database and not a secret store.
//
// Ids in test names (E6, S07 …) are rows of pam/BEHAVIOUR.md and SECURITY.md. The browser frame protocol is
// described in pam/PROTOCOL.md.
package pam
