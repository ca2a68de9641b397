package rdptest

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// confirmWith is a Connection Confirm with a negotiation structure of these bytes.
func confirmWith(nego ...byte) []byte {
	return tpkt(append([]byte{byte(6 + len(nego)), 0xd0, 0, 0, 0x12, 0x34, 0}, nego...))
}

// selecting is a Connection Confirm that selects protocols.
func selecting(p pdu.Protocols) []byte {
	return confirmWith(wire.AppendU32LE([]byte{2, 0, 8, 0}, uint32(p))...)
}

// drip sends one byte a second.
func drip(p *poison, unit []byte) error {
	for i := range unit {
		if err := p.write(unit[i : i+1]); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	return nil
}

// connectVariants break everything up to licensing.
func connectVariants() []variant {
	all := []variant{
		change(stepConfirm, "TPKT of another version", set(0, 0xff)),
		change(stepConfirm, "TPKT length is zero", set(2, 0, 0)),
		change(stepConfirm, "TPKT length is the greatest", set(2, 0xff, 0xff)),
		change(stepConfirm, "TPKT length cuts the PDU", set(2, 0, 10)),
		change(stepConfirm, "TPKT has nothing in it", set(2, 0, 7)),
		change(stepConfirm, "X.224 is truncated", cut(5)),
		change(stepConfirm, "X.224 length indicator is zero", set(4, 0)),
		change(stepConfirm, "X.224 length indicator is the greatest", set(4, 0xff)),
		change(stepConfirm, "X.224 code of a request", set(5, 0xe0)),
		change(stepConfirm, "fast-path unit", with([]byte{0, 4, 1, 1})),
		change(stepConfirm, "no negotiation", with(confirmWith())),
		change(stepConfirm, "negotiation is truncated", with(confirmWith(2, 0, 8, 0, 1))),
		change(stepConfirm, "negotiation of an unknown type", with(confirmWith(9, 0, 8, 0, 1, 0, 0, 0))),
		change(stepConfirm, "negotiation length is zero", with(confirmWith(2, 0, 0, 0, 1, 0, 0, 0))),
		change(stepConfirm, "negotiation length is the greatest", with(confirmWith(2, 0, 0xff, 0xff, 1, 0, 0, 0))),
		change(stepConfirm, "failure of an unknown code", with(confirmWith(3, 0, 8, 0, 0xff, 0xff, 0xff, 0xff))),
		change(stepConfirm, "selects RDP's own security", with(selecting(pdu.ProtocolRDP))),
		change(stepConfirm, "selects what was not offered", with(selecting(4))),
		change(stepConfirm, "selects two protocols", with(selecting(pdu.ProtocolSSL|pdu.ProtocolHybrid))),
		change(stepConfirm, "selects every bit", with(selecting(0xffffffff))),
		{stepConfirm, "slow drip", drip},
		change(stepTLS, "garbage", with(bytes.Repeat([]byte("garbage "), 16))),
		change(stepTLS, "record of the greatest length", with([]byte{22, 3, 3, 0xff, 0xff, 2})),
		change(stepTLS, "alert", with([]byte{21, 3, 3, 0, 2, 2, 40})),

		change(stepChallenge, "no sequence", set(0, 0x04)),
		change(stepChallenge, "length beyond every limit", with([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})),
		change(stepChallenge, "length of too many bytes", with([]byte{0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 1})),
		change(stepChallenge, "length without an end", with([]byte{0x30, 0x80, 0, 0})),
		change(stepChallenge, "empty", with([]byte{0x30, 0})),
		change(stepChallenge, "inner length overlaps", with([]byte{0x30, 5, 0xa0, 0x7f, 2, 1, 6})),
		change(stepChallenge, "version is zero", with([]byte{0x30, 5, 0xa0, 3, 2, 1, 0})),
		change(stepChallenge, "no challenge", with([]byte{0x30, 5, 0xa0, 3, 2, 1, 6})),
		change(stepChallenge, "refuses the user", with([]byte{0x30, 13, 0xa0, 3, 2, 1, 6, 0xa4, 6, 2, 4, 0xc0, 0, 0, 0x6d})),
		change(stepKey, "empty", with([]byte{0x30, 0})),
		change(stepKey, "another key", set(-3, 1, 2, 3)),
		change(stepKey, "no key", with([]byte{0x30, 5, 0xa0, 3, 2, 1, 6})),
		change(stepEarly, "denied", with([]byte{5, 0, 0, 0})),
		change(stepEarly, "result is the greatest", with([]byte{0xff, 0xff, 0xff, 0xff})),
		change(stepEarly, "truncated", with([]byte{0, 0})),

		{stepResponse, "slow drip", drip},
		change(stepResponse, "truncated", cut(dataSize+9)),
		change(stepResponse, "empty", cut(dataSize)),
		change(stepResponse, "X.224 code of a confirm", set(tpktSize+1, 0xd0)),
		change(stepResponse, "X.224 without an end", set(tpktSize+2, 0)),
		change(stepResponse, "fast-path unit", with([]byte{0, 4, 1, 1})),
		change(stepResponse, "refused", inData(set(5, 3))),
		change(stepResponse, "tag of a request", inData(set(1, 0x65))),
		change(stepResponse, "length is the greatest", inData(func(b []byte) []byte { return append([]byte{b[0], b[1], 0x84}, tooLong...) })),
		change(stepResponse, "length without an end", inData(func(b []byte) []byte { return append([]byte{b[0], b[1], 0x80}, b[2:]...) })),
		change(stepResponse, "no GCC in it", inData(bareResponse(nil))),
		change(stepResponse, "GCC is truncated", inData(bareResponse([]byte{0, 5, 0}))),
		change(stepResponse, "GCC of noise", inData(bareResponse(bytes.Repeat([]byte{0xff}, 64)))),
		change(stepAttach, "truncated", cut(dataSize+1)),
		change(stepAttach, "refused", inData(set(1, 0xe0))),
		change(stepAttach, "another PDU", inData(with([]byte{byte(15) << 2, 0, 0, 1, 3, 0xeb}))),
		change(stepAttach, "unknown PDU", inData(set(0, 0xfc))),
		change(stepAttach, "hangs up in order", with(ultimatum())),
		change(stepJoin, "truncated", cut(dataSize+2)),
		change(stepJoin, "refused", inData(set(1, 0xe0))),
		change(stepJoin, "another channel", inData(set(-2, 0x7f, 0xff))),
		change(stepJoin, "another PDU", inData(with([]byte{byte(11)<<2 | 2, 0, 0, 1}))),
	}
	for _, m := range []struct {
		name string
		at   int
		to   []byte
	}{
		{"signature is wrong", 0, []byte("NTLMSSX")},
		{"type is another", 8, []byte{3}},
		{"no strong key", 20, []byte{0, 0, 0, 0}},
		{"information is the longest", 40, []byte{0xff, 0xff}},
		{"information is elsewhere", 44, []byte{0xff, 0xff, 0xff, 0xff}},
		{"information begins behind the end", 44, []byte{0xff, 0xff, 0, 0}},
	} {
		all = append(all, change(stepChallenge, "NTLM "+m.name, func(b []byte) []byte {
			at := bytes.Index(b, []byte("NTLMSSP\x00"))
			copy(b[at+m.at:], m.to)
			return b
		}))
	}
	return append(append(all, serverDataVariants()...), licenseVariants()...)
}

func ultimatum() []byte {
	b, err := (&pdu.MCS{Kind: pdu.MCSDisconnectProviderUltimatum, Reason: pdu.ReasonProviderInitiated}).AppendBinary(nil)
	if err != nil {
		panic(err) // it is fixed
	}
	return tpkt(append([]byte{2, 0xf0, 0x80}, b...))
}

// bareResponse is a Connect-Response with this user data.
func bareResponse(user []byte) func([]byte) []byte {
	return func([]byte) []byte {
		b, err := (&pdu.ConnectResponse{UserData: user}).AppendBinary(nil)
		if err != nil {
			panic(err) // it is fixed
		}
		return b
	}
}

// Blocks of the server's data (2.2.1.4).
const (
	blockCore     = 0x0c01
	blockSecurity = 0x0c02
	blockNet      = 0x0c03
)

// block is a block of server data, whose length may lie.
func block(kind uint16, length int, body ...byte) []byte {
	return append(wire.AppendU16LE(wire.AppendU16LE(nil, kind), uint16(length)), body...)
}

// serverDataVariants break the server's GCC data.
func serverDataVariants() []variant {
	core := block(blockCore, 8, 4, 0, 8, 0)
	security := block(blockSecurity, 12, 0, 0, 0, 0, 0, 0, 0, 0)
	net := block(blockNet, 8, 0xeb, 3, 0, 0)
	many := block(blockNet, 8+2*pdu.MaxChannels, 0xeb, 3, pdu.MaxChannels, 0)
	for i := range pdu.MaxChannels {
		many = wire.AppendU16LE(many, uint16(2000+i))
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	var all []variant
	for _, d := range []struct {
		name   string
		blocks []byte
	}{
		{"no blocks", nil},
		{"no network block", join(core, security)},
		{"no core block", join(security, net)},
		{"block length is zero", join(core, block(blockSecurity, 0), net)},
		{"block length is the greatest", join(core, block(blockSecurity, 0xffff), net)},
		{"block length overlaps the next", join(core, block(blockSecurity, 12), net)},
		{"block is cut short", join(core, security, net[:6])},
		{"encryption inside TLS", join(core, block(blockSecurity, 56, append([]byte{2, 0, 0, 0, 2, 0, 0, 0, 32, 0, 0, 0, 4, 0, 0, 0}, make([]byte, 36)...)...), net)},
		{"certificate of the greatest length", join(core, block(blockSecurity, 20, 2, 0, 0, 0, 3, 0, 0, 0, 32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff), net)},
		{"channel count is the greatest", join(core, security, block(blockNet, 8, 0xeb, 3, 0xff, 0xff))},
		{"more channels than were asked for", join(core, security, many)},
		{"more channels than there can be", join(core, security, block(blockNet, 8+64, append([]byte{0xeb, 3, 32, 0}, make([]byte, 64)...)...))},
	} {
		all = append(all, change(stepResponse, d.name, inData(func([]byte) []byte {
			user, err := pdu.AppendConferenceCreateResponse(nil, d.blocks)
			if err != nil {
				panic(err) // it is fixed
			}
			return bareResponse(user)(nil)
		})))
	}
	return all
}

// licenseVariants break licensing (2.2.1.12, [MS-RDPELE]).
func licenseVariants() []variant {
	const header = 4 // of security
	message := func(kind byte, size int, body ...byte) func([]byte) []byte {
		b := pdu.AppendSecurityHeader(nil, pdu.SecurityLicense)
		b = wire.AppendU16LE(append(b, kind, 3), uint16(size))
		return inShare(with(append(b, body...)))
	}
	alert := func(code uint32) func([]byte) []byte {
		return inShare(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[header+4:], code); return b })
	}
	return []variant{
		change(stepLicense, "truncated", inShare(func(b []byte) []byte { return b[:header+6] })),
		change(stepLicense, "empty", inShare(with(nil))),
		change(stepLicense, "no licensing message", inShare(set(0, 0, 0))),
		change(stepLicense, "size is zero", inShare(set(header+2, 0, 0))),
		change(stepLicense, "size is the greatest", inShare(set(header+2, 0xff, 0xff))),
		change(stepLicense, "blob overlaps the end", inShare(set(-2, 0xff, 0xff))),
		change(stepLicense, "no licence", alert(2)),
		change(stepLicense, "no licence server", alert(6)),
		change(stepLicense, "alert of an unknown code", alert(0xffffffff)),
		change(stepLicense, "message of an unknown type", message(0x77, 4)),
		change(stepLicense, "request is truncated", message(pdu.LicenseRequestMessage, 8, 1, 2, 3, 4)),
		change(stepLicense, "request of noise", message(pdu.LicenseRequestMessage, 4+512, bytes.Repeat([]byte{0xff}, 512)...)),
		change(stepLicense, "challenge before the request", message(pdu.PlatformChallengeMessage, 4+16, make([]byte, 16)...)),
		change(stepLicense, "licence before the request", message(pdu.NewLicenseMessage, 4+16, make([]byte, 16)...)),
		change(stepLicense, "MCS length overlaps the end", set(tpktSize+dataSize+6, 0xbf, 0xff)),
		change(stepLicense, "MCS of an unknown kind", inData(set(0, 0xfc))),
		change(stepLicense, "MCS is truncated", cut(dataSize+3)),
		change(stepLicense, "hangs up in order", with(ultimatum())),
	}
}
