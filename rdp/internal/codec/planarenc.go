package codec

// AppendPlanar appends t as a planar picture without loss and without alpha, rows bottom-up: what DecodePlanar undoes. It is the
// coding of pictures that were put together here.
func AppendPlanar(dst []byte, t Target) []byte {
	n := t.W * t.H
	buf := planes.Get().(*[]byte)
	defer planes.Put(buf)
	if cap(*buf) < 4*n {
		*buf = make([]byte, 4*n)
	}
	p := (*buf)[:3*n]
	for y := range t.H {
		row := t.row(t.H - 1 - y)
		r, g, b := p[y*t.W:][:t.W], p[n+y*t.W:][:t.W], p[2*n+y*t.W:][:t.W]
		for x := range r {
			px := row[x*pixelBytes:][:3:3]
			r[x], g[x], b[x] = px[0], px[1], px[2]
		}
	}
	start := len(dst)
	dst = append(dst, planarRLE|planarNoAlpha)
	line := (*buf)[3*n:][:t.W]
	for i := range 3 {
		dst = packPlane(dst, p[i*n:][:n], line)
		if len(dst)-start > 3*n {
			break
		}
	}
	if len(dst)-start <= 3*n {
		return dst
	}
	// Nothing is won: the planes as they are, and the byte of padding that goes with that.
	return append(append(append(dst[:start], planarNoAlpha), p...), 0)
}

// Bounds of a segment of a plane ([MS-RDPEGDI] 2.2.2.5.2).
const (
	planarMinRun = 3
	planarMaxRaw = 15
	planarMaxRun = 47
)

// packPlane is the reverse of unpackPlane. line has room for a row, whose length it tells.
func packPlane(dst, plane, line []byte) []byte {
	w := len(line)
	for at := 0; at < len(plane); at += w {
		row := plane[at:][:w]
		if at == 0 {
			copy(line, row)
		} else {
			above := plane[at-w:][:w]
			for x, v := range row {
				d := v - above[x]
				line[x] = d<<1 ^ -(d >> 7) // the sign lowest
			}
		}
		dst = packLine(dst, line)
	}
	return dst
}

// packLine appends a row in segments of raw values and a run of the last of them; at the row's begin that is zero.
func packLine(dst, line []byte) []byte {
	var last byte
	for len(line) > 0 {
		raw, run := 0, sameAs(line, last)
		if run < planarMinRun {
			for run = 0; raw < len(line) && raw < planarMaxRaw; {
				raw++
				if run = sameAs(line[raw:], line[raw-1]); run >= planarMinRun {
					break
				}
				run = 0
			}
			last = line[raw-1]
		}
		switch {
		case run < 16:
			dst = append(dst, byte(raw<<4|run))
			dst = append(dst, line[:raw]...)
		default: // a long run has a segment of its own
			if raw > 0 {
				dst = append(dst, byte(raw<<4))
				dst = append(dst, line[:raw]...)
			}
			if run >= 32 {
				dst = append(dst, byte(run-32)<<4|2)
			} else {
				dst = append(dst, byte(run-16)<<4|1)
			}
		}
		line = line[raw+run:]
	}
	return dst
}

// sameAs counts how many values at the beginning of line are v, up to the longest run that can be said.
func sameAs(line []byte, v byte) int {
	line = line[:min(len(line), planarMaxRun)]
	for i, got := range line {
		if got != v {
			return i
		}
	}
	return len(line)
}
