package bulk

import "github.com/sallyport/sallyport/rdp/internal/wire"

// mppc is Microsoft Point-to-Point Compression as RDP 4 (8 KiB) and RDP 5 (64 KiB) use it ([MS-RDPBCGR] 3.1.8.4.1, 3.1.8.4.2).
type mppc struct {
	history []byte
	at      int
	large   bool // the codes of RDP 5
}

func newMPPC(size int) *mppc { return &mppc{history: make([]byte, size), large: size > 8<<10} }

func (m *mppc) decompress(flags uint8, src []byte) ([]byte, error) {
	if flags&AtFront != 0 {
		m.at = 0
	}
	if flags&Flushed != 0 {
		m.at = 0
		clear(m.history)
	}
	if flags&Compressed == 0 {
		return src, nil
	}
	start := m.at
	b := wire.NewBits(src)
	for b.Left() >= 8 { // the last byte may be filled up
		offset := 0
		switch n := b.Ones(5 - m.small()); {
		case n == 0:
			if !m.put(byte(b.Take(7))) {
				return nil, corruptf("mppc: history of %d bytes is full", len(m.history))
			}
			continue
		case n == 1:
			if !m.put(byte(0x80 | b.Take(7))) {
				return nil, corruptf("mppc: history of %d bytes is full", len(m.history))
			}
			continue
		default:
			offset = m.offset(&b, n)
		}
		length := m.length(&b)
		if b.Over() || length == 0 {
			return nil, corruptf("mppc: a match is cut short")
		}
		if m.at+length > len(m.history) {
			return nil, corruptf("mppc: match of %d bytes at %d of %d", length, m.at, len(m.history))
		}
		from := m.at - offset
		for range length { // it may reach into what it writes, and around the end of the history
			m.history[m.at] = m.history[from&(len(m.history)-1)]
			m.at++
			from++
		}
	}
	if b.Over() {
		return nil, corruptf("mppc: a literal is cut short")
	}
	return m.history[start:m.at], nil
}

func (m *mppc) small() int {
	if m.large {
		return 0
	}
	return 1
}

func (m *mppc) put(v byte) bool {
	if m.at >= len(m.history) {
		return false
	}
	m.history[m.at] = v
	m.at++
	return true
}

// offset takes how far back a match lies, after n set bits.
func (m *mppc) offset(b *wire.Bits, n int) int {
	if m.large {
		switch n {
		case 5:
			return int(b.Take(6))
		case 4:
			return 64 + int(b.Take(8))
		case 3:
			return 320 + int(b.Take(11))
		}
		return 2368 + int(b.Take(16))
	}
	switch n {
	case 4:
		return int(b.Take(6))
	case 3:
		return 64 + int(b.Take(8))
	}
	return 320 + int(b.Take(13))
}

// length takes the length of a match; 0 if it is none.
func (m *mppc) length(b *wire.Bits) int {
	most := 14 // up to 65535 bytes
	if !m.large {
		most = 11 // 8191
	}
	n := b.Ones(most + 1)
	switch {
	case n == 0:
		return 3
	case n > most:
		return 0
	}
	return 1<<(n+1) + int(b.Take(uint(n+1)))
}
