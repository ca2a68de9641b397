package bulk

import "math/bits"

// The alphabet of the first code ([MS-RDPEGDI] 3.1.8.1.4): bytes, the end, distances, and the last four distances again.
const (
	ncrushEnd      = 256
	ncrushDistance = 257
	ncrushCached   = 289
	ncrushSymbols  = 293
)

// The lengths of the Huffman codes, in bits. The codes themselves are the canonical ones of these lengths, sent lowest bit first.
var ncrushSymbolBits = [...]uint8{
	6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 8, 9, 8, 9, 9, 9, 9, 8, 8, 9, 9, 9, 9, 9, 9,
	8, 9, 9, 10, 9, 9, 9, 9, 9, 9, 9, 10, 9, 10, 10, 10, 9, 9, 10, 9, 10, 9, 10, 9, 9, 9, 10, 10, 9, 10, 9, 9,
	8, 9, 9, 9, 9, 10, 10, 10, 9, 9, 10, 10, 10, 10, 10, 10, 9, 9, 10, 10, 10, 10, 10, 10, 10, 9, 10, 10, 10, 10, 10, 10,
	8, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 9, 10, 10, 10, 10, 10, 10, 10, 9, 10, 10, 10, 10, 10, 10, 9,
	7, 9, 9, 10, 9, 10, 10, 10, 9, 10, 10, 10, 10, 10, 10, 10, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
	10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 13, 10, 10, 10, 10, 10, 10, 11, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
	9, 10, 10, 10, 10, 10, 9, 10, 10, 10, 10, 10, 9, 10, 10, 10, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
	9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 9, 10, 8, 9, 9, 10, 9, 10, 10, 10, 9, 10, 10, 10, 9, 9, 8, 7,
	13, 13, 7, 7, 10, 7, 7, 6, 6, 6, 6, 5, 6, 6, 6, 5, 6, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
	8, 5, 6, 7, 7, 13,
}

var ncrushLengthBits = [...]uint8{
	4, 2, 3, 4, 3, 4, 4, 5, 4, 5, 5, 6, 6, 7, 7, 8, 7, 8, 8, 9, 9, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
}

// A distance is its base and as many further bits (3.1.8.1.4.4).
var (
	ncrushDistanceExtra = [32]uint8{
		0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14,
	}
	ncrushDistanceBase = [32]int{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
		12289, 16385, 24577, 32769, 49153,
	}
)

// A length is its base and as many further bits (3.1.8.1.4.5).
var (
	ncrushLengthExtra = [30]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 6, 6, 8, 8, 14, 14}
	ncrushLengthBase  = [30]int{
		2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 22, 26, 30, 34, 42, 50, 58, 66, 82, 98, 114, 130, 194, 258, 514, 2, 2,
	}
)

// huffman is a code that is looked up by its next most bits: the symbol shifted by 4, and its length.
type huffman struct {
	table []uint16
	most  uint
}

func newHuffman(lengths []uint8) huffman {
	h := huffman{}
	for _, l := range lengths {
		h.most = max(h.most, uint(l))
	}
	h.table = make([]uint16, 1<<h.most)
	code := uint16(0)
	for l := uint(1); l <= h.most; l, code = l+1, code<<1 {
		for symbol, length := range lengths {
			if uint(length) != l {
				continue
			}
			for i := uint(bits.Reverse16(code) >> (16 - l)); i < uint(len(h.table)); i += 1 << l {
				h.table[i] = uint16(symbol)<<4 | uint16(l)
			}
			code++
		}
	}
	return h
}

// lsbBits reads bits from the lowest up.
type lsbBits struct {
	src  []byte
	acc  uint64
	have uint
	over bool
}

// take returns the next n bits, at most 16.
func (b *lsbBits) take(n uint) int {
	b.fill()
	if b.have < n {
		b.over = true
		return 0
	}
	v := int(b.acc & (1<<n - 1))
	b.acc >>= n
	b.have -= n
	return v
}

func (b *lsbBits) fill() {
	for b.have <= 56 && len(b.src) > 0 {
		b.acc |= uint64(b.src[0]) << b.have
		b.src = b.src[1:]
		b.have += 8
	}
}

// symbol takes one symbol of a code.
func (b *lsbBits) symbol(h *huffman) int {
	b.fill()
	e := h.table[b.acc&(1<<h.most-1)]
	if n := uint(e & 0x0f); n == 0 || n > b.have {
		b.over = true
		return 0
	}
	b.take(uint(e & 0x0f))
	return int(e >> 4)
}

const (
	ncrushHistory = 64 << 10
	ncrushKept    = 32 << 10 // of the history when it begins anew
)

// ncrush is the compression of RDP 6.0 ([MS-RDPEGDI] 3.1.8.1): Huffman codes over bytes and matches in a history of 64 KiB, with
// a short memory for distances.
type ncrush struct {
	symbols, lengths huffman
	history          [ncrushHistory]byte
	at               int
	cache            [4]int // distances, the last one first
}

func newNCRUSH() *ncrush {
	return &ncrush{symbols: newHuffman(ncrushSymbolBits[:]), lengths: newHuffman(ncrushLengthBits[:])}
}

func (n *ncrush) decompress(flags uint8, src []byte) ([]byte, error) {
	if flags&AtFront != 0 && flags&Flushed == 0 {
		if n.at < ncrushKept {
			return nil, corruptf("ncrush: history moves to the front at %d", n.at)
		}
		copy(n.history[:ncrushKept], n.history[n.at-ncrushKept:n.at])
		clear(n.history[ncrushKept:])
		n.at = ncrushKept
	}
	if flags&Flushed != 0 {
		n.at, n.cache = 0, [4]int{}
		clear(n.history[:])
	}
	if flags&Compressed == 0 {
		return src, nil
	}
	start := n.at
	b := lsbBits{src: src}
	for {
		s := b.symbol(&n.symbols)
		switch {
		case b.over:
			return nil, corruptf("ncrush: no end")
		case s == ncrushEnd:
			return n.history[start:n.at], nil
		case s < ncrushEnd:
			if n.at == len(n.history) {
				return nil, corruptf("ncrush: history is full")
			}
			n.history[n.at] = byte(s)
			n.at++
			continue
		case s >= ncrushSymbols:
			return nil, corruptf("ncrush: symbol %d", s)
		}
		distance, length := n.match(&b, s)
		if b.over {
			return nil, corruptf("ncrush: a match is cut short")
		}
		if distance < 1 || distance >= ncrushHistory || length > len(n.history)-n.at {
			return nil, corruptf("ncrush: match of %d bytes %d back at %d", length, distance, n.at)
		}
		for range length { // it may reach into what it writes, and around the end of the history
			n.history[n.at] = n.history[(n.at-distance)&(ncrushHistory-1)]
			n.at++
		}
	}
}

// match takes distance and length after a symbol that begins a match, and remembers the distance.
func (n *ncrush) match(b *lsbBits, s int) (distance, length int) {
	if s >= ncrushCached {
		i := s - ncrushCached
		distance = n.cache[i]
		n.cache[i], n.cache[0] = n.cache[0], distance
	} else {
		i := s - ncrushDistance
		distance = ncrushDistanceBase[i] + b.take(uint(ncrushDistanceExtra[i])) - 1
		n.cache = [4]int{distance, n.cache[0], n.cache[1], n.cache[2]}
	}
	l := b.symbol(&n.lengths)
	if l >= len(ncrushLengthBase) {
		b.over = true
		return 0, 0
	}
	return distance, ncrushLengthBase[l] + b.take(uint(ncrushLengthExtra[l]))
}
