package pdu

import "github.com/sallyport/sallyport/rdp/internal/wire"

// maxExchange is more than any key's cipher text.
const maxExchange = 1 << 10

// AppendSecurityExchange appends a Security Exchange PDU with its security header ([MS-RDPBCGR] 2.2.1.10): the client's random, encrypted.
func AppendSecurityExchange(b, encrypted []byte) []byte {
	b = wire.AppendU32LE(AppendSecurityHeader(b, SecurityExchange), uint32(len(encrypted)))
	return append(b, encrypted...)
}

// TakeSecurityExchange returns the client's encrypted random, which aliases b.
func TakeSecurityExchange(b []byte) ([]byte, error) {
	r := wire.NewReader(b)
	r.Want("flags", uint64(r.U16LE("flags")&uint16(SecurityExchange)), uint64(SecurityExchange))
	r.U16LE("flagsHi")
	random := r.Bytes("encryptedClientRandom", r.Limit("length", uint64(r.U32LE("length")), maxExchange))
	return random, r.Done("security exchange")
}
