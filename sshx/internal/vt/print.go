package vt

// line returns the row at y of the present screen.
func (t *Terminal) line(y int) *row { return t.buf.row(y) }

// printASCII draws a run of printable ASCII.
func (t *Terminal) printASCII(s []byte) {
	if t.modes.insert || t.charsets[t.gl] != charsetASCII || t.join.kind == kindPrepend {
		for _, c := range s {
			t.print(t.translate(rune(c)))
		}
		return
	}
	t.join = joinState{width: 1}
	for len(s) > 0 {
		if t.x >= t.cols {
			if t.modes.autowrap {
				t.wrap()
			} else {
				// Each character replaces the last column: the last one stays.
				t.x = t.cols - 1
				s = s[len(s)-1:]
			}
		}
		n := min(len(s), t.cols-t.x)
		r := t.line(t.y)
		if t.pen == (pen{}) && !r.styled {
			r.putText(t.x, s[:n])
		} else {
			r.putCells(t.x, s[:n], t.pen)
		}
		t.x += n
		s = s[n:]
	}
}

// rune draws any other character, or takes a control above ASCII.
func (t *Terminal) rune(r rune) {
	if r < 0xa0 {
		// C1, of which UTF-8 text has only the two-byte form, is ESC and a letter.
		t.escape()
		t.sequence(byte(r - 0x40))
		return
	}
	if r == 0xfeff {
		return
	}
	t.print(r)
}

// print draws one character, or joins it to the one before.
func (t *Terminal) print(r rune) {
	next, join := t.join.next(r)
	width, had := int(next.width), 0
	if join {
		had = int(t.join.width)
	}
	t.join = next
	if width > t.cols {
		return
	}
	if t.x+width-had > t.cols {
		if !t.modes.autowrap {
			t.x = t.cols - 1
			if width == 2 {
				return
			}
		} else {
			t.wrapCluster(had)
		}
	}
	row := t.line(t.y)
	if join && t.x > 0 {
		kept := row.addMark(t.x-1, r)
		if width > had {
			row.widen(t.x-1, t.pen, kept)
			t.x++
		}
		return
	}
	if t.modes.insert {
		row.insert(t.x, width, t.cols, t.pen.blank())
	}
	row.put(t.x, r, width, t.pen)
	t.x += width
}

// wrapCluster goes on in the next line, and takes the had cells before the cursor along: a cluster that has become too
// wide for the end of its line. What is left of that line is empty in the present pen.
func (t *Terminal) wrapCluster(had int) {
	from := max(t.x-had, 0)
	old := t.line(t.y)
	var moved cell
	var marks string
	if had > 0 {
		moved = old.at(from)
		marks = old.marksOf(moved)
	}
	if from < t.cols {
		old.fill(from, t.cols, cell{pen: t.pen})
	}
	t.wrap()
	if had == 0 {
		return
	}
	row := t.line(t.y)
	row.put(0, moved.r, 1, moved.plain())
	for _, m := range marks {
		row.addMark(0, m)
	}
	t.x = 1
}

// wrap goes on in the next line, which then belongs to this one.
func (t *Terminal) wrap() {
	t.x = 0
	if t.y == t.buf.bottom {
		t.scroll(true)
		return
	}
	t.y = min(t.y+1, t.rows-1)
	t.line(t.y).wrapped = true
}

// translate maps ASCII through the character set in use.
func (t *Terminal) translate(r rune) rune {
	switch t.charsets[t.gl] {
	case charsetDrawing:
		if r >= 0x60 && r <= 0x7e {
			return drawing[r-0x60]
		}
	case charsetUK:
		if r == '#' {
			return '£'
		}
	}
	return r
}

// drawing is the DEC special graphics set from 0x60 on.
var drawing = [...]rune{
	'◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺',
	'⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
}
