package codec

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Types of the blocks of a RemoteFX message ([MS-RDPRFX] 2.2.2.1.1), and what the first one says.
const (
	RFXSync       = 0xccc0
	RFXVersions   = 0xccc1
	RFXChannels   = 0xccc2
	RFXContext    = 0xccc3
	RFXFrameBegin = 0xccc4
	RFXFrameEnd   = 0xccc5
	RFXRegion     = 0xccc6
	RFXExtension  = 0xccc7
	RFXRegionType = 0xcac1
	RFXTileset    = 0xcac2
	RFXTile       = 0xcac3

	RFXMagic   = 0xcaccacca
	RFXVersion = 0x0100
)

// Limits of one message.
const (
	maxRfxRects = 4096
	maxRfxTiles = (MaxSide / tileSide) * (MaxSide / tileSide)
)

// Rect is a rectangle in pixels.
type Rect struct{ X, Y, W, H int }

// Frame is what one message draws. Its tiles alias the message.
type Frame struct {
	Rects []Rect // only pixels inside these are drawn
	Tiles []Tile
}

// RemoteFX follows the messages of one connection: in video mode the headers come with the first one alone.
type RemoteFX struct {
	width, height int // of the channel
	synced        bool
}

// NewRemoteFX returns the state before the first message.
func NewRemoteFX() *RemoteFX { return &RemoteFX{} }

// Parse takes a message apart, which may hold headers, a frame or both. The frame is valid as long as msg is.
func (d *RemoteFX) Parse(msg []byte) (*Frame, error) {
	f := &Frame{}
	r := wire.NewReader(msg)
	for r.Len() > 0 {
		kind := r.U16LE("blockType")
		size := r.Limit("blockLen", uint64(r.U32LE("blockLen")), uint64(len(msg)))
		block := r.Sub("block", size-2 /* blockType */ -4 /* blockLen */)
		if err := r.Err(); err != nil {
			return nil, corruptf("remotefx", "%v", err)
		}
		if err := d.block(f, kind, &block); err != nil {
			return nil, corruptf("remotefx", "block %#x: %v", kind, err)
		}
	}
	return f, nil
}

// block takes one block. Those that a channel's data stand in begin with codec and channel ids.
func (d *RemoteFX) block(f *Frame, kind uint16, r *wire.Reader) error {
	switch kind {
	case RFXSync:
		r.Want("magic", uint64(r.U32LE("magic")), RFXMagic)
		r.Want("version", uint64(r.U16LE("version")), RFXVersion)
	case RFXVersions:
		r.Want("numCodecs", uint64(r.U8("numCodecs")), 1)
		r.Want("codecId", uint64(r.U8("codecId")), 1)
		r.Want("version", uint64(r.U16LE("version")), RFXVersion)
	case RFXChannels:
		if n := r.U8("numChannels"); n < 1 {
			r.Failf("numChannels: got 0")
		}
		r.U8("channelId")
		d.width, d.height = int(r.U16LE("width")), int(r.U16LE("height"))
		if err := checkSize(d.width, d.height); err != nil {
			r.Fail(err)
		}
		d.synced = r.Err() == nil
	case RFXContext:
		r.Skip("codecId, channelId, ctxId", 3)
		r.Want("tileSize", uint64(r.U16LE("tileSize")), tileSide)
		r.U16LE("properties") // each tile set says them again
	case RFXFrameBegin, RFXFrameEnd:
		r.Skip("codecId, channelId", 2)
	case RFXRegion:
		d.region(f, r)
	case RFXExtension:
		d.tileset(f, r)
	default:
		return fmt.Errorf("unknown type")
	}
	return r.Err()
}

// region takes the rectangles of a frame (TS_RFX_REGION, 2.2.2.3.3). None means the whole channel.
func (d *RemoteFX) region(f *Frame, r *wire.Reader) {
	r.Skip("codecId, channelId, regionFlags", 3)
	n := r.Count("numRects", uint64(r.U16LE("numRects")), 8, maxRfxRects)
	if n == 0 {
		f.Rects = append(f.Rects, Rect{0, 0, d.width, d.height})
	}
	for range n {
		x, y := int(r.U16LE("x")), int(r.U16LE("y"))
		w, h := int(r.U16LE("width")), int(r.U16LE("height"))
		f.Rects = append(f.Rects, Rect{x, y, w, h})
	}
	r.Want("regionType", uint64(r.U16LE("regionType")), RFXRegionType)
	r.U16LE("numTilesets")
}

// tileset takes the tiles of a frame (TS_RFX_TILESET, 2.2.2.3.4).
func (d *RemoteFX) tileset(f *Frame, r *wire.Reader) {
	if !d.synced {
		r.Failf("tiles before the channel's size")
	}
	r.Skip("codecId, channelId", 2)
	r.Want("subtype", uint64(r.U16LE("subtype")), RFXTileset)
	r.U16LE("idx")
	mode := Entropy(r.U16LE("properties") >> 10 & 0x0f)
	if mode != RLGR1 && mode != RLGR3 {
		r.Failf("entropy coding: got %d, want %d or %d", mode, RLGR1, RLGR3)
	}
	quants := make([]Quant, r.Count("numQuants", uint64(r.U8("numQuants")), 5, 255))
	r.Want("tileSize", uint64(r.U8("tileSize")), tileSide)
	tiles := r.Limit("numTiles", uint64(r.U16LE("numTiles")), maxRfxTiles)
	r.U32LE("tilesDataSize")
	for i := range quants {
		for j, b := range r.Bytes("quantVals", 5) {
			quants[i][2*j], quants[i][2*j+1] = b&0x0f, b>>4
		}
	}
	tiles = r.Count("numTiles", uint64(tiles), rfxTileHeader, maxRfxTiles)
	for range tiles {
		if r.Err() != nil {
			return
		}
		f.Tiles = append(f.Tiles, takeTile(r, mode, quants))
	}
}

const rfxTileHeader = 2 /* blockType */ + 4 /* blockLen */ + 3 /* quantIdx */ + 4 /* xIdx, yIdx */ + 6 /* YLen, CbLen, CrLen */

// takeTile takes one tile (TS_RFX_TILE, 2.2.2.3.4.1).
func takeTile(r *wire.Reader, mode Entropy, quants []Quant) Tile {
	t := Tile{Entropy: mode}
	r.Want("blockType", uint64(r.U16LE("blockType")), RFXTile)
	size := r.Limit("blockLen", uint64(r.U32LE("blockLen")), uint64(r.Len()+6))
	b := r.Sub("tile", size-6)
	for i := range t.Quant {
		q := int(b.U8("quantIdx"))
		if q >= len(quants) {
			b.Failf("quantIdx: got %d of %d", q, len(quants))
			break
		}
		t.Quant[i] = quants[q]
	}
	t.X, t.Y = int(b.U16LE("xIdx"))*tileSide, int(b.U16LE("yIdx"))*tileSide
	if t.X >= MaxSide || t.Y >= MaxSide {
		b.Failf("tile at %d,%d", t.X, t.Y)
	}
	var sizes [3]int
	for i := range sizes {
		sizes[i] = int(b.U16LE("componentLen"))
	}
	for i, n := range sizes {
		t.Data[i] = b.Bytes("component", n)
	}
	r.Fail(b.Err())
	return t
}

// Draw draws the frame with its origin at left, top of t. What lies outside of t or of the frame's rectangles is left as it is.
func (f *Frame) Draw(t Target, left, top int) error {
	if err := t.check(); err != nil {
		return err
	}
	c := components.Get().(*[3]component)
	defer components.Put(c)
	for i := range f.Tiles {
		tl := &f.Tiles[i]
		decoded := false
		for _, r := range f.Rects {
			x0, y0 := max(r.X, tl.X, -left), max(r.Y, tl.Y, -top)
			x1, y1 := min(r.X+r.W, tl.X+tileSide, t.W-left), min(r.Y+r.H, tl.Y+tileSide, t.H-top)
			if x0 >= x1 || y0 >= y1 {
				continue
			}
			if !decoded {
				tl.decode(c)
				decoded = true
			}
			for y := y0; y < y1; y++ {
				drawYCbCr(t.row(top+y), c, (y-tl.Y)*tileSide+x0-tl.X, left+x0, x1-x0)
			}
		}
	}
	return nil
}
