package screen

import (
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// Picture is a desktop as pixels: what payloads draw.
type Picture struct {
	to     codec.Target
	origin image.Point // of to on the desktop
}

// NewPicture returns a picture without any desktop, which the first payload is to bring.
func NewPicture() *Picture { return &Picture{} }

// Image returns the pixels, which the Picture goes on using until the desktop has another size.
func (p *Picture) Image() *image.RGBA {
	return &image.RGBA{Pix: p.to.Pix, Stride: p.to.Stride, Rect: image.Rect(0, 0, p.to.W, p.to.H)}
}

// bounds is the part of the desktop that the picture is of.
func (p *Picture) bounds() image.Rectangle { return image.Rect(0, 0, p.to.W, p.to.H).Add(p.origin) }

// Draw draws a payload. A unit that cannot be decoded leaves its rectangle undefined and is an error, but the others are drawn; what is
// no sequence of units is an error at once.
func (p *Picture) Draw(payload []byte) error {
	var faults []error
	for len(payload) > 0 {
		u, rest, err := next(payload)
		if err != nil {
			return err
		}
		if err := p.draw(&u); err != nil {
			faults = append(faults, err)
		}
		payload = rest
	}
	return errors.Join(faults...)
}

func (p *Picture) draw(u *unit) error {
	switch u.kind {
	case unitDesktop:
		to, err := codec.NewTarget(u.rect.Dx(), u.rect.Dy())
		if err != nil {
			return fmt.Errorf("screen: desktop: %w", err)
		}
		p.to = to
		blacken(to)
	case unitTile:
		return p.drawTile(u)
	case unitRemoteFX:
		return p.drawRemoteFX(u)
	}
	return nil
}

// blacken makes all of a target black and opaque.
func blacken(t codec.Target) {
	clear(t.Pix)
	for i := 3; i < len(t.Pix); i += 4 {
		t.Pix[i] = 0xff
	}
}

// scratch holds the pixels of units that are cut.
var scratch = newPool()

func newPool() *sync.Pool { return &sync.Pool{New: func() any { return new([]byte) }} }

// drawTile decodes what of a unit is on the picture.
func (p *Picture) drawTile(u *unit) error {
	part := u.rect.Intersect(p.bounds())
	if part.Empty() {
		return nil
	}
	at := part.Min.Sub(p.origin)
	to := codec.Target{Pix: p.to.Pix[at.Y*p.to.Stride+4*at.X:], Stride: p.to.Stride, W: part.Dx(), H: part.Dy()}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	err := codec.Picture{ID: u.codec, W: u.width, H: u.height, Data: u.picture}.DrawPart(to, part.Min.Sub(u.rect.Min), buf)
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	return nil
}

func (p *Picture) drawRemoteFX(u *unit) error {
	if u.tile.Entropy != codec.RLGR1 && u.tile.Entropy != codec.RLGR3 {
		return fmt.Errorf("screen: entropy coding %d", u.tile.Entropy)
	}
	if u.rect.Intersect(p.bounds()).Empty() {
		return nil
	}
	f := codec.Frame{Tiles: []codec.Tile{u.tile}, Rects: make([]codec.Rect, 0, max(1, len(u.clips)))}
	for _, c := range u.clips {
		f.Rects = append(f.Rects, codec.Rect{X: c.Min.X, Y: c.Min.Y, W: c.Dx(), H: c.Dy()})
	}
	if u.clips == nil {
		f.Rects = append(f.Rects, codec.Rect{X: u.tile.X, Y: u.tile.Y, W: rfxSide, H: rfxSide})
	}
	return f.Draw(p.to, -p.origin.X, -p.origin.Y)
}
