package encode

import "github.com/sallyport/sallyport/rdp/internal/bulk"

// MPPC compresses packets in order, as RDP 4 (8 KiB of history) and RDP 5 (64 KiB) do it ([MS-RDPBCGR] 3.1.8.4.1, 3.1.8.4.2).
type MPPC struct {
	history []byte
	at      int
	last    map[[3]byte]int // where three bytes stood last
	kind    uint8
	begun   bool

	out  []byte
	free uint // bits in the last byte of out
}

// NewMPPC returns a compressor with an empty history of 64 KiB, or of 8.
func NewMPPC(large bool) *MPPC {
	m := &MPPC{history: make([]byte, 8<<10), kind: bulk.Type8K, last: make(map[[3]byte]int)}
	if large {
		m.history, m.kind = make([]byte, 64<<10), bulk.Type64K
	}
	return m
}

// Compress returns a packet and its flags. What does not become smaller is returned as it is, and empties the history; flags are 0 for what is
// longer than the history, which stays as it was.
func (m *MPPC) Compress(b []byte) (out []byte, flags uint8) {
	if len(b) > len(m.history) {
		return b, 0
	}
	flags = bulk.Compressed | m.kind
	if !m.begun {
		flags |= bulk.Flushed | bulk.AtFront
		m.begun = true
	}
	if m.at+len(b) > len(m.history) {
		flags |= bulk.AtFront
		m.at = 0
		clear(m.last)
	}
	m.out, m.free = nil, 0
	copy(m.history[m.at:], b)
	for end := m.at + len(b); m.at < end; {
		n, offset := m.match(end)
		if n == 0 {
			m.literal(m.history[m.at])
			n = 1
		} else {
			m.offset(offset)
			m.length(n)
		}
		for ; n > 0; n-- {
			if m.at+3 <= end {
				m.last[[3]byte(m.history[m.at:])] = m.at
			}
			m.at++
		}
	}
	if len(m.out) >= len(b) {
		m.at = 0
		clear(m.last)
		clear(m.history)
		return b, bulk.Flushed | m.kind
	}
	return m.out, flags
}

// match returns the length of a match for what comes next, 0 without any, and how far back it is.
func (m *MPPC) match(end int) (n, offset int) {
	const shortest = 3
	if end-m.at < shortest {
		return 0, 0
	}
	from, ok := m.last[[3]byte(m.history[m.at:])]
	if !ok {
		return 0, 0
	}
	most := min(end-m.at, len(m.history)-1)
	n = count(0, most, func(i int) bool { return m.history[from+i] == m.history[m.at+i] })
	return n, m.at - from
}

func (m *MPPC) put(n uint, v uint32) {
	for i := int(n) - 1; i >= 0; i-- {
		if m.free == 0 {
			m.out = append(m.out, 0)
			m.free = 8
		}
		m.free--
		m.out[len(m.out)-1] |= byte(v>>i&1) << m.free
	}
}

func (m *MPPC) literal(v byte) {
	if v < 0x80 {
		m.put(8, uint32(v))
	} else {
		m.put(9, 0x100|uint32(v&0x7f))
	}
}

func (m *MPPC) offset(v int) {
	large := m.kind == bulk.Type64K
	o := uint32(v)
	switch {
	case v < 64 && large:
		m.put(11, 0x1f<<6|o)
	case v < 64:
		m.put(10, 0x0f<<6|o)
	case v < 320 && large:
		m.put(13, 0x1e<<8|(o-64))
	case v < 320:
		m.put(12, 0x0e<<8|(o-64))
	case !large:
		m.put(16, 0x06<<13|(o-320))
	case v < 2368:
		m.put(15, 0x0e<<11|(o-320))
	default:
		m.put(19, 0x06<<16|(o-2368))
	}
}

// length sends how many bytes match: as many ones as there are bits beyond the second, a zero, and all bits but the first.
func (m *MPPC) length(n int) {
	if n == 3 {
		m.put(1, 0)
		return
	}
	bits := uint(2)
	for n>>(bits+1) != 0 {
		bits++
	}
	for range bits - 1 {
		m.put(1, 1)
	}
	m.put(1, 0)
	m.put(bits, uint32(n)&(1<<bits-1))
}
