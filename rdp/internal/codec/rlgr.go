package codec

import "github.com/sallyport/sallyport/rdp/internal/wire"

// RLGR, the entropy coding of RemoteFX ([MS-RDPRFX] 3.1.8.1.7): runs of zeros and Golomb-Rice codes whose parameters follow
// what was coded before.

// Entropy is the variant of RLGR.
type Entropy uint8

// The variants, with the values of the protocol ([MS-RDPRFX] 2.2.2.1.5).
const (
	RLGR1 Entropy = 1
	RLGR3 Entropy = 4
)

// Parameters of the adaption (3.1.8.1.7.3.1).
const (
	rlgrMax   = 80 // KPMAX
	rlgrScale = 3  // LSGR: a parameter is its scaled value by this many bits
	rlgrUp    = 4  // UP_GR: a run grew
	rlgrDown  = 6  // DN_GR: a run ended
	rlgrZero  = 3  // UQ_GR: a zero in Golomb-Rice mode
	rlgrOther = 3  // DQ_GR: anything else there
)

// rlgr is the state of one component.
type rlgr struct {
	bits   wire.Bits
	k, kp  int // of runs
	kr, rp int // of Golomb-Rice codes

	garbage bool // a code that no encoder makes
}

// maxOnes is how long the unary part of a code may be: more than any component has values.
const maxOnes = 1<<16 + 1

// over reports whether nothing more is to be read.
func (d *rlgr) over() bool { return d.garbage || d.bits.Over() }

// golombRice takes one code and adapts the parameter.
func (d *rlgr) golombRice() uint32 {
	ones := d.bits.Ones(maxOnes)
	if ones == maxOnes {
		d.garbage = true
		return 0
	}
	code := uint32(ones)<<d.kr | d.bits.Take(uint(d.kr))
	switch {
	case ones == 0:
		d.rp = max(d.rp-2, 0)
	case ones > 1:
		d.rp = min(d.rp+ones, rlgrMax)
	}
	d.kr = d.rp >> rlgrScale
	return code
}

func (d *rlgr) adapt(by int) {
	d.kp = min(max(d.kp+by, 0), rlgrMax)
	d.k = d.kp >> rlgrScale
}

// signed maps 0, 1, 2, 3, 4 to 0, -1, 1, -2, 2.
func signed(v uint32) int16 {
	if v&1 != 0 {
		return int16(-int32(v+1) / 2)
	}
	return int16(v / 2)
}

// decodeRLGR fills out with the coefficients of one component. What the stream does not say is zero.
func decodeRLGR(mode Entropy, src []byte, out *[tileArea]int16) {
	clear(out[:])
	d := rlgr{bits: wire.NewBits(src), k: 1, kp: 1 << rlgrScale, kr: 1, rp: 1 << rlgrScale}
	for n := 0; n < len(out) && !d.over(); {
		if d.k > 0 {
			for d.bits.Take(1) == 0 && !d.over() && n < len(out) {
				n += 1 << d.k
				d.adapt(rlgrUp)
			}
			n += int(d.bits.Take(uint(d.k)))
			negative := d.bits.Take(1) == 1
			v := int32(d.golombRice()) + 1
			if d.over() || n >= len(out) {
				return
			}
			if negative {
				v = -v
			}
			out[n] = int16(v)
			n++
			d.adapt(-rlgrDown)
			continue
		}
		code := d.golombRice()
		if d.over() {
			return
		}
		if mode == RLGR1 {
			out[n] = signed(code)
			n++
			if code == 0 {
				d.adapt(rlgrZero)
			} else {
				d.adapt(-rlgrOther)
			}
			continue
		}
		// RLGR3: one code is the sum of two values, and the first of them follows.
		width := uint(0)
		for v := code; v > 0; v >>= 1 {
			width++
		}
		first := d.bits.Take(width)
		second := code - first // a first value beyond the sum is garbage in, garbage out
		switch {
		case first != 0 && second != 0:
			d.adapt(-2 * rlgrOther)
		case first == 0 && second == 0:
			d.adapt(2 * rlgrZero)
		}
		out[n] = signed(first)
		n++
		if n < len(out) {
			out[n] = signed(second)
			n++
		}
	}
}
