package vt

// Limits of the scroll-back.
const (
	maxBackLines = 1000
	maxBackBytes = 512 << 10
)

// scrollback keeps lines that left the main screen at its top. A plain line is kept as its text, any other as
// the bytes that draw it. The zero value is empty.
type scrollback struct {
	ring  []backLine // grows to maxBackLines
	first int        // oldest, once the ring is full
	bytes int        // memory of all lines
}

type backLine struct {
	data    []byte
	width   int  // cells
	wrapped bool // goes on from the line before
}

// push takes the contents of r, whose memory is then used again. A plain line's memory goes in and that of the
// line it pushes out comes back: scrolling text copies and allocates nothing.
func (s *scrollback) push(r *row, links *linkTable) {
	var slot *backLine
	if len(s.ring) < maxBackLines {
		s.ring = append(s.ring, backLine{})
		slot = &s.ring[len(s.ring)-1]
	} else {
		slot = &s.ring[s.first]
		if s.first++; s.first == maxBackLines {
			s.first = 0
		}
	}
	before := cap(slot.data)
	if !r.styled {
		old := slot.data
		slot.data, slot.width = r.text, len(r.text)
		if r.text = nil; cap(old) <= MaxCells {
			r.text = old[:0] // not the memory of a line full of colours
		}
	} else {
		slot.width = r.used()
		d := linkDrawer{table: links, room: maxRowLinkBytes, row: maxRowLinkBytes}
		slot.data = appendCells(slot.data[:0], r, 0, slot.width, &d)
	}
	slot.wrapped = r.wrapped
	if s.bytes += cap(slot.data) - before; s.bytes > maxBackBytes {
		s.shrink()
	}
}

// shrink gives up the oldest lines until half of the bytes are free.
func (s *scrollback) shrink() {
	n, drop := len(s.ring), 0
	kept := make([]backLine, 0, n)
	for ; drop < n && s.bytes > maxBackBytes/2; drop++ {
		s.bytes -= cap(s.line(drop).data)
	}
	for i := drop; i < n; i++ {
		kept = append(kept, *s.line(i))
	}
	s.ring, s.first = kept, 0
}

// line returns the i-th line, the oldest first.
func (s *scrollback) line(i int) *backLine {
	return &s.ring[(s.first+i)%len(s.ring)]
}

// used is the length of r without empty cells at its end.
func (r *row) used() int {
	if !r.styled {
		return len(r.text)
	}
	n := len(r.cells)
	for n > 0 && r.cells[n-1] == (cell{}) {
		n--
	}
	return n
}
