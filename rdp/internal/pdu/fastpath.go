package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// UpdateCode is the type of a fast-path update ([MS-RDPBCGR] 2.2.9.1.2.1).
type UpdateCode uint8

// The types.
const (
	UpdateOrders          UpdateCode = 0x0
	UpdateBitmap          UpdateCode = 0x1
	UpdatePalette         UpdateCode = 0x2
	UpdateSynchronize     UpdateCode = 0x3
	UpdateSurfaceCommands UpdateCode = 0x4
	UpdatePointerHidden   UpdateCode = 0x5
	UpdatePointerDefault  UpdateCode = 0x6
	UpdatePointerPosition UpdateCode = 0x8
	UpdatePointerColor    UpdateCode = 0x9
	UpdatePointerCached   UpdateCode = 0xa
	UpdatePointerNew      UpdateCode = 0xb
	UpdatePointerLarge    UpdateCode = 0xc
)

// Fragment is which part of an update a fast-path update is.
type Fragment uint8

// The parts.
const (
	FragmentSingle Fragment = 0
	FragmentLast   Fragment = 1
	FragmentFirst  Fragment = 2
	FragmentNext   Fragment = 3
)

const (
	fastPathEncrypted  = 0x80 // FASTPATH_OUTPUT_ENCRYPTED
	fastPathChecksum   = 0x40 // FASTPATH_OUTPUT_SECURE_CHECKSUM
	fastPathCompressed = 0x2  // FASTPATH_OUTPUT_COMPRESSION_USED
	fastPathLong       = 0x80 // the length has two bytes
	maxFastPath        = 0x7fff
)

// FastPath is the outer header of a fast-path PDU, either way.
type FastPath struct {
	Events    uint8 // numEvents of an input PDU; 0 of an output PDU
	Encrypted bool
	Salted    bool   // the signature is a salted one
	Body      []byte // from the signature or the first update on; aliases what was decoded
}

// UnmarshalBinary takes a whole unit.
func (p *FastPath) UnmarshalBinary(unit []byte) error {
	r := wire.NewReader(unit)
	head := r.U8("fpOutputHeader")
	r.Want("action", uint64(head&fastPathAction), 0)
	p.Events, p.Encrypted, p.Salted = head>>2&0xf, head&fastPathEncrypted != 0, head&fastPathChecksum != 0
	n := int(r.U8("length1"))
	if n&fastPathLong != 0 {
		n = n&^fastPathLong<<8 | int(r.U8("length2"))
	}
	r.Want("length", uint64(n), uint64(len(unit)))
	p.Body = r.Rest()
	return r.Close("fast-path PDU")
}

// AppendBinary appends the unit.
func (p *FastPath) AppendBinary(b []byte) ([]byte, error) {
	n := 1 + 2 + len(p.Body)
	if n > maxFastPath || p.Events > 0xf {
		return nil, fmt.Errorf("fast-path PDU of %d bytes and %d events, at most %d and 15", n, p.Events, maxFastPath)
	}
	head := p.Events << 2
	if p.Encrypted {
		head |= fastPathEncrypted
	}
	if p.Salted {
		head |= fastPathChecksum
	}
	b = append(b, head, byte(n>>8)|fastPathLong, byte(n))
	return append(b, p.Body...), nil
}

// FastPathUpdate is one update of a fast-path output PDU, or a fragment of one.
type FastPathUpdate struct {
	Code        UpdateCode
	Fragment    Fragment
	Compression uint8 // flags of package bulk; 0: the data is as it is
	Data        []byte
}

// TakeFastPathUpdate takes the next update of a body and returns what follows it. Data aliases b.
func TakeFastPathUpdate(b []byte, p *FastPathUpdate) (rest []byte, err error) {
	r := wire.NewReader(b)
	head := r.U8("updateHeader")
	p.Code, p.Fragment, p.Compression = UpdateCode(head&0xf), Fragment(head>>4&3), 0
	if head>>6&fastPathCompressed != 0 {
		p.Compression = r.U8("compressionFlags")
	}
	p.Data = r.Bytes("updateData", int(r.U16LE("size")))
	rest = r.Rest()
	return rest, r.Done("fast-path update")
}

// AppendBinary appends the update.
func (p *FastPathUpdate) AppendBinary(b []byte) ([]byte, error) {
	if len(p.Data) > maxFastPath {
		return nil, fmt.Errorf("fast-path update of %d bytes, at most %d", len(p.Data), maxFastPath)
	}
	head := byte(p.Code) | byte(p.Fragment)<<4
	if p.Compression != 0 {
		b = append(b, head|fastPathCompressed<<6, p.Compression)
	} else {
		b = append(b, head)
	}
	return append(wire.AppendU16LE(b, uint16(len(p.Data))), p.Data...), nil
}
