// Package bulk undoes the bulk compression of RDP: MPPC with a history of 8 KiB or 64 KiB ([MS-RDPBCGR] 3.1.8.4, RFC 2118),
// NCRUSH of RDP 6.0 and XCRUSH of RDP 6.1 ([MS-RDPEGDI] 3.1.8). The client says in its Info packet which of them the server may
// use; what a packet uses stands in its flags.
//
// A [Decompressor] belongs to one connection and one direction: packets refer to what came before, so none may be left out, and
// after an error nothing can be decompressed any more. No packet makes more than its history holds.
package bulk
