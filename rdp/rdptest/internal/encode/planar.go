package encode

import "image"

// Bits of the header of a planar stream ([MS-RDPEGDI] 2.2.2.5.1).
const (
	planarSubsampled = 0x08
	planarRLE        = 0x10
	planarNoAlpha    = 0x20
)

// PlanarOptions say how a planar stream is made. The zero value is without any loss and uncompressed, with alpha.
type PlanarOptions struct {
	RLE      bool
	NoAlpha  bool
	TopDown  bool // as the graphics pipeline has it; bitmap updates stand bottom-up, and their chroma that of red and blue exchanged
	Loss     int  // colour loss level, 0 to 7; 0: the planes are red, green and blue, and nothing is lost
	HalfSize bool // chroma planes have half the width and height; Loss must not be 0
}

// Planar returns a picture in the RDP 6.0 planar codec.
func Planar(m *image.RGBA, o PlanarOptions) []byte {
	p := split(m, o.Loss, !o.TopDown)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := w, h
	head := byte(o.Loss)
	if o.HalfSize {
		head |= planarSubsampled
		p[1], cw, ch = halve(p[1], w, h)
		p[2], _, _ = halve(p[2], w, h)
	}
	if o.RLE {
		head |= planarRLE
	}
	if o.NoAlpha {
		head |= planarNoAlpha
	}
	b := []byte{head}
	add := func(plane []byte, w, h int) {
		if o.RLE {
			b = packPlane(b, plane, w, h)
		} else {
			b = append(b, plane...)
		}
	}
	if !o.NoAlpha {
		add(p[3], w, h)
	}
	add(p[0], w, h)
	add(p[1], cw, ch)
	add(p[2], cw, ch)
	if !o.RLE {
		b = append(b, 0) // pad
	}
	return b
}

// split takes a picture apart into three planes of colour and one of alpha: red, green, blue, or with a loss level luma, orange and green
// chroma ([MS-RDPEGDI] 3.1.9.1.2), of which the chroma lose the lowest bits, and for which red and blue change places in bitmap updates.
func split(m *image.RGBA, loss int, bitmapUpdate bool) (p [4][]byte) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for i := range p {
		p[i] = make([]byte, w*h)
	}
	for y := range h {
		line := row(m, y)
		if bitmapUpdate {
			line = row(m, h-1-y)
		}
		for x := range w {
			r, g, b := int(line[x*rgbaBytes]), int(line[x*rgbaBytes+1]), int(line[x*rgbaBytes+2])
			i := y*w + x
			p[3][i] = line[x*rgbaBytes+3]
			if loss == 0 {
				p[0][i], p[1][i], p[2][i] = byte(r), byte(g), byte(b)
				continue
			}
			if bitmapUpdate {
				r, b = b, r
			}
			orange, green := (r-b)>>1, (2*g-r-b)>>2
			p[0][i] = byte(max(g-green, 0))
			p[1][i], p[2][i] = byte(orange>>(loss-1)), byte(green>>(loss-1))
		}
	}
	return p
}

// halve returns the mean of each four values of a plane of signed ones.
func halve(p []byte, w, h int) (q []byte, cw, ch int) {
	cw, ch = (w+1)/2, (h+1)/2
	q = make([]byte, 0, cw*ch)
	for y := range ch {
		for x := range cw {
			sum := 0
			for i := range 4 {
				sum += int(int8(p[min(2*y+i/2, h-1)*w+min(2*x+i%2, w-1)]))
			}
			q = append(q, byte(sum>>2))
		}
	}
	return q, cw, ch
}

// Bounds of a segment of a plane ([MS-RDPEGDI] 2.2.2.5.2): a run shorter than three is not worth it, and cannot be said.
const (
	planarMinRun = 3
	planarMaxRaw = 15
	planarMaxRun = 47
)

// packPlane appends a plane in segments of raw values and runs of the last one. From the second row on, values are differences to the row
// above, with the sign in the lowest bit.
func packPlane(b, plane []byte, w, h int) []byte {
	line := make([]byte, w)
	for y := range h {
		copy(line, plane[y*w:][:w])
		if y > 0 {
			for x, above := range plane[(y-1)*w:][:w] {
				line[x] = signLowest(int8(line[x] - above))
			}
		}
		b = packSegments(b, line)
	}
	return b
}

func signLowest(d int8) byte {
	if d < 0 {
		return byte(^d)<<1 | 1
	}
	return byte(d) << 1
}

func packSegments(b, line []byte) []byte {
	var last byte
	runFrom := func(x int) int { return count(x, len(line), func(i int) bool { return line[i] == last }) }
	for x := 0; x < len(line); {
		if n := min(runFrom(x), planarMaxRun); n >= planarMinRun {
			x += n
			switch {
			case n >= 32:
				b = append(b, byte(n-32)<<4|2)
			case n >= 16:
				b = append(b, byte(n-16)<<4|1)
			default:
				b = append(b, byte(n))
			}
			continue
		}
		start, n := x, 0
		for x < len(line) && x-start < planarMaxRaw && n < planarMinRun {
			last = line[x]
			x++
			n = runFrom(x)
		}
		raw := line[start:x]
		if n < planarMinRun || n >= 16 { // a long run has a segment of its own
			n = 0
		}
		b = append(append(b, byte(len(raw))<<4|byte(n)), raw...)
		x += n
	}
	return b
}
