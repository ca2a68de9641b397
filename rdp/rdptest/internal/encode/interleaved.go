package encode

import (
	"image"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Codes of the orders ([MS-RDPBCGR] 2.2.9.1.1.3.1.2.4): of the regular form, whose code has three bits and whose length five, of the
// lite form, with four bits each, and of the mega mega form, whose length is two bytes.
type rleForm struct {
	code  byte // of the regular or the lite form, as the upper bits stand
	mega  byte
	bits  uint // of a short length
	image bool // short lengths count bytes of eight pixels
}

var (
	rleBackground    = rleForm{0x00, 0xf0, 5, false}
	rleForeground    = rleForm{0x20, 0xf1, 5, false}
	rleForegroundBit = rleForm{0x40, 0xf2, 5, true}
	rleColor         = rleForm{0x60, 0xf3, 5, false}
	rleColorImage    = rleForm{0x80, 0xf4, 5, false}
	rleSetForeground = rleForm{0xc0, 0xf6, 4, false}
	rleSetBit        = rleForm{0xd0, 0xf7, 4, true}
	rleDithered      = rleForm{0xe0, 0xf8, 4, false}
)

const (
	rleSpecial1 = 0xf9 // eight pixels of the mask 0x03
	rleSpecial2 = 0xfa // eight pixels of the mask 0x05
	rleWhite    = 0xfd
	rleBlack    = 0xfe
	rleMaxRun   = 0xffff
)

// header appends an order of n pixels, or pairs of a dithered run.
func (f rleForm) header(b []byte, n int) []byte {
	short := 1 << f.bits // the first length that the short form cannot say
	switch {
	case f.image && n%8 == 0 && n/8 < short:
		return append(b, f.code|byte(n/8))
	case f.image && n <= 256:
		return append(b, f.code, byte(n-1))
	case !f.image && n < short:
		return append(b, f.code|byte(n))
	case !f.image && n < short+256:
		return append(b, f.code, byte(n-short))
	}
	return wire.AppendU16LE(append(b, f.mega), uint16(n))
}

// Interleaved returns a picture in interleaved RLE at 8, 15, 16 or 24 bits, each row width pixels: the width of a bitmap must be a
// multiple of four.
func Interleaved(m *image.RGBA, width, depth int) []byte {
	p := rlePacker{px: values(m, width, depth), width: width, size: pixelBytes(depth), white: 1<<depth - 1}
	p.fg = p.white
	p.run()
	return p.out
}

// rlePacker is the state of one picture.
type rlePacker struct {
	px    []uint32
	width int
	size  int // bytes of a pixel
	white uint32
	out   []byte

	at         int
	fg         uint32
	background bool // the order before was a background run: another one begins with a foreground pixel
	pending    int  // the last so many pixels before at wait for a colour image
}

// candidate is an order that could come next.
type candidate struct {
	n    int // pixels
	cost int // bytes
	emit func(*rlePacker)
}

// run takes at each place the order that saves the most. No order reaches from the first row into the second, since a client looks at
// the beginning of an order only for whether there is a row above.
func (p *rlePacker) run() {
	for p.at < len(p.px) {
		end := len(p.px)
		if p.at < p.width {
			end = min(p.width, end)
		}
		if p.at == p.width && p.width > 0 {
			p.flush()
			p.background = false
		}
		c := p.best(min(end, p.at+rleMaxRun))
		if c.emit == nil {
			p.at++
			if p.pending++; p.at == end || p.pending == rleMaxRun {
				p.flush()
			}
			continue
		}
		c.emit(p)
		p.at += c.n
	}
	p.flush()
}

// flush sends the pixels that nothing compresses.
func (p *rlePacker) flush() {
	if p.pending == 0 {
		return
	}
	p.out = rleColorImage.header(p.out, p.pending)
	for _, v := range p.px[p.at-p.pending : p.at] {
		p.out = appendPixel(p.out, p.size, v)
	}
	p.pending, p.background = 0, false
}

func (p *rlePacker) above(i int) uint32 {
	if i < p.width {
		return 0
	}
	return p.px[i-p.width]
}

// count returns how many pixels from i on meet ok.
func count(i, end int, ok func(i int) bool) int {
	n := 0
	for i+n < end && ok(i+n) {
		n++
	}
	return n
}

// best returns the order from p.at on that saves the most, none if a colour image is as good.
func (p *rlePacker) best(end int) (best candidate) {
	saved := 0
	if p.pending > 0 {
		saved = 1 // it cuts a colour image in two
	}
	consider := func(n, cost int, emit func(*rlePacker)) {
		if s := n*p.size - cost; s > saved {
			best, saved = candidate{n, cost, emit}, s
		}
	}
	change := p.px[p.at] ^ p.above(p.at)
	same := func(i int) bool { return p.px[i] == p.above(i) }
	p.runs(end, change, same, consider)
	p.images(end, change, consider)
	switch p.px[p.at] {
	case p.white:
		consider(1, 1, func(p *rlePacker) { p.order([]byte{rleWhite}) })
	case 0:
		consider(1, 1, func(p *rlePacker) { p.order([]byte{rleBlack}) })
	}
	return best
}

// runs considers the orders of one colour, of two in turn, and of what the row above has.
func (p *rlePacker) runs(end int, change uint32, same func(int) bool, consider func(int, int, func(*rlePacker))) {
	var room [3]byte
	cost := func(f rleForm, n, pixels int) int { return len(f.header(room[:0], n)) + pixels*p.size }
	first := p.px[p.at]
	background := p.background && p.pending == 0
	if n := count(p.at, end, same); n > 0 && !background {
		consider(n, cost(rleBackground, n, 0), func(p *rlePacker) { p.backgroundRun(n) })
	}
	if background && change == p.fg {
		n := 1 + count(p.at+1, end, same)
		consider(n, cost(rleBackground, n, 0), func(p *rlePacker) { p.backgroundRun(n) })
	}
	if n := count(p.at, end, func(i int) bool { return p.px[i]^p.above(i) == change }); change == p.fg {
		consider(n, cost(rleForeground, n, 0), func(p *rlePacker) { p.order(rleForeground.header(nil, n)) })
	} else {
		consider(n, cost(rleSetForeground, n, 1), func(p *rlePacker) {
			p.fg = change
			p.order(appendPixel(rleSetForeground.header(nil, n), p.size, change))
		})
	}
	n := count(p.at, end, func(i int) bool { return p.px[i] == first })
	consider(n, cost(rleColor, n, 1), func(p *rlePacker) { p.order(appendPixel(rleColor.header(nil, n), p.size, first)) })
	if p.at+1 < end {
		second := p.px[p.at+1]
		pairs := count(p.at, end, func(i int) bool { return p.px[i] == [2]uint32{first, second}[(i-p.at)%2] }) / 2
		consider(2*pairs, cost(rleDithered, pairs, 2), func(p *rlePacker) {
			p.order(appendPixel(appendPixel(rleDithered.header(nil, pairs), p.size, first), p.size, second))
		})
	}
}

// images considers the orders that have a bit per pixel: the row above, or that changed by the foreground.
func (p *rlePacker) images(end int, change uint32, consider func(int, int, func(*rlePacker))) {
	const few = 512 // pixels of one order: longer ones save no more
	end = min(end, p.at+few)
	for _, fg := range []uint32{p.fg, change} {
		if fg == 0 {
			continue
		}
		n := count(p.at, end, func(i int) bool { d := p.px[i] ^ p.above(i); return d == 0 || d == fg })
		if n == 0 {
			continue
		}
		mask := make([]byte, (n+7)/8)
		for i := range n {
			if p.px[p.at+i] != p.above(p.at+i) {
				mask[i/8] |= 1 << (i % 8)
			}
		}
		if fg != p.fg {
			head := appendPixel(rleSetBit.header(nil, n), p.size, fg)
			consider(n, len(head)+len(mask), func(p *rlePacker) { p.fg = fg; p.order(append(head, mask...)) })
			continue
		}
		if special, ok := map[byte]byte{0x03: rleSpecial1, 0x05: rleSpecial2}[mask[0]]; ok && n >= 8 {
			consider(8, 1, func(p *rlePacker) { p.order([]byte{special}) })
		}
		head := rleForegroundBit.header(nil, n)
		consider(n, len(head)+len(mask), func(p *rlePacker) { p.order(append(head, mask...)) })
	}
}

func (p *rlePacker) backgroundRun(n int) {
	p.flush()
	p.out = rleBackground.header(p.out, n)
	p.background = true
}

func (p *rlePacker) order(b []byte) {
	p.flush()
	p.out = append(p.out, b...)
	p.background = false
}
