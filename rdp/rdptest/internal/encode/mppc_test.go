package encode

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/bulk"
)

// TestMPPC_RoundTrip: packets of all kinds and sizes come back through the client's decompressor, over many turns of the history.
func TestMPPC_RoundTrip(t *testing.T) {
	for _, large := range []bool{false, true} {
		r := rand.New(rand.NewPCG(5, 6))
		m, d := NewMPPC(large), bulk.NewDecompressor()
		in, out := 0, 0
		for i := range 400 {
			b := make([]byte, 1+r.IntN(8000))
			switch i % 5 {
			case 0: // noise
				for j := range b {
					b[j] = byte(r.Uint32())
				}
			case 1: // one value
				for j := range b {
					b[j] = byte(i)
				}
			case 2: // few values
				for j := range b {
					b[j] = byte(r.IntN(3)) * 100
				}
			case 3: // words
				for j := range b {
					b[j] = "the quick brown fox jumps over the lazy dog "[(j*j/7+i)%44]
				}
			default: // a picture
				b = Raw(picture(r, 16+r.IntN(40), 1+r.IntN(40)), 56, 32)
			}
			if len(b) > 8<<10 && !large {
				b = b[:8<<10]
			}
			packed, flags := m.Compress(b)
			if flags == 0 {
				t.Fatalf("packet %d of %d bytes is left out", i, len(b))
			}
			got, err := d.Decompress(flags, packed)
			if err != nil || !bytes.Equal(got, b) {
				t.Fatalf("large %v: packet %d of %d bytes, flags %#x: %v", large, i, len(b), flags, err)
			}
			in, out = in+len(b), out+len(packed)
		}
		if out*3 > in*2 {
			t.Errorf("large %v: %d bytes for %d", large, out, in)
		}
	}
	if b, flags := NewMPPC(false).Compress(make([]byte, 9000)); flags != 0 || len(b) != 9000 {
		t.Errorf("a packet longer than the history: %d bytes, flags %#x", len(b), flags)
	}
}
