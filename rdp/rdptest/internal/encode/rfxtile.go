package encode

import "image"

// The size of a RemoteFX tile.
const (
	tileSide = 64
	tileArea = tileSide * tileSide
)

// lowestBand is where the 64 coefficients of LL3 begin.
const lowestBand = 4032

// quality is the quantisation of all sub-bands ([MS-RDPRFX] 3.1.8.1.5): the least that there is, which takes nothing but the fraction away.
const (
	quality      = 6
	fractionBits = 5
)

// planesOf converts a tile to Y, Cb, Cr ([MS-RDPRFX] 3.1.8.1.3) with five fraction bits. What lies beyond the picture repeats its edge.
func planesOf(m *image.RGBA, left, top int) (c [3][tileArea]int16) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range tileSide {
		line := row(m, min(top+y, h-1))
		for x := range tileSide {
			p := line[min(left+x, w-1)*rgbaBytes:]
			r, g, b := float64(p[0]), float64(p[1]), float64(p[2])
			i := y*tileSide + x
			c[0][i] = fixed(0.299*r + 0.587*g + 0.114*b - 128)
			c[1][i] = fixed(-0.168935*r - 0.331665*g + 0.50059*b)
			c[2][i] = fixed(0.499813*r - 0.418531*g - 0.081282*b)
		}
	}
	return c
}

func fixed(v float64) int16 {
	v *= 1 << fractionBits
	if v < 0 {
		return int16(v - 0.5)
	}
	return int16(v + 0.5)
}

// transform does three levels of the 5/3 wavelet transform ([MS-RDPRFX] 3.1.8.1.4), quantises, and leaves differences in LL3.
func transform(c *[tileArea]int16) {
	forward(c[:], tileSide/2)
	forward(c[3*tileArea/4:], tileSide/4)
	forward(c[tileArea-tileArea/16:], tileSide/8)
	const round = 1 << (fractionBits - 1)
	for i, v := range c {
		c[i] = (v + round) >> (quality - 1)
	}
	for i := tileArea - 1; i > lowestBand; i-- {
		c[i] -= c[i-1]
	}
}

// forward does one level, of a square of side 2n: HL, LH, HH, LL stand in its place.
func forward(c []int16, n int) {
	side := 2 * n
	tmp := make([]int16, side*side)
	column, line := make([]int16, side), make([]int16, side)
	for x := range side {
		for y := range side {
			column[y] = c[y*side+x]
		}
		lift(column, line)
		for y, v := range line {
			tmp[y*side+x] = v
		}
	}
	area := n * n
	hl, lh, hh, ll := c[:area], c[area:2*area], c[2*area:3*area], c[3*area:4*area]
	for y := range n {
		lift(tmp[y*side:][:side], line)
		copy(ll[y*n:], line[:n])
		copy(hl[y*n:], line[n:])
		lift(tmp[(n+y)*side:][:side], line)
		copy(lh[y*n:], line[:n])
		copy(hh[y*n:], line[n:])
	}
}

// lift splits values into a low and a high half.
func lift(in, out []int16) {
	n := len(in) / 2
	low, high := out[:n], out[n:]
	for i := range n {
		next := in[2*i]
		if i < n-1 {
			next = in[2*i+2]
		}
		high[i] = (in[2*i+1] - (in[2*i]+next)>>1) >> 1
	}
	for i := range n {
		low[i] = in[2*i] + (high[max(i-1, 0)]+high[i]+1)>>1
	}
}
