// Package secure has standard RDP security ([MS-RDPBCGR] 5.3): keys of two randoms, RC4 or 3DES, and message authentication codes.
// [NewConn] puts it under a connection, so that those who read and write units on top see what they would see inside TLS.
//
// It proves nobody's identity: the server's key is signed by one that everybody knows, or by nobody. Whoever stands in between reads and
// changes everything. It is there for servers that have nothing else, for who asks for it by name.
package secure
