// Command frames writes a full frame of 1920x1080 in every codec that viewers get, as payloads of the browser protocol (pam/PROTOCOL.md), for
// measuring what draws them, into the folder that its argument names. Each file CODEC.screen holds payloads, each after its length in four bytes, big endian.
package main

import (
	"encoding/binary"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/rdp/internal/codec"
	"github.com/sallyport/sallyport/rdp/internal/screen"
	"github.com/sallyport/sallyport/rdp/rdptest/internal/encode"
)

const (
	width, height = 1920, 1080
	side          = 64
	// maxPayload is the most bytes of a payload.
	maxPayload = 1 << 20
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: frames FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "frames:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	m := desktop()
	frames := map[string][][]byte{
		"rle16":   tiles(m, codec.RLE16, func(t *image.RGBA) []byte { return encode.Interleaved(t, t.Rect.Dx(), 16) }),
		"rle24":   tiles(m, codec.RLE24, func(t *image.RGBA) []byte { return encode.Interleaved(t, t.Rect.Dx(), 24) }),
		"planar":  tiles(m, codec.Planar, func(t *image.RGBA) []byte { return encode.Planar(t, encode.PlanarOptions{RLE: true, NoAlpha: true}) }),
		"nscodec": tiles(m, codec.NSCodec, func(t *image.RGBA) []byte { return encode.NSCodec(t, 3, true) }),
	}
	for name, mode := range map[string]encode.Entropy{"remotefx-rlgr1": encode.RLGR1, "remotefx-rlgr3": encode.RLGR3} {
		units, err := remoteFX(m, mode)
		if err != nil {
			return err
		}
		frames[name] = units
	}
	for name, units := range frames {
		if err := os.WriteFile(filepath.Join(out, name+".screen"), payloads(units), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// desktop is a picture with what desktops are made of: lines of text on white and on black for the larger part, areas of one colour, and a
// photograph's gradients and grain.
func desktop() *image.RGBA {
	r := rand.New(rand.NewPCG(1920, 1080))
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	var letters [64][13]byte
	for i := range letters {
		for y := 2; y < 11; y++ {
			letters[i][y] = byte(r.Uint32()&r.Uint32()) & 0x7e
		}
	}
	var line [width / 8]int // the letter of each column; -1: none
	for y := range height {
		if y%13 == 0 {
			end := r.IntN(len(line))
			for i := range line {
				if line[i] = r.IntN(len(letters)); i > end || r.IntN(6) == 0 {
					line[i] = -1
				}
			}
		}
		for x := range width {
			c := [3]byte{255, 255, 255}
			if x > width/2 && y < height/2 {
				c = [3]byte{24, 24, 32}
			}
			switch {
			case y < 40 || y > height-48: // bars
				c = [3]byte{43, 87, 154}
			case x > width*5/8 && y > height*5/9: // a photograph
				grain := byte(r.IntN(5))
				c = [3]byte{byte(x/9) + grain, byte(y/7) + grain, byte((x+y)/11) + grain}
			case line[x/8] >= 0 && letters[line[x/8]][y%13]>>(7-x%8)&1 != 0:
				c = [3]byte{c[0] ^ 0xd8, c[1] ^ 0xd8, c[2] ^ 0xd0}
			}
			copy(m.Pix[m.PixOffset(x, y):], []byte{c[0], c[1], c[2], 255})
		}
	}
	return m
}

// tiles are the units of a frame of pictures, 64 pixels a side.
func tiles(m *image.RGBA, id codec.ID, coded func(*image.RGBA) []byte) (units [][]byte) {
	for y := 0; y < height; y += side {
		for x := 0; x < width; x += side {
			r := image.Rect(x, y, x+side, y+side).Intersect(m.Rect)
			t := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
			for row := range r.Dy() {
				copy(t.Pix[row*t.Stride:][:t.Stride], m.Pix[m.PixOffset(x, y+row):])
			}
			units = append(units, screen.AppendTile(nil, id, r, r.Dx(), r.Dy(), coded(t)))
		}
	}
	return units
}

func remoteFX(m *image.RGBA, mode encode.Entropy) (units [][]byte, err error) {
	f, err := codec.NewRemoteFX().Parse(encode.NewRemoteFX(mode, width, height).Encode(m))
	if err != nil {
		return nil, err
	}
	for i := range f.Tiles {
		units = append(units, screen.AppendRemoteFX(nil, f, &f.Tiles[i], 0, 0, m.Rect))
	}
	return units, nil
}

// payloads joins units as a gateway does, with a present at the end.
func payloads(units [][]byte) (out []byte) {
	units = append(units, screen.AppendPresent(nil))
	var payload []byte
	flush := func() {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(payload))), payload...)
		payload = payload[:0]
	}
	for _, u := range units {
		if len(payload)+len(u) > maxPayload {
			flush()
		}
		payload = append(payload, u...)
	}
	flush()
	return out
}
