package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// UpdateKind is the type of a slow-path update ([MS-RDPBCGR] 2.2.9.1.1.3.1).
type UpdateKind uint16

// The types. The data of bitmaps and palettes begin with it in fast-path updates too.
const (
	KindOrders      UpdateKind = 0
	KindBitmap      UpdateKind = 1
	KindPalette     UpdateKind = 2
	KindSynchronize UpdateKind = 3
)

// Flags of a BitmapData (2.2.9.1.1.3.1.2.2).
const (
	BitmapCompressed uint16 = 0x0001 // BITMAP_COMPRESSION
	BitmapNoHeader   uint16 = 0x0400 // NO_BITMAP_COMPRESSION_HDR
)

const (
	bitmapData       = 9 * 2 // fields before the data
	compressedHeader = 4 * 2 // TS_CD_HEADER
)

// BitmapData is one picture of a bitmap update: TS_BITMAP_DATA. Right and Bottom belong to the rectangle.
type BitmapData struct {
	Left, Top, Right, Bottom uint16
	Width, Height            uint16 // of the picture, which the rectangle may cut at its right and bottom
	Depth                    uint16
	Flags                    uint16
	Data                     []byte // aliases what was decoded; without TS_CD_HEADER
}

// TakeBitmaps takes the type and the number of a bitmap update (2.2.9.1.1.3.1.2), and returns what TakeBitmap is to be called with so
// many times.
func TakeBitmaps(b []byte) (n int, rest []byte, err error) {
	r := wire.NewReader(b)
	r.Want("updateType", uint64(r.U16LE("updateType")), uint64(KindBitmap))
	number := uint64(r.U16LE("numberRectangles"))
	n = r.Count("numberRectangles", number, bitmapData, 0xffff)
	rest = r.Rest()
	return n, rest, r.Done("bitmap update")
}

// TakeBitmap takes the next picture and returns what follows it.
func TakeBitmap(b []byte, p *BitmapData) (rest []byte, err error) {
	r := wire.NewReader(b)
	p.Left, p.Top = r.U16LE("destLeft"), r.U16LE("destTop")
	p.Right, p.Bottom = r.U16LE("destRight"), r.U16LE("destBottom")
	p.Width, p.Height = r.U16LE("width"), r.U16LE("height")
	p.Depth, p.Flags = r.U16LE("bitsPerPixel"), r.U16LE("flags")
	n := int(r.U16LE("bitmapLength"))
	if p.Flags&BitmapCompressed != 0 && p.Flags&BitmapNoHeader == 0 {
		r.Skip("bitmapComprHdr", compressedHeader)
		n -= compressedHeader
	}
	if n < 0 {
		r.Failf("bitmapLength: got %d, want at least %d", n+compressedHeader, compressedHeader)
	}
	p.Data = r.Bytes("bitmapDataStream", n)
	rest = r.Rest()
	return rest, r.Done("bitmap data")
}

// AppendBitmaps appends a bitmap update.
func AppendBitmaps(b []byte, pictures []BitmapData) ([]byte, error) {
	b = wire.AppendU16LE(wire.AppendU16LE(b, uint16(KindBitmap)), uint16(len(pictures)))
	for i := range pictures {
		p := &pictures[i]
		head := p.Flags&BitmapCompressed != 0 && p.Flags&BitmapNoHeader == 0
		n := len(p.Data)
		if head {
			n += compressedHeader
		}
		if n > 0xffff {
			return nil, fmt.Errorf("bitmap of %d bytes, at most %d", n, 0xffff)
		}
		for _, v := range []uint16{p.Left, p.Top, p.Right, p.Bottom, p.Width, p.Height, p.Depth, p.Flags, uint16(n)} {
			b = wire.AppendU16LE(b, v)
		}
		if head {
			row := int(p.Width) * int(p.Depth+7) / 8
			for _, v := range []uint16{0, uint16(len(p.Data)), uint16(row), uint16(row * int(p.Height))} {
				b = wire.AppendU16LE(b, v)
			}
		}
		b = append(b, p.Data...)
	}
	return b, nil
}

const paletteColors = 256

// TakePalette takes a palette update (2.2.9.1.1.3.1.1): 256 colours of R, G, B each, which alias b.
func TakePalette(b []byte) ([]byte, error) {
	r := wire.NewReader(b)
	r.Want("updateType", uint64(r.U16LE("updateType")), uint64(KindPalette))
	r.Skip("pad2Octets", 2)
	r.Want("numberColors", uint64(r.U32LE("numberColors")), paletteColors)
	colors := r.Bytes("paletteEntries", 3*paletteColors)
	return colors, r.Done("palette update")
}

// AppendPalette appends a palette update.
func AppendPalette(b []byte, colors *[paletteColors][3]byte) []byte {
	b = wire.AppendU32LE(wire.AppendU16LE(wire.AppendU16LE(b, uint16(KindPalette)), 0), paletteColors)
	for _, c := range colors {
		b = append(b, c[0], c[1], c[2])
	}
	return b
}
