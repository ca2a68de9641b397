package bulk

// mppc is Microsoft Point-to-Point Compression as RDP 4 (8 KiB) and RDP 5 (64 KiB) use it ([MS-RDPBCGR] 3.1.8.4.1, 3.1.8.4.2).
type mppc struct {
	history []byte
	at      int
	large   bool // the codes of RDP 5
}

func newMPPC(size int) *mppc { return &mppc{history: make([]byte, size), large: size > 8<<10} }

// msbBits reads bits from the highest down.
type msbBits struct {
	src  []byte
	acc  uint32
	have int
}

// left returns how many bits there are.
func (b *msbBits) left() int { return len(b.src)*8 + b.have }

// take returns the next n bits, at most 24. Past the end it returns zeros: callers look at left.
func (b *msbBits) take(n int) int {
	for b.have < n {
		var next byte
		if len(b.src) > 0 {
			next = b.src[0]
			b.src = b.src[1:]
		}
		b.acc = b.acc<<8 | uint32(next)
		b.have += 8
	}
	b.have -= n
	v := b.acc >> b.have & (1<<n - 1)
	return int(v)
}

// ones counts the set bits before the next clear one, which is taken too, but no more than most: then none is taken after them.
func (b *msbBits) ones(most int) int {
	n := 0
	for n < most && b.take(1) == 1 {
		n++
	}
	return n
}

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
	b := msbBits{src: src}
	for b.left() >= 8 { // the last byte may be filled up
		have := b.left()
		offset := 0
		switch n := b.ones(5 - m.small()); {
		case n == 0:
			if !m.put(byte(b.take(7))) {
				return nil, corruptf("mppc: history of %d bytes is full", len(m.history))
			}
			continue
		case n == 1:
			if !m.put(byte(0x80 | b.take(7))) {
				return nil, corruptf("mppc: history of %d bytes is full", len(m.history))
			}
			continue
		default:
			offset = m.offset(&b, n)
		}
		length := m.length(&b)
		if have < b.spent(have) || length == 0 {
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
	return m.history[start:m.at], nil
}

// spent returns how many of the bits that were there have been taken, more than there were if the source has run out.
func (b *msbBits) spent(before int) int {
	if len(b.src) == 0 && b.have > before {
		return before + 1
	}
	return before - b.left()
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
func (m *mppc) offset(b *msbBits, n int) int {
	if m.large {
		switch n {
		case 5:
			return b.take(6)
		case 4:
			return 64 + b.take(8)
		case 3:
			return 320 + b.take(11)
		}
		return 2368 + b.take(16)
	}
	switch n {
	case 4:
		return b.take(6)
	case 3:
		return 64 + b.take(8)
	}
	return 320 + b.take(13)
}

// length takes the length of a match; 0 if it is none.
func (m *mppc) length(b *msbBits) int {
	most := 14 // up to 65535 bytes
	if !m.large {
		most = 11 // 8191
	}
	n := b.ones(most + 1)
	switch {
	case n == 0:
		return 3
	case n > most:
		return 0
	}
	return 1<<(n+1) + b.take(n+1)
}
