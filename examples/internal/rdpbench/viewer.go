package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/sallyport/sallyport/rdp"
)

// viewer is an open desktop, whichever path leads there.
type viewer interface {
	pid() int                      // of the process that is measured
	received() int                 // bytes of pictures so far
	keys(n int) ([]float64, error) // seconds from each of n keys to what is drawn next
	firstImage() (float64, error)  // seconds from asking for the desktop to its picture
	close()
}

// watch notes what is drawn. It counts bytes and tells whoever waits.
type watch struct {
	begun time.Time

	mu    sync.Mutex // guards what follows
	bytes int
	image *rdp.Framebuffer // until the desktop's picture is there; nil: nobody asks
	first float64
	err   error
	drawn chan struct{} // capacity 1
	seen  chan struct{} // closed with the first image
}

func newWatch(begun time.Time, decode bool) *watch {
	w := &watch{begun: begun, drawn: make(chan struct{}, 1), seen: make(chan struct{})}
	if decode {
		w.image, w.err = rdp.NewFramebuffer(width, height)
	}
	return w
}

// took notes a picture of n bytes, of which updates are what it consists of.
func (w *watch) took(n int, updates ...rdp.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += n
	for _, u := range updates {
		if w.image != nil && w.err == nil {
			w.err = w.image.Apply(u)
		}
	}
	if w.image != nil && desktopBlue(w.image.Image()) {
		w.first, w.image = time.Since(w.begun).Seconds(), nil
		close(w.seen)
	}
	select {
	case w.drawn <- struct{}{}:
	default:
	}
}

// corner is a point far down where nothing but the desktop's pattern is, so that the picture is there when it is.
var corner = image.Pt(1000, 740)

// desktopBlue says whether the corner has one of the pattern's two blues.
func desktopBlue(img *image.RGBA) bool {
	c := img.RGBAAt(corner.X, corner.Y)
	return isBlue(c.R, c.B)
}

func isBlue(r, b uint8) bool { return int(b) > int(r)+60 }

func (w *watch) received() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

func (w *watch) firstImage(ctx context.Context) (float64, error) {
	select {
	case <-w.seen:
	case <-ctx.Done():
		return 0, fmt.Errorf("no picture: %w", context.Cause(ctx))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first, w.err
}

// Rests of keystrokes: what one draws is over before the next one.
const (
	keyRest     = 60 * time.Millisecond
	keyPatience = 10 * time.Second
)

// time measures n keystrokes. The terminal has the focus where the pointer is.
func (w *watch) keys(n int, press func() error) ([]float64, error) {
	var all []float64
	for range n {
		time.Sleep(keyRest)
		select {
		case <-w.drawn:
		default:
		}
		begin := time.Now()
		if err := press(); err != nil {
			return all, err
		}
		select {
		case <-w.drawn:
			all = append(all, time.Since(begin).Seconds())
		case <-time.After(keyPatience):
			return all, errors.New("a key draws nothing")
		}
	}
	return all, nil
}

// terminal is a point in the terminal that is always on the desktop.
var terminal = image.Pt(100, 100)

// Codes of keys on the wire.
const (
	scanK     = rdp.Scancode(0x25)
	scanEnter = rdp.Scancode(0x1c)
)

// Units of a payload of pictures that are looked at here; PROTOCOL.md has them all.
const (
	unitTile    = 2
	unitPresent = 4
	unitHeader  = 5
	tileHeader  = 13
)

// tilesOf are the tiles of a payload.
func tilesOf(payload []byte) *rdp.Bitmap {
	var b rdp.Bitmap
	for len(payload) >= unitHeader {
		n := unitHeader + int(binary.BigEndian.Uint32(payload[1:]))
		if n > len(payload) {
			break
		}
		if p := payload[unitHeader:n]; payload[0] == unitTile && len(p) >= tileHeader {
			u16 := func(i int) int { return int(binary.BigEndian.Uint16(p[1+2*i:])) }
			b.Tiles = append(b.Tiles, rdp.Tile{
				Codec: rdp.Codec(p[0]), X: u16(0), Y: u16(1), W: u16(2), H: u16(3), Width: u16(4), Height: u16(5), Data: p[tileHeader:],
			})
		}
		payload = payload[n:]
	}
	return &b
}

// presents says whether a payload ends with the mark that what came so far may be shown.
func presents(payload []byte) bool {
	n := len(payload) - unitHeader
	return n >= 0 && payload[n] == unitPresent && binary.BigEndian.Uint32(payload[n+1:]) == 0
}
