package encode

import "image"

// Bytes of a pixel of an image.RGBA.
const rgbaBytes = 4

// row returns the pixels of row y, counted from the top of the picture, R, G, B and A each.
func row(m *image.RGBA, y int) []byte {
	return m.Pix[m.PixOffset(m.Rect.Min.X, m.Rect.Min.Y+y):][:m.Rect.Dx()*rgbaBytes]
}

// Value returns how a colour stands on the wire at a depth of 8, 15, 16, 24 or 32 bits. At 8 bits it is the index of the nearest colour
// below in Palette.
func Value(depth int, r, g, b byte) uint32 {
	switch depth {
	case 8:
		return uint32(r>>5)<<5 | uint32(g>>5)<<2 | uint32(b>>6)
	case 15:
		return uint32(r>>3)<<10 | uint32(g>>3)<<5 | uint32(b>>3)
	case 16:
		return uint32(r>>3)<<11 | uint32(g>>2)<<5 | uint32(b>>3)
	}
	return uint32(r)<<16 | uint32(g)<<8 | uint32(b)
}

// Palette returns the colours of 8-bit pictures: three bits of red and green each, two of blue.
func Palette() *[256][3]byte {
	const three, two = 7, 3
	var p [256][3]byte
	for i := range p {
		p[i] = [3]byte{byte(i >> 5 * 255 / three), byte(i >> 2 & three * 255 / three), byte(i & two * 255 / two)}
	}
	return &p
}

// values returns the pixels of a picture as they stand on the wire, bottom-up, each row widened to width by repeating its last one.
func values(m *image.RGBA, width, depth int) []uint32 {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := make([]uint32, 0, width*h)
	for y := h - 1; y >= 0; y-- {
		line := row(m, y)
		for x := range width {
			p := line[min(x, w-1)*rgbaBytes:]
			out = append(out, Value(depth, p[0], p[1], p[2]))
		}
	}
	return out
}

// Widen returns a picture whose rows have width pixels, by repeating the last one.
func Widen(m *image.RGBA, width int) *image.RGBA {
	if width <= m.Rect.Dx() {
		return m
	}
	out := image.NewRGBA(image.Rect(0, 0, width, m.Rect.Dy()))
	for y := range m.Rect.Dy() {
		widenRow(row(out, y), row(m, y))
	}
	return out
}

func widenRow(to, from []byte) {
	for n := copy(to, from); n < len(to); n += rgbaBytes {
		copy(to[n:], from[len(from)-rgbaBytes:])
	}
}

// pixelBytes is how many bytes a pixel has on the wire.
func pixelBytes(depth int) int { return (depth + 7) / 8 }

func appendPixel(b []byte, size int, v uint32) []byte {
	for range size {
		b = append(b, byte(v))
		v >>= 8
	}
	return b
}

// Raw returns an uncompressed picture as bitmap updates carry it ([MS-RDPBCGR] 2.2.9.1.1.3.1.2.2): bottom-up, each row width pixels.
// Bytes of a row must be a multiple of four, which any width is that is a multiple of four itself.
func Raw(m *image.RGBA, width, depth int) []byte {
	size := pixelBytes(depth)
	v := values(m, width, depth)
	b := make([]byte, 0, len(v)*size)
	for _, p := range v {
		b = appendPixel(b, size, p)
		if size == rgbaBytes {
			b[len(b)-1] = 0xff
		}
	}
	return b
}
