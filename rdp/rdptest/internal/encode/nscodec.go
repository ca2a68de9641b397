package encode

import (
	"image"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// NSCodec returns a picture in NSCodec ([MS-RDPNSC] 2.2.2), bottom-up, without alpha. loss is the colour loss level, 1 to 7; with halfSize
// the chroma planes have half the width and height.
func NSCodec(m *image.RGBA, loss int, halfSize bool) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if halfSize { // planes are a multiple of eight wide and of two high
		w, m = (w+7)&^7, upsideDown(m, (w+7)&^7, (h+1)&^1)
	} else {
		m = upsideDown(m, w, h)
	}
	p := split(m, loss, false)
	if halfSize {
		mw, mh := m.Rect.Dx(), m.Rect.Dy()
		p[1], _, _ = halve(p[1], mw, mh)
		p[2], _, _ = halve(p[2], mw, mh)
	}
	planes := [4][]byte{}
	for i := range 3 {
		plane := p[i]
		if i == 0 {
			plane = plane[:w*h]
		}
		planes[i] = packNSPlane(plane)
	}
	var b []byte
	for _, plane := range planes { // the fourth is alpha: none
		b = wire.AppendU32LE(b, uint32(len(plane)))
	}
	sub := byte(0)
	if halfSize {
		sub = 1
	}
	b = append(b, byte(loss), sub, 0, 0)
	for _, plane := range planes {
		b = append(b, plane...)
	}
	return b
}

// upsideDown returns a picture that stands on its head, and is larger by repeating its right edge and what was its top.
func upsideDown(m *image.RGBA, w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		widenRow(row(out, y), row(m, max(m.Rect.Dy()-1-y, 0)))
	}
	return out
}

// packNSPlane returns a plane in the run-length coding of [MS-RDPNSC] 2.2.2.2: two equal values are followed by a length, and the last four
// stand as they are. A plane that it does not make smaller stays as it is.
func packNSPlane(plane []byte) []byte {
	const (
		tail = 4
		long = 0xff // the length that says that four bytes follow
	)
	var b []byte
	x := 0
	for len(plane)-x > tail {
		n := count(x, len(plane)-tail, func(i int) bool { return plane[i] == plane[x] })
		// A client looks for a second value only while more than five are left: of the last five the first is never a run.
		if n == 1 || len(plane)-x == tail+1 {
			b = append(b, plane[x])
			x++
			continue
		}
		b = append(b, plane[x], plane[x])
		if n-2 < long {
			b = append(b, byte(n-2))
		} else {
			b = wire.AppendU32LE(append(b, long), uint32(n))
		}
		x += n
	}
	b = append(b, plane[x:]...)
	if len(b) >= len(plane) {
		return plane
	}
	return b
}
