package cliprdr_test

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/channel/cliprdr"
)

func body(t *testing.T, b []byte, want cliprdr.Type) cliprdr.PDU {
	t.Helper()
	var p cliprdr.PDU
	if err := p.UnmarshalBinary(b); err != nil || p.Type != want {
		t.Fatalf("%v, %v, want %v", p.Type, err, want)
	}
	return p
}

// TestPDU_BothWays: each PDU is taken as it was appended, and is an error at every shorter length.
func TestPDU_BothWays(t *testing.T) {
	formats := []cliprdr.Format{{ID: 13}, {ID: 1}, {ID: 0xc001, Name: "HTML Format"}, {ID: 0xc002, Name: "ä"}}
	for _, long := range []bool{true, false} {
		p := body(t, cliprdr.FormatList(formats, long), cliprdr.TypeFormatList)
		if got, err := cliprdr.TakeFormatList(p.Body, p.Flags, long); err != nil || !slices.Equal(got, formats) {
			t.Errorf("long %v: %v, %v", long, got, err)
		}
	}
	p := body(t, cliprdr.Capabilities(cliprdr.CapLongNames|cliprdr.CapLock), cliprdr.TypeCapabilities)
	if got, err := cliprdr.TakeCapabilities(p.Body); err != nil || got != cliprdr.CapLongNames|cliprdr.CapLock {
		t.Error(got, err)
	}
	p = body(t, cliprdr.FormatDataRequest(13), cliprdr.TypeFormatDataRequest)
	if got, err := cliprdr.TakeFormatDataRequest(p.Body); err != nil || got != 13 {
		t.Error(got, err)
	}
	p = body(t, cliprdr.TempDirectory(`C:\Temp`), cliprdr.TypeTempDirectory)
	if got, err := cliprdr.TakeTempDirectory(p.Body); err != nil || got != `C:\Temp` {
		t.Error(got, err)
	}
	for want, b := range map[cliprdr.Type][]byte{
		cliprdr.TypeMonitorReady: cliprdr.MonitorReady(), cliprdr.TypeFormatListResponse: cliprdr.FormatListResponse(true),
		cliprdr.TypeFormatDataResponse: cliprdr.FormatDataResponse(true, []byte("x")), cliprdr.TypeFileContentsRequest: cliprdr.FileContentsRequest(1, 2, 3, 4),
		cliprdr.TypeFileContentsResponse: cliprdr.FileContentsResponse(1), cliprdr.TypeLock: cliprdr.Lock(1, true), cliprdr.TypeUnlock: cliprdr.Lock(1, false),
	} {
		body(t, b, want)
		for n := range len(b) {
			if new(cliprdr.PDU).UnmarshalBinary(b[:n]) == nil {
				t.Errorf("%v: %d bytes of %d are taken", want, n, len(b))
			}
		}
		body(t, append(b, 0, 0, 0, 0), want) // padding
	}
}

// TestText_BothWays: text comes back as it was, lines end as each side wants it.
func TestText_BothWays(t *testing.T) {
	for _, text := range []string{"", "a", "line 1\nline 2\n", "äöü", "𝄞 €"} {
		b := cliprdr.EncodeText(cliprdr.FormatUnicode, text)
		if got := cliprdr.DecodeText(cliprdr.FormatUnicode, b); got != text {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := string(cliprdr.EncodeText(cliprdr.FormatText, "ä€\r\n\n")); got != "\xe4?\r\n\r\n\x00" {
		t.Errorf("%q", got)
	}
	if got := cliprdr.DecodeText(cliprdr.FormatText, []byte("\xe4\r\nb\x00c")); got != "ä\nb" {
		t.Errorf("%q", got)
	}
}

// TestTake_S09_Lies: fields that lie are errors.
func TestTake_S09_Lies(t *testing.T) {
	if _, err := cliprdr.TakeFormatList(make([]byte, 6*1025), 0, true); err == nil {
		t.Error("1025 formats are taken")
	}
	long := append([]byte{1, 0, 0, 0}, make([]byte, 2000)...)
	for i := 4; i < len(long); i++ {
		long[i] = 'a'
	}
	if _, err := cliprdr.TakeFormatList(long, 0, true); err == nil {
		t.Error("a name without an end is taken")
	}
	for name, b := range map[string][]byte{
		"no sets": {1, 0, 0, 0}, "set of 3 bytes": {1, 0, 0, 0, 1, 0, 3, 0}, "set beyond the end": {1, 0, 0, 0, 1, 0, 40, 0}, "17 sets": {17, 0, 0, 0},
		"general set cut short": {1, 0, 0, 0, 1, 0, 6, 0, 1, 2},
	} {
		if _, err := cliprdr.TakeCapabilities(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
