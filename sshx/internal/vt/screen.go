package vt

// scroll moves the region up by one line, at the cursor's demand. From the top of the main screen the line goes
// to the scroll-back, whatever lies below the region.
func (t *Terminal) scroll(wrapped bool) {
	b := t.buf
	lines := b.lines[b.top : b.bottom+1]
	r := lines[0]
	if b == &t.main && b.top == 0 {
		r = t.back.push(r)
	}
	copy(lines, lines[1:])
	if r != nil {
		r.clear()
	}
	lines[len(lines)-1] = r
	if wrapped || t.pen.bg != 0 {
		r = t.line(b.bottom)
		r.wrapped = wrapped
		if t.pen.bg != 0 {
			r.fill(0, t.cols, t.pen.blank())
		}
	}
}

// emptyLine makes the line at y empty in the present background.
func (t *Terminal) emptyLine(y int) {
	if r := t.buf.lines[y]; r != nil {
		r.clear()
	}
	if t.pen.bg != 0 {
		t.line(y).fill(0, t.cols, t.pen.blank())
	}
}

// insertLines opens n empty lines at y; lines leave the region at its bottom.
func (t *Terminal) insertLines(y, n int) {
	b := t.buf
	if y < b.top || y > b.bottom {
		return
	}
	region := b.lines[y : b.bottom+1]
	n = min(n, len(region))
	rotate(region, len(region)-n)
	for i := y; i < y+n; i++ {
		t.emptyLine(i)
	}
}

// deleteLines takes n lines out at y; empty ones come in at the region's bottom.
func (t *Terminal) deleteLines(y, n int) {
	b := t.buf
	if y < b.top || y > b.bottom {
		return
	}
	region := b.lines[y : b.bottom+1]
	n = min(n, len(region))
	rotate(region, n)
	for i := b.bottom + 1 - n; i <= b.bottom; i++ {
		t.emptyLine(i)
	}
}

// rotate moves the first n elements behind the others.
func rotate(s []*row, n int) {
	reverse(s[:n])
	reverse(s[n:])
	reverse(s)
}

func reverse(s []*row) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// erase empties cells of one line.
func (t *Terminal) erase(y, from, to int, unwrap bool) {
	r := t.buf.lines[y]
	if r == nil {
		if t.pen.bg == 0 {
			return
		}
		r = t.line(y)
	}
	if from < to {
		r.fill(from, to, t.pen.blank())
	}
	if unwrap {
		r.wrapped = false
	}
}

// eraseDisplay is ED.
func (t *Terminal) eraseDisplay(mode int) {
	switch mode {
	case 0:
		t.erase(t.y, t.x, t.cols, t.x == 0)
		for y := t.y + 1; y < t.rows; y++ {
			t.emptyLine(y)
		}
	case 1:
		to := min(t.x+1, t.cols)
		t.erase(t.y, 0, to, true)
		if t.x+1 >= t.cols && t.y+1 < t.rows && t.buf.lines[t.y+1] != nil {
			t.buf.lines[t.y+1].wrapped = false
		}
		for y := range t.y {
			t.emptyLine(y)
		}
	case 2:
		for y := range t.rows {
			t.emptyLine(y)
		}
	case 3:
		if t.buf == &t.main {
			t.back = scrollback{}
		}
	}
}

// eraseLine is EL.
func (t *Terminal) eraseLine(mode int) {
	switch mode {
	case 0:
		t.erase(t.y, t.x, t.cols, t.x == 0)
	case 1:
		t.erase(t.y, 0, min(t.x+1, t.cols), false)
	case 2:
		t.erase(t.y, 0, t.cols, true)
	}
}

// Resize changes the size. The visible lines are not reflowed: they are cut or kept; lines that no longer fit
// above the cursor go to the scroll-back, lines below it go first.
func (t *Terminal) Resize(cols, rows int) {
	cols, rows = clampSize(cols), clampSize(rows)
	if cols == t.cols && rows == t.rows {
		return
	}
	t.cols = cols
	for t.rows > rows {
		// Empty lines below the cursor go; if there are none, the top line goes.
		t.rows--
		down := t.y < t.rows && t.main.lines[t.rows].empty()
		t.shrink(&t.main, down, t.buf == &t.main)
		if t.buf == &t.alt {
			t.shrink(&t.alt, t.y < t.rows, true)
		}
	}
	if n := rows - t.rows; n > 0 {
		t.rows = rows
		t.main.lines = append(t.main.lines, make([]*row, n)...)
		if t.buf == &t.alt {
			t.alt.lines = append(t.alt.lines, make([]*row, n)...)
		}
	}
	for _, b := range []*buffer{&t.main, &t.alt} {
		for _, r := range b.lines {
			if r != nil {
				r.truncate(cols)
			}
		}
		b.top, b.bottom = 0, rows-1
		b.saved.x, b.saved.y = min(b.saved.x, cols-1), min(b.saved.y, rows-1)
	}
	t.x, t.y = min(t.x, cols-1), min(t.y, rows-1)
}

// shrink takes one line out of b.
func (t *Terminal) shrink(b *buffer, fromBottom, cursor bool) {
	if !fromBottom {
		if b == &t.main {
			t.back.push(b.lines[0])
		}
		copy(b.lines, b.lines[1:])
		b.saved.y = max(b.saved.y-1, 0)
		if cursor {
			t.y = max(t.y-1, 0)
		}
	}
	b.lines = b.lines[:len(b.lines)-1]
}

// empty reports whether nothing was written to r, which may be nil.
func (r *row) empty() bool { return r == nil || r.len() == 0 }
