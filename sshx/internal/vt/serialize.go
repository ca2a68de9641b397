package vt

import (
	"strconv"
	"unicode/utf8"
)

// AppendSnapshot appends the bytes that build the present state on any terminal of the same size: a full reset,
// the scroll-back, both screens, modes, title and cursor, and last the unfinished sequence, if output stopped
// in the middle of one. What follows in the stream continues from there.
func (t *Terminal) AppendSnapshot(b []byte) []byte {
	links := &linkDrawer{table: &t.links, room: maxDrawLinkBytes}
	b = append(b, "\x1bc"...)
	b = t.appendMain(b, links)
	if t.buf == &t.alt {
		b = t.appendAlt(b, links)
	}
	b = t.appendModes(b)
	b = t.appendCursor(b, links)
	return t.appendUnfinished(b)
}

// appendMain draws scroll-back and main screen from the top, as one text that scrolls.
func (t *Terminal) appendMain(b []byte, links *linkDrawer) []byte {
	d := canvas{b: b, cols: t.cols, links: links}
	for i := range t.back.ring {
		l := t.back.line(i)
		d.newLine(l.wrapped)
		d.b = append(d.b, l.data...)
		d.filled = l.width
	}
	last := t.rows - 1
	if len(t.back.ring) == 0 {
		// Nothing has to scroll: empty lines at the end need not be drawn.
		for last >= 0 && t.main.row(last).empty() {
			last--
		}
	}
	for y := 0; y <= last; y++ {
		d.row(t.main.row(y))
	}
	return d.b
}

// appendAlt switches to the other screen as the target did, and draws it.
func (t *Terminal) appendAlt(b []byte, links *linkDrawer) []byte {
	b = t.appendTabs(b, &t.main)
	b = t.appendRegion(b, &t.main)
	enter := string(appendPrivate(nil, t.altMode))
	switch {
	case t.altMode == 1049:
		b = t.appendSaved(b, &t.main, enter, links) // which saves by itself
	case t.main.saved.set:
		b = append(t.appendSaved(b, &t.main, saveCursor, links), enter...)
	default:
		b = append(b, enter...)
	}
	// Where the saved pen had a background, switching has painted it.
	b = append(b, "\x1b[2J\x1b[H"...)
	d := canvas{b: b, cols: t.cols, links: links}
	last := t.rows - 1
	for last >= 0 && t.alt.row(last).empty() {
		last--
	}
	for y := 0; y <= last; y++ {
		d.row(t.alt.row(y))
	}
	return d.b
}

// canvas draws lines below each other. Lines that belong together are joined by the terminal's own wrapping.
type canvas struct {
	b      []byte
	cols   int
	lines  int
	filled int // cells of the present line that are drawn
	links  *linkDrawer
}

func (d *canvas) newLine(wrapped bool) {
	if d.lines++; d.lines == 1 {
		return
	}
	if !wrapped || d.filled > d.cols {
		d.b = append(d.b, "\r\n"...)
		d.filled = 0
		return
	}
	// The next character wraps if the line is full. An empty line after it never would.
	for ; d.filled < d.cols; d.filled++ {
		d.b = append(d.b, ' ')
	}
	d.filled = 0
}

func (d *canvas) row(r *row) {
	n := r.used()
	d.newLine(r.wrapped && n > 0)
	if !r.styled {
		d.b = append(d.b, r.text...)
	} else {
		d.b = appendCells(d.b, r, 0, n, d.links)
	}
	d.filled = n
}

// appendCells appends the bytes that draw cells [from, to) of r with the default pen before and after. Clusters that
// stand side by side because the cursor moved between them, and would join if they were written so, are kept apart.
func appendCells(b []byte, r *row, from, to int, links *linkDrawer) []byte {
	if !r.styled {
		for x := from; x < to; x++ {
			b = append(b, byte(max(r.at(x).r, ' ')))
		}
		return b
	}
	links.row = maxRowLinkBytes
	var p pen
	var s joinState
	for x := from; x < to; x++ {
		var c cell
		if x < len(r.cells) {
			c = r.cells[x]
		}
		if c.flags&wideTail != 0 {
			continue
		}
		if c.pen != p {
			if want := c.plain(); want != p {
				b = appendPen(b, p, want, links)
				p, s = want, joinState{}
			}
		}
		if c.r < utf8.RuneSelf && c.mark == 0 {
			if s.kind == kindPrepend {
				b = appendSGR(b, p)
			}
			b = append(b, byte(max(c.r, ' ')))
			// Most characters are drawn like the one before them.
			for ; x+1 < min(to, len(r.cells)); x++ {
				next := &r.cells[x+1]
				if next.pen != c.pen || next.r >= utf8.RuneSelf || next.mark != 0 {
					break
				}
				b = append(b, byte(max(next.r, ' ')))
			}
			s = joinState{width: 1}
			continue
		}
		// What stands before the first one is not known here.
		kind := propertyOf(c.r).kind()
		if x == from && kind != kindOther || s.width > 0 && joins(s.kind, kind) {
			b = appendSGR(b, p)
		}
		marks := r.marksOf(c)
		b = utf8.AppendRune(b, c.r)
		b = append(b, marks...)
		s = stateAfter(c.r, marks)
	}
	if p != (pen{}) {
		return appendPen(b, p, pen{}, links)
	}
	if s.kind == kindPrepend {
		b = append(b, sgrDefault...)
	}
	return b
}

const sgrDefault = "\x1b[0m"

// appendPen appends what makes the pen from into to.
func appendPen(b []byte, from, to pen, links *linkDrawer) []byte {
	if from.link != to.link {
		b = links.append(b, to.link)
	}
	from.link = to.link
	switch {
	case from == to:
	case to == pen{link: to.link}:
		b = append(b, sgrDefault...)
	default:
		b = appendSGR(b, to)
	}
	return b
}

func (t *Terminal) appendModes(b []byte) []byte {
	if t.title != "" {
		b = append(b, "\x1b]2;"...)
		b = append(b, t.title...)
		b = append(b, '\a')
	}
	b = t.appendTabs(b, t.buf)
	m := t.modes
	set := func(on bool, s string) {
		if on {
			b = append(b, s...)
		}
	}
	set(m.appCursor, "\x1b[?1h")
	set(m.appKeypad, "\x1b=")
	set(m.newline, "\x1b[20h")
	set(m.hidden, "\x1b[?25l")
	set(m.reverseWrap, "\x1b[?45h")
	set(m.focus, "\x1b[?1004h")
	set(m.bracketed, "\x1b[?2004h")
	if m.mouse != 0 {
		b = appendPrivate(b, m.mouse)
	}
	if m.mouseEncoding != 0 {
		b = appendPrivate(b, m.mouseEncoding)
	}
	if m.cursorStyle != 0 {
		b = append(b, "\x1b["...)
		b = strconv.AppendInt(b, int64(m.cursorStyle), 10)
		b = append(b, " q"...)
	}
	return b
}

// appendTabs sets buf's tab stops, which moves the cursor.
func (t *Terminal) appendTabs(b []byte, buf *buffer) []byte {
	if buf.tabs == nil {
		return b
	}
	b = append(b, "\x1b[3g"...)
	for x := range t.cols {
		if buf.tabs[x] {
			b = append(appendCSI(b, x+1, 'G'), "\x1bH"...)
		}
	}
	return b
}

// appendCursor ends with what every drawing changes: region, saved cursor, position, pen, and the modes that
// would change the drawing itself.
func (t *Terminal) appendCursor(b []byte, links *linkDrawer) []byte {
	if t.buf.saved.set {
		b = t.appendSaved(b, t.buf, saveCursor, links)
	}
	b = t.appendRegion(b, t.buf)
	row := t.y
	if t.modes.origin {
		b = append(b, "\x1b[?6h"...)
		row = max(row-t.buf.top, 0)
	}
	open := t.openCluster()
	switch {
	case len(open) > 0:
		b = appendPosition(b, t.x-int(t.join.width), row)
	case t.x < t.cols:
		b = appendPosition(b, t.x, row)
	default:
		// About to wrap is a state that only a character in the last column brings about.
		b = t.appendLastColumn(b, row, links)
	}
	if t.modes.insert {
		b = append(b, "\x1b[4h"...)
	}
	if !t.modes.autowrap {
		b = append(b, "\x1b[?7l"...)
	}
	b = appendCharsets(b, t.charsets, t.gl)
	links.row = maxRowLinkBytes
	b = appendPen(b, pen{}, t.pen, links)
	return append(b, open...)
}

// openCluster returns the cluster before the cursor if what comes next may join it, or repeat it. To draw it once more,
// as the very last, is what brings that about. With insert mode on it would move the line.
func (t *Terminal) openCluster() []byte {
	x, width := t.x-int(t.join.width), int(t.join.width)
	if width == 0 || x < 0 || t.modes.insert {
		return nil
	}
	r := t.line(t.y)
	c := r.at(x)
	marks := r.marksOf(c)
	if c.r == 0 || c.plain() != t.pen || stateAfter(c.r, marks) != t.join || (c.flags&wideHead != 0) != (width == 2) {
		return nil
	}
	return append(utf8.AppendRune(nil, c.r), marks...)
}

// appendRegion sets buf's scroll region, which moves the cursor.
func (t *Terminal) appendRegion(b []byte, buf *buffer) []byte {
	if buf.top == 0 && buf.bottom == t.rows-1 {
		return b
	}
	b = append(b, "\x1b["...)
	b = strconv.AppendInt(b, int64(buf.top+1), 10)
	b = append(b, ';')
	return appendNumber(b, buf.bottom+1, 'r')
}

func (t *Terminal) appendLastColumn(b []byte, row int, links *linkDrawer) []byte {
	r, x := t.line(t.y), t.cols-1
	if r.at(x).flags&wideTail != 0 && x > 0 {
		x--
	}
	return appendCells(appendPosition(b, x, row), r, x, t.cols, links)
}

const saveCursor = "\x1b7"

// appendSaved brings about buf's saved cursor, has it saved by the sequence save, and returns pen and character
// sets to their defaults.
func (t *Terminal) appendSaved(b []byte, buf *buffer, save string, links *linkDrawer) []byte {
	s := buf.saved
	b = appendPosition(b, min(s.x, t.cols-1), s.y)
	b = appendCharsets(b, s.charsets, s.gl)
	links.row = maxRowLinkBytes
	b = appendPen(b, pen{}, s.pen, links)
	b = append(b, save...)
	b = appendPen(b, s.pen, pen{}, links)
	for i, c := range s.charsets {
		if c != charsetASCII {
			b = append(b, 0x1b, "()*+"[i], charsetASCII)
		}
	}
	if s.gl != 0 {
		b = append(b, 0x0f)
	}
	return b
}

func appendCharsets(b []byte, sets [4]byte, gl int) []byte {
	for i, c := range sets {
		if c != charsetASCII {
			b = append(b, 0x1b, "()*+"[i], c)
		}
	}
	switch gl {
	case 1:
		b = append(b, 0x0e)
	case 2:
		b = append(b, "\x1bn"...)
	case 3:
		b = append(b, "\x1bo"...)
	}
	return b
}

// appendUnfinished appends the beginning of a sequence or rune whose rest is still to come. A control string
// that is too long to be kept, or of a kind that draws nothing, is replaced by one of the same kind that means
// nothing: its rest is then swallowed in the same way.
func (t *Terminal) appendUnfinished(b []byte) []byte {
	switch t.lex {
	case lexSequence:
		return append(b, t.seq...)
	case lexString:
		b = append(b, 0x1b, t.intro)
		switch {
		case t.intro == ']' && t.strLen == len(t.str):
			b = append(b, t.str...)
		case t.intro == ']':
			b = append(b, "99999;"...)
		case t.intro == 'P':
			b = append(b, 'z')
		}
		return b
	}
	return append(b, t.part[:t.nPart]...)
}

func appendPosition(b []byte, x, y int) []byte {
	b = append(b, "\x1b["...)
	b = strconv.AppendInt(b, int64(y+1), 10)
	b = append(b, ';')
	return appendNumber(b, x+1, 'H')
}

func appendCSI(b []byte, n int, final byte) []byte {
	return appendNumber(append(b, "\x1b["...), n, final)
}

func appendPrivate(b []byte, n int) []byte {
	return appendNumber(append(b, "\x1b[?"...), n, 'h')
}

func appendNumber(b []byte, n int, final byte) []byte {
	return append(strconv.AppendInt(b, int64(n), 10), final)
}
