// Package connect drives the RDP connection sequence ([MS-RDPBCGR] 1.3.1.1) without doing I/O: from the first byte to an active
// desktop. Start with [New].
//
// The caller has the socket. It asks [Connector.Need] what is due, reads exactly that, and hands it to [Connector.Step], which
// returns what to send. Each phase is a type that holds only what the phase knows, and returns the next one; its file reads as
// one section of the specification. Everything from the server is checked against what was offered.
package connect
