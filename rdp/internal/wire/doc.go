// Package wire reads and writes the bytes of RDP's many layers: little-endian fields ([MS-RDPBCGR]), big-endian framing
// (TPKT, X.224), and the subsets of ASN.1 BER and PER that MCS and GCC use (T.125, T.124).
//
// A [Reader] is the only place where received bytes are sliced. It keeps the first error and, once it has one, returns zero
// values: code that decodes a PDU reads like the table in its specification and asks for the error once, with Close. A loop
// over reads must be bounded by Count or Len, since a Reader with an error goes on answering.
//
// Writing is by append: [AppendU16LE] and its kin beside encoding/binary, and the BER and PER forms. Nothing here does I/O,
// knows a PDU, or panics on any input.
package wire
