package bulk_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/bulk"
)

// Packets of real servers are replayed by TestVectors in package codec, which reads the same folders of vectors.

// TestDecompress_Literals: what is not compressed comes out as it is, and stands in no history.
func TestDecompress_Literals(t *testing.T) {
	for kind := range uint8(4) {
		d := bulk.NewDecompressor()
		got, err := d.Decompress(kind, []byte("as it is"))
		if err != nil || string(got) != "as it is" {
			t.Errorf("type %d: %q, %v", kind, got, err)
		}
	}
}

// TestDecompress_MPPCExample unpacks the example of RFC 2118's coding by hand: "ab" and a match of four bytes two back.
func TestDecompress_MPPCExample(t *testing.T) {
	// 0 1100001, 0 1100010, offset 2 of 64 KiB: 11111 000010, length 4: 10 00
	packet := []byte{0b01100001, 0b01100010, 0b11111000, 0b01010000}
	d := bulk.NewDecompressor()
	got, err := d.Decompress(bulk.Type64K|bulk.Compressed|bulk.AtFront, packet)
	if err != nil || string(got) != "ababab" {
		t.Errorf("%q, %v", got, err)
	}
	// 8 KiB: 1111 000010
	packet = []byte{0b01100001, 0b01100010, 0b11110000, 0b10100000}
	if got, err = d.Decompress(bulk.Type8K|bulk.Compressed|bulk.AtFront, packet); err != nil || string(got) != "ababab" {
		t.Errorf("8 KiB: %q, %v", got, err)
	}
}

// TestDecompress_S09_ErrorsStick: after one corrupt packet the histories are worth nothing.
func TestDecompress_S09_ErrorsStick(t *testing.T) {
	for name, tc := range map[string]struct {
		flags uint8
		src   []byte
	}{
		"unknown type":                {0x05 | bulk.Compressed, []byte("x")},
		"mppc, literal cut short":     {bulk.Type64K | bulk.Compressed, []byte{0x80}},
		"mppc, offset cut short":      {bulk.Type64K | bulk.Compressed, []byte{0xf8}},
		"mppc, length cut short":      {bulk.Type64K | bulk.Compressed, []byte{0xf8, 0x5e}},
		"mppc, endless length":        {bulk.Type64K | bulk.Compressed, bytes.Repeat([]byte{0xff}, 8)},
		"ncrush, no end":              {bulk.TypeNCRUSH | bulk.Compressed, []byte{1, 2, 3}},
		"ncrush, history to move":     {bulk.TypeNCRUSH | bulk.Compressed | bulk.AtFront, []byte{1, 2, 3, 4}},
		"xcrush, no flags":            {bulk.TypeXCRUSH | bulk.Compressed, []byte{0, 0, 1}},
		"xcrush, empty":               {bulk.TypeXCRUSH | bulk.Compressed, nil},
		"xcrush, matches that lie":    {bulk.TypeXCRUSH | bulk.Compressed, []byte{1, 0, 0xff, 0xff}},
		"xcrush, match from nowhere":  {bulk.TypeXCRUSH | bulk.Compressed, []byte{1, 0, 1, 0, 5, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f}},
		"xcrush, match behind output": {bulk.TypeXCRUSH | bulk.Compressed, []byte{1, 0, 1, 0, 5, 0, 9, 0, 0, 0, 0, 0}},
	} {
		d := bulk.NewDecompressor()
		if _, err := d.Decompress(tc.flags, tc.src); !errors.Is(err, bulk.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := d.Decompress(0, []byte("fine")); !errors.Is(err, bulk.ErrCorrupt) {
			t.Errorf("%s: the next packet gives %v", name, err)
		}
	}
}

// FuzzDecompress_S09_S22 gives one context three packets: nothing panics, and none makes more than its history holds.
func FuzzDecompress_S09_S22(f *testing.F) {
	seeds, err := filepath.Glob("../codec/testdata/vectors/*/*bulk-*.in")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no vectors to begin with: %v", err)
	}
	for _, path := range seeds {
		in, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		kind := uint8(bulk.Type64K)
		switch {
		case strings.Contains(path, "ncrush"):
			kind = bulk.TypeNCRUSH
		case strings.Contains(path, "xcrush"):
			kind = bulk.TypeXCRUSH
		case strings.Contains(path, "level0"):
			kind = bulk.Type8K
		}
		if len(in) < 4<<10 {
			f.Add(kind|bulk.Compressed, in, in, in)
		}
	}
	f.Fuzz(func(t *testing.T, flags uint8, a, b, c []byte) {
		d := bulk.NewDecompressor()
		for _, in := range [][]byte{a, b, c} {
			out, err := d.Decompress(flags, in)
			if err != nil {
				if !errors.Is(err, bulk.ErrCorrupt) {
					t.Fatalf("error that is not ErrCorrupt: %v", err)
				}
				return
			}
			if len(out) > 2_000_000 && len(out) > len(in) {
				t.Fatalf("%d bytes from %d", len(out), len(in))
			}
			flags &^= bulk.Flushed | bulk.AtFront
		}
	})
}
