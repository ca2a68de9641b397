package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// MaxFrame is the largest unit that either framing can carry, in bytes.
const MaxFrame = 0xffff

// tpktVersion is the first byte of a TPKT (RFC 1006 6). Fast-path units begin with an action whose lowest two bits are 0.
const (
	tpktVersion    = 3
	tpktHeader     = 4
	fastPathAction = 0x03
)

// FrameSize returns the size of the unit that begins with head, headers included, or 0 if head is too short to tell: a TPKT, or a
// fast-path PDU ([MS-RDPBCGR] 2.2.9.1.2). Five bytes always tell.
func FrameSize(head []byte) (int, error) {
	if len(head) < 2 {
		return 0, nil
	}
	if head[0] == tpktVersion {
		if len(head) < tpktHeader {
			return 0, nil
		}
		n := int(head[2])<<8 | int(head[3])
		if n < tpktHeader+3 {
			return 0, fmt.Errorf("TPKT: length: got %d, want at least %d", n, tpktHeader+3)
		}
		return n, nil
	}
	if head[0]&fastPathAction != 0 {
		return 0, fmt.Errorf("unit begins with %#x: neither TPKT nor fast-path", head[0])
	}
	n, header := int(head[1]), 2
	if head[1]&0x80 != 0 {
		if len(head) < 3 {
			return 0, nil
		}
		n, header = int(head[1]&0x7f)<<8|int(head[2]), 3
	}
	if n <= header {
		return 0, fmt.Errorf("fast-path: length: got %d, want more than %d", n, header)
	}
	return n, nil
}

// IsFastPath reports whether a unit is a fast-path PDU.
func IsFastPath(unit []byte) bool { return len(unit) > 0 && unit[0] != tpktVersion }

// AppendTPKT appends payload as a TPKT.
func AppendTPKT(b, payload []byte) ([]byte, error) {
	n := tpktHeader + len(payload)
	if n > MaxFrame {
		return nil, fmt.Errorf("TPKT: %d bytes, at most %d", n, MaxFrame)
	}
	return append(wire.AppendU16BE(append(b, tpktVersion, 0), uint16(n)), payload...), nil
}

// TPKTPayload returns the payload of a TPKT, which aliases it.
func TPKTPayload(unit []byte) ([]byte, error) {
	r := wire.NewReader(unit)
	r.Want("version", uint64(r.U8("version")), tpktVersion)
	r.U8("reserved")
	r.Want("length", uint64(r.U16BE("length")), uint64(len(unit)))
	p := r.Rest()
	return p, r.Close("TPKT")
}

// Codes of X.224 TPDUs (X.224 13).
const (
	x224Request = 0xe0 // CR
	x224Confirm = 0xd0 // CC
	x224Data    = 0xf0 // DT
	x224End     = 0x80 // EOT of a DT
)

// AppendData appends payload in an X.224 Data TPDU in a TPKT: how everything after the negotiation travels.
func AppendData(b, payload []byte) ([]byte, error) {
	return AppendTPKT(b, append([]byte{2 /* length indicator */, x224Data, x224End}, payload...))
}

// DataPayload returns the payload of a TPKT with an X.224 Data TPDU, which aliases it.
func DataPayload(unit []byte) ([]byte, error) {
	p, err := TPKTPayload(unit)
	if err != nil {
		return nil, err
	}
	r := wire.NewReader(p)
	r.Want("length indicator", uint64(r.U8("length indicator")), 2)
	r.Want("code", uint64(r.U8("code")), x224Data)
	r.Want("end of TSDU", uint64(r.U8("end of TSDU")), x224End)
	p = r.Rest()
	return p, r.Close("X.224 Data")
}
