package vt

import (
	"sync"

	"github.com/charmbracelet/x/ansi"
)

// widths holds the cell width of every rune of the basic plane: measuring one costs more than all else that a
// character does.
var widths = sync.OnceValue(func() *[1 << 16]uint8 {
	w := new([1 << 16]uint8)
	for r := range rune(1 << 16) {
		if r >= 0xd800 && r < 0xe000 {
			continue // no runes
		}
		w[r] = uint8(ansi.StringWidthWc(string(r)))
	}
	return w
})

func runeWidth(r rune) int {
	if r < 1<<16 {
		return int(widths()[r])
	}
	return min(ansi.StringWidthWc(string(r)), 2)
}

// line returns the row at y of the present screen.
func (t *Terminal) line(y int) *row { return t.buf.row(y) }

// printASCII draws a run of printable ASCII.
func (t *Terminal) printASCII(s []byte) {
	if t.modes.insert || t.charsets[t.gl] != charsetASCII {
		for _, c := range s {
			t.print(t.translate(rune(c)), 1)
		}
		return
	}
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
		t.last = rune(s[n-1])
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
	t.print(r, runeWidth(r))
}

func (t *Terminal) print(r rune, width int) {
	if width == 0 {
		if t.x > 0 {
			t.line(t.y).addMark(t.x-1, r)
		}
		return
	}
	if width > t.cols {
		return
	}
	if t.x+width > t.cols {
		if t.modes.autowrap {
			t.wrap()
		} else {
			if width == 2 {
				return
			}
			t.x = t.cols - 1
		}
	}
	row := t.line(t.y)
	if t.modes.insert {
		row.insert(t.x, width, t.cols, t.pen.blank())
	}
	row.put(t.x, r, width, t.pen)
	t.x += width
	t.last = r
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
