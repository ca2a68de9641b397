package wire_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// TestBits reads random bytes in random pieces and compares them with their binary digits.
func TestBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		src := make([]byte, r.IntN(40))
		var digits strings.Builder
		for i := range src {
			src[i] = byte(r.Uint32())
			fmt.Fprintf(&digits, "%08b", src[i])
		}
		b, want := wire.NewBits(src), digits.String()
		for !b.Over() {
			if b.Left() != len(want) {
				t.Fatalf("%d bits are left, want %d", b.Left(), len(want))
			}
			if r.IntN(4) == 0 && len(want) > 0 {
				most := r.IntN(20)
				n := 0
				for n < most && n < len(want) && want[n] == '1' {
					n++
				}
				got := b.Ones(most)
				if got != n {
					t.Fatalf("%d ones, want %d", got, n)
				}
				if n < most {
					n++ // the clear bit behind them, or the end
				}
				want = want[min(n, len(want)):]
				continue
			}
			n := r.IntN(33)
			got := b.Take(uint(n))
			if n > len(want) {
				if got != 0 || !b.Over() || b.Left() != 0 {
					t.Fatalf("%d bits of %d: %b, over %t, %d left", n, len(want), got, b.Over(), b.Left())
				}
				break
			}
			value := uint32(0)
			for _, d := range want[:n] {
				value = value<<1 | uint32(d-'0')
			}
			if got != value {
				t.Fatalf("%d bits: %b, want %b", n, got, value)
			}
			want = want[n:]
		}
		if b.Over() && (b.Take(8) != 0 || b.Ones(3) != 0) {
			t.Fatal("there is something behind the end")
		}
	}
}
