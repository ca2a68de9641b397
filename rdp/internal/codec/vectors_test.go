package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/bulk"
	"github.com/sallyport/sallyport/rdp/internal/codec"
)

// A folder of vectors holds what a codec was given and what another implementation made of it, recorded between real peers:
// index.tsv with one line each (sequence, codec, bytes, width, height, pixel format, x, y, remarks), and the files
// SEQUENCE-CODEC.in and .out. Pixels are B, G, R and an unused byte, top-down. Bulk packets are in order, through one context.

// vector is one line of an index.
type vector struct {
	seq, codec, extra string
	in, out           []byte
	x, y, w, h        int
}

// later are the codecs that are not decoded here: they have a memory of their own and come over the graphics pipeline.
var later = []string{"clearcodec", "progressive", "avc420", "avc444", "avc444v2", "zgfx"}

// TestVectors replays the vectors in testdata, and in the folders below SALLYPORT_VECTORS if that is set.
func TestVectors(t *testing.T) {
	roots := []string{"testdata/vectors"}
	if dir := os.Getenv("SALLYPORT_VECTORS"); dir != "" {
		roots = append(roots, dir)
	}
	for _, root := range roots {
		var replayed, all int
		var skipped []string
		for _, dir := range vectorDirs(t, root) {
			set := loadVectors(t, dir)
			r := newReplay()
			for _, v := range set {
				all++
				if slices.Contains(later, v.codec) {
					if !slices.Contains(skipped, v.codec) {
						skipped = append(skipped, v.codec)
					}
					continue
				}
				if err := r.check(v); err != nil {
					t.Errorf("%s %s %s: %v", filepath.Base(dir), v.seq, v.codec, err)
				}
				replayed++
			}
		}
		t.Logf("vectors: replayed %d of %d, out of scope %d (%s)", replayed, all, all-replayed, strings.Join(skipped, ", "))
		if replayed == 0 {
			t.Errorf("%s: nothing was replayed", root)
		}
	}
}

// TestVectors_AFlippedByteFails is the control: a replay that cannot fail proves nothing.
func TestVectors_AFlippedByteFails(t *testing.T) {
	seen := map[string]bool{}
	for _, dir := range vectorDirs(t, "testdata/vectors") {
		for _, v := range loadVectors(t, dir) {
			if seen[v.codec] || len(v.out) == 0 || strings.HasPrefix(v.codec, "bulk") && newReplay().check(v) != nil { // needs history
				continue
			}
			if newReplay().check(v) != nil {
				continue // not the first of its stream
			}
			seen[v.codec] = true
			v.out = bytes.Clone(v.out)
			v.out[len(v.out)/2&^3] ^= 0x40
			if newReplay().check(v) == nil {
				t.Errorf("%s %s %s: a flipped byte goes unnoticed", filepath.Base(dir), v.seq, v.codec)
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d codecs have a control: %v", len(seen), seen)
	}
}

// vectorDirs returns root if it has an index, and otherwise its folders that have one.
func vectorDirs(t testing.TB, root string) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, "index.tsv")); err == nil {
		return []string{root}
	}
	found, err := filepath.Glob(filepath.Join(root, "*", "index.tsv"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no index.tsv in %s or in its folders (%v)", root, err)
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	return found
}

func loadVectors(t testing.TB, dir string) []vector {
	t.Helper()
	index, err := os.ReadFile(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	for line := range strings.Lines(string(index)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 9 {
			t.Fatalf("%s: index line %q", dir, line)
		}
		v := vector{seq: f[0], codec: f[1], extra: f[8]}
		for i, p := range []*int{nil, nil, nil, &v.w, &v.h, nil, &v.x, &v.y} {
			if p != nil {
				if *p, err = strconv.Atoi(f[i]); err != nil {
					t.Fatalf("%s: index line %q: %v", dir, line, err)
				}
			}
		}
		base := filepath.Join(dir, v.seq+"-"+v.codec)
		if v.in, err = os.ReadFile(base + ".in"); err != nil {
			t.Fatal(err)
		}
		if v.out, err = os.ReadFile(base + ".out"); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// replay holds what lives as long as a connection.
type replay struct {
	bulk *bulk.Decompressor
	rfx  *codec.RemoteFX
}

func newReplay() *replay {
	return &replay{bulk: bulk.NewDecompressor(), rfx: codec.NewRemoteFX()}
}

func (r *replay) check(v vector) error {
	switch {
	case strings.HasPrefix(v.codec, "bulk-"):
		return r.checkBulk(v)
	case v.codec == "remotefx":
		return r.checkRemoteFX(v)
	}
	target, err := v.target()
	if err != nil {
		return err
	}
	if err := v.draw(target); err != nil {
		return err
	}
	tolerance := 0
	if v.codec == "nscodec" {
		tolerance = 2
	}
	return compare(target, v, tolerance, func(int, int) bool { return true })
}

// target is one for the whole stream, of which a part may be all that was drawn.
func (v vector) target() (codec.Target, error) {
	w, h := v.w, v.h
	if m := sizeRemark.FindStringSubmatch(v.extra); m != nil {
		w, _ = strconv.Atoi(m[1])
		h, _ = strconv.Atoi(m[2])
	}
	return codec.NewTarget(w, h)
}

// draw decodes a vector of a codec that has no context.
func (v vector) draw(t codec.Target) error {
	depths := map[string]codec.Depth{
		"interleaved8": codec.Depth8, "interleaved15": codec.Depth15, "interleaved16": codec.Depth16, "interleaved24": codec.Depth24,
	}
	switch v.codec {
	case "planar":
		return codec.DecodePlanar(t, v.in, strings.Contains(v.extra, "vflip=1"), false)
	case "nscodec":
		return codec.DecodeNSCodec(t, v.in, strings.Contains(v.extra, "flip=1"))
	}
	if depths[v.codec] == 0 {
		return fmt.Errorf("unknown codec")
	}
	return codec.DecodeInterleaved(t, depths[v.codec], codec.GrayPalette(), v.in)
}

var (
	sizeRemark  = regexp.MustCompile(`src=(\d+)x(\d+)`)
	flagsRemark = regexp.MustCompile(`flags=0x([0-9a-f]+)`)
	leftRemark  = regexp.MustCompile(`left=(\d+) top=(\d+)`)
)

// compare holds the top left part of a picture against a vector, where inside says so.
func compare(got codec.Target, v vector, tolerance int, inside func(x, y int) bool) error {
	if len(v.out) != v.w*v.h*4 {
		return fmt.Errorf("%d bytes of pixels for %dx%d", len(v.out), v.w, v.h)
	}
	for y := range v.h {
		for x := range v.w {
			if !inside(x, y) {
				continue
			}
			g, w := got.Pix[y*got.Stride+x*4:], v.out[(y*v.w+x)*4:]
			for c := range 3 {
				if d := int(g[c]) - int(w[2-c]); d > tolerance || -d > tolerance {
					return fmt.Errorf("pixel %d,%d: got RGB %v, want %v", x, y, g[:3], []byte{w[2], w[1], w[0]})
				}
			}
		}
	}
	return nil
}

func (r *replay) checkBulk(v vector) error {
	m := flagsRemark.FindStringSubmatch(v.extra)
	if m == nil {
		return fmt.Errorf("no flags in %q", v.extra)
	}
	flags, err := strconv.ParseUint(m[1], 16, 8)
	if err != nil {
		return err
	}
	got, err := r.bulk.Decompress(uint8(flags), v.in)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, v.out) {
		return fmt.Errorf("%d bytes, want %d, first difference at %d", len(got), len(v.out), firstDifference(got, v.out))
	}
	return nil
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// checkRemoteFX compares what the message draws alone, inside its rectangles and tiles: the rest is an older picture.
func (r *replay) checkRemoteFX(v vector) error {
	m := leftRemark.FindStringSubmatch(v.extra)
	if m == nil {
		return fmt.Errorf("no place in %q", v.extra)
	}
	left, _ := strconv.Atoi(m[1])
	top, _ := strconv.Atoi(m[2])
	frame, err := r.rfx.Parse(v.in)
	if err != nil {
		return err
	}
	if len(v.out) == 0 {
		return nil // a message of headers alone
	}
	target, err := codec.NewTarget(v.x+v.w, v.y+v.h)
	if err != nil {
		return err
	}
	if err := frame.Draw(target, left, top); err != nil {
		return err
	}
	part := codec.Target{Pix: target.Pix[v.y*target.Stride+v.x*4:], Stride: target.Stride, W: v.w, H: v.h}
	tiles := map[[2]int]bool{}
	for _, tl := range frame.Tiles {
		tiles[[2]int{tl.X, tl.Y}] = true
	}
	drawn := 0
	err = compare(part, v, 2, func(x, y int) bool {
		if px, py := x+v.x-left, y+v.y-top; !tiles[[2]int{px &^ 63, py &^ 63}] {
			return false
		}
		for _, rect := range frame.Rects {
			if px, py := x+v.x-left, y+v.y-top; px >= rect.X && px < rect.X+rect.W && py >= rect.Y && py < rect.Y+rect.H {
				drawn++
				return true
			}
		}
		return false
	})
	if err == nil && drawn == 0 {
		return fmt.Errorf("no pixel lies inside the %d rectangles", len(frame.Rects))
	}
	return err
}
