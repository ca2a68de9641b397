package codec

import "fmt"

// ID names a codec together with how its rows stand: all are bottom-up, and rows of Raw… are padded to four bytes. The values are
// those of the browser protocol.
type ID uint8

// The codecs.
const (
	Raw8 ID = iota + 1
	Raw15
	Raw16
	Raw24
	Raw32
	RLE8
	RLE15
	RLE16
	RLE24
	Planar
	Surface16 // rows without padding
	Surface24
	Surface32
	NSCodec
	RemoteFXMessage // not a picture by itself: see RemoteFX
)

var depths = map[ID]Depth{
	Raw8: Depth8, Raw15: Depth15, Raw16: Depth16, Raw24: Depth24, Raw32: Depth32, RLE8: Depth8, RLE15: Depth15, RLE16: Depth16, RLE24: Depth24,
	Surface16: Depth16, Surface24: Depth24, Surface32: Depth32,
}

// Decode draws a picture of any codec but RemoteFX. pal is needed at depth 8 alone.
func Decode(t Target, id ID, pal *Palette, src []byte) error {
	switch id {
	case Raw8, Raw15, Raw16, Raw24, Raw32:
		return DecodeRaw(t, depths[id], pal, src, true)
	case Surface16, Surface24, Surface32:
		return DecodeRaw(t, depths[id], nil, src, false)
	case RLE8, RLE15, RLE16, RLE24:
		return DecodeInterleaved(t, depths[id], pal, src)
	case Planar:
		return DecodePlanar(t, src, true, false)
	case NSCodec:
		return DecodeNSCodec(t, src, true)
	}
	return fmt.Errorf("no decoder for codec %d", id)
}
