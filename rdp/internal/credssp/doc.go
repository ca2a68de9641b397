// Package credssp proves to an RDP server who a user is before the desktop begins ([MS-CSSP]), by NTLMv2 ([MS-NLMP]) inside TLS.
//
// [NewClient] drives the exchange without doing I/O: the caller hands in one TSRequest at a time and sends what comes out. The
// credentials leave the client last, sealed, and only to a server that has proven that it sees the same TLS key as the client
// and that it knows the user's key too, so that nobody in between can use them.
//
// Kerberos is not spoken here.
package credssp
