package rdptest

import (
	"image"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/rdptest/internal/encode"
)

// Codec is how the server sends pictures.
type Codec uint8

const (
	CodecRaw         Codec = iota // uncompressed bitmaps
	CodecInterleaved              // bitmaps in interleaved RLE, at 24 bits where the session has 32 (2.2.9.1.1.3.1.2.4)
	CodecPlanar                   // bitmaps of 32 bits in the RDP 6.0 planar codec ([MS-RDPEGDI])
	CodecNSCodec                  // surface bits in NSCodec ([MS-RDPNSC])
	CodecRemoteFX1                // surface bits in RemoteFX, entropy coded by RLGR1 ([MS-RDPRFX])
	CodecRemoteFX3                // surface bits in RemoteFX, entropy coded by RLGR3
)

// A part of a picture: raw 32-bit pixels of a tile fit into one MCS PDU, whose payload is at most 16383 bytes. A patch is so large
// that its message fits into what clients take of fragments, whatever it shows.
const (
	tileWidth  = 64
	tileHeight = 56
	patchSide  = 128
	patchBytes = 128 << 10
)

// codecKinds are those that a client must have offered.
var codecKinds = map[Codec]pdu.CodecKind{CodecNSCodec: pdu.CodecNSCodec, CodecRemoteFX1: pdu.CodecRemoteFX, CodecRemoteFX3: pdu.CodecRemoteFX}

// chooseCodec decides about how pictures are sent: surface bits only to a client that offers their codec and takes fragments.
func (c *Session) chooseCodec() {
	c.Codec = c.server.cfg.Codec
	kind, surface := codecKinds[c.Codec]
	switch {
	case surface && (c.caps.ids[kind] == 0 || !c.caps.surface || !c.FastPath || c.caps.maxRequest < patchBytes):
		c.Codec = CodecRaw
	case c.Codec == CodecInterleaved && c.Depth == 32:
		c.Depth = 24
	case c.Codec == CodecPlanar:
		c.Depth = 32
	}
	w, h := c.Width, c.Height
	if c.desktop != nil {
		w, h = c.desktop.size()
	}
	c.palette, c.bulk = c.Depth == 8, nil
	if c.server.cfg.Bulk && c.Compression && c.FastPath && c.caps.maxRequest >= patchBytes {
		c.bulk = encode.NewMPPC(c.bulkType > 0)
	}
	c.rfx = nil
	switch c.Codec {
	case CodecRemoteFX1:
		c.rfx = encode.NewRemoteFX(encode.RLGR1, w, h)
	case CodecRemoteFX3:
		c.rfx = encode.NewRemoteFX(encode.RLGR3, w, h)
	}
}

// sendPicture sends a part of the desktop.
func (c *Session) sendPicture(area image.Rectangle) error {
	w, h, send := tileWidth, tileHeight, c.sendBitmap
	switch {
	case c.rfx != nil:
		w, h, send = patchSide, patchSide, c.sendSurface
	case c.Codec == CodecNSCodec:
		send = c.sendSurface
	}
	for y := area.Min.Y; y < area.Max.Y; y += h {
		for x := area.Min.X; x < area.Max.X; x += w {
			if err := send(image.Rect(x, y, x+w, y+h).Intersect(area)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendBitmap sends a tile as a bitmap. Rows are whole groups of four pixels (2.2.9.1.1.3.1.2.2): what lies beyond the destination is
// not drawn. What a codec does not make smaller goes raw.
func (c *Session) sendBitmap(r image.Rectangle) error {
	m, w := c.desktop.pixels(r), (r.Dx()+3)&^3
	b := pdu.BitmapData{
		Left: uint16(r.Min.X), Top: uint16(r.Min.Y), Right: uint16(r.Max.X - 1), Bottom: uint16(r.Max.Y - 1),
		Width: uint16(w), Height: uint16(r.Dy()), Depth: uint16(c.Depth), Data: encode.Raw(m, w, c.Depth),
	}
	var coded []byte
	switch c.Codec {
	case CodecInterleaved:
		coded = encode.Interleaved(m, w, c.Depth)
	case CodecPlanar:
		o := encode.PlanarOptions{RLE: true, NoAlpha: true}
		if c.server.cfg.HalfChroma {
			o.Loss, o.HalfSize = 1, true
		}
		coded = encode.Planar(encode.Widen(m, w), o)
	}
	if coded != nil && len(coded) < len(b.Data) {
		b.Data, b.Flags = coded, pdu.BitmapCompressed|pdu.BitmapNoHeader
	}
	body, err := pdu.AppendBitmaps(nil, []pdu.BitmapData{b})
	if err != nil {
		return err
	}
	return c.update(pdu.UpdateBitmap, body)
}

// sendSurface sends a tile or a patch as surface bits.
func (c *Session) sendSurface(r image.Rectangle) error {
	m := c.desktop.pixels(r)
	s := pdu.SurfaceCommand{
		Kind: pdu.SurfaceKindSetBits, Left: uint16(r.Min.X), Top: uint16(r.Min.Y), Right: uint16(r.Max.X), Bottom: uint16(r.Max.Y),
		Depth: 32, Codec: uint8(c.caps.ids[codecKinds[c.Codec]]), Width: uint16(r.Dx()), Height: uint16(r.Dy()),
	}
	if c.rfx != nil {
		s.Data = c.rfx.Encode(m)
	} else {
		s.Data = encode.NSCodec(m, 1, c.server.cfg.HalfChroma)
	}
	body, err := s.AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.update(pdu.UpdateSurfaceCommands, body)
}

// sendPalette sends the colours of 8-bit pictures (2.2.9.1.1.3.1.1).
func (c *Session) sendPalette() error {
	return c.update(pdu.UpdatePalette, pdu.AppendPalette(nil, encode.Palette()))
}

// update sends an update on the path that the session has, in fragments if it is long (2.2.9.1.2.1).
func (c *Session) update(code pdu.UpdateCode, body []byte) error {
	if !c.FastPath {
		return c.shareData(pdu.DataUpdate, body)
	}
	fragment := 15 << 10
	if c.bulk != nil && c.bulkType == 0 {
		fragment = 8 << 10 // the whole history
	}
	for u, first := (pdu.FastPathUpdate{Code: code}), true; first || len(body) > 0; first = false {
		u.Data = body[:min(len(body), fragment)]
		body = body[len(u.Data):]
		switch {
		case first && len(body) > 0:
			u.Fragment = pdu.FragmentFirst
		case len(body) > 0:
			u.Fragment = pdu.FragmentNext
		case !first:
			u.Fragment = pdu.FragmentLast
		}
		if c.bulk != nil {
			u.Data, u.Compression = c.bulk.Compress(u.Data)
		}
		part, err := u.AppendBinary(nil)
		if err != nil {
			return err
		}
		unit, err := (&pdu.FastPath{Body: part}).AppendBinary(nil)
		if err != nil {
			return err
		}
		if err := c.write(unit); err != nil {
			return err
		}
	}
	return nil
}
