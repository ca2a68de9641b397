package encode

import (
	"image"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Numbers of the codec and of the channel of blocks.
const (
	rfxCodec   = 1
	rfxContent = 0xff // the channel id of what belongs to no channel
)

// Values of the properties of a context and of a set of tiles (2.2.2.2.4, 2.2.2.3.4): the one colour conversion, the one wavelet transform and
// the one quantisation that there are.
const (
	rfxColor    = 1
	rfxWavelet  = 1
	rfxScalar   = 1
	rfxLastTile = 1
)

// RemoteFX makes the messages of one connection in video mode: the headers come with the first one alone.
type RemoteFX struct {
	mode          Entropy
	width, height int
	frame         uint32
}

// NewRemoteFX returns an encoder for a desktop of this size.
func NewRemoteFX(mode Entropy, width, height int) *RemoteFX {
	return &RemoteFX{mode: mode, width: width, height: height}
}

// rfxBlock appends a block with its length.
func rfxBlock(b []byte, kind uint16, body []byte) []byte {
	const header = 2 /* blockType */ + 4 /* blockLen */
	return append(wire.AppendU32LE(wire.AppendU16LE(b, kind), uint32(header+len(body))), body...)
}

func words(v ...int) (b []byte) {
	for _, w := range v {
		b = wire.AppendU16LE(b, uint16(w))
	}
	return b
}

// Encode returns a message that draws a picture at 0,0 of the place where its surface bits are for. Pictures may have any size up to that of
// the desktop.
func (e *RemoteFX) Encode(m *image.RGBA) []byte {
	var b []byte
	if e.frame == 0 {
		b = e.headers()
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	begin := wire.AppendU32LE([]byte{rfxCodec, 0}, e.frame)
	e.frame++
	b = rfxBlock(b, codec.RFXFrameBegin, append(begin, words(1)...))
	region := append([]byte{rfxCodec, 0, rfxLastTile}, words(1, 0, 0, w, h, codec.RFXRegionType, 1)...)
	b = rfxBlock(b, codec.RFXRegion, region)
	b = rfxBlock(b, codec.RFXExtension, append([]byte{rfxCodec, 0}, e.tileset(m)...))
	return rfxBlock(b, codec.RFXFrameEnd, []byte{rfxCodec, 0})
}

func (e *RemoteFX) headers() []byte {
	b := rfxBlock(nil, codec.RFXSync, append(wire.AppendU32LE(nil, codec.RFXMagic), words(codec.RFXVersion)...))
	b = rfxBlock(b, codec.RFXVersions, append([]byte{1, rfxCodec}, words(codec.RFXVersion)...))
	b = rfxBlock(b, codec.RFXChannels, append([]byte{1, 0}, words(e.width, e.height)...))
	properties := rfxColor<<3 | rfxWavelet<<5 | int(e.mode)<<9 | rfxScalar<<13
	return rfxBlock(b, codec.RFXContext, append([]byte{rfxCodec, rfxContent, 0}, words(tileSide, properties)...))
}

func (e *RemoteFX) tileset(m *image.RGBA) []byte {
	var tiles []byte
	n := 0
	for y := 0; y < m.Rect.Dy(); y += tileSide {
		for x := 0; x < m.Rect.Dx(); x += tileSide {
			tiles = rfxBlock(tiles, codec.RFXTile, e.tile(m, x, y))
			n++
		}
	}
	properties := rfxLastTile | rfxColor<<4 | rfxWavelet<<6 | int(e.mode)<<10 | rfxScalar<<14
	b := append(words(codec.RFXTileset, 0, properties), 1 /* numQuants */, tileSide)
	b = wire.AppendU32LE(append(b, words(n)...), uint32(len(tiles)))
	for range 5 { // ten values of four bits
		b = append(b, quality<<4|quality)
	}
	return append(b, tiles...)
}

func (e *RemoteFX) tile(m *image.RGBA, x, y int) []byte {
	planes := planesOf(m, x, y)
	b := append([]byte{0, 0, 0}, words(x/tileSide, y/tileSide)...)
	var data []byte
	for i := range planes {
		transform(&planes[i])
		coded := encodeRLGR(e.mode, planes[i][:])
		b = append(b, words(len(coded))...)
		data = append(data, coded...)
	}
	return append(b, data...)
}
