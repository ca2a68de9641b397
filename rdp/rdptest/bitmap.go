package rdptest

import (
	"image"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// A tile of an update: 32-bit raw pixels of it fit into one MCS PDU, whose payload is at most 16383 bytes.
const (
	tileWidth  = 64
	tileHeight = 56
)

const (
	updateBitmap    = 0x0001 // UPDATETYPE_BITMAP, 2.2.9.1.1.3.1.2
	fastBitmap      = 0x1    // FASTPATH_UPDATETYPE_BITMAP, 2.2.9.1.2.1
	longFastPathLen = 0x8000
)

// sendBitmap sends a part of the desktop as uncompressed bitmaps.
func (c *Session) sendBitmap(area image.Rectangle) error {
	for y := area.Min.Y; y < area.Max.Y; y += tileHeight {
		for x := area.Min.X; x < area.Max.X; x += tileWidth {
			r := image.Rect(x, y, x+tileWidth, y+tileHeight).Intersect(area)
			// Raw rows must be whole groups of four bytes (2.2.9.1.1.3.1.2.2): widen to a multiple of four pixels. What lies
			// beyond the destination is not drawn.
			w := (r.Dx() + 3) &^ 3
			b := wire.AppendU16LE(wire.AppendU16LE(nil, updateBitmap), 1)
			data := packRaw(c.desktop.pixels(r), w, r.Dy(), c.Depth)
			for _, v := range []int{r.Min.X, r.Min.Y, r.Max.X - 1, r.Max.Y - 1, w, r.Dy(), c.Depth, 0 /* flags: raw */, len(data)} {
				b = wire.AppendU16LE(b, uint16(v))
			}
			if err := c.update(fastBitmap, append(b, data...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// update sends an update in one unit, on the path that the session has.
func (c *Session) update(kind uint8, body []byte) error {
	if !c.FastPath {
		return c.shareData(pdu.DataUpdate, body)
	}
	n := 3 + 1 + 2 + len(body)
	b := wire.AppendU16BE([]byte{0}, uint16(n)|longFastPathLen)
	b = wire.AppendU16LE(append(b, kind), uint16(len(body)))
	return c.write(append(b, body...))
}

// packRaw returns the pixels of m, bottom-up, w pixels a row.
func packRaw(m *image.RGBA, w, h, depth int) []byte {
	b := make([]byte, 0, w*h*((depth+7)/8))
	for y := h - 1; y >= 0; y-- {
		row := m.Pix[y*m.Stride:]
		for x := range w {
			p := row[min(x, m.Rect.Dx()-1)*4:]
			switch depth {
			case 32:
				b = append(b, p[2], p[1], p[0], 0xff)
			case 24:
				b = append(b, p[2], p[1], p[0])
			case 15:
				b = wire.AppendU16LE(b, uint16(p[0]>>3)<<10|uint16(p[1]>>3)<<5|uint16(p[2]>>3))
			default:
				b = wire.AppendU16LE(b, uint16(p[0]>>3)<<11|uint16(p[1]>>2)<<5|uint16(p[2]>>3))
			}
		}
	}
	return b
}
