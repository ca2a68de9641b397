package sshx

import (
	"bytes"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/sallyport/sallyport/pam"
)

// Limits of what waits for its echo.
const (
	maxKeyLine  = 4 << 10 // bytes typed in one line
	maxKeyLines = 64      // lines typed ahead
	maxPrompt   = 128     // bytes printed between typing and the first character's echo
)

// echo finds out which typed lines the target has shown, so that a recording can keep keystrokes without ever
// holding a password (R4, S43). The rule is by line and strict:
//
//   - what is typed up to Enter is one line; it counts as shown when the target's output has repeated its
//     characters in order and then begun a new line;
//   - before the first character there may be little other output (a prompt), and between later ones not more
//     than was shown already (a redrawn line), so that unrelated output confirms nothing;
//   - a line of which one character was not shown is never given out, nor any part of it. Its bytes are
//     overwritten;
//   - a line belongs to one person. One that two have typed is not given out: whether keys may be kept is
//     decided for each of them alone.
//
// Keys that print nothing (arrows, backspace, Tab, control keys) go with their line. The price of strictness is
// that a line is now and then missing; the output itself is recorded anyway.
//
// It costs one atomic load per output while nothing waits.
type echo struct {
	waiting atomic.Bool // something waits for output

	mu    sync.Mutex // guards what follows
	lines []keyLine  // the oldest first; the last may still be typed
	in    skipper
	out   skipper
	cr    bool // the last character printed was a carriage return
}

// keyLine is one line as typed.
type keyLine struct {
	who    pam.ParticipantID
	keys   []byte // all keys in order
	want   []byte // the characters among them that must be shown
	shown  int    // how many of want were
	misses int    // other characters printed since the last that was
	enter  bool   // Enter was typed: what is left to come is the new line
	dead   bool   // never to be given out
}

// shownLine is a line that the target has shown.
type shownLine struct {
	who  pam.ParticipantID
	keys []byte
}

// typed notes what a person types. It must be called before the input is sent: an echo may be quick.
func (e *echo) typed(who pam.ParticipantID, data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range data {
		if len(e.lines) == 0 || e.lines[len(e.lines)-1].enter {
			if len(e.lines) == maxKeyLines {
				e.drop()
			}
			e.lines = append(e.lines, keyLine{who: who})
		}
		l := &e.lines[len(e.lines)-1]
		if l.who != who {
			l.kill()
		}
		switch {
		case e.in.skip(b):
			l.add(b, false)
		case b == '\r' || b == '\n':
			l.add('\r', false)
			l.enter = true
		case b == 0x7f || b == '\b':
			l.add(b, false)
			l.erase()
		case b == 0x03 || b == 0x15 || b == 0x17 || b == 0x18: // Ctrl-C, Ctrl-U, Ctrl-W, Ctrl-X
			// They take characters away, which may not have been shown yet.
			l.add(b, false)
			if l.shown < len(l.want) {
				l.kill()
			}
			if b != 0x17 {
				l.want, l.shown = l.want[:0], 0
			}
		case b < 0x20:
			l.add(b, false)
		default:
			l.add(b, true)
		}
	}
	e.update()
}

// output notes what the target prints and returns the lines that are now known to be shown.
func (e *echo) output(p []byte) []shownLine {
	if !e.waiting.Load() {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var shown []shownLine
	for _, b := range p {
		if len(e.lines) == 0 {
			break
		}
		if e.out.skip(b) || b == 0x7f {
			continue
		}
		l := &e.lines[0]
		second := e.cr && b == '\n' // of one new line
		if e.cr = b == '\r'; second {
			continue
		}
		if b >= 0x20 {
			l.printed(b)
			continue
		}
		if b != '\n' && b != '\r' {
			continue
		}
		switch {
		case l.enter:
			if !l.dead && l.shown == len(l.want) {
				keys := append([]byte(nil), l.keys...) // dropping the line overwrites its own
				if n := len(shown); n > 0 && shown[n-1].who == l.who {
					shown[n-1].keys = append(shown[n-1].keys, keys...)
				} else {
					shown = append(shown, shownLine{l.who, keys})
				}
			}
			e.drop()
		case l.dead:
			l.kill()
			*l = keyLine{who: l.who} // what is typed from now on is a line of its own
		}
	}
	e.update()
	return shown
}

// drop forgets the oldest line.
func (e *echo) drop() {
	e.lines[0].kill()
	e.lines = append(e.lines[:0], e.lines[1:]...)
	if len(e.lines) == 0 {
		e.lines = nil
	}
}

func (e *echo) update() {
	waiting := false
	if len(e.lines) > 0 {
		l := &e.lines[0]
		waiting = l.enter || l.dead || l.shown < len(l.want)
	}
	if !e.waiting.Swap(waiting) && waiting {
		e.out, e.cr = skipper{}, false // output was not followed meanwhile
	}
}

func (l *keyLine) add(b byte, printable bool) {
	if !l.dead && len(l.keys) >= maxKeyLine {
		l.kill()
	}
	if l.dead {
		return
	}
	l.keys = append(l.keys, b)
	if printable {
		l.want = append(l.want, b)
	}
}

// erase takes the last character away.
func (l *keyLine) erase() {
	if l.dead || len(l.want) == 0 {
		return
	}
	if l.shown < len(l.want) {
		l.kill()
		return
	}
	_, n := utf8.DecodeLastRune(l.want)
	l.want = l.want[:len(l.want)-n]
	l.shown = len(l.want)
}

func (l *keyLine) printed(b byte) {
	switch {
	case l.dead || l.shown == len(l.want):
	case b == l.want[l.shown]:
		l.shown++
		l.misses = 0
	default:
		allowed := l.shown
		if allowed == 0 {
			allowed = maxPrompt
		}
		if l.misses++; l.misses > allowed {
			l.kill()
		}
	}
}

// kill makes sure that nothing of the line is ever given out.
func (l *keyLine) kill() {
	l.dead = true
	clear(l.keys)
	clear(l.want)
	l.keys, l.want, l.shown = nil, nil, 0
}

// skipper recognises escape sequences, typed or printed, just well enough to tell them from text.
type skipper struct{ state uint8 }

const (
	skipText uint8 = iota
	skipEscape
	skipCSI
	skipOne    // one more byte (SS3, character sets)
	skipString // up to BEL or ST
	skipST     // ESC within a string
)

// skip reports whether b belongs to an escape sequence.
func (s *skipper) skip(b byte) bool {
	if b == 0x1b && s.state != skipString && s.state != skipST {
		s.state = skipEscape
		return true
	}
	switch s.state {
	case skipText:
		return false
	case skipEscape:
		switch {
		case b == '[':
			s.state = skipCSI
		case b == ']' || b == 'P' || b == '_' || b == '^' || b == 'X':
			s.state = skipString
		case b == 'O' || (b >= 0x20 && b < 0x30):
			s.state = skipOne
		default:
			s.state = skipText
		}
	case skipCSI:
		if b >= 0x40 && b < 0x7f {
			s.state = skipText
		} else if b < 0x20 || b >= 0x7f {
			s.state = skipText
			return false
		}
	case skipOne:
		s.state = skipText
	case skipString:
		switch b {
		case 0x07, 0x18, 0x1a:
			s.state = skipText
		case 0x1b:
			s.state = skipST
		}
	case skipST:
		if s.state = skipString; b == '\\' {
			s.state = skipText
		}
	}
	return true
}

// Brackets around pasted text (xterm's mode 2004).
const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// pasteBytes makes terminal input of text from a clipboard: nothing in it can act as a control or end the
// brackets early, and line ends are what Enter sends.
func pasteBytes(text string, bracketed bool) []byte {
	var b bytes.Buffer
	b.Grow(len(text) + len(pasteStart) + len(pasteEnd))
	if bracketed {
		b.WriteString(pasteStart)
	}
	cr := false
	for _, r := range text {
		after := cr
		cr = false
		switch {
		case r == '\r':
			cr = true
			b.WriteByte('\r')
		case r == '\n':
			if !after {
				b.WriteByte('\r')
			}
		case r == '\t':
			b.WriteByte('\t')
		case r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0):
		default:
			b.WriteRune(r)
		}
	}
	if bracketed {
		b.WriteString(pasteEnd)
	}
	return b.Bytes()
}
