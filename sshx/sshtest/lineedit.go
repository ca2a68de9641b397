package sshtest

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxLine = 1024 // runes

// editor is one line being typed.
type editor struct {
	sh     *shell
	prompt string
	line   []rune
	at     int
	hist   int    // index into history; len: the new line
	draft  []rune // the new line, while history is shown
	hidden bool   // nothing is shown
}

// readLine edits one line. It reports false at the end of input or after Ctrl-D on an empty line.
func (sh *shell) readLine(prompt string) (string, bool) {
	e := &editor{sh: sh, prompt: prompt, hist: len(sh.history)}
	sh.printf("%s", prompt)
	return e.run()
}

// readHidden reads a line without showing it.
func (sh *shell) readHidden(prompt string) (string, bool) {
	sh.printf("%s", prompt)
	e := &editor{sh: sh, hidden: true}
	return e.run()
}

func (e *editor) run() (string, bool) {
	for {
		b, err := e.sh.key()
		if err != nil {
			return "", false
		}
		switch b {
		case '\r', '\n':
			e.sh.printf("\r\n")
			return string(e.line), true
		case 1: // Ctrl-A
			e.move(0)
		case 2:
			e.move(e.at - 1)
		case 3:
			e.sh.printf("^C\r\n")
			e.sh.status = 130
			return "", true
		case 4:
			if len(e.line) == 0 {
				e.sh.printf("logout\r\n")
				return "", false
			}
			e.remove(e.at, e.at+1)
		case 5:
			e.move(len(e.line))
		case 6:
			e.move(e.at + 1)
		case 7, 0:
		case 8, 0x7f:
			e.remove(e.at-1, e.at)
		case '\t':
			e.complete()
		case 11: // Ctrl-K
			e.remove(e.at, len(e.line))
		case 12: // Ctrl-L
			e.sh.printf("\x1b[H\x1b[2J%s", e.prompt)
			e.redraw()
		case 14:
			e.recall(e.hist + 1)
		case 16:
			e.recall(e.hist - 1)
		case 21: // Ctrl-U
			e.remove(0, e.at)
		case 23: // Ctrl-W
			from := e.at
			for from > 0 && e.line[from-1] == ' ' {
				from--
			}
			for from > 0 && e.line[from-1] != ' ' {
				from--
			}
			e.remove(from, e.at)
		case 0x1b:
			if !e.escape() {
				return "", false
			}
		default:
			if b >= 0x20 && !e.insertByte(b) {
				return "", false
			}
		}
	}
}

// insertByte takes the first byte of a character, and the rest of it from the input.
func (e *editor) insertByte(b byte) bool {
	buf := []byte{b}
	for b >= utf8.RuneSelf && !utf8.FullRune(buf) {
		next, err := e.sh.key()
		if err != nil {
			return false
		}
		buf = append(buf, next)
	}
	if r, _ := utf8.DecodeRune(buf); r != utf8.RuneError && unicode.IsPrint(r) {
		e.insert([]rune{r})
	}
	return true
}

func (e *editor) insert(text []rune) {
	if len(e.line)+len(text) > maxLine {
		return
	}
	e.line = slices.Insert(e.line, e.at, text...)
	e.at += len(text)
	if e.hidden {
		return
	}
	e.sh.printf("%s", string(text))
	e.tail()
}

// remove takes runes out; the cursor ends up where they were.
func (e *editor) remove(from, to int) {
	from, to = max(from, 0), min(to, len(e.line))
	if from >= to {
		return
	}
	e.move(from)
	e.line = slices.Delete(e.line, from, to)
	e.tail()
}

// move puts the cursor before rune to.
func (e *editor) move(to int) {
	to = min(max(to, 0), len(e.line))
	if !e.hidden {
		if n := cells(e.line[min(to, e.at):max(to, e.at)]); n > 0 && to < e.at {
			e.sh.printf("\x1b[%dD", n)
		} else if n > 0 {
			e.sh.printf("\x1b[%dC", n)
		}
	}
	e.at = to
}

// tail draws what is right of the cursor, which stays.
func (e *editor) tail() {
	if e.hidden {
		return
	}
	rest := e.line[e.at:]
	e.sh.printf("\x1b[K%s", string(rest))
	if n := cells(rest); n > 0 {
		e.sh.printf("\x1b[%dD", n)
	}
}

func (e *editor) redraw() {
	e.sh.printf("%s", string(e.line))
	if n := cells(e.line[e.at:]); n > 0 {
		e.sh.printf("\x1b[%dD", n)
	}
}

// replace shows another line in place of this one.
func (e *editor) replace(line []rune) {
	e.move(0)
	e.line, e.at = nil, 0
	e.sh.printf("\x1b[K")
	e.insert(line)
}

func (e *editor) recall(i int) {
	h := e.sh.history
	if e.hidden || i < 0 || i > len(h) || i == e.hist {
		return
	}
	if e.hist == len(h) {
		e.draft = slices.Clone(e.line)
	}
	if e.hist = i; i == len(h) {
		e.replace(e.draft)
		return
	}
	e.replace([]rune(h[i]))
}

// escape takes a key that is sent as a sequence.
func (e *editor) escape() bool {
	b, err := e.sh.key()
	if err != nil {
		return false
	}
	if b != '[' && b != 'O' {
		return true
	}
	var params []byte
	for {
		if b, err = e.sh.key(); err != nil {
			return false
		}
		if b >= 0x40 && b < 0x7f {
			break
		}
		if params = append(params, b); len(params) > 16 {
			return true
		}
	}
	switch b {
	case 'A':
		e.recall(e.hist - 1)
	case 'B':
		e.recall(e.hist + 1)
	case 'C':
		e.move(e.at + 1)
	case 'D':
		e.move(e.at - 1)
	case 'H':
		e.move(0)
	case 'F':
		e.move(len(e.line))
	case '~':
		switch string(params) {
		case "1", "7":
			e.move(0)
		case "3":
			e.remove(e.at, e.at+1)
		case "4", "8":
			e.move(len(e.line))
		}
	}
	return true
}

// complete finishes the word at the cursor, or lists what it could be.
func (e *editor) complete() {
	if e.hidden {
		return
	}
	before := string(e.line[:e.at])
	word := before[strings.LastIndexByte(before, ' ')+1:]
	var found []string
	if strings.TrimSpace(before) == word {
		for name := range commandTable() {
			if strings.HasPrefix(name, word) {
				found = append(found, name+" ")
			}
		}
	} else {
		dir, base := path.Split(word)
		abs := e.sh.dir
		if dir != "" {
			abs = e.sh.fs.abs(e.sh.dir, dir)
		}
		for _, name := range e.sh.fs.list(abs) {
			if strings.HasPrefix(name, base) {
				end := " "
				if e.sh.fs.files[path.Join(abs, name)].dir {
					end = "/"
				}
				found = append(found, dir+name+end)
			}
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		e.sh.printf("\a")
		return
	}
	common := found[0]
	for _, f := range found[1:] {
		for !strings.HasPrefix(f, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) > len(word) {
		e.insert([]rune(common[len(word):]))
		return
	}
	e.sh.printf("\r\n")
	for _, f := range found {
		e.sh.printf("%s  ", strings.TrimSpace(path.Base(f)))
	}
	e.sh.printf("\r\n%s", e.prompt)
	e.redraw()
}

// cells is the width of text on a terminal, near enough for an editor.
func cells(text []rune) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0x1f300 && r < 0x1fb00, r >= 0xff01 && r <= 0xff60:
			n += 2
		default:
			n++
		}
	}
	return n
}
