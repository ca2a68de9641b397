package wire

import (
	"encoding/binary"
	"math/bits"
)

// Bits reads bits from the highest of each byte down, as MPPC and RLGR pack them. Its zero value is empty; [NewBits] makes one.
// Running out is sticky: from then on it reads zeros, and Over says so.
type Bits struct {
	src  []byte
	acc  uint64 // the next bits, the first one highest
	have uint   // how many of acc are valid; the others are zero
	over bool
}

// NewBits returns a reader of src, which it does not change.
func NewBits(src []byte) Bits { return Bits{src: src} }

// Left returns how many bits there are.
func (b *Bits) Left() int { return len(b.src)*8 + int(b.have) }

// Over reports whether more bits were asked for than there were.
func (b *Bits) Over() bool { return b.over }

// Take returns the next n bits, at most 32. If there are fewer it returns 0 and takes what is left.
func (b *Bits) Take(n uint) uint32 {
	if n == 0 {
		return 0
	}
	if b.have < n {
		if b.fill(); b.have < n {
			b.over = true
			b.acc, b.have = 0, 0
			return 0
		}
	}
	v := uint32(b.acc >> (64 - n))
	b.acc <<= n
	b.have -= n
	return v
}

// Ones counts the set bits before the next clear one, which is taken too. It stops after most of them: then no clear one is
// taken.
func (b *Bits) Ones(most int) int {
	n := 0
	for {
		if b.have == 0 {
			if b.fill(); b.have == 0 {
				b.over = b.over || n < most
				return n
			}
		}
		ones := min(bits.LeadingZeros64(^b.acc), most-n) // what is not valid is zero
		n += ones
		b.acc <<= uint(ones)
		if b.have -= uint(ones); n == most {
			return n
		}
		if b.have > 0 { // the clear one
			b.acc <<= 1
			b.have--
			return n
		}
	}
}

func (b *Bits) fill() {
	if len(b.src) >= 8 {
		b.acc |= binary.BigEndian.Uint64(b.src) >> b.have
		n := (64 - b.have) / 8
		b.src = b.src[n:]
		b.have += n * 8
		b.acc &^= 1<<(64-b.have) - 1 // of the byte that did not fit
		return
	}
	for b.have <= 56 && len(b.src) > 0 {
		b.acc |= uint64(b.src[0]) << (56 - b.have)
		b.src = b.src[1:]
		b.have += 8
	}
}
