package vt

// color is 0 for the default, or a kind in the top byte with a value below.
type color uint32

const (
	colorIndexed color = 1 << 24 // 0..255
	colorRGB     color = 2 << 24
	colorKind    color = 0xff << 24
)

// flags are what a cell shows besides colours.
type flags uint16

const (
	bold flags = 1 << iota
	dim
	italic
	blink
	inverse
	invisible
	strike
	overline
	wideHead // the left half of a wide character
	wideTail // the right half: no rune of its own

	underlineShift       = 12 // 3 bits: style 1 to 5 (single, double, curly, dotted, dashed)
	underlineMask  flags = 7 << underlineShift

	penFlags = ^(wideHead | wideTail)
)

// pen is how characters are drawn.
type pen struct {
	fg, bg color
	flags  flags
	link   linkID
}

// blank returns what erasing leaves: the background stays (as in xterm.js).
func (p pen) blank() cell { return cell{pen: pen{bg: p.bg}} }

// cell is one character cell. The zero cell is empty.
type cell struct {
	r rune // 0: empty
	pen
	mark uint16 // 1 + index into the row's marks; 0: none
}

// Limits of what one cell and one row may hold beside their runes.
const (
	maxMarks     = 16   // runes on one cell beside the first; families of emoji have ten
	maxRowMarks  = 4096 // cells with marks in one row, over its life
	maxMarkBytes = maxMarks * 4
)

// row is one line. Most lines are plain: ASCII in the default pen. Such a line is text; it gets cells when
// something else is written to it.
type row struct {
	text    []byte   // plain: one byte per cell; unused otherwise
	cells   []cell   // styled: cells; what lies beyond is empty
	styled  bool     // cells count, not text
	wrapped bool     // the line goes on from the one before
	marks   []string // combining marks that cells refer to
}

func (r *row) len() int {
	if r.styled {
		return len(r.cells)
	}
	return len(r.text)
}

// at returns the cell at x; x may lie beyond the end.
func (r *row) at(x int) cell {
	switch {
	case r.styled && x < len(r.cells):
		return r.cells[x]
	case !r.styled && x < len(r.text):
		return cell{r: rune(r.text[x])}
	}
	return cell{}
}

// style makes the row hold cells, at least n of them.
func (r *row) style(n int) {
	if !r.styled {
		r.styled = true
		r.cells = r.cells[:0]
		for _, b := range r.text {
			r.cells = append(r.cells, cell{r: rune(b)})
		}
		r.text = r.text[:0]
	}
	for len(r.cells) < n {
		if cap(r.cells) >= n {
			old := len(r.cells)
			r.cells = r.cells[:n]
			clear(r.cells[old:])
		} else {
			r.cells = append(r.cells, make([]cell, n-len(r.cells))...)
		}
	}
}

// clear empties the row and keeps its memory, unless it is large.
func (r *row) clear() {
	r.text, r.cells, r.styled, r.wrapped = r.text[:0], r.cells[:0], false, false
	if r.marks != nil {
		r.marks = nil
	}
}

// putText writes ASCII in the default pen. The caller has checked that the row is plain.
func (r *row) putText(x int, s []byte) {
	for len(r.text) < x {
		r.text = append(r.text, ' ')
	}
	n := copy(r.text[x:], s)
	r.text = append(r.text, s[n:]...)
}

// putCells writes ASCII in pen p.
func (r *row) putCells(x int, s []byte, p pen) {
	r.split(x, x+len(s))
	r.style(x + len(s))
	dst := r.cells[x : x+len(s)]
	c := cell{pen: p}
	for i, b := range s {
		c.r = rune(b)
		dst[i] = c
	}
}

// put writes one rune of width 1 or 2, the first of its cell.
func (r *row) put(x int, ch rune, width int, p pen) {
	r.split(x, x+width)
	r.style(x + width)
	r.cells[x] = cell{r: ch, pen: p}
	if width == 2 {
		r.cells[x].flags |= wideHead
		r.cells[x+1] = cell{pen: p}
		r.cells[x+1].flags |= wideTail
	}
}

// split empties the other halves of wide characters that a change of [from, to) cuts through.
func (r *row) split(from, to int) {
	if !r.styled {
		return
	}
	if from > 0 && from < len(r.cells) && r.cells[from].flags&wideTail != 0 {
		r.cells[from-1] = cell{pen: r.cells[from-1].plain()}
		r.cells[from] = cell{pen: r.cells[from].plain()}
	}
	if to > 0 && to < len(r.cells) && r.cells[to].flags&wideTail != 0 {
		r.cells[to-1] = cell{pen: r.cells[to-1].plain()}
		r.cells[to] = cell{pen: r.cells[to].plain()}
	}
}

func (p pen) plain() pen { p.flags &= penFlags; return p }

// addMark joins a rune to the character at x, or whose right half is there, and reports whether there was room for it.
func (r *row) addMark(x int, mark rune) bool {
	r.style(x + 1)
	c := &r.cells[x]
	if c.flags&wideTail != 0 && x > 0 {
		c = &r.cells[x-1]
	}
	if c.r == 0 {
		// As in xterm.js: there is nothing to join.
		c.r = mark
		return true
	}
	if c.mark != 0 {
		m := &r.marks[c.mark-1]
		if len(*m)+4 > maxMarkBytes {
			return false
		}
		*m += string(mark)
		return true
	}
	if len(r.marks) >= maxRowMarks {
		return false
	}
	r.marks = append(r.marks, string(mark))
	c.mark = uint16(len(r.marks))
	return true
}

// widen makes the narrow character at x wide. kept says whether its cell holds what made it so; otherwise its text
// becomes a blank of that width.
func (r *row) widen(x int, p pen, kept bool) {
	r.split(x+1, x+2)
	r.style(x + 2)
	c := &r.cells[x]
	c.flags |= wideHead
	if !kept {
		c.r, c.mark = wideBlank, 0
	}
	r.cells[x+1] = cell{pen: p}
	r.cells[x+1].flags |= wideTail
}

// wideBlank is a space of two cells.
const wideBlank = '\u3000'

// fill sets [from, to) to b.
func (r *row) fill(from, to int, b cell) {
	if b == (cell{}) && to >= r.len() {
		// Empty is what lies beyond the end.
		if from < r.len() {
			r.split(from, to)
			if r.styled {
				r.cells = r.cells[:from]
			} else {
				r.text = r.text[:from]
			}
		}
		return
	}
	if b == (cell{}) && !r.styled {
		for x := from; x < to; x++ {
			r.text[x] = ' '
		}
		return
	}
	r.split(from, to)
	r.style(to)
	for x := from; x < to; x++ {
		r.cells[x] = b
	}
}

// insert shifts cells from x right by n; what passes cols is lost.
func (r *row) insert(x, n, cols int, b cell) {
	r.style(cols)
	r.split(x, x)
	n = min(n, cols-x)
	copy(r.cells[x+n:cols], r.cells[x:cols-n])
	for i := x; i < x+n; i++ {
		r.cells[i] = b
	}
	r.trimHalf(cols)
}

// remove takes n cells out at x; empty ones come in at the end.
func (r *row) remove(x, n, cols int, b cell) {
	r.style(cols)
	n = min(n, cols-x)
	r.split(x, x+n)
	copy(r.cells[x:cols], r.cells[x+n:cols])
	for i := cols - n; i < cols; i++ {
		r.cells[i] = b
	}
}

// trimHalf empties a wide character whose right half was pushed out.
func (r *row) trimHalf(cols int) {
	if r.styled && cols > 0 && cols <= len(r.cells) && r.cells[cols-1].flags&wideHead != 0 {
		r.cells[cols-1] = cell{pen: r.cells[cols-1].plain()}
	}
}

// truncate cuts the row to cols cells.
func (r *row) truncate(cols int) {
	if r.styled && len(r.cells) > cols {
		r.cells = r.cells[:cols]
		r.trimHalf(cols)
	}
	if !r.styled && len(r.text) > cols {
		r.text = r.text[:cols]
	}
}

// marksOf returns the combining marks of c, which is a cell of r.
func (r *row) marksOf(c cell) string {
	if c.mark == 0 || int(c.mark) > len(r.marks) {
		return ""
	}
	return r.marks[c.mark-1]
}
