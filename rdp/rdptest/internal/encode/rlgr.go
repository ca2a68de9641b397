package encode

// Entropy is the variant of RLGR, with its value in the protocol ([MS-RDPRFX] 2.2.2.1.5).
type Entropy uint16

// The variants.
const (
	RLGR1 Entropy = 1
	RLGR3 Entropy = 4
)

// Parameters of the adaption ([MS-RDPRFX] 3.1.8.1.7.3.1).
const (
	rlgrMax   = 80
	rlgrScale = 3
	rlgrUp    = 4
	rlgrDown  = 6
	rlgrStep  = 3
)

// rlgr codes the coefficients of one component.
type rlgr struct {
	out  []byte
	bits uint // free ones in the last byte of out

	k, kp  int // of runs of zeros
	kr, rp int // of Golomb-Rice codes
}

func (e *rlgr) put(n uint, v uint32) {
	for i := int(n) - 1; i >= 0; i-- {
		if e.bits == 0 {
			e.out = append(e.out, 0)
			e.bits = 8
		}
		e.bits--
		e.out[len(e.out)-1] |= byte(v>>i&1) << e.bits
	}
}

func (e *rlgr) adapt(by int) {
	e.kp = min(max(e.kp+by, 0), rlgrMax)
	e.k = e.kp >> rlgrScale
}

// golombRice sends one code: its upper part as so many ones, and kr bits.
func (e *rlgr) golombRice(v uint32) {
	ones := int(v >> e.kr)
	for range ones {
		e.put(1, 1)
	}
	e.put(1, 0)
	e.put(uint(e.kr), v)
	switch {
	case ones == 0:
		e.rp = max(e.rp-2, 0)
	case ones > 1:
		e.rp = min(e.rp+ones, rlgrMax)
	}
	e.kr = e.rp >> rlgrScale
}

// folded maps 0, -1, 1, -2, 2 to 0, 1, 2, 3, 4.
func folded(v int16) uint32 {
	if v < 0 {
		return uint32(-2*int32(v) - 1)
	}
	return uint32(2 * int32(v))
}

// encodeRLGR returns the coefficients of one component.
func encodeRLGR(mode Entropy, in []int16) []byte {
	e := rlgr{k: 1, kp: 1 << rlgrScale, kr: 1, rp: 1 << rlgrScale}
	for len(in) > 0 {
		switch {
		case e.k > 0:
			in = e.zeros(in)
		case mode == RLGR1:
			code := folded(in[0])
			in = in[1:]
			e.golombRice(code)
			if code == 0 {
				e.adapt(rlgrStep)
			} else {
				e.adapt(-rlgrStep)
			}
		default:
			in = e.pair(in)
		}
	}
	return e.out
}

// zeros sends a run of zeros and the value that ends it. A run that nothing ends is said to be longer than what is left.
func (e *rlgr) zeros(in []int16) []int16 {
	n := count(0, len(in), func(i int) bool { return in[i] == 0 })
	end := n == len(in)
	for n >= 1<<e.k || end && n > 0 {
		e.put(1, 0)
		n -= 1 << e.k
		e.adapt(rlgrUp)
	}
	if end {
		return nil
	}
	e.put(1, 1)
	e.put(uint(e.k), uint32(n))
	for in[0] == 0 {
		in = in[1:]
	}
	v := int32(in[0])
	sign := uint32(0)
	if v < 0 {
		sign, v = 1, -v
	}
	e.put(1, sign)
	e.golombRice(uint32(v - 1))
	e.adapt(-rlgrDown)
	return in[1:]
}

// pair sends two values by their sum and the first of them (RLGR3).
func (e *rlgr) pair(in []int16) []int16 {
	first, second := folded(in[0]), uint32(0)
	in = in[1:]
	if len(in) > 0 {
		second = folded(in[0])
		in = in[1:]
	}
	sum := first + second
	e.golombRice(sum)
	width := uint(0)
	for v := sum; v > 0; v >>= 1 {
		width++
	}
	e.put(width, first)
	switch {
	case first != 0 && second != 0:
		e.adapt(-2 * rlgrStep)
	case sum == 0:
		e.adapt(2 * rlgrStep)
	}
	return in
}
