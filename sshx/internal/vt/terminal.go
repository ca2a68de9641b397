package vt

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
)

// Limits on what the target may make us keep.
const (
	MaxCells    = 1000            // columns or rows
	maxTitle    = 256             // bytes
	maxOSC      = maxLinkMark + 2 // bytes of a control string that are looked at
	maxSequence = 256             // bytes of an unfinished escape sequence that are kept
	maxDigits   = 6               // of one parameter
	maxRepeat   = 4096            // characters of REP
	maxParams   = 32              // as xterm.js
	defaultTab  = 8
)

// lex is where in the syntax the next byte is.
type lex uint8

const (
	lexGround   lex = iota
	lexSequence     // in an escape or control sequence
	lexString       // in a control string
)

// charset of G0 to G3.
const (
	charsetASCII   = 'B'
	charsetDrawing = '0'
	charsetUK      = 'A'
)

// Terminal is the model. It is not safe for concurrent use. New makes one.
type Terminal struct {
	cols, rows int
	main, alt  buffer
	buf        *buffer // main or alt
	altMode    int     // private mode that switched to alt: 47, 1047, 1049; 0: main
	back       scrollback

	x, y     int // x == cols: the next character wraps
	pen      pen
	charsets [4]byte
	gl       int // which of charsets is in use
	join     joinState
	links    linkTable
	title    string
	modes    modes

	lex    lex
	parser *ansi.Parser // made by the first escape
	seq    []byte       // bytes of the unfinished sequence, without C0
	digits int
	intro  byte // of the control string: ] P X ^ _
	str    []byte
	strLen int // may exceed len(str)
	part   [utf8.UTFMax]byte
	nPart  int
}

// modes are switched by SM, RM and their private forms. The zero value is not the reset state: see resetModes.
type modes struct {
	autowrap, insert, origin, newline bool
	appCursor, appKeypad              bool
	hidden                            bool // cursor
	cursorStyle                       int  // DECSCUSR; 0: default
	bracketed, focus                  bool
	mouse                             int // 9, 1000, 1002, 1003; 0: off
	mouseEncoding                     int // 1005, 1006, 1015, 1016; 0: default
	reverseWrap                       bool
}

func resetModes() modes { return modes{autowrap: true} }

// savedCursor is what DECSC keeps.
type savedCursor struct {
	set      bool
	x, y     int
	pen      pen
	charsets [4]byte
	gl       int
}

// buffer is one of the two screens. Scrolling moves numbers of rows, not rows: what holds no pointers moves
// without the garbage collector's help.
type buffer struct {
	order       []uint16 // from screen lines to rows
	rows        []row
	top, bottom int // scroll region, inclusive
	saved       savedCursor
	tabs        []bool // nil: every eighth column
}

func newBuffer(rows int) buffer {
	b := buffer{order: make([]uint16, rows), rows: make([]row, rows), bottom: rows - 1}
	for i := range b.order {
		b.order[i] = uint16(i)
	}
	return b
}

// row returns the row at screen line y.
func (b *buffer) row(y int) *row { return &b.rows[b.order[y]] }

// New returns an empty terminal. Sizes are clamped to 1..MaxCells.
func New(cols, rows int) *Terminal {
	t := &Terminal{cols: clampSize(cols), rows: clampSize(rows)}
	t.reset()
	return t
}

func clampSize(n int) int { return min(max(n, 1), MaxCells) }

// reset is RIS.
func (t *Terminal) reset() {
	t.main = newBuffer(t.rows)
	t.alt = buffer{}
	t.buf, t.altMode = &t.main, 0
	t.back = scrollback{}
	t.x, t.y, t.pen = 0, 0, pen{}
	t.charsets, t.gl = [4]byte{charsetASCII, charsetASCII, charsetASCII, charsetASCII}, 0
	t.join, t.modes = joinState{}, resetModes()
	t.links = linkTable{}
	t.title = ""
}

// Write follows output. It accepts any bytes, cut anywhere.
func (t *Terminal) Write(p []byte) {
	for len(p) > 0 {
		switch t.lex {
		case lexSequence:
			t.sequence(p[0])
			p = p[1:]
			continue
		case lexString:
			p = t.control8(p)
			continue
		}
		if t.nPart > 0 {
			p = t.joinRune(p)
			continue
		}
		switch c := p[0]; {
		case c >= 0x20 && c < 0x7f:
			n := printable(p)
			t.printASCII(p[:n])
			p = p[n:]
		case c == 0x1b:
			if n := t.fastCSI(p); n > 0 {
				p = p[n:]
				continue
			}
			t.escape()
			p = p[1:]
		case c < 0x80:
			t.control(c)
			p = p[1:]
		default:
			r, n := utf8.DecodeRune(p)
			if r == utf8.RuneError && n == 1 {
				if !utf8.FullRune(p) {
					t.nPart = copy(t.part[:], p)
					return
				}
				p = p[1:] // dropped, as xterm.js does
				continue
			}
			t.rune(r)
			p = p[n:]
		}
	}
}

// printable returns the length of the run of printable ASCII at the start of p.
func printable(p []byte) int {
	n := 0
	// Eight at a time: a byte is outside 0x20..0x7e if subtracting 0x20 borrows, adding 1 reaches 0x80, or its
	// top bit is set.
	for len(p)-n >= 8 {
		b := p[n : n+8 : n+8]
		v := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		const ones = 0x0101010101010101
		if (v|(v-0x20*ones)|(v+ones))&(0x80*ones) != 0 {
			break
		}
		n += 8
	}
	for n < len(p) && p[n] >= 0x20 && p[n] < 0x7f {
		n++
	}
	return n
}

// joinRune completes a rune that an earlier Write began.
func (t *Terminal) joinRune(p []byte) []byte {
	for len(p) > 0 && !utf8.FullRune(t.part[:t.nPart]) {
		t.part[t.nPart] = p[0]
		t.nPart++
		p = p[1:]
	}
	if !utf8.FullRune(t.part[:t.nPart]) {
		return p
	}
	b := t.part[:t.nPart]
	t.nPart = 0
	r, n := utf8.DecodeRune(b)
	if r != utf8.RuneError || n > 1 {
		t.rune(r)
		return p
	}
	// The first byte was nothing. What followed it may be: at most one byte, since a rune counts as full
	// with the first byte that does not fit.
	var rest [utf8.UTFMax]byte
	k := copy(rest[:], b[1:])
	t.Write(rest[:k])
	return p
}

// escape begins a sequence.
func (t *Terminal) escape() {
	if t.parser == nil {
		t.parser = new(ansi.Parser)
		t.parser.SetParamsSize(maxParams)
		t.parser.SetDataSize(1) // strings never get there
		t.parser.SetHandler(ansi.Handler{Execute: t.control, HandleCsi: t.csi, HandleEsc: t.esc})
	}
	t.parser.Reset()
	t.parser.Advance(0x1b)
	t.lex, t.seq, t.digits = lexSequence, append(t.seq[:0], 0x1b), 0
}

// sequence takes the next byte of an escape or control sequence.
func (t *Terminal) sequence(c byte) {
	switch {
	case c == 0x1b:
		t.escape()
		return
	case c >= 0x80:
		// No sequence has such a byte. The rest of the rune is invalid by itself and is dropped too.
		t.ground()
		return
	case c < 0x20 && c != 0x18 && c != 0x1a:
		// Controls act at once and the sequence goes on; the parser would lose its command over them.
		t.control(c)
		return
	case c >= '0' && c <= '9':
		// The parser multiplies without end.
		if t.digits++; t.digits > maxDigits {
			return
		}
	default:
		t.digits = 0
	}
	if t.parser.State() == parser.EscapeState {
		switch c {
		case ']', 'P', 'X', '^', '_':
			t.lex, t.intro, t.str, t.strLen = lexString, c, t.str[:0], 0
			return
		}
	}
	if c >= 0x20 && len(t.seq) < maxSequence {
		t.seq = append(t.seq, c)
	}
	t.parser.Advance(c)
	if t.parser.State() == parser.GroundState {
		t.ground()
	}
}

// ground ends a sequence or string, of whatever kind.
func (t *Terminal) ground() { t.lex, t.join = lexGround, joinState{} }

// control8 takes bytes of a control string and returns the rest.
func (t *Terminal) control8(p []byte) []byte {
	for i, c := range p {
		switch {
		case c == 0x1b:
			t.endString(true)
			t.escape()
			return p[i+1:]
		case c == 0x07 && t.intro == ']':
			t.endString(true)
			return p[i+1:]
		case c == 0x18 || c == 0x1a:
			t.endString(false)
			return p[i+1:]
		case c >= 0x20 && t.intro == ']':
			// Only OSC says something that is kept.
			if len(t.str) < maxOSC {
				t.str = append(t.str, c)
			}
			t.strLen++
		}
	}
	return nil
}

func (t *Terminal) endString(ok bool) {
	t.ground()
	if ok && t.intro == ']' && t.strLen == len(t.str) {
		t.osc(t.str)
	}
	if cap(t.str) > maxTitle {
		t.str = nil
	}
}

// osc takes a whole operating system command: only titles and links matter.
func (t *Terminal) osc(s []byte) {
	if len(s) < 2 || s[1] != ';' {
		return
	}
	switch s[0] {
	case '0', '2':
		t.title = cleanTitle(s[2:])
	case '8':
		t.hyperlink(s[2:])
	}
}

// cleanTitle makes plain text of a title (S21).
func cleanTitle(b []byte) string {
	out := make([]byte, 0, min(len(b), maxTitle))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r >= 0x20 && r != 0x7f && (r < 0x80 || r >= 0xa0) && (r != utf8.RuneError || n > 1) {
			if len(out)+n > maxTitle {
				break
			}
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return string(out)
}
