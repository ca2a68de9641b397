package rdp

import (
	"context"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

// nowhere is a sink for what is measured up to it.
type nowhere struct{}

func (nowhere) Emit(context.Context, pam.Frame) error { return nil }

// BenchmarkEmit is all that the adapter does with pictures once they are read: units decoded, gathered into a burst, entered into the coded
// framebuffer and handed on. A line of text is one burst; a picture of 400x300 is another.
func BenchmarkEmit(b *testing.B) {
	picture := func(width, height, w, h int) (unit []byte) {
		var tiles []pdu.BitmapData
		for y := 0; y < height; y += h {
			for x := 0; x < width; x += w {
				tiles = append(tiles, pdu.BitmapData{
					Left: uint16(x), Top: uint16(y), Right: uint16(x + w - 1), Bottom: uint16(y + h - 1), Width: uint16(w), Height: uint16(h), Depth: 32,
					Flags: pdu.BitmapCompressed | pdu.BitmapNoHeader, Data: make([]byte, w*h/4),
				})
			}
		}
		return fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateBitmap, Data: must(pdu.AppendBitmaps(nil, tiles))})
	}
	for _, bm := range []struct {
		name string
		unit []byte
	}{
		{"text", picture(640, 16, 64, 16)},
		{"picture", picture(400, 300, 80, 60)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s := testStage()
			s.activation.Width, s.activation.Height = 1024, 768
			c := &conn{out: newOutbox()}
			c.board.Board = screen.NewBoard()
			r := &reader{c: c, ctx: b.Context(), feed: newFeed()}
			r.burst, r.desktop = r.feed.resize(nil, 1024, 768), true
			b.SetBytes(int64(len(bm.unit)))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.feed(bm.unit); err != nil {
					b.Fatal(err)
				}
				for {
					u, err := s.next()
					if err != nil {
						b.Fatal(err)
					}
					if u == nil {
						break
					}
					if err := r.apply(u); err != nil {
						b.Fatal(err)
					}
				}
				r.flush()
				o, err := c.out.take(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if err := c.emit(b.Context(), nowhere{}, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
