package rdptest

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"time"
)

// The colours of the desktop.
var (
	colorInk    = color.RGBA{0x1f, 0x29, 0x37, 0xff}
	colorMuted  = color.RGBA{0x6b, 0x72, 0x80, 0xff}
	colorPanel  = color.RGBA{0x11, 0x18, 0x27, 0xff}
	colorOnDark = color.RGBA{0xf3, 0xf4, 0xf6, 0xff}
	colorSheet  = color.RGBA{0xff, 0xff, 0xff, 0xff}
	colorLine   = color.RGBA{0xd1, 0xd5, 0xdb, 0xff}
	colorBar    = color.RGBA{0xe5, 0xe7, 0xeb, 0xff}
	colorTrail  = color.RGBA{0x25, 0x63, 0xeb, 0xff}
	colorWash   = [2]color.RGBA{{0x1e, 0x3a, 0x5f, 0xff}, {0x3b, 0x7a, 0x8c, 0xff}} // top and bottom of the background
	colorPush   = [...]color.RGBA{{0x25, 0x63, 0xeb, 0xff}, {0x05, 0x96, 0x69, 0xff}, {0xd9, 0x77, 0x06, 0xff}, {0xbe, 0x18, 0x5d, 0xff}}
)

// state is what is shown besides the text.
type state struct {
	clock   time.Time
	clicks  int
	scroll  int
	trail   []image.Point // pairs of ends of lines
	last    image.Point
	drawing bool
	pressed bool
}

const (
	panelHeight = 40
	barHeight   = 32
	margin      = 16
	lineHeight  = 20
	rows        = 40 // of the list
)

// layout is where everything is. All of it follows from the size of the desktop.
type layout struct{ panel, window, bar, field, button, list, canvas image.Rectangle }

func (d *Desktop) layout() (l layout) {
	b := d.img.Rect
	l.panel = image.Rect(0, 0, b.Dx(), panelHeight)
	l.window = image.Rect(margin, panelHeight+margin, b.Dx()-margin, b.Dy()-margin)
	l.bar = image.Rect(l.window.Min.X, l.window.Min.Y, l.window.Max.X, l.window.Min.Y+barHeight)
	in := image.Rect(l.window.Min.X+margin, l.bar.Max.Y+margin, l.window.Max.X-margin, l.window.Max.Y-margin)
	const buttonWidth = 140
	fieldHeight := max(2*lineHeight, in.Dy()/4)
	l.field = image.Rect(in.Min.X, in.Min.Y+lineHeight, in.Max.X-buttonWidth-margin, in.Min.Y+lineHeight+fieldHeight)
	l.button = image.Rect(in.Max.X-buttonWidth, l.field.Min.Y, in.Max.X, l.field.Min.Y+36)
	top := l.field.Max.Y + margin + lineHeight
	split := in.Min.X + in.Dx()/3
	l.list = image.Rect(in.Min.X, top, split, in.Max.Y)
	l.canvas = image.Rect(split+margin, top, in.Max.X, in.Max.Y)
	return l
}

// paintAll draws everything anew. d.mu is held, as in all that follow.
func (d *Desktop) paintAll() {
	b := d.img.Rect
	for y := range b.Dy() {
		fill(d.img, image.Rect(0, y, b.Dx(), y+1), mix(colorWash[0], colorWash[1], y, b.Dy()))
	}
	l := d.layout()
	fill(d.img, l.window.Add(image.Pt(3, 3)).Intersect(b), color.RGBA{0x16, 0x2b, 0x44, 0xff})
	fill(d.img, l.window, colorSheet)
	fill(d.img, l.bar, colorBar)
	d.pen.text(d.img, faceBold, colorInk, l.bar.Min.X+12, l.bar.Min.Y+21, "Welcome, "+short(d.user, 40))
	for i, c := range []color.RGBA{{0xf8, 0x71, 0x71, 0xff}, {0xfb, 0xbf, 0x24, 0xff}, {0x34, 0xd3, 0x99, 0xff}} {
		x := l.bar.Max.X - 24 - i*20
		fill(d.img, image.Rect(x, l.bar.Min.Y+10, x+12, l.bar.Min.Y+22), c)
	}
	for _, label := range []struct {
		at   image.Rectangle
		text string
	}{{l.field, "Type something"}, {l.list, "Scroll with the wheel"}, {l.canvas, "Draw with the mouse"}} {
		d.pen.text(d.img, faceText, colorMuted, label.at.Min.X, label.at.Min.Y-7, label.text)
	}
	d.paintPanel()
	d.paintField()
	d.paintButton()
	d.paintList()
	d.paintCanvas()
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

func mix(a, b color.RGBA, at, of int) color.RGBA {
	f := func(x, y uint8) uint8 { return uint8((int(x)*(of-at) + int(y)*at) / of) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 0xff}
}

func (d *Desktop) paintPanel() {
	l := d.layout()
	fill(d.img, l.panel, colorPanel)
	d.pen.text(d.img, faceTitle, colorOnDark, margin, 27, "Demo desktop")
	t := d.state.clock.Format("15:04:05")
	d.pen.text(d.img, faceTitle, colorOnDark, l.panel.Max.X-margin-d.pen.width(faceTitle, t), 27, t)
	d.touch(l.panel)
}

// paintField shows the last lines of the text, broken at the field's width, with a cursor.
func (d *Desktop) paintField() {
	r := d.layout().field
	fill(d.img, r, colorSheet)
	frame(d.img, r, colorLine)
	inner := r.Inset(8)
	letter := d.pen.width(faceMono, "m")
	perLine := max(1, inner.Dx()/letter-1)
	var lines []string
	for _, line := range strings.Split(strings.ReplaceAll(string(d.text), "\t", "    "), "\n") {
		runes := []rune(line)
		for len(runes) > perLine {
			lines = append(lines, string(runes[:perLine]))
			runes = runes[perLine:]
		}
		lines = append(lines, string(runes))
	}
	if most := max(1, inner.Dy()/lineHeight); len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	for i, line := range lines {
		y := inner.Min.Y + i*lineHeight
		d.pen.text(d.img, faceMono, colorInk, inner.Min.X, y+15, line)
		if i == len(lines)-1 {
			x := inner.Min.X + d.pen.width(faceMono, line) + 1
			fill(d.img, image.Rect(x, y+2, x+2, y+18).Intersect(r.Inset(1)), colorTrail)
		}
	}
	d.touch(r)
}

func (d *Desktop) paintButton() {
	r := d.layout().button
	c := colorPush[d.state.clicks%len(colorPush)]
	if d.state.pressed {
		c = mix(c, colorInk, 1, 3)
	}
	fill(d.img, r, c)
	text := "Press me"
	if n := d.state.clicks; n > 0 {
		text = fmt.Sprintf("Pressed %d", n)
	}
	d.pen.text(d.img, faceBold, colorSheet, r.Min.X+(r.Dx()-d.pen.width(faceBold, text))/2, r.Min.Y+23, text)
	d.touch(r)
}

func (d *Desktop) paintList() {
	r := d.layout().list
	fill(d.img, r, colorSheet)
	inner := r.Inset(1)
	clip, ok := d.img.SubImage(inner).(*image.RGBA)
	if !ok || inner.Empty() {
		return
	}
	for i := range rows {
		y := inner.Min.Y + (i-d.state.scroll)*lineHeight
		if y >= inner.Max.Y || y < inner.Min.Y {
			continue
		}
		if i%2 == 1 {
			fill(d.img, image.Rect(inner.Min.X, y, inner.Max.X, y+lineHeight).Intersect(inner), color.RGBA{0xf3, 0xf4, 0xf6, 0xff})
		}
		d.pen.text(clip, faceText, colorInk, inner.Min.X+8, y+15, fmt.Sprintf("Line %d of %d", i+1, rows))
	}
	frame(d.img, r, colorLine)
	d.touch(r)
}

func (d *Desktop) paintCanvas() {
	r := d.layout().canvas
	fill(d.img, r, color.RGBA{0xf9, 0xfa, 0xfb, 0xff})
	frame(d.img, r, colorLine)
	for i := 0; i+1 < len(d.state.trail); i += 2 {
		d.stroke(d.state.trail[i], d.state.trail[i+1])
	}
	d.touch(r)
}

// stroke draws a line on the canvas and returns where.
func (d *Desktop) stroke(from, to image.Point) image.Rectangle {
	const thick = 2
	clip := d.layout().canvas.Inset(1)
	v := to.Sub(from)
	n := max(max(v.X, -v.X), max(v.Y, -v.Y), 1)
	for i := range n + 1 {
		p := from.Add(image.Pt(v.X*i/n, v.Y*i/n))
		fill(d.img, image.Rect(p.X-thick, p.Y-thick, p.X+thick, p.Y+thick).Intersect(clip), colorTrail)
	}
	return image.Rectangle{from, to}.Canon().Inset(-thick - 1).Intersect(clip)
}

// mouse takes a mouse event.
func (d *Desktop) mouse(e Event) {
	l, at, s := d.layout(), image.Pt(e.X, e.Y), &d.state
	if e.Flags&PointerWheel != 0 {
		if e.Flags&PointerNegative != 0 {
			s.scroll = min(s.scroll+1, rows-1)
		} else {
			s.scroll = max(s.scroll-1, 0)
		}
		d.paintList()
		return
	}
	switch {
	case e.Flags&PointerButton1 != 0 && e.Flags&PointerDown != 0:
		s.pressed, s.drawing = at.In(l.button), at.In(l.canvas)
		if s.pressed {
			d.paintButton()
		}
	case e.Flags&PointerButton1 != 0:
		if s.pressed {
			s.pressed = false
			if at.In(l.button) {
				s.clicks++
			}
			d.paintButton()
		}
		s.drawing = false
	case s.drawing && at != s.last:
		if len(s.trail) < maxTrail {
			s.trail = append(s.trail, s.last, at)
			d.touch(d.stroke(s.last, at))
		}
	}
	s.last = at
}
