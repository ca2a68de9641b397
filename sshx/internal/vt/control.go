package vt

import "github.com/charmbracelet/x/ansi"

// control executes a C0 control. BEL, ENQ and the like draw nothing.
func (t *Terminal) control(c byte) {
	t.join = joinState{}
	switch c {
	case '\b':
		t.x = min(t.x, t.cols-1)
		if t.x > 0 {
			t.x--
		}
	case '\t':
		t.tab(1)
	case '\n', '\v', '\f':
		t.lineFeed()
	case '\r':
		t.x = 0
	case 0x0e:
		t.gl = 1
	case 0x0f:
		t.gl = 0
	}
}

func (t *Terminal) lineFeed() {
	if t.modes.newline {
		t.x = 0
	}
	t.index()
	t.x = min(t.x, t.cols-1)
}

// index moves down, or scrolls at the bottom of the region.
func (t *Terminal) index() {
	switch {
	case t.y == t.buf.bottom:
		t.scroll(false)
	case t.y < t.rows-1:
		t.y++
		t.buf.row(t.y).wrapped = false // the line was reached on foot
	}
}

// reverseIndex moves up, or scrolls at the top of the region.
func (t *Terminal) reverseIndex() {
	switch {
	case t.y == t.buf.top:
		t.insertLines(t.buf.top, 1)
	case t.y > 0:
		t.y--
	}
}

func (t *Terminal) tab(n int) {
	for ; n > 0 && t.x < t.cols-1; n-- {
		x := t.x + 1
		for x < t.cols-1 && !t.tabAt(x) {
			x++
		}
		t.x = x
	}
}

func (t *Terminal) backTab(n int) {
	t.x = min(t.x, t.cols-1)
	for ; n > 0 && t.x > 0; n-- {
		x := t.x - 1
		for x > 0 && !t.tabAt(x) {
			x--
		}
		t.x = x
	}
}

func (t *Terminal) tabAt(x int) bool {
	if t.buf.tabs == nil {
		return x%defaultTab == 0
	}
	return x < len(t.buf.tabs) && t.buf.tabs[x]
}

// ownTabs makes the tab stops a list that can be changed.
func (t *Terminal) ownTabs() {
	if t.buf.tabs == nil {
		t.buf.tabs = make([]bool, MaxCells)
		for x := 0; x < len(t.buf.tabs); x += defaultTab {
			t.buf.tabs[x] = true
		}
	}
}

// esc executes an escape sequence.
func (t *Terminal) esc(cmd ansi.Cmd) {
	final, inter := cmd.Final(), cmd.Intermediate()
	switch inter {
	case 0:
	case '(', ')', '*', '+':
		t.charsets[inter-'('] = final
		switch final {
		case charsetDrawing, charsetUK:
		default:
			t.charsets[inter-'('] = charsetASCII
		}
		return
	case '#':
		if final == '8' {
			t.alignment()
		}
		return
	default:
		return
	}
	switch final {
	case '7':
		t.saveCursor()
	case '8':
		t.restoreCursor()
	case 'D':
		t.index()
		t.x = min(t.x, t.cols-1)
	case 'E':
		t.x = 0
		t.index()
	case 'H':
		if t.x < t.cols {
			t.ownTabs()
			t.buf.tabs[t.x] = true
		}
	case 'M':
		t.x = min(t.x, t.cols-1)
		t.reverseIndex()
	case 'c':
		t.reset()
	case 'n':
		t.gl = 2
	case 'o':
		t.gl = 3
	case '=':
		t.modes.appKeypad = true
	case '>':
		t.modes.appKeypad = false
	}
}

func (t *Terminal) saveCursor() {
	t.buf.saved = savedCursor{set: true, x: t.x, y: t.y, pen: t.pen, charsets: t.charsets, gl: t.gl}
}

// restoreCursor goes back to what was saved, or home in the default pen.
func (t *Terminal) restoreCursor() {
	s := t.buf.saved
	if !s.set {
		s.charsets = [4]byte{charsetASCII, charsetASCII, charsetASCII, charsetASCII}
	}
	t.x, t.y = min(s.x, t.cols-1), min(s.y, t.rows-1)
	// A saved pen knows that there was a link or an underline, but the link is the one that is open now, or none (as in
	// xterm.js, where one that is hidden so comes back with SGR 0; here it has ended).
	if s.pen.link != 0 || s.pen.flags&underlineMask != 0 {
		s.pen.link = t.pen.link
	}
	t.pen, t.charsets, t.gl = s.pen, s.charsets, s.gl
}

// alignment is DECALN: a screen of E.
func (t *Terminal) alignment() {
	t.x, t.y = 0, 0
	for y := range t.rows {
		r := t.line(y)
		r.clear()
		for range t.cols {
			r.text = append(r.text, 'E')
		}
	}
}

// switchTo activates one of the buffers. The cursor goes along.
func (t *Terminal) switchTo(alt bool, mode int) {
	switch {
	case alt && t.buf == &t.main:
		t.alt = newBuffer(t.rows)
		t.buf, t.altMode = &t.alt, mode
		if t.pen.bg != 0 {
			for y := range t.rows {
				t.line(y).fill(0, t.cols, t.pen.blank())
			}
		}
	case !alt && t.buf == &t.alt:
		t.alt = buffer{}
		t.buf, t.altMode = &t.main, 0
	}
}
