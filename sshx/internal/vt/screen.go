package vt

// scroll moves the region up by one line, at the cursor's demand. From the top of the main screen the line goes
// to the scroll-back, whatever lies below the region.
func (t *Terminal) scroll(wrapped bool) {
	b := t.buf
	order := b.order[b.top : b.bottom+1]
	first := order[0]
	r := &b.rows[first]
	if b == &t.main && b.top == 0 {
		t.back.push(r, &t.links)
	}
	copy(order, order[1:])
	order[len(order)-1] = first
	r.clear()
	if wrapped || t.pen.bg != 0 {
		r.wrapped = wrapped
		if t.pen.bg != 0 {
			r.fill(0, t.cols, t.pen.blank())
		}
	}
}

// emptyLine makes the line at y empty in the present background.
func (t *Terminal) emptyLine(y int) {
	t.line(y).clear()
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
	region := b.order[y : b.bottom+1]
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
	region := b.order[y : b.bottom+1]
	n = min(n, len(region))
	rotate(region, n)
	for i := b.bottom + 1 - n; i <= b.bottom; i++ {
		t.emptyLine(i)
	}
}

// rotate moves the first n elements behind the others.
func rotate(s []uint16, n int) {
	reverse(s[:n])
	reverse(s[n:])
	reverse(s)
}

func reverse(s []uint16) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// erase empties cells of one line.
func (t *Terminal) erase(y, from, to int, unwrap bool) {
	r := t.line(y)
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
		if t.x+1 >= t.cols && t.y+1 < t.rows {
			t.line(t.y + 1).wrapped = false
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
	lines := min(rows, t.rows)
	// Empty lines below the cursor go first, and if there are none, lines at the top.
	keep := t.rows
	for keep > lines && keep-1 > t.y && t.buf.row(keep-1).empty() {
		keep--
	}
	cut := keep - lines // lines that leave the present screen at its top
	for i, b := range []*buffer{&t.main, &t.alt} {
		if len(b.rows) == 0 {
			continue
		}
		drop := cut
		if b != t.buf {
			// The hidden main screen keeps what is above the place to which the target will come back.
			drop = min(max(b.saved.y+1-lines, 0), t.rows-lines)
		}
		fresh := newBuffer(rows)
		for y := range t.rows {
			switch r := b.row(y); {
			case y < drop && i == 0:
				t.back.push(r, &t.links)
			case y >= drop && y-drop < lines:
				r.truncate(cols)
				*fresh.row(y - drop) = *r
			}
		}
		fresh.saved, fresh.tabs = b.saved, b.tabs
		fresh.saved.x = min(b.saved.x, cols-1)
		fresh.saved.y = min(max(b.saved.y-drop, 0), rows-1)
		*b = fresh
	}
	t.cols, t.rows = cols, rows
	t.x, t.y = min(t.x, cols-1), min(max(t.y-cut, 0), rows-1)
}

// empty reports whether nothing was written to r.
func (r *row) empty() bool { return r.len() == 0 }
