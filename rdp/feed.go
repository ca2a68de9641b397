package rdp

import (
	"fmt"
	"image"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

// maxUnitPicture is the size, in bytes, past which a picture is cut: its unit has to fit a payload of the browser protocol.
const maxUnitPicture = 512 << 10

// feed turns updates into units that each stand alone, still in the server's coding. It belongs to one goroutine.
type feed struct {
	size    image.Rectangle // of the desktop
	palette *codec.Palette
	rfx     *codec.RemoteFX
	scratch []byte // pixels of a picture that has to be decoded
	coded   []byte // and what became of them
}

func newFeed() *feed { return &feed{palette: codec.GrayPalette(), rfx: codec.NewRemoteFX()} }

// resize begins a desktop of that size.
func (f *feed) resize(dst []byte, width, height int) []byte {
	f.size, f.rfx = image.Rect(0, 0, width, height), codec.NewRemoteFX()
	return screen.AppendDesktop(dst, width, height)
}

// append appends what an update draws, which is nothing for updates of other kinds. A frame's end presents what came before.
func (f *feed) append(dst []byte, u Update) ([]byte, error) {
	var err error
	switch u := u.(type) {
	case *Bitmap:
		for i := range u.Tiles {
			if dst, err = f.tile(dst, &u.Tiles[i]); err != nil {
				break
			}
		}
	case *SurfaceBits:
		dst, err = f.tile(dst, &u.Tile)
	case *Palette:
		for i := range f.palette {
			copy(f.palette[i][:], u.Colors[3*i:])
		}
	case *FrameMarker:
		if u.End {
			dst = screen.AppendPresent(dst)
		}
	case *Resized:
		dst = f.resize(dst, u.Width, u.Height)
	}
	if err != nil {
		return dst, &Error{Code: CodeProtocol, Phase: "picture", Err: err}
	}
	return dst, nil
}

func (f *feed) tile(dst []byte, t *Tile) ([]byte, error) {
	if t.Codec == CodecRemoteFX {
		frame, err := f.rfx.Parse(t.Data)
		if err != nil {
			return dst, err
		}
		for i := range frame.Tiles {
			dst = screen.AppendRemoteFX(dst, frame, &frame.Tiles[i], t.X, t.Y, f.size)
		}
		return dst, nil
	}
	at := image.Rect(t.X, t.Y, t.X+min(t.W, t.Width), t.Y+min(t.H, t.Height)).Intersect(f.size)
	if t.X < 0 || t.Y < 0 || t.W < 1 || t.H < 1 || at.Empty() {
		return dst, fmt.Errorf("picture for %d,%d on a desktop of %v", t.X, t.Y, f.size.Max)
	}
	if t.Width > f.size.Max.X+screen.MaxPadding || t.Height > f.size.Max.Y+screen.MaxPadding {
		return dst, fmt.Errorf("picture of %dx%d on a desktop of %v", t.Width, t.Height, f.size.Max)
	}
	if t.Codec != CodecRaw8 && t.Codec != CodecRLE8 && len(t.Data) <= maxUnitPicture {
		return screen.AppendTile(dst, codec.ID(t.Codec), at, t.Width, t.Height, t.Data), nil
	}
	return f.recode(dst, t, at)
}

// recode decodes a picture that cannot be passed on as it is, because its colours are in a palette or because it is too large, and passes
// on its pieces.
func (f *feed) recode(dst []byte, t *Tile, at image.Rectangle) ([]byte, error) {
	n := 4 * t.Width * t.Height
	if cap(f.scratch) < n {
		f.scratch = make([]byte, n)
	}
	whole := codec.Target{Pix: f.scratch[:n], Stride: 4 * t.Width, W: t.Width, H: t.Height}
	if err := codec.Decode(whole, codec.ID(t.Codec), f.palette, t.Data); err != nil {
		return dst, err
	}
	for piece := range screen.Cells(at) {
		from := piece.Min.Sub(image.Pt(t.X, t.Y))
		part := codec.Target{Pix: whole.Pix[from.Y*whole.Stride+4*from.X:], Stride: whole.Stride, W: piece.Dx(), H: piece.Dy()}
		f.coded = codec.AppendPlanar(f.coded[:0], part)
		dst = screen.AppendTile(dst, codec.Planar, piece, piece.Dx(), piece.Dy(), f.coded)
	}
	return dst, nil
}
