package rdp

import (
	"fmt"
	"image"

	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// Framebuffer draws updates: the desktop as pixels, for screenshots, thumbnails and tests. It belongs to one goroutine.
type Framebuffer struct {
	pic     codec.Target
	scratch []byte // of a picture that its rectangle cuts
	palette *codec.Palette
	rfx     *codec.RemoteFX

	cursors [pointerCache]*Cursor
	cursor  *Cursor
	hidden  bool
}

// NewFramebuffer returns a black desktop.
func NewFramebuffer(width, height int) (*Framebuffer, error) {
	f := &Framebuffer{palette: codec.GrayPalette(), rfx: codec.NewRemoteFX()}
	return f, f.resize(width, height)
}

func (f *Framebuffer) resize(width, height int) error {
	pic, err := codec.NewTarget(width, height)
	if err != nil {
		return fmt.Errorf("rdp: %w", err)
	}
	for i := 3; i < len(pic.Pix); i += 4 {
		pic.Pix[i] = 0xff
	}
	f.pic = pic
	return nil
}

// Image returns the desktop, without a pointer. It shares its pixels with the Framebuffer, until the desktop is resized.
func (f *Framebuffer) Image() *image.RGBA {
	return &image.RGBA{Pix: f.pic.Pix, Stride: f.pic.Stride, Rect: image.Rect(0, 0, f.pic.W, f.pic.H)}
}

// Cursor returns the pointer that the server has set, nil for the system's own. visible is false when there is none.
func (f *Framebuffer) Cursor() (c *Cursor, visible bool) { return f.cursor, !f.hidden }

// Apply draws an update, if there is something to draw. An error says that the server sent what cannot be decoded; what the rectangle of
// that update then shows is undefined.
func (f *Framebuffer) Apply(u Update) error {
	var err error
	switch u := u.(type) {
	case *Bitmap:
		for i := range u.Tiles {
			if err = f.draw(&u.Tiles[i]); err != nil {
				break
			}
		}
	case *SurfaceBits:
		err = f.draw(&u.Tile)
	case *Palette:
		for i := range f.palette {
			copy(f.palette[i][:], u.Colors[3*i:])
		}
	case *Resized:
		err = f.resize(u.Width, u.Height)
		f.rfx = codec.NewRemoteFX()
	case *PointerShape:
		var c *Cursor
		if c, err = u.Cursor(); err == nil {
			err = f.keep(u.Index, c)
		}
	case *PointerCached:
		if err = checkPointer(u.Index); err == nil {
			f.cursor, f.hidden = f.cursors[u.Index], false
		}
	case *PointerSystem:
		f.cursor, f.hidden = nil, u.Hidden
	}
	if err != nil {
		return &Error{Code: CodeProtocol, Phase: "picture", Err: err}
	}
	return nil
}

// keep stores and shows a pointer.
func (f *Framebuffer) keep(i int, c *Cursor) error {
	if err := checkPointer(i); err != nil {
		return err
	}
	f.cursors[i], f.cursor, f.hidden = c, c, false
	return nil
}

// draw decodes one tile onto the desktop.
func (f *Framebuffer) draw(t *Tile) error {
	if t.Codec == CodecRemoteFX {
		frame, err := f.rfx.Parse(t.Data)
		if err != nil || frame == nil {
			return err
		}
		return frame.Draw(f.pic, t.X, t.Y)
	}
	w, h := min(t.W, t.Width, f.pic.W-t.X), min(t.H, t.Height, f.pic.H-t.Y)
	if t.X < 0 || t.Y < 0 || w < 1 || h < 1 {
		return fmt.Errorf("picture for %d,%d on a desktop of %dx%d", t.X, t.Y, f.pic.W, f.pic.H)
	}
	part := codec.Target{Pix: f.pic.Pix[t.Y*f.pic.Stride+4*t.X:], Stride: f.pic.Stride, W: w, H: h}
	return codec.Picture{ID: codec.ID(t.Codec), W: t.Width, H: t.Height, Palette: f.palette, Data: t.Data}.DrawPart(part, image.Point{}, &f.scratch)
}
