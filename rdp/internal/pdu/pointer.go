package pdu

import "github.com/sallyport/sallyport/rdp/internal/wire"

// PointerKind is the type of a slow-path pointer update ([MS-RDPBCGR] 2.2.9.1.1.4).
type PointerKind uint16

// The types.
const (
	PointerKindSystem   PointerKind = 0x0001
	PointerKindPosition PointerKind = 0x0003
	PointerKindColor    PointerKind = 0x0006
	PointerKindCached   PointerKind = 0x0007
	PointerKindNew      PointerKind = 0x0008
	PointerKindLarge    PointerKind = 0x0009
)

// System pointers (2.2.9.1.1.4.3).
const (
	SystemPointerHidden  uint32 = 0x00000000 // SYSPTR_NULL
	SystemPointerDefault uint32 = 0x00007f00 // SYSPTR_DEFAULT
)

// MaxPointerSide is the greatest width and height of a pointer (2.2.9.1.2.1.11).
const MaxPointerSide = 384

// PointerShape is a pointer's picture: TS_COLORPOINTERATTRIBUTE, TS_POINTERATTRIBUTE or TS_FP_LARGEPOINTERATTRIBUTE. Rows stand
// bottom-up, padded to two bytes.
type PointerShape struct {
	Depth         uint16 // of the XOR mask, in bits
	Index         uint16 // in the client's cache
	HotX, HotY    uint16
	Width, Height uint16
	And, Xor      []byte // alias what was decoded
}

// UnmarshalBinary takes the attribute of a pointer update of the given kind: color, new or large.
func (p *PointerShape) UnmarshalBinary(kind PointerKind, b []byte) error {
	r := wire.NewReader(b)
	p.Depth = 24 // of a colour pointer
	if kind != PointerKindColor {
		p.Depth = r.U16LE("xorBpp")
	}
	p.Index = r.U16LE("cacheIndex")
	p.HotX, p.HotY = r.U16LE("hotSpot.xPos"), r.U16LE("hotSpot.yPos")
	p.Width, p.Height = r.U16LE("width"), r.U16LE("height")
	r.Limit("width", uint64(p.Width), MaxPointerSide)
	r.Limit("height", uint64(p.Height), MaxPointerSide)
	var and, xor uint64
	if kind == PointerKindLarge {
		and, xor = uint64(r.U32LE("lengthAndMask")), uint64(r.U32LE("lengthXorMask"))
	} else {
		and, xor = uint64(r.U16LE("lengthAndMask")), uint64(r.U16LE("lengthXorMask"))
	}
	have := uint64(r.Len())
	p.Xor = r.Bytes("xorMaskData", r.Limit("lengthXorMask", xor, have))
	p.And = r.Bytes("andMaskData", r.Limit("lengthAndMask", and, have))
	return r.Done("pointer") // padding may follow
}

// AppendBinary appends the attribute for a pointer update of the given kind.
func (p *PointerShape) AppendBinary(kind PointerKind, b []byte) []byte {
	if kind != PointerKindColor {
		b = wire.AppendU16LE(b, p.Depth)
	}
	for _, v := range []uint16{p.Index, p.HotX, p.HotY, p.Width, p.Height} {
		b = wire.AppendU16LE(b, v)
	}
	if kind == PointerKindLarge {
		b = wire.AppendU32LE(wire.AppendU32LE(b, uint32(len(p.And))), uint32(len(p.Xor)))
	} else {
		b = wire.AppendU16LE(wire.AppendU16LE(b, uint16(len(p.And))), uint16(len(p.Xor)))
	}
	return append(append(b, p.Xor...), p.And...)
}

// TakePointer takes the type of a slow-path pointer update and returns its attribute.
func TakePointer(b []byte) (PointerKind, []byte, error) {
	r := wire.NewReader(b)
	kind := PointerKind(r.U16LE("messageType"))
	r.Skip("pad2Octets", 2)
	body := r.Rest()
	return kind, body, r.Done("pointer update")
}

// AppendPointer appends a slow-path pointer update.
func AppendPointer(b []byte, kind PointerKind, attribute []byte) []byte {
	return append(wire.AppendU16LE(wire.AppendU16LE(b, uint16(kind)), 0), attribute...)
}

// TakePoint takes the attribute of a position update: TS_POINT16.
func TakePoint(b []byte) (x, y uint16, err error) {
	r := wire.NewReader(b)
	x, y = r.U16LE("xPos"), r.U16LE("yPos")
	return x, y, r.Done("pointer position")
}
