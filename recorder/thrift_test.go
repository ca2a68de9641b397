package recorder

import "testing"

// What does not get smaller is tried less and less often, and what does is always compressed again.
func TestThrift(t *testing.T) {
	tries := func(h *thrift, chunks, packed int) (n int) {
		for range chunks {
			if h.try() {
				n++
				h.took(1000, packed)
			}
		}
		return n
	}
	var h thrift
	if n := tries(&h, 100, 500); n != 100 {
		t.Errorf("%d of 100 chunks that compress well were tried", n)
	}
	if n := tries(&h, 1000, 999); n < 1000/(mostRest+1) || n > 1000/(mostRest+1)+6 {
		t.Errorf("%d of 1000 chunks that do not get smaller were tried", n)
	}
	if n := tries(&h, 100, 875); n < 100-mostRest {
		t.Errorf("%d of 100 chunks were tried after it had begun to pay again", n)
	}
}
