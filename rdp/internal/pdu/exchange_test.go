package pdu_test

import (
	"bytes"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// TestSecurityExchange_S09: the encrypted random comes out as it went in, and cannot be cut short.
func TestSecurityExchange_S09(t *testing.T) {
	want := bytes.Repeat([]byte{7}, 72)
	b := pdu.AppendSecurityExchange(nil, want)
	if got, err := pdu.TakeSecurityExchange(b); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x %v", got, err)
	}
	for n := range b {
		if _, err := pdu.TakeSecurityExchange(b[:n]); err == nil {
			t.Fatalf("%d bytes of %d are enough", n, len(b))
		}
	}
	b[7] = 0xff
	if _, err := pdu.TakeSecurityExchange(b); err == nil {
		t.Error("a random beyond every limit is taken")
	}
}
