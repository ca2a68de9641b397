package codec

import "encoding/binary"

// Depth is how a pixel stands on the wire, in bits.
type Depth uint8

// The depths of raw and interleaved pictures.
const (
	Depth8  Depth = 8  // index into a palette
	Depth15 Depth = 15 // 5-5-5
	Depth16 Depth = 16 // 5-6-5
	Depth24 Depth = 24 // B, G, R
	Depth32 Depth = 32 // B, G, R and a byte without meaning; raw only
)

// bytes returns how many bytes a pixel has, 0 for an unknown depth.
func (d Depth) bytes() int {
	switch d {
	case Depth8:
		return 1
	case Depth15, Depth16:
		return 2
	case Depth24:
		return 3
	case Depth32:
		return 4
	}
	return 0
}

// Palette is the colours of 8-bit pictures, R, G, B each.
type Palette [256][3]byte

// GrayPalette maps every index to a shade of grey: what a picture is drawn with before the server has sent a palette.
func GrayPalette() *Palette {
	var p Palette
	for i := range p {
		p[i] = [3]byte{byte(i), byte(i), byte(i)}
	}
	return &p
}

// rgb takes a pixel value apart. Five and six bits become eight by repeating upper ones, so that full stays full. No
// specification says how; six bits are widened as the field's reference client does it, so that pictures can be compared.
func (d Depth) rgb(v uint32, p *Palette) (r, g, b byte) {
	switch d {
	case Depth8:
		c := p[v&0xff]
		return c[0], c[1], c[2]
	case Depth15:
		return five(v >> 10), five(v >> 5), five(v)
	case Depth16:
		return five(v >> 11), six(v >> 5), five(v)
	}
	return byte(v >> 16), byte(v >> 8), byte(v)
}

func five(v uint32) byte { v &= 0x1f; return byte(v<<3 | v>>2) }
func six(v uint32) byte  { v &= 0x3f; return byte(min(v<<2+v>>3, 255)) }

// clamp cuts v to a byte.
func clamp(v int32) byte {
	if v < 0 {
		return 0
	}
	if v > 255 {
		return 255
	}
	return byte(v)
}

// putPixel writes an opaque pixel at the beginning of row.
func putPixel(row []byte, r, g, b byte) {
	binary.LittleEndian.PutUint32(row, uint32(r)|uint32(g)<<8|uint32(b)<<16|0xff<<24)
}

// putPixels writes pixel values as opaque pixels. row is long enough.
func (d Depth) putPixels(row []byte, values []uint32, p *Palette) {
	switch d { // a loop for each: the choice is not to be made for each pixel
	case Depth15:
		for x, v := range values {
			putPixel(row[x*pixelBytes:], five(v>>10), five(v>>5), five(v))
		}
	case Depth16:
		for x, v := range values {
			putPixel(row[x*pixelBytes:], five(v>>11), six(v>>5), five(v))
		}
	case Depth24, Depth32:
		for x, v := range values {
			putPixel(row[x*pixelBytes:], byte(v>>16), byte(v>>8), byte(v))
		}
	default:
		for x, v := range values {
			r, g, b := d.rgb(v, p)
			putPixel(row[x*pixelBytes:], r, g, b)
		}
	}
}
