package sshtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// fullScreen runs f on the alternate screen.
func (sh *shell) fullScreen(f func()) {
	sh.printf("\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J")
	defer sh.printf("\x1b[0m\x1b[?25h\x1b[?1049l")
	f()
}

// animate draws a frame each d until q, Ctrl-C or the end of the session.
func (sh *shell) animate(d time.Duration, draw func(w Window)) {
	sh.fullScreen(func() {
		for {
			draw(sh.s.Window())
			typed, interrupted := sh.wait(d)
			if interrupted {
				return
			}
			if typed {
				if b, err := sh.key(); err != nil || b == 'q' || b == 'Q' {
					return
				}
			}
		}
	})
}

// digits of the clock, five rows of three cells.
var bigDigits = [...][5]string{
	{"███", "█ █", "█ █", "█ █", "███"},
	{"  █", "  █", "  █", "  █", "  █"},
	{"███", "  █", "███", "█  ", "███"},
	{"███", "  █", "███", "  █", "███"},
	{"█ █", "█ █", "███", "  █", "  █"},
	{"███", "█  ", "███", "  █", "███"},
	{"███", "█  ", "███", "█ █", "███"},
	{"███", "  █", "  █", "  █", "  █"},
	{"███", "█ █", "███", "█ █", "███"},
	{"███", "█ █", "███", "  █", "███"},
}

func (sh *shell) clock(_ []string) {
	var last Window
	sh.animate(time.Second, func(w Window) {
		if w != last {
			sh.printf("\x1b[2J")
			last = w
		}
		now := time.Now().UTC().Format("15:04:05")
		const width = 8*4 - 1
		left, top := max((w.Cols-width)/2, 0)+1, max((w.Rows-7)/2, 0)+1
		for y := range 5 {
			var line strings.Builder
			for _, c := range now {
				if c == ':' {
					line.WriteString([...]string{"   ", " ▪ ", "   ", " ▪ ", "   "}[y])
				} else {
					line.WriteString(bigDigits[c-'0'][y])
				}
				line.WriteByte(' ')
			}
			sh.printf("\x1b[%d;%dH\x1b[38;5;%dm%s", top+y, left, 75+y, line.String())
		}
		sh.printf("\x1b[%d;%dH\x1b[0;2mUTC · %d×%d · q ends\x1b[0m\x1b[K", top+6, left, w.Cols, w.Rows)
	})
}

func (sh *shell) matrix(_ []string) {
	const letters = "ｱｲｳｴｵｶｷｸｹｺ0123456789+-*/<>"
	runes := []rune(letters)
	var heads []int
	var last Window
	sh.animate(60*time.Millisecond, func(w Window) {
		if w != last {
			last = w
			heads = make([]int, w.Cols)
			for i := range heads {
				heads[i] = -rand.IntN(w.Rows * 2)
			}
			sh.printf("\x1b[2J")
		}
		for x := range heads {
			y := heads[x]
			if heads[x]++; y > w.Rows+12 {
				heads[x] = -rand.IntN(w.Rows)
			}
			put := func(y int, style string, r rune) {
				if y >= 1 && y <= w.Rows {
					sh.printf("\x1b[%d;%dH\x1b[%sm%c", y, x+1, style, r)
				}
			}
			put(y, "1;97", runes[rand.IntN(len(runes))])
			put(y-1, "0;92", runes[rand.IntN(len(runes))])
			put(y-6, "0;32", runes[rand.IntN(len(runes))])
			put(y-12, "0", ' ')
		}
	})
}

// less shows a file page by page and follows the size of the window.
func (sh *shell) less(args []string) {
	if len(args) != 1 {
		sh.fail("usage: less FILE")
		return
	}
	f, ok := sh.file("less", args[0])
	if !ok {
		return
	}
	lines := strings.Split(strings.TrimSuffix(f.data, "\n"), "\n")
	top := 0
	sh.fullScreen(func() {
		for {
			w := sh.s.Window()
			page := max(w.Rows-1, 1)
			top = max(min(top, len(lines)-page), 0)
			sh.printf("\x1b[H")
			for i := range page {
				text := "\x1b[2m~\x1b[0m"
				if n := top + i; n < len(lines) {
					text = cutCells(printableText(lines[n]), w.Cols)
				}
				sh.printf("%s\x1b[K\r\n", text)
			}
			sh.printf("\x1b[7m%s\x1b[0m\x1b[K", cutCells(fmt.Sprintf(" %s  %d–%d of %d  arrows, space, b, q ", printableText(args[0]), top+1, min(top+page, len(lines)), len(lines)), w.Cols))
			if len(sh.pending) == 0 {
				if typed, interrupted := sh.wait(time.Hour); interrupted {
					return
				} else if !typed {
					continue
				}
			}
			b, err := sh.key()
			if err != nil {
				return
			}
			if b == 0x1b {
				b = sh.arrow()
			}
			switch b {
			case 'q', 'Q', 3:
				return
			case 'j', '\r', 'B':
				top++
			case 'k', 'A':
				top--
			case ' ', 'f':
				top += page
			case 'b':
				top -= page
			case 'g':
				top = 0
			case 'G':
				top = len(lines)
			}
		}
	})
}

// arrow reads the rest of a cursor key and returns its letter.
func (sh *shell) arrow() byte {
	if b, err := sh.key(); err != nil || (b != '[' && b != 'O') {
		return 0
	}
	b, err := sh.key()
	if err != nil {
		return 0
	}
	return b
}

// cutCells cuts text to n cells.
func cutCells(text string, n int) string {
	r := []rune(text)
	for cells(r) > n {
		r = r[:len(r)-1]
	}
	return string(r)
}
