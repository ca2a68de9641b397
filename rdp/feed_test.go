package rdp

import (
	"encoding/binary"
	"image"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/screen"
)

// Feed is a viewer beside a Framebuffer, for tests: it sees what is passed on to browsers, as it comes and from a key frame.
type Feed struct {
	feed  *feed
	board *screen.Board
	live  *screen.Picture
	seq   uint64
}

// NewFeed returns a Feed with a desktop of that size.
func NewFeed(width, height int) (*Feed, error) {
	f := &Feed{feed: newFeed(), board: screen.NewBoard(), live: screen.NewPicture()}
	return f, f.show(f.feed.resize(nil, width, height))
}

func (f *Feed) show(payload []byte) error {
	f.seq++
	if err := f.board.Add(f.seq, payload); err != nil {
		return err
	}
	return f.live.Draw(payload)
}

// Apply passes an update on.
func (f *Feed) Apply(u Update) error {
	payload, err := f.feed.append(nil, u)
	if err != nil {
		return err
	}
	return f.show(payload)
}

// Images returns what a viewer who was there from the start sees, and one who comes now.
func (f *Feed) Images() (live, late *image.RGBA, err error) {
	p := screen.NewPicture()
	for _, b := range f.board.KeyFrame(1 << 20) {
		if err := p.Draw(b); err != nil {
			return nil, nil, err
		}
	}
	return f.live.Image(), p.Image(), nil
}

// Pictures with a palette, too large for a payload, and cut by the desktop's edge are passed on as what a framebuffer shows.
func TestFeed_Recoded(t *testing.T) {
	t.Parallel()
	const w, h = 700, 500
	plain, err := NewFramebuffer(w, h)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFeed(w, h)
	if err != nil {
		t.Fatal(err)
	}
	colours := make([]byte, 3*256)
	for i := range colours {
		colours[i] = byte(i * 31)
	}
	indices := make([]byte, 72*50)
	for i := range indices {
		indices[i] = byte(i / 3)
	}
	large := make([]byte, 0, 4*w*h)
	for i := range w * h {
		large = binary.LittleEndian.AppendUint32(large, uint32(i*2654435761))
	}
	for i, u := range []Update{
		&SurfaceBits{Tile{Codec: CodecSurface32, W: w, H: h, Width: w, Height: h, Data: large}},
		&Palette{colours},
		&Bitmap{[]Tile{
			{Codec: CodecRaw8, X: 30, Y: 40, W: 70, H: 50, Width: 72, Height: 50, Data: indices},
			{Codec: CodecRaw8, X: 660, Y: 470, W: 72, H: 50, Width: 72, Height: 50, Data: indices},
			{Codec: CodecRLE8, X: 10, Y: 10, W: 8, H: 4, Width: 8, Height: 4, Data: []byte{0x60 | 31, 7, 0xfe}},
		}},
		&Palette{slices.Repeat([]byte{9}, 3*256)},
		&Resized{320, 200},
		&SurfaceBits{Tile{Codec: CodecSurface32, X: 0, Y: 0, W: 100, H: 300, Width: 100, Height: 260, Data: large}},
	} {
		if err := plain.Apply(u); err != nil {
			t.Fatal(i, err)
		}
		if err := f.Apply(u); err != nil {
			t.Fatal(i, err)
		}
		live, late, err := f.Images()
		if err != nil {
			t.Fatal(i, err)
		}
		if want := plain.Image().Pix; !slices.Equal(live.Pix, want) || !slices.Equal(late.Pix, want) {
			t.Errorf("update %d: another picture", i)
		}
	}
	for i, tile := range []Tile{
		{Codec: CodecSurface32, X: 320, W: 4, H: 4, Width: 4, Height: 4, Data: large},
		{Codec: CodecSurface32, W: 4, H: 4, Width: 320 + screen.MaxPadding + 1, Height: 4, Data: large},
		{Codec: CodecRemoteFX, W: 4, H: 4, Width: 4, Height: 4, Data: []byte{1}},
		{Codec: CodecRaw8, W: 4, H: 4, Width: 4, Height: 4, Data: []byte{1}},
	} {
		if err := f.Apply(&Bitmap{[]Tile{tile}}); CodeOf(err) != CodeProtocol {
			t.Errorf("tile %d: %v", i, err)
		}
	}
}
