package pdu

import "github.com/sallyport/sallyport/rdp/internal/wire"

// Extra flags of the General set ([MS-RDPBCGR] 2.2.7.1.1).
const (
	ExtraFastPathOutput  uint16 = 0x0001
	ExtraLongCredentials uint16 = 0x0004
	ExtraAutoReconnect   uint16 = 0x0008
	ExtraSaltedChecksum  uint16 = 0x0010 // ENC_SALTED_CHECKSUM
	ExtraNoBitmapHeader  uint16 = 0x0400 // NO_BITMAP_COMPRESSION_HDR
)

// Flags of the Input set (2.2.7.1.6).
const (
	InputScancodes uint16 = 0x0001
	InputMouseX    uint16 = 0x0004
	InputFastPath  uint16 = 0x0008
	InputUnicode   uint16 = 0x0010
	InputFastPath2 uint16 = 0x0020
	InputHWheel    uint16 = 0x0100
)

// Flags of the Surface Commands set (2.2.7.2.9).
const (
	SurfaceSetBits    uint32 = 0x02
	SurfaceFrames     uint32 = 0x10
	SurfaceStreamBits uint32 = 0x40
)

// Ids that a client gives the codecs that it offers; surface bits name them.
const (
	CodecIDNone     uint8 = 0
	CodecIDNSCodec  uint8 = 1
	CodecIDRemoteFX uint8 = 3
)

// ClientCaps is what a client says that it can do, as far as there is a choice. Drawing orders are never offered.
type ClientCaps struct {
	Width, Height  uint16
	Depth          uint16
	Layout         uint32
	RemoteFX       bool
	NSCodec        bool
	FrameAck       uint32 // frames that may be sent without an acknowledgement; 0: the client sends none
	MaxRequest     uint32 // of a fragmented fast-path update, in bytes
	FastPathOutput bool
	LargePointers  bool
}

// PointerCacheSize is how many pointers a client keeps, and so one more than the highest index.
const PointerCacheSize = 25

// Sizes of caches that are announced, and of fixed fields.
const (
	colorCache     = 6
	saveSize       = 480 * 480
	glyphCacheSize = 48
	bitmapCache1   = 36
	imeFileName    = 64
)

// Sets returns the capability sets of a Confirm Active PDU (2.2.1.13.2.1).
func (c *ClientCaps) Sets() []Capability {
	u16 := func(values ...uint16) (b []byte) {
		for _, v := range values {
			b = wire.AppendU16LE(b, v)
		}
		return b
	}
	u32 := func(values ...uint32) (b []byte) {
		for _, v := range values {
			b = wire.AppendU32LE(b, v)
		}
		return b
	}
	extra := ExtraNoBitmapHeader | ExtraLongCredentials | ExtraAutoReconnect
	if c.FastPathOutput {
		extra |= ExtraFastPathOutput
	}
	general := append(u16(1 /* Windows */, 3, 0x0200, 0, 0, extra, 0, 0, 0), 1 /* refreshRectSupport */, 1 /* suppressOutputSupport */)
	// Dynamic colour fidelity, chroma subsampling, and alpha left out: all that planar can be.
	bitmap := append(u16(c.Depth, 1, 1, 1, c.Width, c.Height, 0, 1, 1), 0, 0x02|0x04|0x08)
	bitmap = append(bitmap, u16(1, 0)...)
	order := wire.AppendZeros(nil, 16+4)
	order = append(order, u16(1, 20, 0, 1, 0, 0x0002|0x0008)...) // no order of the 32 is supported
	order = wire.AppendZeros(order, 32)
	order = append(order, u16(0, 0)...)
	order = append(order, u32(0, saveSize)...)
	order = append(order, u16(0, 0, 0, 0)...)
	input := u16(InputScancodes|InputMouseX|InputFastPath|InputUnicode|InputFastPath2|InputHWheel, 0)
	input = wire.AppendZeros(append(input, u32(c.Layout, 4, 0, 12)...), imeFileName)
	sets := []Capability{
		{CapGeneral, general},
		{CapBitmap, bitmap},
		{CapOrder, order},
		{CapBitmapCache, make([]byte, bitmapCache1)},
		{CapControl, u16(0, 0, 2, 2)},
		{CapActivation, u16(0, 0, 0, 0)},
		{CapPointer, u16(1, PointerCacheSize, PointerCacheSize)},
		{CapShare, u16(0, 0)},
		{CapColorCache, u16(colorCache, 0)},
		{CapSound, u16(1, 0)},
		{CapInput, input},
		{CapFont, u16(1, 0)},
		{CapBrush, u32(0)},
		{CapGlyphCache, make([]byte, glyphCacheSize)},
		{CapVirtualChannel, u32(0)},
		{CapMultifragment, u32(c.MaxRequest)},
	}
	if c.LargePointers {
		sets = append(sets, Capability{CapLargePointer, u16(0x0001 | 0x0002)}) // 96x96 and 384x384
	}
	// Surface bits come uncompressed too, without any codec.
	sets = append(sets, Capability{CapSurface, u32(SurfaceSetBits|SurfaceFrames|SurfaceStreamBits, 0)})
	if codecs := c.codecs(); codecs != nil {
		sets = append(sets, Capability{CapBitmapCodecs, codecs})
	}
	if c.FrameAck > 0 {
		sets = append(sets, Capability{CapFrameAck, u32(c.FrameAck)})
	}
	return sets
}

// codecs is the body of the Bitmap Codecs set (2.2.7.2.10), nil without any.
func (c *ClientCaps) codecs() []byte {
	var have []BitmapCodec
	if c.NSCodec {
		have = append(have, BitmapCodec{CodecNSCodec, CodecIDNSCodec, []byte{1 /* dynamic fidelity */, 1 /* subsampling */, 3 /* colour loss level */}})
	}
	if c.RemoteFX {
		have = append(have, BitmapCodec{CodecRemoteFX, CodecIDRemoteFX, remoteFXCaps()})
	}
	if have == nil {
		return nil
	}
	b, err := AppendBitmapCodecs(nil, have)
	if err != nil {
		panic(err) // both have a GUID
	}
	return b
}

// remoteFXCaps is TS_RFX_CLNT_CAPS_CONTAINER ([MS-RDPRFX] 2.2.1.1): both entropy coders, for single images and for video.
func remoteFXCaps() []byte {
	const (
		icap    = 2 /* version */ + 2 /* tileSize */ + 4 /* flags and bits */
		capset  = 2 /* blockType */ + 4 /* blockLen */ + 1 /* codecId */ + 2 /* capsetType */ + 2 /* numIcaps */ + 2 /* icapLen */ + 2*icap
		caps    = 2 /* blockType */ + 4 /* blockLen */ + 2 /* numCapsets */
		content = 4 /* length */ + 4 /* captureFlags */ + 4 /* capsLength */ + caps + capset
	)
	b := wire.AppendU32LE(nil, content)
	b = wire.AppendU32LE(b, 0)
	b = wire.AppendU32LE(b, caps+capset)
	b = wire.AppendU16LE(b, 0xcbc0) // CBY_CAPS
	b = wire.AppendU32LE(b, caps)
	b = wire.AppendU16LE(b, 1)
	b = wire.AppendU16LE(b, 0xcbc1) // CBY_CAPSET
	b = wire.AppendU32LE(b, capset)
	b = append(b, 1)
	b = wire.AppendU16LE(b, 0xcfc0) // CLY_CAPSET
	b = wire.AppendU16LE(b, 2)
	b = wire.AppendU16LE(b, icap)
	for _, entropy := range []byte{1 /* RLGR1 */, 4 /* RLGR3 */} {
		b = wire.AppendU16LE(b, 0x0100)
		b = wire.AppendU16LE(b, 64)
		b = append(b, 0 /* video mode too */, 1 /* ICT */, 1 /* DWT 5/3 */, entropy)
	}
	return b
}

// ServerCaps is what matters of a server's capabilities.
type ServerCaps struct {
	ExtraFlags    uint16 // of the General set
	RefreshRect   bool
	Suppress      bool
	Width, Height uint16 // of the desktop, whatever was asked for
	Depth         uint16
	InputFlags    uint16
	Surface       uint32 // flags of the Surface Commands set
	FrameAck      bool   // the server takes frame acknowledges
	MaxRequest    uint32 // of a fragmented fast-path input
}

// UnmarshalSets reads the sets of a Demand Active PDU.
func (c *ServerCaps) UnmarshalSets(sets []Capability) error {
	*c = ServerCaps{}
	for _, s := range sets {
		r := wire.NewReader(s.Body)
		switch s.Kind {
		case CapGeneral:
			r.Skip("osMajorType to generalCompressionTypes", 10)
			c.ExtraFlags = r.U16LE("extraFlags")
			r.Skip("updateCapabilityFlag to generalCompressionLevel", 6)
			c.RefreshRect, c.Suppress = r.U8("refreshRectSupport") != 0, r.U8("suppressOutputSupport") != 0
		case CapBitmap:
			c.Depth = r.U16LE("preferredBitsPerPixel")
			r.Skip("receive bits per pixel", 6)
			c.Width, c.Height = r.U16LE("desktopWidth"), r.U16LE("desktopHeight")
		case CapInput:
			c.InputFlags = r.U16LE("inputFlags")
		case CapSurface:
			c.Surface = r.U32LE("cmdFlags")
		case CapFrameAck:
			c.FrameAck = true
		case CapMultifragment:
			c.MaxRequest = r.U32LE("MaxRequestSize")
		}
		if err := r.Done("capability set"); err != nil {
			return err
		}
	}
	return nil
}
