// Package rdptest has an RDP server for tests of hosts and for demonstrations, in pure Go.
//
// [NewServer] runs in the process, on a listener or on single connections. Each client that signs in, over TLS or with network
// level authentication, gets a [Session] with a [Desktop] of its own: a small picture with a clock, a text field, a button and a
// place to draw, which reacts to keys and mouse. A test reads what arrived ([Desktop.Text], [Desktop.Events]) and what is shown
// ([Desktop.Image]).
//
// Config also says how pictures are sent (Codec), what moves by itself (Animation), whether clients may ask for another size
// (DisplayControl; [Session.Resize] is the server's own way) and come back after a cut (AutoReconnect; [Server.Drop] cuts), and which
// security there is, down to RDP's own (SecurityStandard). A session has its client's clipboard ([Session.Copy], [Session.Paste], and Ctrl+C and
// Ctrl+V on the desktop) and drive ([Session.Drive]) where Config says so. [Session.Disconnect] ends a session with a reason.
//
// With Config.Hostile it breaks the protocol in one of some two hundred ways ([Variants]), and tells what of that a client has read and
// what it has said to it ([Server.Taken], [Server.Heard]).
//
// The server is made for tests: it keeps what clients presented, so that a test can prove what was never sent
// ([Server.Attempts]). It is no base for a real RDP service.
//
// Sections in comments are those of [MS-RDPBCGR] unless another document is named.
package rdptest
