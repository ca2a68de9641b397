package codec

import (
	"encoding/binary"
	"sync"
)

// The orders of interleaved RLE ([MS-RDPBCGR] 2.2.9.1.1.3.1.2.4). Regular and lite forms are mapped to these.
type rleOrder uint8

const (
	rleBackgroundRun rleOrder = iota
	rleForegroundRun
	rleForegroundImage // FGBG_IMAGE: a bit per pixel
	rleColorRun
	rleColorImage
	rleSetForegroundRun
	rleSetForegroundImage
	rleDitheredRun
	rleWhite
	rleBlack
	rleBad
)

// Fixed bit masks of the two special orders, eight pixels each.
const (
	rleSpecialMask1 = 0x03
	rleSpecialMask2 = 0x05
)

// rlePixels holds decoded pixel values while a picture is unpacked: they are needed as they stand on the wire.
var rlePixels = sync.Pool{New: func() any { return new([]uint32) }}

// DecodeInterleaved draws a picture that is compressed by interleaved RLE at depth 8, 15, 16 or 24. Rows stand bottom-up. pal
// is needed at depth 8 alone.
func DecodeInterleaved(t Target, d Depth, pal *Palette, src []byte) error {
	if err := t.check(); err != nil {
		return err
	}
	if d.bytes() == 0 || d == Depth32 || (d == Depth8 && pal == nil) {
		return corruptf("interleaved", "depth %d", d)
	}
	buf := rlePixels.Get().(*[]uint32)
	defer rlePixels.Put(buf)
	if n := t.W * t.H; cap(*buf) < n {
		*buf = make([]uint32, n)
	}
	pixels := (*buf)[:t.W*t.H]
	u := rleUnpacker{src: src, size: d.bytes(), width: t.W, out: pixels, white: 0xffffffff >> (32 - uint(d))}
	if err := u.run(); err != nil {
		return err
	}
	for y := range t.H {
		d.putPixels(t.row(t.H-1-y), pixels[y*t.W:][:t.W], pal)
	}
	return nil
}

// rleUnpacker is the state of one picture.
type rleUnpacker struct {
	src   []byte
	size  int // bytes of a pixel on the wire
	width int
	out   []uint32
	at    int // pixels written
	white uint32
	bad   bool
}

// run follows the orders until the picture is full. What a stream has beyond that is not looked at: servers pad.
func (u *rleUnpacker) run() error {
	fg := u.white
	first := true   // within the first row there is no row above
	insert := false // the order before was a background run: the next one begins with a foreground pixel
	for u.at < len(u.out) {
		if first && u.at >= u.width {
			first, insert = false, false
		}
		order, n, mask := u.order()
		switch order {
		case rleBackgroundRun:
			if insert && n > 0 {
				u.put(u.above(first) ^ fg)
				n--
			}
			u.repeat(first, n, 0)
			insert = true
			if u.bad {
				return u.fail()
			}
			continue
		case rleSetForegroundRun, rleForegroundRun:
			if order == rleSetForegroundRun {
				fg = u.pixel()
			}
			u.repeat(first, n, fg)
		case rleDitheredRun:
			a, b := u.pixel(), u.pixel()
			for ; n > 0 && !u.bad; n-- {
				u.put(a)
				u.put(b)
			}
		case rleColorRun:
			c := u.pixel()
			u.fill(n, c)
		case rleSetForegroundImage, rleForegroundImage:
			if order == rleSetForegroundImage {
				fg = u.pixel()
			}
			for ; n > 0 && !u.bad; n -= 8 {
				bits := mask
				if mask == 0 {
					bits = u.byte()
				}
				u.mix(first, min(n, 8), bits, fg)
			}
		case rleColorImage:
			u.copy(n)
		case rleWhite:
			u.put(u.white)
		case rleBlack:
			u.put(0)
		default:
			u.bad = true
		}
		insert = false
		if u.bad {
			return u.fail()
		}
	}
	return nil
}

func (u *rleUnpacker) fail() error {
	return corruptf("interleaved", "after %d of %d pixels, %d bytes left", u.at, len(u.out), len(u.src))
}

// order takes the next order with its number of pixels (pairs of a dithered run). mask is set for special orders.
func (u *rleUnpacker) order() (o rleOrder, n int, mask byte) {
	h := u.byte()
	switch {
	case h >= 0xf0: // mega: the length is two bytes
		switch h {
		case 0xf0, 0xf1, 0xf2, 0xf3, 0xf4:
			o = rleOrder(h - 0xf0)
		case 0xf6, 0xf7, 0xf8:
			o = rleSetForegroundRun + rleOrder(h-0xf6)
		case 0xf9:
			return rleForegroundImage, 8, rleSpecialMask1
		case 0xfa:
			return rleForegroundImage, 8, rleSpecialMask2
		case 0xfd:
			return rleWhite, 1, 0
		case 0xfe:
			return rleBlack, 1, 0
		default:
			return rleBad, 0, 0
		}
		if len(u.src) < 2 {
			u.bad = true
			return rleBad, 0, 0
		}
		n = int(binary.LittleEndian.Uint16(u.src))
		u.src = u.src[2:]
		return o, n, 0
	case h >= 0xc0: // lite: four bits
		o, n = rleSetForegroundRun+rleOrder(h>>4-0xc), int(h&0x0f)
		if o > rleDitheredRun {
			return rleBad, 0, 0
		}
		return o, u.length(o == rleSetForegroundImage, n, 16), 0
	}
	o, n = rleOrder(h>>5), int(h&0x1f)
	if o > rleColorImage {
		return rleBad, 0, 0
	}
	return o, u.length(o == rleForegroundImage, n, 32), 0
}

// length completes a run length: 0 means that a byte follows which counts from base, or, for images, from 1; other lengths of
// images are in bytes of eight pixels.
func (u *rleUnpacker) length(image bool, n, base int) int {
	switch {
	case n == 0 && image:
		return int(u.byte()) + 1
	case n == 0:
		return int(u.byte()) + base
	case image:
		return n * 8
	}
	return n
}

func (u *rleUnpacker) byte() byte {
	if len(u.src) == 0 {
		u.bad = true
		return 0
	}
	b := u.src[0]
	u.src = u.src[1:]
	return b
}

// pixel takes a pixel value.
func (u *rleUnpacker) pixel() (v uint32) {
	if len(u.src) < u.size {
		u.bad, u.src = true, nil
		return 0
	}
	for i := u.size - 1; i >= 0; i-- {
		v = v<<8 | uint32(u.src[i])
	}
	u.src = u.src[u.size:]
	return v
}

// above returns the pixel of the row before, which is black for the first one.
func (u *rleUnpacker) above(first bool) uint32 {
	if first || u.at < u.width {
		return 0
	}
	return u.out[min(u.at-u.width, len(u.out)-1)]
}

func (u *rleUnpacker) put(v uint32) {
	if u.at >= len(u.out) {
		u.bad = true
		return
	}
	u.out[u.at] = v
	u.at++
}

// room checks that n more pixels fit.
func (u *rleUnpacker) room(n int) bool {
	if n > len(u.out)-u.at {
		u.bad = true
		return false
	}
	return true
}

// fill writes n pixels of one colour.
func (u *rleUnpacker) fill(n int, v uint32) {
	if !u.room(n) {
		return
	}
	dst := u.out[u.at:][:n]
	for i := range dst {
		dst[i] = v
	}
	u.at += n
}

// copy writes n pixels that stand in the stream.
func (u *rleUnpacker) copy(n int) {
	if n*u.size > len(u.src) {
		u.bad, u.src = true, nil
		return
	}
	if !u.room(n) {
		return
	}
	dst, src := u.out[u.at:][:n], u.src[:n*u.size]
	switch u.size {
	case 1:
		for i := range dst {
			dst[i] = uint32(src[i])
		}
	case 2:
		for i := range dst {
			dst[i] = uint32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	default:
		for i := range dst {
			p := src[3*i:][:3:3]
			dst[i] = uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
		}
	}
	u.src = u.src[n*u.size:]
	u.at += n
}

// mix writes up to eight pixels of the row above, changed by fg where a bit says so.
func (u *rleUnpacker) mix(first bool, n int, bits byte, fg uint32) {
	if !u.room(n) {
		return
	}
	dst := u.out[u.at:][:n]
	if first {
		for i := range dst {
			dst[i] = fg & -uint32(bits>>i&1)
		}
	} else {
		src := u.out[u.at-u.width:]
		for i := range dst { // a narrow picture's pixels may be above each other
			dst[i] = src[i] ^ fg&-uint32(bits>>i&1)
		}
	}
	u.at += n
}

// repeat writes n pixels of the row above, each changed by xor.
func (u *rleUnpacker) repeat(first bool, n int, xor uint32) {
	if first {
		u.fill(n, xor)
		return
	}
	if !u.room(n) {
		return
	}
	dst, src := u.out[u.at:][:n], u.out[u.at-u.width:]
	for i := range dst { // the run may reach into what it writes
		dst[i] = src[i] ^ xor
	}
	u.at += n
}
