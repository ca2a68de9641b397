package vt

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
)

// csi executes a control sequence. What is unknown, or asks for an answer, has no effect.
func (t *Terminal) csi(cmd ansi.Cmd, params ansi.Params) {
	switch cmd.Intermediate() {
	case 0:
	case ' ':
		if cmd.Final() == 'q' && cmd.Prefix() == 0 {
			if n := param(params, 0, 1); n <= 6 {
				t.modes.cursorStyle = n
			}
		}
		return
	case '!':
		if cmd.Final() == 'p' {
			t.softReset()
		}
		return
	default:
		return
	}
	switch cmd.Prefix() {
	case 0:
		t.plainCSI(cmd.Final(), params)
	case '?':
		switch cmd.Final() {
		case 'h':
			params.ForEach(0, func(_, p int, _ bool) { t.privateMode(p, true) })
		case 'l':
			params.ForEach(0, func(_, p int, _ bool) { t.privateMode(p, false) })
		case 'J':
			t.eraseDisplay(param(params, 0, 0))
		case 'K':
			t.eraseLine(param(params, 0, 0))
		}
	}
}

// fastCSI executes the control sequence at the start of p if it lies there as a whole and is of the plain kind,
// digits and separators and a letter, as nearly all are. It returns its length, or 0 for the parser's cases.
func (t *Terminal) fastCSI(p []byte) int {
	if len(p) < 3 || p[1] != '[' {
		return 0
	}
	const longest = 32
	var params [longest / 2]ansi.Param
	n, v, digits := 0, ansi.Param(parser.MissingParam), 0
	for i := 2; i < len(p) && i < longest; i++ {
		switch c := p[i]; {
		case c >= '0' && c <= '9':
			if digits++; digits > maxDigits {
				return 0
			}
			if v == parser.MissingParam {
				v = 0
			}
			v = v*10 + ansi.Param(c-'0')
		case c == ';' || c == ':':
			if c == ':' {
				v |= parser.HasMoreFlag
			}
			params[n] = v
			n, v, digits = n+1, parser.MissingParam, 0
			if n == len(params)-1 {
				return 0
			}
		case c >= 0x40 && c <= 0x7e:
			if n > 0 || v != parser.MissingParam {
				params[n] = v
				n++
			}
			t.plainCSI(c, params[:n])
			t.join = joinState{}
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// param returns a parameter, or def if it is missing.
func param(params ansi.Params, i, def int) int {
	n, _, _ := params.Param(i, def)
	return max(n, 0)
}

// count returns a parameter that counts: missing or 0 means 1, and no count needs more than a screen.
func count(params ansi.Params, i int) int { return min(max(param(params, i, 1), 1), MaxCells) }

func (t *Terminal) plainCSI(final byte, params ansi.Params) {
	n := count(params, 0)
	switch final {
	case 'A':
		t.up(n)
	case 'B', 'e':
		t.down(n)
	case 'C', 'a':
		t.moveTo(min(t.x, t.cols-1)+n, t.y)
	case 'D':
		t.moveTo(min(t.x, t.cols-1)-n, t.y)
	case 'E':
		t.down(n)
		t.x = 0
	case 'F':
		t.up(n)
		t.x = 0
	case 'G', '`':
		t.position(n-1, t.y) // which in origin mode moves down too, as in xterm.js
	case 'H', 'f':
		t.position(count(params, 1)-1, n-1)
	case 'd':
		t.position(min(t.x, t.cols-1), n-1)
	case 'I':
		t.tab(n)
	case 'Z':
		t.backTab(n)
	case 'J':
		t.eraseDisplay(param(params, 0, 0))
	case 'K':
		t.eraseLine(param(params, 0, 0))
	case 'L':
		t.insertLines(t.y, n)
		t.x = 0
	case 'M':
		t.deleteLines(t.y, n)
		t.x = 0
	case '@':
		t.x = min(t.x, t.cols-1)
		t.line(t.y).insert(t.x, n, t.cols, t.pen.blank())
	case 'P':
		t.x = min(t.x, t.cols-1)
		t.line(t.y).remove(t.x, n, t.cols, t.pen.blank())
	case 'X':
		t.x = min(t.x, t.cols-1)
		t.erase(t.y, t.x, min(t.x+n, t.cols), false)
	case 'S':
		t.shiftRegion(n, true)
	case 'T':
		if len(params) <= 1 {
			t.shiftRegion(n, false)
		}
	case 'b':
		t.repeat(max(param(params, 0, 1), 1))
	case 'g':
		t.ownTabs()
		switch param(params, 0, 0) {
		case 0:
			if t.x < t.cols {
				t.buf.tabs[t.x] = false
			}
		case 3:
			clear(t.buf.tabs)
		}
	case 'h', 'l':
		params.ForEach(0, func(_, p int, _ bool) {
			switch p {
			case 4:
				t.modes.insert = final == 'h'
			case 20:
				t.modes.newline = final == 'h'
			}
		})
	case 'm':
		t.sgr(params)
	case 'r':
		t.region(param(params, 0, 1), param(params, 1, t.rows))
	case 's':
		t.saveCursor()
	case 'u':
		t.restoreCursor()
	}
}

func (t *Terminal) moveTo(x, y int) {
	t.x, t.y = min(max(x, 0), t.cols-1), min(max(y, 0), t.rows-1)
}

// position is CUP: in origin mode it counts from the region, and stays in it.
func (t *Terminal) position(x, y int) {
	if t.modes.origin {
		y = min(y+t.buf.top, t.buf.bottom)
	}
	t.moveTo(x, y)
}

// up and down stop at the region's edge if they come from inside.
func (t *Terminal) up(n int) {
	if t.y >= t.buf.top {
		n = min(n, t.y-t.buf.top)
	}
	t.moveTo(t.x, t.y-n)
}

func (t *Terminal) down(n int) {
	if t.y <= t.buf.bottom {
		n = min(n, t.buf.bottom-t.y)
	}
	t.moveTo(t.x, t.y+n)
}

func (t *Terminal) region(top, bottom int) {
	top = max(top, 1)
	if bottom == 0 || bottom > t.rows {
		bottom = t.rows
	}
	if bottom <= top {
		return
	}
	t.buf.top, t.buf.bottom = top-1, bottom-1
	t.position(0, 0)
}

// shiftRegion is SU and SD: nothing goes to the scroll-back.
func (t *Terminal) shiftRegion(n int, up bool) {
	if up {
		t.deleteLines(t.buf.top, n)
		return
	}
	// xterm.js fills in empty lines here, without the background.
	p := t.pen
	t.pen.bg = 0
	t.insertLines(t.buf.top, n)
	t.pen = p
}

// repeat is REP: the cluster just drawn is drawn again.
func (t *Terminal) repeat(n int) {
	x := t.x - int(t.join.width)
	if t.join.width == 0 || x < 0 {
		return
	}
	r := t.line(t.y)
	c := r.at(x)
	if c.r == 0 {
		return
	}
	marks := r.marksOf(c)
	for range min(n, maxRepeat/(1+utf8.RuneCountInString(marks))) {
		t.print(c.r)
		for _, m := range marks {
			t.print(m)
		}
	}
}

// softReset is DECSTR.
func (t *Terminal) softReset() {
	t.modes.hidden, t.modes.insert, t.modes.origin = false, false, false
	t.modes.autowrap, t.modes.appCursor, t.modes.appKeypad = true, false, false
	t.buf.top, t.buf.bottom = 0, t.rows-1
	t.pen = pen{}
	t.charsets, t.gl = [4]byte{charsetASCII, charsetASCII, charsetASCII, charsetASCII}, 0
	t.buf.saved = savedCursor{}
}

func (t *Terminal) privateMode(mode int, on bool) {
	m := &t.modes
	switch mode {
	case 1:
		m.appCursor = on
	case 6:
		m.origin = on
		t.position(0, 0)
	case 7:
		m.autowrap = on
	case 25:
		m.hidden = !on
	case 45:
		m.reverseWrap = on
	case 66:
		m.appKeypad = on
	case 9, 1000, 1002, 1003:
		if m.mouse = 0; on {
			m.mouse = mode
		}
	case 1004:
		m.focus = on
	case 1005, 1006, 1015, 1016:
		if m.mouseEncoding = 0; on {
			m.mouseEncoding = mode
		}
	case 2004:
		m.bracketed = on
	case 1048:
		if on {
			t.saveCursor()
		} else {
			t.restoreCursor()
		}
	case 47, 1047, 1049:
		if on {
			if mode == 1049 {
				t.saveCursor()
			}
			t.switchTo(true, mode)
			return
		}
		t.switchTo(false, 0)
		if mode == 1049 {
			t.restoreCursor()
		}
	}
}
