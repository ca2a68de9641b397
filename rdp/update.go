package rdp

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Update is something that the server shows or says. It is one of the types of this package with an update method, a closed
// set: *Bitmap, *SurfaceBits, *Palette, *FrameMarker, *PointerShape, *PointerCached, *PointerSystem, *PointerMoved, *Resized, *LockKeys,
// *SignedIn, *Notice, *ClipboardChanged and
// *DriveAttached.
//
// An Update, and every slice in it, is valid until the next call of Next.
type Update interface{ update() }

// Codec is how the pixels of a Tile are coded.
type Codec uint8

// The codecs. Raw and interleaved pictures have their depth in the name. Rows stand bottom-up; those of CodecRaw… are padded to four
// bytes, those of CodecSurface… are not.
const (
	CodecRaw8      = Codec(codec.Raw8)
	CodecRaw15     = Codec(codec.Raw15)
	CodecRaw16     = Codec(codec.Raw16)
	CodecRaw24     = Codec(codec.Raw24)
	CodecRaw32     = Codec(codec.Raw32)
	CodecRLE8      = Codec(codec.RLE8) // interleaved RLE, [MS-RDPBCGR] 3.1.9
	CodecRLE15     = Codec(codec.RLE15)
	CodecRLE16     = Codec(codec.RLE16)
	CodecRLE24     = Codec(codec.RLE24)
	CodecPlanar    = Codec(codec.Planar) // RDP 6.0 planar, [MS-RDPEGDI] 3.1.9
	CodecSurface16 = Codec(codec.Surface16)
	CodecSurface24 = Codec(codec.Surface24)
	CodecSurface32 = Codec(codec.Surface32)
	CodecNSCodec   = Codec(codec.NSCodec)         // [MS-RDPNSC]
	CodecRemoteFX  = Codec(codec.RemoteFXMessage) // [MS-RDPRFX]; a message, which draws only what its rectangles say
)

var codecNames = map[Codec]string{
	CodecRaw8: "raw8", CodecRaw15: "raw15", CodecRaw16: "raw16", CodecRaw24: "raw24", CodecRaw32: "raw32",
	CodecRLE8: "rle8", CodecRLE15: "rle15", CodecRLE16: "rle16", CodecRLE24: "rle24", CodecPlanar: "planar",
	CodecSurface16: "surface16", CodecSurface24: "surface24", CodecSurface32: "surface32", CodecNSCodec: "nscodec", CodecRemoteFX: "rfx",
}

// String returns a short name, such as rle16.
func (c Codec) String() string {
	if s, ok := codecNames[c]; ok {
		return s
	}
	return fmt.Sprintf("codec(%d)", uint8(c))
}

// Tile is a coded picture and where it belongs on the desktop, in pixels. X, Y, W and H are what it covers there, which may reach beyond
// the desktop; Width and Height are those of the picture, of which what is beyond W and H is padding.
type Tile struct {
	Codec         Codec
	X, Y, W, H    int
	Width, Height int
	Data          []byte
}

// Bitmap is a bitmap update ([MS-RDPBCGR] 2.2.9.1.1.3.1.2).
type Bitmap struct{ Tiles []Tile }

// SurfaceBits is a surface bits command ([MS-RDPBCGR] 2.2.9.2).
type SurfaceBits struct{ Tile Tile }

// Palette is the colours of 8-bit pictures: R, G, B of 256 entries.
type Palette struct{ Colors []byte }

// FrameMarker is the begin or the end of a frame ([MS-RDPBCGR] 2.2.9.2.3). Servers that send them may wait for acknowledgements:
// see Config.ManualFrameAck.
type FrameMarker struct {
	End bool
	ID  uint32
}

// PointerShape is a new pointer, which is also stored under Index. See Cursor.
type PointerShape struct {
	Index         int
	HotX, HotY    int
	Width, Height int
	Depth         int // of Xor, in bits
	And, Xor      []byte
}

// PointerCached shows the pointer that was stored under Index.
type PointerCached struct{ Index int }

// PointerSystem shows the system's own pointer, or none.
type PointerSystem struct{ Hidden bool }

// PointerMoved is a pointer that the server has moved.
type PointerMoved struct{ X, Y int }

// Resized is a desktop that is there anew, maybe in another size: what was drawn before is void, and the server was asked to draw it.
type Resized struct{ Width, Height int }

// LockKeys is the state of the lock keys on the server.
type LockKeys struct{ Scroll, Num, Caps, Kana bool }

// SignedIn is a server that says that the user has signed in, or goes on signing in with a remark.
type SignedIn struct {
	// Done is false if it is only a remark: Type and Value say which (ErrorNotificationType and ErrorNotificationData of
	// [MS-RDPBCGR] 2.2.10.1.1.4.1.1).
	Done        bool
	Type, Value uint32
}

// Notice is a reason that the server has given for what comes next, in general the end ([MS-RDPBCGR] 2.2.5.1.1).
type Notice struct{ Err *Error }

func (*Bitmap) update()        {}
func (*SurfaceBits) update()   {}
func (*Palette) update()       {}
func (*FrameMarker) update()   {}
func (*PointerShape) update()  {}
func (*PointerCached) update() {}
func (*PointerSystem) update() {}
func (*PointerMoved) update()  {}
func (*Resized) update()       {}
func (*LockKeys) update()      {}
func (*SignedIn) update()      {}
func (*Notice) update()        {}

// bitmapCodec is the codec of a picture in a bitmap update, 0 if there is none.
func bitmapCodec(p *pdu.BitmapData) Codec {
	coded := p.Flags&pdu.BitmapCompressed != 0
	pick := func(raw, compressed Codec) Codec {
		if coded {
			return compressed
		}
		return raw
	}
	switch p.Depth {
	case 8:
		return pick(CodecRaw8, CodecRLE8)
	case 15:
		return pick(CodecRaw15, CodecRLE15)
	case 16:
		return pick(CodecRaw16, CodecRLE16)
	case 24:
		return pick(CodecRaw24, CodecRLE24)
	case 32:
		return pick(CodecRaw32, CodecPlanar)
	}
	return 0
}

// surfaceCodec is the codec of surface bits, 0 if there is none.
func surfaceCodec(p *pdu.SurfaceCommand) Codec {
	switch p.Codec {
	case pdu.CodecIDNone:
		switch p.Depth {
		case 16:
			return CodecSurface16
		case 24:
			return CodecSurface24
		case 32:
			return CodecSurface32
		}
	case pdu.CodecIDNSCodec:
		return CodecNSCodec
	case pdu.CodecIDRemoteFX:
		return CodecRemoteFX
	}
	return 0
}
