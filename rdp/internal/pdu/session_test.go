package pdu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// TestSessionInfo_S09: what a server says of a sign-in comes out as it went in. A notice that is cut short, or whose cookie is
// of another size, is refused.
func TestSessionInfo_S09(t *testing.T) {
	cookie := &pdu.ReconnectCookie{LogonID: 7, Random: [16]byte{1, 2, 3}}
	for _, want := range []pdu.SessionInfo{
		{Kind: pdu.SessionInfoLogon},
		{Kind: pdu.SessionInfoLogonLong},
		{Kind: pdu.SessionInfoPlain},
		{Kind: pdu.SessionInfoExtended},
		{Kind: pdu.SessionInfoExtended, Reconnect: cookie},
		{Kind: pdu.SessionInfoExtended, HasErrors: true, ErrorType: 2, ErrorValue: 3},
		{Kind: pdu.SessionInfoExtended, Reconnect: cookie, HasErrors: true, ErrorType: 0xfffffffe, ErrorValue: 1},
	} {
		b := want.AppendBinary(nil)
		var got pdu.SessionInfo
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		used := 4
		if want.Kind == pdu.SessionInfoExtended {
			used = len(b) - 570
		}
		for n := range used {
			if err := got.UnmarshalBinary(b[:n]); err == nil {
				t.Fatalf("kind %d: %d bytes of %d are enough", want.Kind, n, used)
			}
		}
	}
	wrong := (&pdu.SessionInfo{Kind: pdu.SessionInfoExtended, Reconnect: cookie}).AppendBinary(nil)
	wrong[4+2+4+4]++ // cbLen
	var got pdu.SessionInfo
	if err := got.UnmarshalBinary(wrong); err == nil {
		t.Error("a cookie of another size is taken")
	}
	if err := got.UnmarshalBinary([]byte{4, 0, 0, 0}); err == nil {
		t.Error("an unknown kind is taken")
	}
}

// TestDisplayControl: what a client says about drawing comes out as it went in, and cannot be cut short.
func TestDisplayControl(t *testing.T) {
	area := pdu.Area{Left: 1, Top: 2, Right: 799, Bottom: 599}
	for _, want := range []*pdu.Area{nil, &area} {
		b := pdu.AppendSuppressOutput(nil, want)
		got, err := pdu.TakeSuppressOutput(b)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		if _, err := pdu.TakeSuppressOutput(b[:len(b)-1]); err == nil {
			t.Error("a suppress output that is cut short is taken")
		}
	}
	b := pdu.AppendRefreshRect(nil, area, pdu.Area{})
	got, err := pdu.TakeRefreshRect(b)
	if diff := cmp.Diff([]pdu.Area{area, {}}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := pdu.TakeRefreshRect(b[:len(b)-1]); err == nil {
		t.Error("a refresh rect that is cut short is taken")
	}
	if got, err := pdu.TakeRefreshRect(pdu.AppendRefreshRect(nil, make([]pdu.Area, 300)...)); err != nil || len(got) != 255 {
		t.Error(len(got), err)
	}
	if n, err := pdu.TakeFrameAcknowledge(pdu.AppendFrameAcknowledge(nil, 0xdeadbeef)); n != 0xdeadbeef || err != nil {
		t.Error(n, err)
	}
	if locks, err := pdu.TakeKeyboardIndicators(pdu.AppendKeyboardIndicators(nil, pdu.LockNum)); locks != pdu.LockNum || err != nil {
		t.Error(locks, err)
	}
}
