package screen_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

// painter makes payloads of random updates.
type painter struct {
	*rand.Rand
	w, h int
}

// pixels are w times h pixels that are flat or noisy, opaque.
func (p *painter) pixels(w, h int) codec.Target {
	t := codec.Target{Pix: make([]byte, 4*w*h), Stride: 4 * w, W: w, H: h}
	c, noisy := p.Uint32(), p.IntN(2) == 0
	for i := 0; i < len(t.Pix); i += 4 {
		if noisy || p.IntN(50) == 0 {
			c = p.Uint32()
		}
		binary.LittleEndian.PutUint32(t.Pix[i:], c|0xff<<24)
	}
	return t
}

// raw is a picture as bitmap updates and surface bits have it.
func raw(t codec.Target, id codec.ID) []byte {
	var b []byte
	for y := t.H - 1; y >= 0; y-- {
		for x := range t.W {
			px := t.Pix[y*t.Stride+4*x:]
			switch id {
			case codec.Raw16, codec.Surface16:
				b = binary.LittleEndian.AppendUint16(b, uint16(px[0])>>3<<11|uint16(px[1])>>2<<5|uint16(px[2])>>3)
			default:
				b = append(b, px[2], px[1], px[0], 0)
			}
		}
		if id == codec.Raw16 && t.W%2 == 1 {
			b = append(b, 0, 0)
		}
	}
	return b
}

// tile appends a random picture at a random place.
func (p *painter) tile(dst []byte) []byte {
	var w, h int
	switch p.IntN(4) {
	case 0: // as large as a cell, and in place
		w, h = 64, 64
	case 1: // a strip
		w, h = 1+p.IntN(p.w), 1+p.IntN(12)
	case 2: // text
		w, h = 1+p.IntN(12), 1+p.IntN(12)
	default:
		w, h = 1+p.IntN(p.w), 1+p.IntN(p.h)
	}
	x, y := p.IntN(p.w), p.IntN(p.h)
	if w == 64 && h == 64 {
		x, y = x&^63, y&^63
	}
	t := p.pixels(w, h)
	r := image.Rect(x, y, x+max(1, w-p.IntN(3)), y+max(1, h-p.IntN(3))) // a part of the picture is padding
	id := []codec.ID{codec.Raw16, codec.Raw32, codec.Surface16, codec.Surface32, codec.Planar}[p.IntN(5)]
	if id == codec.Planar {
		return screen.AppendTile(dst, id, r, w, h, codec.AppendPlanar(nil, t))
	}
	return screen.AppendTile(dst, id, r, w, h, raw(t, id))
}

// remoteFX appends a frame of random tiles: any bytes are a tile.
func (p *painter) remoteFX(dst []byte) []byte {
	f := &codec.Frame{}
	for range 1 + p.IntN(3) {
		f.Rects = append(f.Rects, codec.Rect{X: p.IntN(200), Y: p.IntN(100), W: 1 + p.IntN(200), H: 1 + p.IntN(100)})
	}
	if p.IntN(2) == 0 {
		f.Rects = []codec.Rect{{W: 8192, H: 8192}}
	}
	left, top := p.IntN(p.w), p.IntN(p.h)
	if p.IntN(2) == 0 {
		left, top = left&^63, top&^63
	}
	for range 1 + p.IntN(4) {
		t := codec.Tile{X: p.IntN(4) * 64, Y: p.IntN(3) * 64, Entropy: []codec.Entropy{codec.RLGR1, codec.RLGR3}[p.IntN(2)]}
		for i := range t.Data {
			for j := range t.Quant[i] {
				t.Quant[i][j] = uint8(6 + p.IntN(5))
			}
			t.Data[i] = make([]byte, p.IntN(300))
			for j := range t.Data[i] {
				t.Data[i][j] = byte(p.Uint32())
			}
		}
		dst = screen.AppendRemoteFX(dst, f, &t, left, top, image.Rect(0, 0, p.w, p.h))
	}
	return dst
}

// payload is one burst.
func (p *painter) payload() []byte {
	var b []byte
	if p.IntN(60) == 0 {
		p.w, p.h = 1+p.IntN(300), 1+p.IntN(200)
		b = screen.AppendDesktop(b, p.w, p.h)
	}
	for range 1 + p.IntN(5) {
		if p.IntN(5) == 0 {
			b = p.remoteFX(b)
		} else {
			b = p.tile(b)
		}
	}
	return screen.AppendPresent(b)
}

func draw(t *testing.T, p *screen.Picture, payloads ...[]byte) {
	t.Helper()
	for _, b := range payloads {
		if err := p.Draw(b); err != nil {
			t.Fatal(err)
		}
	}
}

func same(t *testing.T, what string, got, want *screen.Picture) {
	t.Helper()
	g, w := got.Image(), want.Image()
	if g.Rect != w.Rect {
		t.Fatalf("%s: %v, want %v", what, g.Rect, w.Rect)
	}
	if i := difference(g.Pix, w.Pix); i >= 0 {
		t.Fatalf("%s: pixel %d,%d is %v, want %v", what, i/4%g.Rect.Dx(), i/4/g.Rect.Dx(), g.Pix[i&^3:][:4], w.Pix[i&^3:][:4])
	}
}

func difference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// TestBoard_J4_C2_KeyFrame: a key frame and the log that follows it give the picture that the whole log gives, pixel for pixel; so
// does what has changed, drawn over an older picture.
func TestBoard_J4_C2_KeyFrame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p := &painter{rand.New(rand.NewPCG(seed, 1)), 260, 140}
			board, all := screen.NewBoard(), screen.NewPicture()
			joined, slow := screen.NewPicture(), screen.NewPicture()
			var at uint64 // that slow has seen
			add := func(seq uint64, b []byte) {
				t.Helper()
				if err := board.Add(seq, b); err != nil {
					t.Fatal(err)
				}
				draw(t, all, b)
			}
			first := screen.AppendDesktop(nil, p.w, p.h)
			add(1, first)
			draw(t, joined, first)
			for seq := uint64(2); seq < 120; seq++ {
				w, h := p.w, p.h
				b := p.payload()
				add(seq, b)
				draw(t, joined, b)
				if w != p.w || h != p.h {
					at = 0
				}
				switch p.IntN(8) {
				case 0:
					joined = screen.NewPicture()
					draw(t, joined, board.KeyFrame(64<<10)...)
				case 1:
					if at == 0 {
						slow = screen.NewPicture()
						draw(t, slow, board.KeyFrame(1<<20)...)
					} else {
						draw(t, slow, board.Since(at, 64<<10)...)
					}
					at = seq
					same(t, fmt.Sprint("what has changed, at ", seq), slow, all)
				}
				if p.IntN(4) == 0 {
					same(t, fmt.Sprint("key frame and log, at ", seq), joined, all)
				}
			}
			same(t, "key frame and log", joined, all)
			if s := board.Stats(); s.Faults != 0 || s.Retained > 2*s.Visible+512<<10 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestBoard_S22_Bounds: whatever is drawn, a board's memory is bounded by the size of the desktop.
func TestBoard_S22_Bounds(t *testing.T) {
	t.Parallel()
	const w, h = 512, 384
	p := &painter{rand.New(rand.NewPCG(3, 3)), w, h}
	const most = w / 64 * h / 64 * 32 << 10
	for name, payload := range map[string]func(i int) []byte{
		// Large pictures, each hidden but for one cell.
		"rims": func(i int) []byte {
			t := p.pixels(w, h)
			b := screen.AppendTile(nil, codec.Surface32, image.Rect(0, 0, w, h), w, h, raw(t, codec.Surface32))
			if i > 0 {
				b = screen.AppendTile(nil, codec.Surface32, image.Rect(0, 0, w, h-4*(i%60)), w, h-4*(i%60), raw(codec.Target{Pix: t.Pix, Stride: t.Stride, W: w, H: h - 4*(i%60)}, codec.Surface32))
			}
			return b
		},
		// Pictures with much behind their pixels.
		"padding": func(i int) []byte {
			x, y := i%8*64, i/8%6*64
			return screen.AppendTile(nil, codec.Surface32, image.Rect(x, y, x+64, y+64), 64, 64, make([]byte, 200_000))
		},
		// Very small ones.
		"dust": func(int) []byte {
			var b []byte
			for range 500 {
				x, y := p.IntN(w), p.IntN(h)
				b = screen.AppendTile(b, codec.Surface32, image.Rect(x, y, x+1, y+1), 1, 1, []byte{1, 2, 3, 4})
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			board := screen.NewBoard()
			if err := board.Add(1, screen.AppendDesktop(nil, w, h)); err != nil {
				t.Fatal(err)
			}
			for i := range 30 {
				if err := board.Add(uint64(i+2), payload(i)); err != nil {
					t.Fatal(err)
				}
				if s := board.Stats(); s.Visible > 2*most+256<<10 || s.Retained > 2*(2*most+256<<10)+256<<10 {
					t.Fatalf("after %d: %+v, want at most %d bytes", i, s, most)
				}
			}
			t.Logf("%+v", board.Stats())
		})
	}
}

// What cannot be decoded is a fault of its rectangle alone.
func TestBoard_Faults(t *testing.T) {
	t.Parallel()
	board := screen.NewBoard()
	b := screen.AppendDesktop(nil, 64, 64)
	for range 40 {
		b = screen.AppendTile(b, codec.Planar, image.Rect(0, 0, 32, 32), 32, 33, []byte{0x10})
		b = screen.AppendTile(b, codec.Surface32, image.Rect(40, 40, 41, 41), 1, 1, []byte{1, 2, 3, 4})
	}
	for i := range 40 {
		b = screen.AppendTile(b, codec.Surface32, image.Rect(i, 50, i+1, 51), 1, 1, []byte{1, 2, 3, 4})
	}
	if err := board.Add(1, b); err != nil {
		t.Fatal(err)
	}
	if s := board.Stats(); s.Faults == 0 {
		t.Errorf("%+v", s)
	}
	p := screen.NewPicture()
	draw(t, p, board.KeyFrame(1<<20)...)
	if got := p.Image().RGBAAt(40, 40); got.R != 3 || got.G != 2 || got.B != 1 {
		t.Errorf("%v", got)
	}
}

func TestAdd_Malformed(t *testing.T) {
	t.Parallel()
	tile := screen.AppendTile(nil, codec.Surface32, image.Rect(0, 0, 1, 1), 1, 1, []byte{1, 2, 3, 4})
	for name, b := range map[string][]byte{
		"cut":           tile[:len(tile)-1],
		"header alone":  tile[:3],
		"unknown":       {9, 0, 0, 0, 0},
		"no desktop":    screen.AppendDesktop(nil, 0, 7),
		"large desktop": screen.AppendDesktop(nil, 8193, 8),
		"large picture": screen.AppendTile(nil, codec.Surface32, image.Rect(0, 0, 1, 1), 4096, 1, nil),
		"long present":  {4, 0, 0, 0, 1, 0},
	} {
		board := screen.NewBoard()
		if err := board.Add(1, screen.AppendDesktop(nil, 64, 64)); err != nil {
			t.Fatal(err)
		}
		if err := board.Add(2, b); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzBoard(f *testing.F) {
	p := &painter{rand.New(rand.NewPCG(9, 9)), 130, 70}
	for range 10 {
		f.Add(screen.AppendDesktop(nil, 130, 70), p.payload())
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		board, all := screen.NewBoard(), screen.NewPicture()
		var faults error
		for i, b := range [][]byte{screen.AppendDesktop(nil, 64, 64), first, second} {
			if len(b) > 64<<10 || board.Add(uint64(i+1), b) != nil {
				return
			}
			if w, h := board.Size(); w*h > 1<<20 {
				return
			}
			faults = errors.Join(faults, all.Draw(b))
		}
		joined := screen.NewPicture()
		for _, b := range board.KeyFrame(1 << 20) {
			faults = errors.Join(faults, joined.Draw(b))
		}
		if faults == nil && board.Stats().Faults == 0 {
			same(t, "key frame", joined, all)
		}
	})
}

func BenchmarkBoard(b *testing.B) {
	p := &painter{rand.New(rand.NewPCG(7, 7)), 1920, 1080}
	var full []byte // a frame in tiles
	for y := 0; y < 1080; y += 64 {
		for x := 0; x < 1920; x += 64 {
			full = screen.AppendTile(full, codec.Planar, image.Rect(x, y, x+64, y+64), 64, 64, codec.AppendPlanar(nil, p.pixels(64, 64)))
		}
	}
	var text []byte // a line of text
	for x := 0; x < 1920; x += 8 {
		text = screen.AppendTile(text, codec.Planar, image.Rect(x, 500, x+8, 516), 8, 16, codec.AppendPlanar(nil, p.pixels(8, 16)))
	}
	for name, payload := range map[string][]byte{"frame": full, "text": text} {
		b.Run("Add/"+name, func(b *testing.B) {
			board := screen.NewBoard()
			_ = board.Add(1, screen.AppendDesktop(nil, 1920, 1080))
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			seq := uint64(1)
			for b.Loop() {
				seq++
				if err := board.Add(seq, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("KeyFrame", func(b *testing.B) {
		board := screen.NewBoard()
		_ = board.Add(1, screen.AppendDesktop(nil, 1920, 1080))
		_ = board.Add(2, full)
		for i := range 20 {
			_ = board.Add(uint64(i+3), text)
		}
		b.ReportAllocs()
		for b.Loop() {
			board.KeyFrame(1 << 20)
		}
	})
}
