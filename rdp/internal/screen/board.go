package screen

import (
	"cmp"
	"fmt"
	"image"
	"iter"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// Limits of a cell, past which it is decoded and coded anew as one tile. That takes as long as drawing all its units, so that the number is one
// that what moves over a cell seldom gets to before it has hidden all: with half of it a picture that moves cost a gateway a quarter more. Memory is
// bounded by the bytes.
const (
	cellSide  = 64
	cellUnits = 32
	cellBytes = 32 << 10
)

// MaxPadding is by how many pixels a picture may be wider or higher than the desktop: servers round up.
const MaxPadding = 64

// Cells yields the parts of a rectangle that lie in one cell each.
func Cells(r image.Rectangle) iter.Seq[image.Rectangle] {
	return func(yield func(image.Rectangle) bool) {
		for y := r.Min.Y; y < r.Max.Y; y = y/cellSide*cellSide + cellSide {
			for x := r.Min.X; x < r.Max.X; x = x/cellSide*cellSide + cellSide {
				if !yield(image.Rect(x, y, x/cellSide*cellSide+cellSide, y/cellSide*cellSide+cellSide).Intersect(r)) {
					return
				}
			}
		}
	}
}

// wide is the number of cells past which a unit is cut in pieces before a cell of it is coded anew: it would have to be decoded for each of
// them.
const wide = 4

// A Board knows which units can still be seen. It belongs to one goroutine. Desktops are divided in cells of 64 by 64 pixels; a cell
// holds the units that draw in it, in order, and forgets one as soon as a newer one hides it there. The invariant is that for each
// cell its units, drawn in order, give its picture, and that any unit which was forgotten in a cell but is held by another is
// hidden there by units that are newer and held.
type Board struct {
	size       image.Point
	cols, rows int
	cells      []cell
	order      uint64 // of the last unit
	epoch      uint64 // of the last walk over all units
	visible    int    // bytes of units
	shared     int    // what of that falls to cells that hold them
	retained   int    // bytes of the payloads that they are parts of
	faults     uint64
}

// cell is 64 by 64 pixels of a desktop.
type cell struct {
	held  []*held
	bytes int // its share of the units
}

// held is a unit that can be seen in at least one cell.
type held struct {
	raw   []byte
	rect  image.Rectangle // within the desktop
	whole bool            // it leaves nothing of rect as it was
	span  int             // cells that it meets
	seq   uint64          // of its payload
	order uint64
	cells int    // that hold it
	mark  uint64 // epoch in which it was seen
	burst *burst
}

// burst is a payload some of whose units can be seen.
type burst struct {
	size int
	live int // bytes of units that are held
}

// NewBoard returns a board without any desktop, which the first payload is to bring.
func NewBoard() *Board { return &Board{} }

// Stats are the measures of a board.
type Stats struct {
	Units    int    // that can be seen
	Visible  int    // bytes of these
	Retained int    // bytes of the payloads that are kept for them
	Faults   uint64 // units that could not be decoded when they had to be
}

// Stats returns the measures at this moment.
func (b *Board) Stats() Stats {
	return Stats{Units: len(b.units(0)), Visible: b.visible, Retained: b.retained, Faults: b.faults}
}

// Size returns the size of the desktop.
func (b *Board) Size() (width, height int) { return b.size.X, b.size.Y }

// Add takes in the units of a payload, which it keeps: it must not change any more. seq is greater than that of any payload before.
func (b *Board) Add(seq uint64, payload []byte) error {
	from := &burst{size: len(payload)}
	for len(payload) > 0 {
		u, rest, err := next(payload)
		if err != nil {
			return err
		}
		switch u.kind {
		case unitDesktop:
			if err := b.desktop(u.rect.Dx(), u.rect.Dy()); err != nil {
				return err
			}
		case unitTile, unitRemoteFX:
			if u.width > b.size.X+MaxPadding || u.height > b.size.Y+MaxPadding {
				return fmt.Errorf("screen: picture of %dx%d on a desktop of %dx%d", u.width, u.height, b.size.X, b.size.Y)
			}
			b.put(&held{raw: u.raw, rect: u.rect.Intersect(b.bounds()), whole: u.opaque(), seq: seq, burst: from})
		}
		payload = rest
	}
	b.compact()
	return nil
}

func (b *Board) bounds() image.Rectangle { return image.Rectangle{Max: b.size} }

func (b *Board) desktop(width, height int) error {
	if width < 1 || height < 1 || width > codec.MaxSide || height > codec.MaxSide || width*height > codec.MaxPixels {
		return fmt.Errorf("screen: desktop of %dx%d", width, height)
	}
	b.size = image.Pt(width, height)
	b.cols, b.rows = (width+cellSide-1)/cellSide, (height+cellSide-1)/cellSide
	b.cells = make([]cell, b.cols*b.rows)
	b.visible, b.shared, b.retained = 0, 0, 0
	return nil
}

// cellsOf yields the cells that a rectangle within the desktop meets, and what of it is in each.
func (b *Board) cellsOf(r image.Rectangle) iter.Seq2[int, image.Rectangle] {
	return func(yield func(int, image.Rectangle) bool) {
		for part := range Cells(r) {
			if !yield(part.Min.Y/cellSide*b.cols+part.Min.X/cellSide, part) {
				return
			}
		}
	}
}

func (b *Board) cellRect(i int) image.Rectangle {
	x, y := i%b.cols*cellSide, i/b.cols*cellSide
	return image.Rect(x, y, x+cellSide, y+cellSide).Intersect(b.bounds())
}

// put makes a unit the newest of all cells that it meets.
func (b *Board) put(h *held) {
	b.order++
	h.order = b.order
	var full []int
	for i, part := range b.cellsOf(h.rect) {
		c := &b.cells[i]
		if h.whole {
			b.hide(c, part)
		}
		b.hold(c, h, part)
		h.span++
		if len(c.held) > cellUnits || c.bytes > cellBytes {
			full = append(full, i)
		}
	}
	for _, i := range full {
		b.renew(i)
	}
}

// hide forgets the units of a cell that draw nowhere but in r.
func (b *Board) hide(c *cell, r image.Rectangle) {
	kept, rect := c.held[:0], b.cellRect(r.Min.Y/cellSide*b.cols+r.Min.X/cellSide)
	for _, h := range c.held {
		part := h.rect.Intersect(rect)
		if part.In(r) {
			b.release(c, h, part)
		} else {
			kept = append(kept, h)
		}
	}
	clear(c.held[len(kept):])
	c.held = kept
}

// share is how many bytes of a unit count for a cell.
func share(h *held, part image.Rectangle) int {
	return len(h.raw) * (part.Dx() * part.Dy()) / (h.rect.Dx() * h.rect.Dy())
}

// hold appends a unit to a cell.
func (b *Board) hold(c *cell, h *held, part image.Rectangle) {
	c.held = append(c.held, h)
	b.account(c, h, part)
}

// account takes note that a cell holds a unit.
func (b *Board) account(c *cell, h *held, part image.Rectangle) {
	n := share(h, part)
	c.bytes += n
	b.shared += n
	if h.cells++; h.cells > 1 {
		return
	}
	b.visible += len(h.raw)
	if h.burst.live == 0 {
		b.retained += h.burst.size
	}
	h.burst.live += len(h.raw)
}

// release takes note that a cell no longer holds a unit.
func (b *Board) release(c *cell, h *held, part image.Rectangle) {
	n := share(h, part)
	c.bytes -= n
	b.shared -= n
	if h.cells--; h.cells > 0 {
		return
	}
	b.visible -= len(h.raw)
	if h.burst.live -= len(h.raw); h.burst.live == 0 {
		b.retained -= h.burst.size
	}
}

// units returns those newer than a payload, in order.
func (b *Board) units(after uint64) []*held {
	b.epoch++
	var all []*held
	for i := range b.cells {
		for _, h := range b.cells[i].held {
			if h.mark != b.epoch && h.seq > after {
				h.mark = b.epoch
				all = append(all, h)
			}
		}
	}
	slices.SortFunc(all, func(x, y *held) int { return cmp.Compare(x.order, y.order) })
	return all
}

// KeyFrame returns payloads, each of at most limit bytes if its units are, that draw the whole picture on a desktop of its size. They end with the mark to
// present it.
func (b *Board) KeyFrame(limit int) [][]byte {
	return b.payloads(AppendDesktop(nil, b.size.X, b.size.Y), b.units(0), limit)
}

// Since returns payloads that turn the picture as it was after the payload with that number into the present one: the newest units of
// all that has changed, and nothing that was hidden meanwhile. It is not for a payload before the newest desktop.
func (b *Board) Since(seq uint64, limit int) [][]byte {
	return b.payloads(nil, b.units(seq), limit)
}

func (b *Board) payloads(first []byte, units []*held, limit int) [][]byte {
	var out [][]byte
	limit -= unitHeader // of the mark
	last := first
	for {
		n, size := 0, len(last)
		for n < len(units) && (size == 0 || size+len(units[n].raw) <= limit) {
			size += len(units[n].raw)
			n++
		}
		last = slices.Grow(last, size-len(last)+unitHeader)
		for _, h := range units[:n] {
			last = append(last, h.raw...)
		}
		if units = units[n:]; len(units) == 0 {
			return append(out, AppendPresent(last))
		}
		out = append(out, last)
		last = nil
	}
}

// Slack of payloads that are kept for a few of their units, and of units that are kept for a few of their cells.
const (
	slackFactor = 2
	slackBytes  = 256 << 10
)

// compact gives up what is mostly hidden, when that takes too much memory: it cuts the units that can be seen in a few of their cells
// alone, and copies units out of the payloads of which little can be seen.
func (b *Board) compact() {
	if b.visible > slackFactor*b.shared+slackBytes {
		for _, h := range b.units(0) {
			if h.cells*slackFactor < h.span {
				b.cut(h)
			}
		}
	}
	if b.retained <= slackFactor*b.visible+slackBytes {
		return
	}
	for _, h := range b.units(0) {
		if h.burst.live*slackFactor > h.burst.size {
			continue
		}
		if h.burst.live -= len(h.raw); h.burst.live == 0 {
			b.retained -= h.burst.size
		}
		h.raw = slices.Clone(h.raw)
		h.burst = &burst{size: len(h.raw), live: len(h.raw)}
		b.retained += len(h.raw)
	}
}
