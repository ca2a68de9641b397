package codec

import "encoding/binary"

// DecodeRaw draws an uncompressed picture. Rows stand bottom-up: those of bitmap updates padded to four bytes ([MS-RDPBCGR]
// 2.2.9.1.1.3.1.2.2), those of surface bits not (2.2.9.2.1). That the latter are bottom-up too stands nowhere; servers do it so.
func DecodeRaw(t Target, d Depth, pal *Palette, src []byte, padded bool) error {
	if err := t.check(); err != nil {
		return err
	}
	size := d.bytes()
	if size == 0 || (d == Depth8 && pal == nil) {
		return corruptf("raw", "depth %d", d)
	}
	line := t.W * size
	if padded {
		line = (line + 3) &^ 3
	}
	if len(src) < line*(t.H-1)+t.W*size {
		return corruptf("raw", "%d bytes for %dx%d at %d bits", len(src), t.W, t.H, d)
	}
	for y := range t.H {
		drawRow(t.row(t.H-1-y), d, pal, src[y*line:][:t.W*size])
	}
	return nil
}

// drawRow converts one row of wire pixels.
func drawRow(row []byte, d Depth, pal *Palette, src []byte) {
	switch d {
	case Depth32:
		for i := 0; i+4 <= len(src) && i+4 <= len(row); i += 4 {
			putPixel(row[i:], src[i+2], src[i+1], src[i])
		}
	case Depth24:
		for i, o := 0, 0; i+3 <= len(src) && o+4 <= len(row); i, o = i+3, o+4 {
			putPixel(row[o:], src[i+2], src[i+1], src[i])
		}
	case Depth15, Depth16:
		for i, o := 0, 0; i+2 <= len(src) && o+4 <= len(row); i, o = i+2, o+4 {
			r, g, b := d.rgb(uint32(binary.LittleEndian.Uint16(src[i:])), nil)
			putPixel(row[o:], r, g, b)
		}
	case Depth8:
		for i, o := 0, 0; i < len(src) && o+4 <= len(row); i, o = i+1, o+4 {
			c := pal[src[i]]
			putPixel(row[o:], c[0], c[1], c[2])
		}
	}
}
