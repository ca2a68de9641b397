package vt

import (
	"strconv"

	"github.com/charmbracelet/x/ansi"
)

// sgr sets the pen.
func (t *Terminal) sgr(params ansi.Params) {
	p := &t.pen
	if len(params) == 0 {
		*p = pen{link: p.link}
		return
	}
	for i := 0; i < len(params); i++ {
		n, more, _ := params.Param(i, 0)
		switch {
		case n == 0:
			*p = pen{link: p.link} // a link has an end of its own
		case n == 1:
			p.flags |= bold
		case n == 2:
			p.flags |= dim
		case n == 3:
			p.flags |= italic
		case n == 4:
			style := 1
			if more {
				i++
				style, _, _ = params.Param(i, 1)
				if style < 0 || style > 5 {
					style = 1
				}
			}
			p.flags = p.flags&^underlineMask | flags(style)<<underlineShift
		case n == 5:
			p.flags |= blink
		case n == 7:
			p.flags |= inverse
		case n == 8:
			p.flags |= invisible
		case n == 9:
			p.flags |= strike
		case n == 21:
			p.flags = p.flags&^underlineMask | 2<<underlineShift
		case n == 22:
			p.flags &^= bold | dim
		case n == 23:
			p.flags &^= italic
		case n == 24:
			p.flags &^= underlineMask
		case n == 25:
			p.flags &^= blink
		case n == 27:
			p.flags &^= inverse
		case n == 28:
			p.flags &^= invisible
		case n == 29:
			p.flags &^= strike
		case n >= 30 && n <= 37:
			p.fg = colorIndexed | color(n-30)
		case n == 38:
			i = extended(params, i, more, &p.fg)
			continue
		case n == 39:
			p.fg = 0
		case n >= 40 && n <= 47:
			p.bg = colorIndexed | color(n-40)
		case n == 48:
			i = extended(params, i, more, &p.bg)
			continue
		case n == 49:
			p.bg = 0
		case n == 53:
			p.flags |= overline
		case n == 55:
			p.flags &^= overline
		case n == 58:
			var none color
			i = extended(params, i, more, &none)
			continue
		case n >= 90 && n <= 97:
			p.fg = colorIndexed | color(n-90+8)
		case n >= 100 && n <= 107:
			p.bg = colorIndexed | color(n-100+8)
		}
		// Sub-parameters that mean nothing here are skipped with their parameter.
		for i < len(params) {
			if _, more, _ := params.Param(i, 0); !more {
				break
			}
			i++
		}
	}
}

// extended reads the colour after 38, 48 or 58 at i, in the form with semicolons or with colons, and returns
// the index of its last parameter.
func extended(params ansi.Params, i int, colons bool, c *color) int {
	var sub [8]int
	n := 0
	last := i
	for j := i + 1; j < len(params) && n < len(sub); j++ {
		v, more, _ := params.Param(j, -1)
		sub[n] = v
		n++
		last = j
		if colons && !more {
			break
		}
	}
	if colons {
		// 38:2:r:g:b and 38:2:space:r:g:b are both in use.
		switch {
		case n >= 2 && sub[0] == 5:
			*c = indexed(sub[1])
		case n >= 5 && sub[0] == 2:
			*c = rgb(sub[2], sub[3], sub[4])
		case n == 4 && sub[0] == 2:
			*c = rgb(sub[1], sub[2], sub[3])
		}
		return last
	}
	switch {
	case n >= 2 && sub[0] == 5:
		*c = indexed(sub[1])
		return i + 2
	case n >= 4 && sub[0] == 2:
		*c = rgb(sub[1], sub[2], sub[3])
		return i + 4
	}
	return len(params) // malformed: what follows has no meaning that could be known
}

func indexed(n int) color { return colorIndexed | color(min(max(n, 0), 255)) }

func rgb(r, g, b int) color {
	part := func(n int) color { return color(min(max(n, 0), 255)) }
	return colorRGB | part(r)<<16 | part(g)<<8 | part(b)
}

// appendSGR appends the sequence that sets p from any state, but for the link.
func appendSGR(b []byte, p pen) []byte {
	b = append(b, "\x1b[0"...)
	for _, code := range [...]struct {
		f flags
		s string
	}{{bold, ";1"}, {dim, ";2"}, {italic, ";3"}, {blink, ";5"}, {inverse, ";7"}, {invisible, ";8"}, {strike, ";9"}, {overline, ";53"}} {
		if p.flags&code.f != 0 {
			b = append(b, code.s...)
		}
	}
	switch u := int(p.flags & underlineMask >> underlineShift); u {
	case 0:
	case 1:
		b = append(b, ";4"...)
	default:
		b = append(b, ";4:"...)
		b = strconv.AppendInt(b, int64(u), 10)
	}
	b = appendColor(b, p.fg, 30, 90, ";38")
	b = appendColor(b, p.bg, 40, 100, ";48")
	return append(b, 'm')
}

func appendColor(b []byte, c color, base, bright int, ext string) []byte {
	v := int64(c &^ colorKind)
	switch {
	case c&colorKind == colorIndexed && v < 8:
		b = append(b, ';')
		b = strconv.AppendInt(b, int64(base)+v, 10)
	case c&colorKind == colorIndexed && v < 16:
		b = append(b, ';')
		b = strconv.AppendInt(b, int64(bright)+v-8, 10)
	case c&colorKind == colorIndexed:
		b = append(b, ext...)
		b = append(b, ";5;"...)
		b = strconv.AppendInt(b, v, 10)
	case c&colorKind == colorRGB:
		b = append(b, ext...)
		b = append(b, ";2;"...)
		for i, shift := range [...]int{16, 8, 0} {
			if i > 0 {
				b = append(b, ';')
			}
			b = strconv.AppendInt(b, v>>shift&255, 10)
		}
	}
	return b
}
