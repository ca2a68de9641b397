package codec_test

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// fuzzTarget is what a fuzzed picture is drawn into: between guard bytes, so that a write outside shows.
func fuzzTarget(t *testing.T, w, h uint8) (codec.Target, func()) {
	t.Helper()
	tg := codec.Target{W: int(w)%70 + 1, H: int(h)%70 + 1}
	const guard = 64
	tg.Stride = tg.W*4 + 8
	size := (tg.H-1)*tg.Stride + tg.W*4
	all := make([]byte, size+2*guard)
	for i := range all {
		all[i] = 0x5a
	}
	tg.Pix = all[guard : guard+size : guard+size]
	return tg, func() {
		t.Helper()
		for i := range guard {
			if all[i] != 0x5a || all[len(all)-1-i] != 0x5a {
				t.Fatal("a byte outside the picture was written")
			}
		}
		for y := range tg.H - 1 {
			for i := range 8 {
				if tg.Pix[y*tg.Stride+tg.W*4+i] != 0x5a {
					t.Fatal("a byte between the rows was written")
				}
			}
		}
	}
}

// seedVectors adds the beginning of every vector of some codecs.
func seedVectors(f *testing.F, add func(in []byte, w, h int), codecs ...string) {
	f.Helper()
	n := 0
	for _, dir := range vectorDirs(f, "testdata/vectors") {
		for _, v := range loadVectors(f, dir) {
			for _, c := range codecs {
				if v.codec == c && len(v.in) < 8<<10 {
					add(v.in, v.w, v.h)
					n++
				}
			}
		}
	}
	if n == 0 {
		f.Fatalf("no vector of %v to begin with", codecs)
	}
}

func mustBeCorrupt(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, codec.ErrCorrupt) {
		t.Fatalf("error that is not ErrCorrupt: %v", err)
	}
}

func FuzzInterleaved_S09_S22(f *testing.F) {
	seedVectors(f, func(in []byte, w, h int) { f.Add(in, uint8(w-1), uint8(h-1), uint8(2)) }, "interleaved16", "interleaved24")
	f.Add([]byte{0xf3, 0xff, 0xff, 1, 2, 0xfd, 0xfe, 0xf9, 0xfa}, uint8(8), uint8(8), uint8(0))
	depths := []codec.Depth{codec.Depth8, codec.Depth15, codec.Depth16, codec.Depth24}
	f.Fuzz(func(t *testing.T, in []byte, w, h, depth uint8) {
		tg, check := fuzzTarget(t, w, h)
		mustBeCorrupt(t, codec.DecodeInterleaved(tg, depths[int(depth)%len(depths)], codec.GrayPalette(), in))
		check()
	})
}

func FuzzPlanar_S09_S22(f *testing.F) {
	seedVectors(f, func(in []byte, w, h int) { f.Add(in, uint8(w-1), uint8(h-1), true) }, "planar")
	f.Add([]byte{0x1a, 0x11, 0x22, 0xf0}, uint8(3), uint8(3), false)
	f.Fuzz(func(t *testing.T, in []byte, w, h uint8, flip bool) {
		tg, check := fuzzTarget(t, w, h)
		mustBeCorrupt(t, codec.DecodePlanar(tg, in, flip, !flip))
		check()
	})
}

func FuzzNSCodec_S09_S22(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 9, 9}, uint8(3), uint8(3), true)
	f.Fuzz(func(t *testing.T, in []byte, w, h uint8, flip bool) {
		tg, check := fuzzTarget(t, w, h)
		mustBeCorrupt(t, codec.DecodeNSCodec(tg, in, flip))
		check()
	})
}

func FuzzRaw_S09_S22(f *testing.F) {
	f.Add(make([]byte, 64), uint8(3), uint8(3), uint8(24), true)
	f.Fuzz(func(t *testing.T, in []byte, w, h, depth uint8, flip bool) {
		tg, check := fuzzTarget(t, w, h)
		mustBeCorrupt(t, codec.DecodeRaw(tg, codec.Depth(depth), codec.GrayPalette(), in, flip))
		check()
	})
}

// FuzzRemoteFX_S09_S22 parses two messages in a row, since the first may hold the headers, and draws what comes out.
func FuzzRemoteFX_S09_S22(f *testing.F) {
	header := []byte{
		0xc0, 0xcc, 12, 0, 0, 0, 0xca, 0xac, 0xcc, 0xca, 0, 1, // sync
		0xc1, 0xcc, 10, 0, 0, 0, 1, 1, 0, 1, // codec versions
		0xc2, 0xcc, 12, 0, 0, 0, 1, 0, 64, 0, 64, 0, // channels
		0xc3, 0xcc, 13, 0, 0, 0, 1, 0xff, 0, 64, 0, 0x28, 0x28, // context
	}
	frame := []byte{
		0xc6, 0xcc, 23, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 64, 0, 64, 0, 0xc1, 0xca, 1, 0, // region
		0xc7, 0xcc, 56, 0, 0, 0, 1, 0, 0xc2, 0xca, 0, 0, 0x51, 0x50, 1, 64, 1, 0, 29, 0, 0, 0, 0x66, 0x66, 0x66, 0x66, 0x66, // tile set
		0xc3, 0xca, 29, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 3, 0, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, // tile
	}
	f.Add(header, frame)
	f.Add(append(header, frame...), frame)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first)+len(second) > 64<<10 {
			return
		}
		d := codec.NewRemoteFX()
		tg, check := fuzzTarget(t, 69, 69)
		for _, msg := range [][]byte{first, second} {
			frame, err := d.Parse(msg)
			mustBeCorrupt(t, err)
			if err != nil || len(frame.Tiles)*max(len(frame.Rects), 1) > 5000 {
				return
			}
			if err := frame.Draw(tg, 3, -5); err != nil {
				t.Fatal(err)
			}
			if len(frame.Tiles) > 0 {
				one, err := codec.NewTarget(64, 64)
				if err != nil {
					t.Fatal(err)
				}
				if err := frame.Tiles[0].Decode(one); err != nil {
					t.Fatal(err)
				}
			}
		}
		check()
	})
}
