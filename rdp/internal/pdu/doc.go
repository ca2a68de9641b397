// Package pdu is the vocabulary of RDP on the wire: the PDUs of [MS-RDPBCGR] and of the layers below it, TPKT and X.224 (RFC 1006,
// RFC 2126), MCS (T.125) and GCC (T.124), each as a Go type with AppendBinary and UnmarshalBinary.
//
// Both directions are here for every PDU, since a client and a server are built of them. A decoder takes exactly one PDU, checks
// every length and count before it believes it, and keeps nothing of what it was given: payloads that are handed on as a part of
// a PDU alias it, and say so. Nothing here does I/O or keeps state.
package pdu
