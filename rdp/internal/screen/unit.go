package screen

import (
	"encoding/binary"
	"fmt"
	"image"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// A payload is a sequence of units:
//
//	u8 kind, u32 length of the body, body
//
// Numbers are big endian. Rectangles are x, y, w, h of two bytes each, in pixels of the desktop.
//
//	unitDesktop  u16 width, u16 height: a black desktop; what was drawn before is void
//	unitTile     u8 codec, rectangle, u16 width and u16 height of the picture, picture
//	unitRemoteFX u8 entropy, u16 x, u16 y of the tile, u8 n, n clips of x, y, w, h of one byte each in the tile (none: all of it),
//	             15 bytes of quantisation (two shifts each, the first one lowest), u16 bytes of Y, u16 bytes of Cb, Y, Cb, Cr
//	unitPresent  nothing: what came so far belongs together, and may be shown
//
// What a rectangle has beyond the picture or the desktop is not drawn.
const (
	unitDesktop uint8 = iota + 1
	unitTile
	unitRemoteFX
	unitPresent
)

const (
	unitHeader = 1 + 4
	tileHeader = 1 + 4*2 + 2*2
	rfxHeader  = 1 + 2*2 + 1 // without clips
	rfxQuants  = 15
	// MaxClips is the most clips of one RemoteFX unit.
	MaxClips = 255
	rfxSide  = 64
)

// begin appends a unit's header for a body of n bytes.
func begin(dst []byte, kind uint8, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, kind), uint32(n))
}

func appendU16s(dst []byte, values ...int) []byte {
	for _, v := range values {
		dst = binary.BigEndian.AppendUint16(dst, uint16(v))
	}
	return dst
}

// AppendDesktop appends the size of the desktop, which is within the limits of package codec.
func AppendDesktop(dst []byte, width, height int) []byte {
	return appendU16s(begin(dst, unitDesktop, 4), width, height)
}

// AppendTile appends a picture of width times height pixels, to be drawn at r. All numbers fit 16 bits. The codec is none that needs a
// palette or a context.
func AppendTile(dst []byte, id codec.ID, r image.Rectangle, width, height int, picture []byte) []byte {
	dst = append(begin(dst, unitTile, tileHeader+len(picture)), byte(id))
	dst = appendU16s(dst, r.Min.X, r.Min.Y, r.Dx(), r.Dy(), width, height)
	return append(dst, picture...)
}

// AppendRemoteFX appends a tile of a frame that is drawn with its origin at left, top, within a rectangle: nothing, if none of the frame's
// rectangles meets it there.
func AppendRemoteFX(dst []byte, f *codec.Frame, tile *codec.Tile, left, top int, within image.Rectangle) []byte {
	at := image.Pt(left+tile.X, top+tile.Y)
	whole := image.Rectangle{Min: at, Max: at.Add(image.Pt(rfxSide, rfxSide))}
	var clips []image.Rectangle
	for _, r := range f.Rects {
		c := image.Rect(left+r.X, top+r.Y, left+r.X+r.W, top+r.Y+r.H).Intersect(whole).Intersect(within)
		if c == whole.Intersect(within) && !c.Empty() {
			return appendRemoteFX(dst, tile, at, nil)
		}
		if !c.Empty() {
			clips = append(clips, c.Sub(at))
		}
		if len(clips) == MaxClips {
			dst = appendRemoteFX(dst, tile, at, clips)
			clips = clips[:0]
		}
	}
	if len(clips) > 0 {
		dst = appendRemoteFX(dst, tile, at, clips)
	}
	return dst
}

func appendRemoteFX(dst []byte, tile *codec.Tile, at image.Point, clips []image.Rectangle) []byte {
	body := rfxHeader + 4*len(clips) + rfxQuants + 2*2 + len(tile.Data[0]) + len(tile.Data[1]) + len(tile.Data[2])
	dst = append(begin(dst, unitRemoteFX, body), byte(tile.Entropy))
	dst = append(appendU16s(dst, at.X, at.Y), byte(len(clips)))
	for _, c := range clips {
		dst = append(dst, byte(c.Min.X), byte(c.Min.Y), byte(c.Dx()), byte(c.Dy()))
	}
	for _, q := range tile.Quant {
		for i := 0; i < len(q); i += 2 {
			dst = append(dst, q[i]|q[i+1]<<4)
		}
	}
	dst = appendU16s(dst, len(tile.Data[0]), len(tile.Data[1]))
	for _, d := range tile.Data {
		dst = append(dst, d...)
	}
	return dst
}

// AppendPresent appends the mark that what came so far belongs together.
func AppendPresent(dst []byte) []byte { return begin(dst, unitPresent, 0) }

// unit is a parsed unit. Its slices alias the payload.
type unit struct {
	kind          uint8
	raw           []byte          // with its header
	rect          image.Rectangle // that it draws in, or of the desktop; may reach beyond the desktop
	width, height int             // of the picture
	codec         codec.ID
	picture       []byte
	tile          codec.Tile
	clips         []image.Rectangle // on the desktop; nil: all of rect
}

// opaque reports whether the unit leaves no pixel of its rectangle as it was.
func (u *unit) opaque() bool { return len(u.clips) <= 1 }

// head reads the header of the first unit of a payload: its kind, its body, and its size with the header.
func head(payload []byte) (kind uint8, body wire.Reader, size int, err error) {
	r := wire.NewReader(payload)
	kind = r.U8("kind")
	n := r.Limit("length", uint64(r.U32BE("length")), uint64(len(payload)))
	body = r.Sub("body", n)
	if r.Err() != nil {
		return 0, body, 0, fmt.Errorf("screen unit: %w", r.Err())
	}
	return kind, body, unitHeader + n, nil
}

// next takes the first unit of a payload.
func next(payload []byte) (u unit, rest []byte, err error) {
	kind, body, n, err := head(payload)
	if err != nil {
		return u, nil, err
	}
	u.kind, u.raw, rest = kind, payload[:n], payload[n:]
	switch u.kind {
	case unitDesktop:
		u.rect = image.Rect(0, 0, int(body.U16BE("width")), int(body.U16BE("height")))
	case unitTile:
		u.codec = codec.ID(body.U8("codec"))
		u.rect = takeRect(&body)
		u.width, u.height = int(body.U16BE("width")), int(body.U16BE("height"))
		u.rect.Max.X, u.rect.Max.Y = min(u.rect.Max.X, u.rect.Min.X+u.width), min(u.rect.Max.Y, u.rect.Min.Y+u.height)
		u.picture = body.Rest()
	case unitRemoteFX:
		u.takeRemoteFX(&body)
	case unitPresent:
	default:
		body.Failf("unknown kind")
	}
	if err := body.Close("unit"); err != nil {
		return u, nil, fmt.Errorf("screen unit %d: %w", u.kind, err)
	}
	return u, rest, nil
}

func takeRect(r *wire.Reader) image.Rectangle {
	x, y := int(r.U16BE("x")), int(r.U16BE("y"))
	return image.Rect(x, y, x+int(r.U16BE("w")), y+int(r.U16BE("h")))
}

func (u *unit) takeRemoteFX(r *wire.Reader) {
	u.tile.Entropy = codec.Entropy(r.U8("entropy"))
	at := image.Pt(int(r.U16BE("x")), int(r.U16BE("y")))
	u.rect = image.Rectangle{Min: at, Max: at.Add(image.Pt(rfxSide, rfxSide))}
	whole := u.rect
	if n := int(r.U8("clips")); n > 0 {
		u.rect = image.Rectangle{}
		u.clips = make([]image.Rectangle, 0, n)
		for range n {
			x, y := int(r.U8("x")), int(r.U8("y"))
			c := image.Rect(x, y, x+int(r.U8("w")), y+int(r.U8("h"))).Add(at).Intersect(whole)
			u.clips = append(u.clips, c)
			u.rect = u.rect.Union(c)
		}
	}
	for i := range u.tile.Quant {
		for j, b := range r.Bytes("quants", 5) {
			u.tile.Quant[i][2*j], u.tile.Quant[i][2*j+1] = b&0x0f, b>>4
		}
	}
	ny, ncb := int(r.U16BE("Y")), int(r.U16BE("Cb"))
	u.tile.X, u.tile.Y = at.X, at.Y
	u.tile.Data = [3][]byte{r.Bytes("Y", ny), r.Bytes("Cb", ncb), r.Rest()}
}

// Split cuts a sequence of units into payloads of at most limit bytes, or of one unit that is larger. They alias it.
func Split(units []byte, limit int) ([][]byte, error) {
	var out [][]byte
	for start, end := 0, 0; start < len(units); start = end {
		for end < len(units) {
			_, _, n, err := head(units[end:])
			if err != nil {
				return nil, err
			}
			if end > start && end-start+n > limit {
				break
			}
			end += n
		}
		out = append(out, units[start:end])
	}
	return out, nil
}
