package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// SurfaceKind is the type of a surface command ([MS-RDPBCGR] 2.2.9.2.1).
type SurfaceKind uint16

// The types.
const (
	SurfaceKindSetBits    SurfaceKind = 1 // CMDTYPE_SET_SURFACE_BITS
	SurfaceKindFrame      SurfaceKind = 4 // CMDTYPE_FRAME_MARKER
	SurfaceKindStreamBits SurfaceKind = 6 // CMDTYPE_STREAM_SURFACE_BITS
)

const (
	surfaceExtended     = 0x01 // EX_COMPRESSED_BITMAP_HEADER_PRESENT
	surfaceExtendedSize = 24   // TS_COMPRESSED_BITMAP_HEADER_EX
)

// SurfaceCommand is one surface command. Which fields it has depends on Kind.
type SurfaceCommand struct {
	Kind SurfaceKind

	// Of bits (2.2.9.2.1 and 2.2.9.2.1.1). Right and Bottom do not belong to the rectangle.
	Left, Top, Right, Bottom uint16
	Depth                    uint8
	Codec                    uint8 // id that the client gave the codec
	Width, Height            uint16
	Data                     []byte // aliases what was decoded

	// Of a frame marker (2.2.9.2.3).
	End   bool
	Frame uint32
}

// TakeSurfaceCommand takes the next command and returns what follows it.
func TakeSurfaceCommand(b []byte, p *SurfaceCommand) (rest []byte, err error) {
	r := wire.NewReader(b)
	*p = SurfaceCommand{Kind: SurfaceKind(r.U16LE("cmdType"))}
	switch p.Kind {
	case SurfaceKindSetBits, SurfaceKindStreamBits:
		p.Left, p.Top = r.U16LE("destLeft"), r.U16LE("destTop")
		p.Right, p.Bottom = r.U16LE("destRight"), r.U16LE("destBottom")
		p.Depth = r.U8("bpp")
		flags := r.U8("flags")
		r.U8("reserved")
		p.Codec = r.U8("codecID")
		p.Width, p.Height = r.U16LE("width"), r.U16LE("height")
		n := r.U32LE("bitmapDataLength")
		if flags&surfaceExtended != 0 {
			r.Skip("exBitmapDataHeader", surfaceExtendedSize)
		}
		p.Data = r.Bytes("bitmapData", r.Limit("bitmapDataLength", uint64(n), uint64(r.Len())))
	case SurfaceKindFrame:
		action := r.U16LE("frameAction")
		if action > 1 {
			r.Failf("frameAction: got %d, want 0 or 1", action)
		}
		p.End, p.Frame = action == 1, r.U32LE("frameId")
	default:
		r.Failf("cmdType: %d is no surface command", p.Kind)
	}
	rest = r.Rest()
	return rest, r.Done("surface command")
}

// AppendBinary appends the command.
func (p *SurfaceCommand) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendU16LE(b, uint16(p.Kind))
	switch p.Kind {
	case SurfaceKindSetBits, SurfaceKindStreamBits:
		for _, v := range []uint16{p.Left, p.Top, p.Right, p.Bottom} {
			b = wire.AppendU16LE(b, v)
		}
		b = append(b, p.Depth, 0, 0, p.Codec)
		b = wire.AppendU16LE(wire.AppendU16LE(b, p.Width), p.Height)
		return append(wire.AppendU32LE(b, uint32(len(p.Data))), p.Data...), nil
	case SurfaceKindFrame:
		action := uint16(0)
		if p.End {
			action = 1
		}
		return wire.AppendU32LE(wire.AppendU16LE(b, action), p.Frame), nil
	}
	return nil, fmt.Errorf("%d is no surface command", p.Kind)
}
