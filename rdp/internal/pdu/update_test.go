package pdu_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// must fails the test on an error.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestInput_BothPathsCarryTheSame: an event is the same whichever way it came.
func TestInput_BothPathsCarryTheSame(t *testing.T) {
	events := []pdu.InputEvent{
		{Kind: pdu.InputScancode, Code: 0x1e},
		{Kind: pdu.InputScancode, Code: 0x1d, Flags: pdu.KeyRelease | pdu.KeyExtended},
		{Kind: pdu.InputScancode, Code: 0x1d, Flags: pdu.KeyExtended1},
		{Kind: pdu.InputUnicodeKey, Code: 0x20ac},
		{Kind: pdu.InputUnicodeKey, Code: 0xd83d, Flags: pdu.KeyRelease},
		{Kind: pdu.InputSynchronize, Flags: pdu.LockCaps | pdu.LockNum},
		{Kind: pdu.InputMouse, Flags: pdu.MouseMove, X: 8191, Y: 17},
		{Kind: pdu.InputMouse, Flags: pdu.MouseWheel | pdu.MouseWheelNegative | 0x88},
		{Kind: pdu.InputMouseExt, Flags: pdu.MouseDown | pdu.MouseX2, X: 3, Y: 4},
	}
	many := make([]pdu.InputEvent, 255)
	for i := range many {
		many[i] = events[i%len(events)]
	}
	for _, want := range [][]pdu.InputEvent{events[:1], events, many[:15], many[:16], many} {
		unit := must[[]byte](t)(pdu.AppendFastPathInput(nil, want))
		var p pdu.FastPath
		if err := p.UnmarshalBinary(unit); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, must[[]pdu.InputEvent](t)(pdu.TakeFastPathInput(p.Events, p.Body))); diff != "" {
			t.Errorf("fast path: %s", diff)
		}
		body := must[[]byte](t)(pdu.AppendInput(nil, want))
		if diff := cmp.Diff(want, must[[]pdu.InputEvent](t)(pdu.TakeInput(body))); diff != "" {
			t.Errorf("slow path: %s", diff)
		}
		for n := range p.Body {
			if _, err := pdu.TakeFastPathInput(p.Events, p.Body[:n]); err == nil {
				t.Fatalf("%d events: %d bytes of %d are enough", len(want), n, len(p.Body))
			}
		}
	}
	for _, bad := range [][]pdu.InputEvent{nil, make([]pdu.InputEvent, 256), {{Kind: 5}}} {
		if _, err := pdu.AppendFastPathInput(nil, bad); err == nil {
			t.Errorf("%d events are sent", len(bad))
		}
		if _, err := pdu.AppendInput(nil, bad); err == nil {
			t.Errorf("%d events are sent the slow way", len(bad))
		}
	}
}

// TestFastPathUpdate: updates and fragments come out of a unit as they went in.
func TestFastPathUpdate(t *testing.T) {
	want := []pdu.FastPathUpdate{
		{Code: pdu.UpdateBitmap, Data: []byte{1, 2, 3}},
		{Code: pdu.UpdateSurfaceCommands, Fragment: pdu.FragmentFirst, Compression: 0x61, Data: bytes.Repeat([]byte{7}, 300)},
		{Code: pdu.UpdatePointerHidden, Fragment: pdu.FragmentLast, Data: []byte{}},
	}
	var body []byte
	for i := range want {
		body = must[[]byte](t)(want[i].AppendBinary(body))
	}
	unit := must[[]byte](t)((&pdu.FastPath{Body: body}).AppendBinary(nil))
	if n := must[int](t)(pdu.FrameSize(unit)); n != len(unit) {
		t.Fatalf("frame of %d bytes, want %d", n, len(unit))
	}
	var p pdu.FastPath
	if err := p.UnmarshalBinary(unit); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		var got pdu.FastPathUpdate
		rest, err := pdu.TakeFastPathUpdate(p.Body, &got)
		if diff := cmp.Diff(want[i], got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		p.Body = rest
	}
	if len(p.Body) != 0 {
		t.Errorf("%d bytes are left", len(p.Body))
	}
	if _, err := (&pdu.FastPathUpdate{Data: make([]byte, 1<<15)}).AppendBinary(nil); err == nil {
		t.Error("an update of 32 KiB is sent")
	}
}

// TestBitmaps_S22: pictures with and without a compression header come out as they went in, and no prefix of them is taken.
func TestBitmaps_S22_RoundTripAndTruncation(t *testing.T) {
	want := []pdu.BitmapData{
		{Left: 1, Top: 2, Right: 3, Bottom: 4, Width: 4, Height: 3, Depth: 16, Data: []byte{1, 2, 3, 4}},
		{Right: 63, Bottom: 63, Width: 64, Height: 64, Depth: 24, Flags: pdu.BitmapCompressed, Data: []byte{5, 6}},
		{Right: 63, Bottom: 63, Width: 64, Height: 64, Depth: 32, Flags: pdu.BitmapCompressed | pdu.BitmapNoHeader, Data: []byte{7}},
	}
	take := func(b []byte) (got []pdu.BitmapData, err error) {
		n, rest, err := pdu.TakeBitmaps(b)
		for range n {
			var p pdu.BitmapData
			if rest, err = pdu.TakeBitmap(rest, &p); err != nil {
				return nil, err
			}
			got = append(got, p)
		}
		return got, err
	}
	b := must[[]byte](t)(pdu.AppendBitmaps(nil, want))
	if diff := cmp.Diff(want, must[[]pdu.BitmapData](t)(take(b))); diff != "" {
		t.Error(diff)
	}
	for n := range b {
		if _, err := take(b[:n]); err == nil {
			t.Fatalf("%d bytes of %d are enough", n, len(b))
		}
	}
	// A length that cannot hold the header it announces.
	short := must[[]byte](t)(pdu.AppendBitmaps(nil, []pdu.BitmapData{{Flags: pdu.BitmapCompressed}}))
	short[4+16] = 7
	if _, err := take(short); err == nil {
		t.Error("a bitmap shorter than its header is taken")
	}
}

func TestPalette(t *testing.T) {
	var want [256][3]byte
	for i := range want {
		want[i] = [3]byte{byte(i), byte(i + 1), byte(i + 2)}
	}
	b := pdu.AppendPalette(nil, &want)
	got := must[[]byte](t)(pdu.TakePalette(b))
	if len(got) != 768 || got[3] != 1 || got[4] != 2 || got[5] != 3 {
		t.Errorf("got % x", got[:6])
	}
	if _, err := pdu.TakePalette(b[:len(b)-1]); err == nil {
		t.Error("a palette that is cut short is taken")
	}
	b[4] = 255
	if _, err := pdu.TakePalette(b); err == nil {
		t.Error("a palette of 255 colours is taken")
	}
}

func TestSurfaceCommands(t *testing.T) {
	want := []pdu.SurfaceCommand{
		{Kind: pdu.SurfaceKindFrame, Frame: 7},
		{Kind: pdu.SurfaceKindSetBits, Left: 1, Top: 2, Right: 65, Bottom: 66, Depth: 32, Codec: pdu.CodecIDRemoteFX, Width: 64, Height: 64, Data: []byte{1, 2}},
		{Kind: pdu.SurfaceKindStreamBits, Right: 8, Bottom: 8, Depth: 24, Width: 8, Height: 8, Data: []byte{3}},
		{Kind: pdu.SurfaceKindFrame, End: true, Frame: 7},
	}
	var b []byte
	for i := range want {
		b = must[[]byte](t)(want[i].AppendBinary(b))
	}
	whole := b
	for i := range want {
		var got pdu.SurfaceCommand
		rest, err := pdu.TakeSurfaceCommand(b, &got)
		if diff := cmp.Diff(want[i], got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		b = rest
	}
	for _, bad := range [][]byte{{9, 0}, {4, 0, 2, 0, 0, 0, 0, 0}, whole[:7], whole[8 : 8+20]} {
		var p pdu.SurfaceCommand
		if _, err := pdu.TakeSurfaceCommand(bad, &p); err == nil {
			t.Errorf("% x is taken", bad)
		}
	}
}

// TestPointers_S22: shapes come out as they went in; sizes beyond the limit, and masks longer than what is there, do not.
func TestPointers_S22(t *testing.T) {
	want := pdu.PointerShape{Depth: 24, Index: 3, HotX: 4, HotY: 5, Width: 8, Height: 2, And: []byte{1, 0, 2, 0}, Xor: bytes.Repeat([]byte{9}, 48)}
	for _, kind := range []pdu.PointerKind{pdu.PointerKindColor, pdu.PointerKindNew, pdu.PointerKindLarge} {
		b := want.AppendBinary(kind, nil)
		var got pdu.PointerShape
		if err := got.UnmarshalBinary(kind, b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("kind %d: %s", kind, diff)
		}
		for n := range b {
			if err := got.UnmarshalBinary(kind, b[:n]); err == nil {
				t.Fatalf("kind %d: %d bytes of %d are enough", kind, n, len(b))
			}
		}
		huge := want
		huge.Width = pdu.MaxPointerSide + 1
		if err := got.UnmarshalBinary(kind, huge.AppendBinary(kind, nil)); err == nil {
			t.Errorf("kind %d: a pointer of %d is taken", kind, huge.Width)
		}
	}
	kind, body, err := pdu.TakePointer(pdu.AppendPointer(nil, pdu.PointerKindPosition, []byte{1, 0, 2, 0}))
	if err != nil || kind != pdu.PointerKindPosition {
		t.Fatal(kind, err)
	}
	if x, y, err := pdu.TakePoint(body); x != 1 || y != 2 || err != nil {
		t.Error(x, y, err)
	}
}
