// Package license is a client's side of RDP licensing ([MS-RDPELE]): what a server asks for between sign-in and desktop when it keeps
// count of client licences.
//
// A Client has no licence of its own: it asks for a new one, proves what the server wants it to prove, and forgets what it gets, so that
// each connection gets a temporary one. Nothing here does I/O. What is encrypted here protects nothing that matters, since the
// connection is encrypted already; the old ciphers are those of the protocol.
package license
