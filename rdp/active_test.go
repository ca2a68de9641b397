package rdp

import (
	"bytes"
	"testing"

	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// testStage is an active desktop of 640x480.
func testStage() *stage {
	s := newStage(&connect.Result{User: 1007, IO: pdu.GlobalChannel})
	s.activation = *connect.NewActivation(pdu.ClientCaps{Depth: 32}, 1007, pdu.GlobalChannel)
	s.activation.Width, s.activation.Height = 640, 480
	return s
}

func fastUnit(updates ...pdu.FastPathUpdate) []byte {
	var body []byte
	for i := range updates {
		body = must(updates[i].AppendBinary(body))
	}
	return must((&pdu.FastPath{Body: body}).AppendBinary(nil))
}

func slowUnit(kind pdu.ShareKind, body []byte) []byte {
	s := must((&pdu.ShareControl{Kind: kind, Source: 1002, Body: body}).AppendBinary(nil))
	m := must((&pdu.MCS{Kind: pdu.MCSSendDataIndication, User: 1002, Channel: pdu.GlobalChannel, Data: s}).AppendBinary(nil))
	return must(pdu.AppendData(nil, m))
}

func dataUnit(kind pdu.DataKind, body []byte) []byte {
	return slowUnit(pdu.ShareData, must((&pdu.Data{ShareID: 1, Kind: kind, Body: body}).AppendBinary(nil)))
}

// all feeds units and returns how many updates came.
func all(s *stage, units ...[]byte) (n int, err error) {
	for _, u := range units {
		if err := s.feed(u); err != nil {
			return n, err
		}
		for {
			got, err := s.next()
			if err != nil {
				return n, err
			}
			if got == nil {
				break
			}
			n++
		}
	}
	return n, nil
}

func bitmap(p pdu.BitmapData) []byte { return must(pdu.AppendBitmaps(nil, []pdu.BitmapData{p})) }

var square = pdu.BitmapData{Right: 63, Bottom: 63, Width: 64, Height: 64, Depth: 32, Flags: pdu.BitmapCompressed | pdu.BitmapNoHeader, Data: []byte{0x30}}

// TestStage_Fragments: an update in fragments is one update; fragments out of turn, and more than the limit, are errors (S09, S22).
func TestStage_S09_S22_Fragments(t *testing.T) {
	b := bitmap(square)
	part := func(f pdu.Fragment, code pdu.UpdateCode, data []byte) []byte {
		return fastUnit(pdu.FastPathUpdate{Code: code, Fragment: f, Data: data})
	}
	if n, err := all(testStage(), part(pdu.FragmentFirst, pdu.UpdateBitmap, b[:5]), part(pdu.FragmentNext, pdu.UpdateBitmap, b[5:9]), part(pdu.FragmentLast, pdu.UpdateBitmap, b[9:])); n != 1 || err != nil {
		t.Error(n, err)
	}
	for name, units := range map[string][][]byte{
		"last alone":     {part(pdu.FragmentLast, pdu.UpdateBitmap, b)},
		"next alone":     {part(pdu.FragmentNext, pdu.UpdateBitmap, b)},
		"two firsts":     {part(pdu.FragmentFirst, pdu.UpdateBitmap, b), part(pdu.FragmentFirst, pdu.UpdateBitmap, b)},
		"single between": {part(pdu.FragmentFirst, pdu.UpdateBitmap, b), part(pdu.FragmentSingle, pdu.UpdateBitmap, b)},
		"another type":   {part(pdu.FragmentFirst, pdu.UpdateBitmap, b), part(pdu.FragmentLast, pdu.UpdatePalette, b)},
	} {
		if _, err := all(testStage(), units...); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	s := testStage()
	units := [][]byte{part(pdu.FragmentFirst, pdu.UpdateBitmap, b)}
	more := part(pdu.FragmentNext, pdu.UpdateBitmap, make([]byte, 16<<10))
	for range maxFragments / (16 << 10) {
		units = append(units, more)
	}
	if _, err := all(s, units...); err == nil || len(s.frag) > maxFragments {
		t.Errorf("%d bytes of fragments: %v", len(s.frag), err)
	}
}

// TestStage_S22_PicturesBeyondTheDesktop: pictures and pointers that cannot be are errors before anything is decoded.
func TestStage_S22_PicturesBeyondTheDesktop(t *testing.T) {
	edit := func(change func(*pdu.BitmapData)) []byte {
		p := square
		change(&p)
		return fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateBitmap, Data: bitmap(p)})
	}
	surface := func(c pdu.SurfaceCommand) []byte {
		return fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateSurfaceCommands, Data: must(c.AppendBinary(nil))})
	}
	pointer := func(code pdu.UpdateCode, kind pdu.PointerKind, p pdu.PointerShape) []byte {
		return fastUnit(pdu.FastPathUpdate{Code: code, Data: p.AppendBinary(kind, nil)})
	}
	for name, unit := range map[string][]byte{
		"width 0":               edit(func(p *pdu.BitmapData) { p.Width = 0 }),
		"height 65535":          edit(func(p *pdu.BitmapData) { p.Height = 0xffff }),
		"left of the desktop":   edit(func(p *pdu.BitmapData) { p.Left, p.Right = 640, 700 }),
		"right before left":     edit(func(p *pdu.BitmapData) { p.Left, p.Right = 9, 7 }),
		"12 bits":               edit(func(p *pdu.BitmapData) { p.Depth = 12 }),
		"surface of 8192":       surface(pdu.SurfaceCommand{Kind: pdu.SurfaceKindSetBits, Depth: 32, Width: 8192, Height: 8192}),
		"codec not offered":     surface(pdu.SurfaceCommand{Kind: pdu.SurfaceKindSetBits, Depth: 32, Codec: 9, Width: 64, Height: 64}),
		"pointer index 25":      pointer(pdu.UpdatePointerNew, pdu.PointerKindNew, pdu.PointerShape{Depth: 32, Index: 25, Width: 1, Height: 1}),
		"pointer of 385":        pointer(pdu.UpdatePointerLarge, pdu.PointerKindLarge, pdu.PointerShape{Depth: 32, Width: 385, Height: 1}),
		"cached pointer 65535":  fastUnit(pdu.FastPathUpdate{Code: pdu.UpdatePointerCached, Data: []byte{0xff, 0xff}}),
		"cached pointer, empty": fastUnit(pdu.FastPathUpdate{Code: pdu.UpdatePointerCached}),
		"orders":                fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateOrders}),
		"slow orders":           dataUnit(pdu.DataUpdate, []byte{0, 0}),
		"slow, cut short":       dataUnit(pdu.DataUpdate, []byte{0}),
		"unknown update":        fastUnit(pdu.FastPathUpdate{Code: 15}),
		"redirection":           slowUnit(pdu.ShareRedirection, nil),
		"session info":          dataUnit(pdu.DataSaveSessionInfo, []byte{3, 0, 0, 0}),
		"encrypted":             must((&pdu.FastPath{Encrypted: true}).AppendBinary(nil)),
	} {
		if n, err := all(testStage(), unit); err == nil {
			t.Errorf("%s: taken, %d updates", name, n)
		}
	}
}

// TestStage_Updates: everything else that a server says gives its update, on both paths.
func TestStage_Updates(t *testing.T) {
	shape := pdu.PointerShape{Depth: 24, Index: 24, Width: 2, Height: 1, Xor: make([]byte, 6), And: make([]byte, 2)}
	var palette [256][3]byte
	frame := must((&pdu.SurfaceCommand{Kind: pdu.SurfaceKindFrame, Frame: 1}).AppendBinary(nil))
	bits := must((&pdu.SurfaceCommand{Kind: pdu.SurfaceKindSetBits, Depth: 32, Codec: pdu.CodecIDRemoteFX, Width: 64, Height: 64}).AppendBinary(nil))
	units := [][]byte{
		fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateBitmap, Data: bitmap(square)}, pdu.FastPathUpdate{Code: pdu.UpdateSynchronize},
			pdu.FastPathUpdate{Code: pdu.UpdatePalette, Data: pdu.AppendPalette(nil, &palette)}),
		fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateSurfaceCommands, Data: bytes.Join([][]byte{frame, bits, frame}, nil)}),
		fastUnit(pdu.FastPathUpdate{Code: pdu.UpdatePointerHidden}, pdu.FastPathUpdate{Code: pdu.UpdatePointerDefault},
			pdu.FastPathUpdate{Code: pdu.UpdatePointerPosition, Data: []byte{1, 0, 2, 0}}, pdu.FastPathUpdate{Code: pdu.UpdatePointerCached, Data: []byte{3, 0}},
			pdu.FastPathUpdate{Code: pdu.UpdatePointerColor, Data: shape.AppendBinary(pdu.PointerKindColor, nil)}),
		dataUnit(pdu.DataUpdate, bitmap(square)),
		dataUnit(pdu.DataUpdate, pdu.AppendPalette(nil, &palette)),
		dataUnit(pdu.DataPointer, pdu.AppendPointer(nil, pdu.PointerKindSystem, []byte{0, 0x7f, 0, 0})),
		dataUnit(pdu.DataPointer, pdu.AppendPointer(nil, pdu.PointerKindNew, shape.AppendBinary(pdu.PointerKindNew, nil))),
		dataUnit(pdu.DataSetKeyboardIndicators, pdu.AppendKeyboardIndicators(nil, pdu.LockCaps)),
		dataUnit(pdu.DataSaveSessionInfo, (&pdu.SessionInfo{Kind: pdu.SessionInfoPlain}).AppendBinary(nil)),
		dataUnit(pdu.DataSetErrorInfo, []byte{0xc, 0, 0, 0}),
		dataUnit(pdu.DataSetErrorInfo, []byte{0, 0, 0, 0}), // nothing
		dataUnit(pdu.DataPlaySound, nil),                   // nothing
	}
	s := testStage()
	const want = 2 + 3 + 5 + 7
	if n, err := all(s, units...); n != want || err != nil {
		t.Errorf("%d updates, want %d: %v", n, want, err)
	}
	ultimatum := must(pdu.AppendData(nil, must((&pdu.MCS{Kind: pdu.MCSDisconnectProviderUltimatum, Reason: 3}).AppendBinary(nil))))
	if _, err := all(s, ultimatum); CodeOf(err) != CodeLoggedOff {
		t.Errorf("ultimatum: %v", err)
	}
}

// TestStage_NoAllocations: what draws a desktop in steady state takes no memory.
func TestStage_NoAllocations(t *testing.T) {
	s := testStage()
	units := [][]byte{
		fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateBitmap, Data: bitmap(square)}),
		fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateSurfaceCommands, Data: must((&pdu.SurfaceCommand{Kind: pdu.SurfaceKindFrame}).AppendBinary(nil))}),
	}
	run := func() {
		if _, err := all(s, units...); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzStage: whatever a server sends in a session, no panic, and what is kept of it stays within the limits; what comes out can be
// drawn or is an error.
func FuzzStage(f *testing.F) {
	f.Add(fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateBitmap, Data: bitmap(square)}), dataUnit(pdu.DataUpdate, bitmap(square)))
	f.Add(slowUnit(pdu.ShareDeactivateAll, nil), slowUnit(pdu.ShareDemandActive, must((&pdu.Active{
		ShareID: 1, Descriptor: []byte("x"),
		Capabilities: (&pdu.ClientCaps{Width: 300, Height: 200, Depth: 32}).Sets(),
	}).AppendBinary(nil))))
	f.Add(fastUnit(pdu.FastPathUpdate{Code: pdu.UpdatePointerNew, Data: (&pdu.PointerShape{Depth: 32, Width: 1, Height: 1, Xor: make([]byte, 4), And: make([]byte, 2)}).AppendBinary(pdu.PointerKindNew, nil)}),
		dataUnit(pdu.DataSetErrorInfo, []byte{0xc, 0, 0, 0}))
	f.Add(fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateBitmap, Fragment: pdu.FragmentFirst, Compression: 0x21, Data: []byte{1}}), []byte{0, 3, 0})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := testStage()
		fb, err := NewFramebuffer(640, 480)
		if err != nil {
			t.Fatal(err)
		}
		for _, unit := range [][]byte{a, b} {
			if n, err := pdu.FrameSize(unit); err != nil || n != len(unit) {
				return
			}
			if s.feed(unit) != nil {
				return
			}
			for {
				u, err := s.next()
				if err != nil || u == nil {
					break
				}
				_ = fb.Apply(u)
			}
		}
	})
}

// BenchmarkStage is a frame of 1920x1080 in tiles of 64x64.
func BenchmarkStage(b *testing.B) {
	s := testStage()
	s.activation.Width, s.activation.Height = 1920, 1080
	var units [][]byte
	for y := uint16(0); y < 1080; y += 64 {
		for x := uint16(0); x < 1920; x += 64 {
			p := square
			p.Left, p.Top, p.Right, p.Bottom, p.Data = x, y, x+63, y+63, make([]byte, 4000)
			units = append(units, fastUnit(pdu.FastPathUpdate{Code: pdu.UpdateBitmap, Data: bitmap(p)}))
		}
	}
	b.SetBytes(int64(len(units) * len(units[0])))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := all(s, units...); err != nil {
			b.Fatal(err)
		}
	}
}
