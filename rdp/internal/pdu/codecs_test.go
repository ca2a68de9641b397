package pdu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// TestBitmapCodecs_S09: codecs that one side names come out as they went in, those of a client's capabilities too, and cannot be cut
// short.
func TestBitmapCodecs_S09(t *testing.T) {
	want := []pdu.BitmapCodec{{Kind: pdu.CodecRemoteFX, ID: 3, Properties: []byte{1, 2}}, {Kind: pdu.CodecNSCodec, ID: 7, Properties: []byte{}}}
	b, err := pdu.AppendBitmapCodecs(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pdu.TakeBitmapCodecs(b)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for n := range b {
		if _, err := pdu.TakeBitmapCodecs(b[:n]); err == nil {
			t.Fatalf("%d bytes of %d are enough", n, len(b))
		}
	}
	if _, err := pdu.AppendBitmapCodecs(nil, []pdu.BitmapCodec{{}}); err == nil {
		t.Error("an unknown codec has a GUID")
	}
	b[1]++
	if got, err = pdu.TakeBitmapCodecs(b); err != nil || got[0].Kind != pdu.CodecUnknown {
		t.Errorf("%v %v", got, err)
	}
	for _, set := range (&pdu.ClientCaps{NSCodec: true, RemoteFX: true}).Sets() {
		if set.Kind != pdu.CapBitmapCodecs {
			continue
		}
		got, err := pdu.TakeBitmapCodecs(set.Body)
		if err != nil || len(got) != 2 || got[0].ID != pdu.CodecIDNSCodec || got[1].ID != pdu.CodecIDRemoteFX {
			t.Errorf("%v %v", got, err)
		}
	}
}
