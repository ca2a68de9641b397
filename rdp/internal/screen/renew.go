package screen

import (
	"image"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// renew codes a cell anew, as one tile.
func (b *Board) renew(i int) {
	for _, h := range slices.Clone(b.cells[i].held) {
		if h.cells > wide {
			b.cut(h)
		}
	}
	c := &b.cells[i]
	rect := b.cellRect(i)
	p := b.picture(rect)
	defer p.free()
	var seq, order uint64
	for _, h := range c.held {
		b.drawHeld(&p.Picture, h)
		seq, order = max(seq, h.seq), max(order, h.order)
		b.release(c, h, h.rect.Intersect(rect))
	}
	clear(c.held)
	c.held = c.held[:0]
	b.hold(c, b.tile(&p.Picture, rect, seq, order), rect)
}

// cut puts pieces of one cell each in the place of a unit.
func (b *Board) cut(h *held) {
	if !h.whole { // between its clips is what lies under it
		return
	}
	p := b.picture(h.rect)
	defer p.free()
	b.drawHeld(&p.Picture, h)
	for i, part := range b.cellsOf(h.rect) {
		c := &b.cells[i]
		if j := slices.Index(c.held, h); j >= 0 {
			b.release(c, h, part)
			c.held[j] = b.tile(p.part(part), part, h.seq, h.order)
			b.account(c, c.held[j], part)
		}
	}
}

func (b *Board) drawHeld(p *Picture, h *held) {
	u, _, err := next(h.raw)
	if err == nil {
		err = p.draw(&u)
	}
	if err != nil {
		b.faults++ // what it shows is undefined anyway
	}
}

// tile codes a picture of a part of the desktop.
func (b *Board) tile(p *Picture, rect image.Rectangle, seq, order uint64) *held {
	coded := codec.AppendPlanar(nil, p.to)
	raw := AppendTile(make([]byte, 0, unitHeader+tileHeader+len(coded)), codec.Planar, rect, rect.Dx(), rect.Dy(), coded)
	return &held{raw: raw, rect: rect, whole: true, span: 1, seq: seq, order: order, burst: &burst{size: len(raw)}}
}

// borrowed is a picture with memory of the pool.
type borrowed struct {
	Picture
	buf *[]byte
}

// pixels holds the memory of pictures of cells and of units that are cut.
var pixels = newPool()

func (b *Board) picture(rect image.Rectangle) *borrowed {
	buf := pixels.Get().(*[]byte)
	n := 4 * rect.Dx() * rect.Dy()
	if cap(*buf) < n {
		*buf = make([]byte, n)
	}
	t := codec.Target{Pix: (*buf)[:n], Stride: 4 * rect.Dx(), W: rect.Dx(), H: rect.Dy()}
	blacken(t)
	return &borrowed{Picture{to: t, origin: rect.Min}, buf}
}

func (p *borrowed) free() { pixels.Put(p.buf) }

// part is the picture of a part of a picture.
func (p *Picture) part(r image.Rectangle) *Picture {
	at := r.Min.Sub(p.origin)
	return &Picture{
		to:     codec.Target{Pix: p.to.Pix[at.Y*p.to.Stride+4*at.X:], Stride: p.to.Stride, W: r.Dx(), H: r.Dy()},
		origin: r.Min,
	}
}
