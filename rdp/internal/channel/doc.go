// Package channel carries messages over static virtual channels ([MS-RDPBCGR] 2.2.6, 3.1.5.2): it cuts a message into chunks, and
// joins the chunks of the peer, checking what they say of themselves.
//
// A Joiner belongs to one channel of one connection. Nothing here does I/O.
package channel
