package codec_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/bulk"
	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// fullHD is the number of pixels of a frame of 1920x1080.
const fullHD = 1920 * 1080

// BenchmarkDecode decodes what real servers sent. MB/s are of pixels drawn, at four bytes each; ms/1080p is the time that as many of
// these pixels as a frame of 1920x1080 has take on one processor.
func BenchmarkDecode(b *testing.B) {
	for _, dir := range vectorDirs(b, "testdata/vectors") {
		var draw []func() error
		pixels, rfx := 0, codec.NewRemoteFX()
		for _, v := range loadVectors(b, dir) {
			switch {
			case strings.HasPrefix(v.codec, "bulk-"):
			case v.codec == "remotefx":
				f, n := remoteFXBench(b, rfx, v)
				draw, pixels = append(draw, f), pixels+n
			default:
				t, err := v.target()
				if err != nil {
					b.Fatal(err)
				}
				draw, pixels = append(draw, func() error { return v.draw(t) }), pixels+t.W*t.H
			}
		}
		if pixels == 0 {
			continue
		}
		b.Run(filepath.Base(dir), func(b *testing.B) {
			b.SetBytes(int64(pixels) * 4)
			b.ReportAllocs()
			for b.Loop() {
				for _, f := range draw {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N)/float64(pixels)*fullHD, "ms/1080p")
		})
	}
}

// remoteFXBench parses and draws a message, and counts the pixels of its tiles.
func remoteFXBench(b *testing.B, rfx *codec.RemoteFX, v vector) (draw func() error, pixels int) {
	b.Helper()
	t, err := codec.NewTarget(v.x+v.w, v.y+v.h)
	if err != nil {
		b.Fatal(err)
	}
	frame, err := rfx.Parse(v.in)
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		frame, err := rfx.Parse(v.in)
		if err != nil {
			return err
		}
		return frame.Draw(t, 0, 0)
	}, len(frame.Tiles) * 64 * 64
}

// BenchmarkBulk decompresses what a real server sent, each stream from its beginning. MB/s are of what comes out.
func BenchmarkBulk(b *testing.B) {
	for _, dir := range vectorDirs(b, "testdata/vectors") {
		var packets []vector
		out := 0
		for _, v := range loadVectors(b, dir) {
			if strings.HasPrefix(v.codec, "bulk-") {
				packets = append(packets, v)
				out += len(v.out)
			}
		}
		if len(packets) == 0 {
			continue
		}
		b.Run(filepath.Base(dir), func(b *testing.B) {
			b.SetBytes(int64(out))
			b.ReportAllocs()
			for b.Loop() {
				r := &replay{bulk: bulk.NewDecompressor()}
				for _, v := range packets {
					if err := r.checkBulk(v); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
