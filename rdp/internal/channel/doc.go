// Package channel carries messages over static virtual channels ([MS-RDPBCGR] 2.2.6, 3.1.5.2): it cuts a message into chunks, and
// joins the chunks of the peer, checking what they say of themselves. What speaks on a channel is a Processor; each has a package of its
// own below this one.
//
// A Joiner belongs to one channel of one connection. Nothing here does I/O.
package channel
