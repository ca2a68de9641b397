package codec

import "sync"

// Bits of the header of a planar stream (RDP6_BITMAP_STREAM, [MS-RDPEGDI] 2.2.2.5.1).
const (
	planarLossMask  = 0x07 // CLL: colour loss level; 0: the planes are R, G, B
	planarSubsample = 0x08 // CS: chroma planes have half the width and height
	planarRLE       = 0x10
	planarNoAlpha   = 0x20
)

// planes holds the four planes of a picture while it is decoded.
var planes = sync.Pool{New: func() any { return new([]byte) }}

// DecodePlanar draws a picture of the RDP 6.0 planar codec. Rows of bitmap updates stand bottom-up, those of the graphics
// pipeline top-down. Where bitmap updates have luma and chroma, which servers send to clients that announce dynamic colour
// fidelity alone, red and blue have changed places: an old mistake of servers that [MS-RDPEGDI] 3.1.9.1.2 makes a rule. Alpha is
// drawn if the stream has it and keepAlpha is set; a desktop has none.
func DecodePlanar(t Target, src []byte, bottomUp, keepAlpha bool) error {
	if err := t.check(); err != nil {
		return err
	}
	if len(src) == 0 {
		return corruptf("planar", "empty")
	}
	h := src[0]
	src = src[1:]
	loss := int(h & planarLossMask)
	sub := h&planarSubsample != 0
	if sub && loss == 0 {
		return corruptf("planar", "subsampled planes of R, G, B")
	}
	cw, ch := t.W, t.H
	if sub {
		cw, ch = (t.W+1)/2, (t.H+1)/2
	}
	full, chroma := t.W*t.H, cw*ch
	buf := planes.Get().(*[]byte)
	defer planes.Put(buf)
	if need := 2*full + 2*chroma; cap(*buf) < need {
		*buf = make([]byte, need)
	}
	all := (*buf)[:2*full+2*chroma]
	alpha, first, second, third := all[:full], all[full:2*full], all[2*full:2*full+chroma], all[2*full+chroma:]
	hasAlpha := h&planarNoAlpha == 0
	ok := true
	take := func(plane []byte, w, h int, rle bool) {
		switch {
		case !ok:
		case rle:
			src, ok = unpackPlane(plane, w, h, src)
		case len(src) < len(plane):
			ok = false
		default:
			copy(plane, src)
			src = src[len(plane):]
		}
	}
	rle := h&planarRLE != 0
	if hasAlpha {
		take(alpha, t.W, t.H, rle)
	}
	take(first, t.W, t.H, rle)
	take(second, cw, ch, rle)
	take(third, cw, ch, rle)
	if !ok {
		return corruptf("planar", "the planes of %dx%d are cut short", t.W, t.H)
	}
	for y := range t.H {
		row := t.row(y)
		if bottomUp {
			row = t.row(t.H - 1 - y)
		}
		a, p := alpha[y*t.W:][:t.W], first[y*t.W:][:t.W]
		cy := y
		if sub {
			cy = y / 2
		}
		q, s := second[cy*cw:][:cw], third[cy*cw:][:cw]
		drawPlanarRow(row, p, q, s, loss, sub)
		if bottomUp && loss > 0 {
			for x := 0; x < len(row); x += pixelBytes {
				row[x], row[x+2] = row[x+2], row[x]
			}
		}
		if hasAlpha && keepAlpha {
			for x, v := range a {
				row[x*pixelBytes+3] = v
			}
		}
	}
	return nil
}

// drawPlanarRow puts one row of planes together.
func drawPlanarRow(row, p, q, s []byte, loss int, sub bool) {
	if loss == 0 {
		q, s = q[:len(p)], s[:len(p)]
		for x, r := range p {
			putPixel(row[x*pixelBytes:], r, q[x], s[x])
		}
		return
	}
	shift := loss - 1
	for x := range p {
		c := x
		if sub {
			c = x / 2
		}
		co, cg := int32(int8(q[c]<<shift)), int32(int8(s[c]<<shift))
		v := int32(p[x])
		rest := v - cg
		putPixel(row[x*pixelBytes:], clamp(rest+co), clamp(v+cg), clamp(rest-co))
	}
}

// unpackPlane undoes the RLE of one plane ([MS-RDPEGDI] 3.1.9.2): segments of raw bytes and a run of the last one. From the
// second row on the values are differences to the row above, in sign-and-magnitude with the sign lowest.
func unpackPlane(plane []byte, w, h int, src []byte) (rest []byte, ok bool) {
	for y := range h {
		row := plane[y*w:][:w]
		var above []byte
		if y > 0 {
			above = plane[(y-1)*w:][:w]
		}
		var last byte
		for x := 0; x < w; {
			if len(src) == 0 {
				return nil, false
			}
			run, raw := int(src[0]&0x0f), int(src[0]>>4)
			src = src[1:]
			switch run {
			case 1:
				run, raw = raw+16, 0
			case 2:
				run, raw = raw+32, 0
			}
			if raw+run > w-x || raw > len(src) {
				return nil, false
			}
			dst := row[x:][:raw+run]
			if above == nil {
				if raw > 0 {
					copy(dst, src[:raw])
					last = src[raw-1]
				}
				for i := range dst[raw:] {
					dst[raw+i] = last
				}
			} else {
				up := above[x:][:len(dst)]
				for i, v := range src[:raw] {
					last = v>>1 ^ -(v & 1) // odd ones are -(v>>1) - 1
					dst[i] = up[i] + last
				}
				dst, up = dst[raw:], up[raw:]
				up = up[:len(dst)]
				if last == 0 {
					copy(dst, up)
				} else {
					for i, v := range up {
						dst[i] = v + last
					}
				}
			}
			src = src[raw:]
			x += raw + run
		}
	}
	return src, true
}
