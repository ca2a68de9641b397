package codec

import "sync"

// The size of a RemoteFX tile ([MS-RDPRFX] 2.2.2.2.1).
const (
	tileSide = 64
	tileArea = tileSide * tileSide
)

// Quant is the quantisation of one component: shifts of the sub-bands in the order in which they stand on the wire
// (TS_RFX_CODEC_QUANT, 2.2.2.1.5): LL3, LH3, HL3, HH3, LH2, HL2, HH2, LH1, HL1, HH1.
type Quant [10]uint8

// Positions in a Quant.
const (
	quantLL3 = iota
	quantLH3
	quantHL3
	quantHH3
	quantLH2
	quantHL2
	quantHH2
	quantLH1
	quantHL1
	quantHH1
)

// subbands are the parts of a component's 4096 coefficients, in the order of the stream (3.1.8.1.6).
var subbands = [...]struct{ offset, size, quant int }{
	{0, 1024, quantHL1},
	{1024, 1024, quantLH1},
	{2048, 1024, quantHH1},
	{3072, 256, quantHL2},
	{3328, 256, quantLH2},
	{3584, 256, quantHH2},
	{3840, 64, quantHL3},
	{3904, 64, quantLH3},
	{3968, 64, quantHH3},
	{lowestBand, 64, quantLL3},
}

const lowestBand = 4032 // LL3

// component is the memory that decoding one needs.
type component struct {
	coeff [tileArea]int16
	work  [tileArea]int16
}

var components = sync.Pool{New: func() any { return new([3]component) }}

// decode unpacks, dequantises and transforms one component; the result has five fraction bits.
func (c *component) decode(mode Entropy, q *Quant, src []byte) {
	decodeRLGR(mode, src, &c.coeff)
	low := c.coeff[lowestBand:]
	for i := 1; i < len(low); i++ { // LL3 holds differences (3.1.8.1.6)
		low[i] += low[i-1]
	}
	for _, b := range subbands {
		// A quantiser of 6 is a factor of 1 (3.1.8.1.5); the fraction bits make it five more.
		shift := uint(max(q[b.quant], 1) - 1)
		if shift == 0 {
			continue
		}
		part := c.coeff[b.offset:][:b.size]
		for i := range part {
			part[i] <<= shift
		}
	}
	c.inverse(3840, 8)
	c.inverse(3072, 16)
	c.inverse(0, 32)
}

// inverse undoes one level of the 5/3 wavelet transform (3.1.8.1.4) in place: four bands of side n at offset, in the order HL,
// LH, HH, LL, become one of twice the side.
func (c *component) inverse(offset, n int) {
	area := n * n
	hl, lh := c.coeff[offset:][:area], c.coeff[offset+area:][:area]
	hh, ll := c.coeff[offset+2*area:][:area], c.coeff[offset+3*area:][:area]
	out, tmp := c.coeff[offset:][:4*area], c.work[:4*area]
	side := 2 * n
	for y := range n { // rows: low and high parts of the columns
		horizontal(tmp[y*side:][:side], ll[y*n:][:n], hl[y*n:][:n])
		horizontal(tmp[(n+y)*side:][:side], lh[y*n:][:n], hh[y*n:][:n])
	}
	for y := range n { // even rows of the picture
		low, high := tmp[y*side:][:side], tmp[(n+y)*side:][:side]
		before := high
		if y > 0 {
			before = tmp[(n+y-1)*side:][:side]
		}
		dst := out[2*y*side:][:side]
		low, high, before = low[:len(dst)], high[:len(dst)], before[:len(dst)]
		for x := range dst {
			dst[x] = low[x] - (before[x]+high[x]+1)>>1
		}
	}
	for y := range n { // odd rows between them
		high, above := tmp[(n+y)*side:][:side], out[2*y*side:][:side]
		below := above
		if y < n-1 {
			below = out[(2*y+2)*side:][:side]
		}
		dst := out[(2*y+1)*side:][:side]
		high, above, below = high[:len(dst)], above[:len(dst)], below[:len(dst)]
		for x := range dst {
			dst[x] = high[x]<<1 + (above[x]+below[x])>>1
		}
	}
}

// horizontal puts one row together from its low and its high half.
func horizontal(dst, low, high []int16) {
	n := len(low)
	dst[0] = low[0] - (high[0]+high[0]+1)>>1
	for i := 1; i < n; i++ {
		dst[2*i] = low[i] - (high[i-1]+high[i]+1)>>1
	}
	for i := range n - 1 {
		dst[2*i+1] = high[i]<<1 + (dst[2*i]+dst[2*i+2])>>1
	}
	dst[2*n-1] = high[n-1]<<1 + dst[2*n-2]
}

// Tile is one tile of a RemoteFX frame; it can be decoded without anything else.
type Tile struct {
	X, Y    int // of its top left pixel in the frame
	Entropy Entropy
	Quant   [3]Quant  // Y, Cb, Cr
	Data    [3][]byte // Y, Cb, Cr, entropy coded
}

// Decode draws the whole tile into t, which must be 64x64.
func (tl *Tile) Decode(t Target) error {
	if err := t.check(); err != nil {
		return err
	}
	if t.W != tileSide || t.H != tileSide {
		return corruptf("remotefx", "tile into %dx%d", t.W, t.H)
	}
	c := components.Get().(*[3]component)
	defer components.Put(c)
	tl.decode(c)
	for y := range tileSide {
		drawYCbCr(t.row(y), c, y*tileSide, 0, tileSide)
	}
	return nil
}

func (tl *Tile) decode(c *[3]component) {
	for i := range c {
		c[i].decode(tl.Entropy, &tl.Quant[i], tl.Data[i])
	}
}

// Factors of the colour conversion (3.1.8.1.3), as fixed point numbers of 16 bits.
const (
	crToR = 91916  // 1.402525
	crToG = 46819  // 0.714401
	cbToG = 22527  // 0.343730
	cbToB = 115993 // 1.769905
)

// drawYCbCr converts n pixels from position at on, beginning at column x of row.
func drawYCbCr(row []byte, c *[3]component, at, x, n int) {
	y, cb, cr := c[0].coeff[at:][:n], c[1].coeff[at:][:n], c[2].coeff[at:][:n]
	row = row[x*pixelBytes:][:n*pixelBytes]
	const round = 16 + 5
	for i := range y {
		l := (int32(y[i]) + 128<<5) << 5 // the sum below fits 32 bits with 21 fraction bits taken off in two steps
		b, r := int32(cb[i]), int32(cr[i])
		putPixel(row[i*pixelBytes:],
			clamp((l+int32(int64(r)*crToR>>(round-10)))>>10),
			clamp((l-int32((int64(b)*cbToG+int64(r)*crToG)>>(round-10)))>>10),
			clamp((l+int32(int64(b)*cbToB>>(round-10)))>>10))
	}
}
