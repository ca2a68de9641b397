package rdptest

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// endless sends a unit over and over, a hundred times a second, until the client hangs up.
func endless(unit []byte) func(*poison, []byte) error {
	return func(p *poison, _ []byte) error {
		for {
			if err := p.write(unit); err != nil {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// demand is a Demand Active PDU for a desktop of this size.
func demand(w, h int) []byte {
	b, err := (&pdu.Active{ShareID: shareID, Descriptor: []byte("RDP\x00"), Capabilities: serverSets(w, h, 32)}).AppendBinary(nil)
	if err != nil {
		panic(err) // it is fixed
	}
	return shareUnit(pdu.ShareDemandActive, b)
}

// activationVariants break the capability exchange and the finalization.
func activationVariants() []variant {
	const share, active = 0, 6 // offsets of totalLength and shareId
	short := func(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
	redirection := shareUnit(pdu.ShareRedirection, append([]byte{0, 0, 0, 4, 16, 0}, make([]byte, 32)...))
	errorInfo := dataUnit(pdu.DataSetErrorInfo, []byte{0xff, 0xff, 0, 0})
	return []variant{
		change(stepDemand, "truncated", inShare(func(b []byte) []byte { return b[:active+6] })),
		change(stepDemand, "total length is zero", inShare(set(share, 0, 0))),
		change(stepDemand, "total length is one", inShare(set(share, 1, 0))),
		change(stepDemand, "total length is the greatest", inShare(set(share, 0xff, 0xff))),
		change(stepDemand, "total length cuts the PDU", inShare(set(share, 20, 0))),
		change(stepDemand, "unknown share PDU", inShare(set(share+2, 0x1f))),
		change(stepDemand, "descriptor is the longest", inShare(set(active+4, 0xff, 0xff))),
		change(stepDemand, "capabilities of no length", inShare(set(active+6, 0, 0))),
		change(stepDemand, "capabilities overlap the end", inShare(set(active+6, 0xff, 0xff))),
		change(stepDemand, "capability count is the greatest", inShare(set(active+12, 0xff, 0xff))),
		change(stepDemand, "capability length is zero", inShare(set(active+18, 0, 0))),
		change(stepDemand, "capability length is the greatest", inShare(set(active+18, 0xff, 0xff))),
		change(stepDemand, "desktop of nothing", with(demand(0, 0))),
		change(stepDemand, "desktop of 65535x65535", with(demand(0xffff, 0xffff))),
		change(stepDemand, "desktop of too many pixels", with(demand(8192, 8192))),
		change(stepDemand, "desktop of 65535x1", with(demand(0xffff, 1))),
		change(stepDemand, "font map first", with(dataUnit(pdu.DataFontMap, pdu.AppendFontList(nil)))),
		change(stepDemand, "redirection", with(redirection)),
		change(stepDemand, "error info", with(errorInfo)),
		change(stepDemand, "share data is truncated", with(shareUnit(pdu.ShareData, []byte{1, 2, 3}))),
		change(stepDemand, "hangs up in order", with(ultimatum())),
		{stepDemand, "endless synchronize", endless(dataUnit(pdu.DataSynchronize, pdu.AppendSynchronize(nil, clientUser)))},
		{stepDemand, "endless demands", endless(demand(800, 600))},
		{stepDemand, "endless fast-path units", endless([]byte{0, 6, 3, 0, 0, 0}[:6])},
		{stepDemand, "endless PDUs of other channels", func(p *poison, _ []byte) error {
			b, err := (&pdu.MCS{Kind: pdu.MCSSendDataIndication, User: serverUser, Channel: 2000, Data: make([]byte, 64)}).AppendBinary(nil)
			if err != nil {
				return err
			}
			return endless(tpkt(append([]byte{2, 0xf0, 0x80}, b...)))(p, nil)
		}},
		{stepFinal, "endless deactivations", endless(append(shareUnit(pdu.ShareDeactivateAll, append(binary.LittleEndian.AppendUint32(nil, shareID), 0, 0)), demand(800, 600)...))},
		change(stepFinal, "redirection", with(redirection)),
		change(stepFinal, "error info is truncated", with(dataUnit(pdu.DataSetErrorInfo, short(1)))),
	}
}

const longFastPathLen = 0x8000

// fast is a fast-path unit with these updates; lengths may lie.
func fast(updates ...[]byte) []byte {
	body := bytes.Join(updates, nil)
	b := wire.AppendU16BE([]byte{0}, uint16(3+len(body))|longFastPathLen)
	return append(b, body...)
}

// part is one fast-path update: header byte and data.
func part(head byte, data []byte) []byte {
	return append(wire.AppendU16LE([]byte{head}, uint16(len(data))), data...)
}

func words(v ...int) (b []byte) {
	for _, x := range v {
		b = wire.AppendU16LE(b, uint16(x))
	}
	return b
}

// bitmapOf is a bitmap update of one picture without a check.
func bitmapOf(l, t, r, b, w, h, depth, flags, size int, data ...byte) []byte {
	return fast(part(byte(pdu.UpdateBitmap), append(words(int(pdu.KindBitmap), 1, l, t, r, b, w, h, depth, flags, size), data...)))
}

// surfaceOf is a Set Surface Bits command without a check.
func surfaceOf(l, t, w, h, depth, codec int, size uint32, data ...byte) []byte {
	b := words(int(pdu.SurfaceKindSetBits), l, t, l+w, t+h)
	b = append(b, byte(depth), 0, 0, byte(codec))
	b = wire.AppendU32LE(append(b, words(w, h)...), size)
	return fast(part(byte(pdu.UpdateSurfaceCommands), append(b, data...)))
}

const (
	fragmentLast  = byte(pdu.FragmentLast) << 4
	fragmentFirst = byte(pdu.FragmentFirst) << 4
	fragmentNext  = byte(pdu.FragmentNext) << 4
)

// updateVariants break what comes on an active desktop.
func updateVariants() []variant {
	all := []variant{{stepUpdate, "endless fragments", func(p *poison, _ []byte) error {
		unit := fast(part(byte(pdu.UpdateBitmap)|fragmentFirst, make([]byte, 16<<10)))
		for {
			if err := p.write(unit); err != nil {
				return err
			}
			unit = fast(part(byte(pdu.UpdateBitmap)|fragmentNext, make([]byte, 16<<10)))
		}
	}}}
	for _, u := range []struct {
		name string
		unit []byte
	}{
		{"unit of neither kind", []byte{0x01, 0x04, 0, 0}},
		{"TPKT length is zero", []byte{3, 0, 0, 0}},
		{"MCS of another kind", tpkt([]byte{2, 0xf0, 0x80, byte(11)<<2 | 2, 0, 0, 1})},
		{"MCS is truncated", tpkt([]byte{2, 0xf0, 0x80, byte(26) << 2, 0})},
		{"hangs up in order", ultimatum()},
		{"share control of no length", indication([]byte{0, 0, 0x17, 0})},
		{"share data is truncated", shareUnit(pdu.ShareData, []byte{1, 2})},
		{"redirection", shareUnit(pdu.ShareRedirection, make([]byte, 40))},
		{"desktop of 65535x65535", demand(0xffff, 0xffff)},
		{"slow-path update is truncated", dataUnit(pdu.DataUpdate, []byte{1})},
		{"slow-path update of an unknown type", dataUnit(pdu.DataUpdate, words(9))},
		{"slow-path orders", dataUnit(pdu.DataUpdate, words(0, 0, 1, 0))},
		{"slow-path pointer of an unknown type", dataUnit(pdu.DataPointer, words(99, 0))},
		{"slow-path system pointer is truncated", dataUnit(pdu.DataPointer, words(1, 0, 0))},
		{"save session info of an unknown type", dataUnit(pdu.DataSaveSessionInfo, tooLong)},
		{"save session info is truncated", dataUnit(pdu.DataSaveSessionInfo, []byte{3, 0, 0, 0, 40, 0, 1, 0, 0, 0, 28})},
		{"keyboard indicators are truncated", dataUnit(pdu.DataSetKeyboardIndicators, []byte{0})},
		{"fast-path length is zero", []byte{0, 0}},
		{"fast-path length is that of the header", []byte{0, 0x80, 3}},
		{"fast-path unit is encrypted", append([]byte{0x80}, fast(part(3, nil))[1:]...)},
		{"fast-path update of an unknown type", fast(part(0x0f, nil))},
		{"fast-path update overlaps the end", fast([]byte{1, 0xff, 0xff, 1, 0})},
		{"fast-path update is truncated", fast([]byte{1})},
		{"fast-path orders", fast(part(0, words(1)))},
		{"compression of an unknown type", fast([]byte{1 | 0x80, 0x2f, 2, 0, 1, 2})},
		{"compression of noise", fast(append([]byte{1 | 0x80, 0x21, 32, 0}, bytes.Repeat([]byte{0xff}, 32)...))},
		{"compression of what is no update", fast([]byte{1 | 0x80, 0x20 | 0x80, 8, 0, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10})},
		{"fragment without its beginning", fast(part(1|fragmentNext, words(1, 1)))},
		{"last fragment without its beginning", fast(part(1|fragmentLast, words(1, 1)))},
		{"fragment begins inside another", fast(part(1|fragmentFirst, words(1, 1)), part(1|fragmentFirst, words(1, 1)))},
		{"fragment of another type", fast(part(1|fragmentFirst, words(1, 1)), part(2|fragmentNext, words(1, 1)))},
		{"bitmap of another type", fast(part(1, words(2, 1)))},
		{"bitmap count is the greatest", fast(part(1, words(1, 0xffff)))},
		{"bitmap is truncated", fast(part(1, words(1, 1, 0, 0, 1)))},
		{"bitmap is wide as nothing", bitmapOf(0, 0, 3, 3, 0, 4, 32, 0, 0)},
		{"bitmap is high as nothing", bitmapOf(0, 0, 3, 3, 4, 0, 32, 0, 0)},
		{"bitmap is the widest", bitmapOf(0, 0, 3, 3, 0xffff, 1, 32, 0, 4, 1, 2, 3, 4)},
		{"bitmap is the highest", bitmapOf(0, 0, 3, 3, 4, 0xffff, 32, 0, 4, 1, 2, 3, 4)},
		{"bitmap ends before it begins", bitmapOf(9, 9, 3, 3, 4, 4, 32, 0, 0)},
		{"bitmap is beyond the desktop", bitmapOf(0xfff0, 0xfff0, 0xfff3, 0xfff3, 4, 4, 32, 0, 0)},
		{"bitmap of no depth", bitmapOf(0, 0, 3, 3, 4, 4, 0, 0, 0)},
		{"bitmap of 7 bits", bitmapOf(0, 0, 3, 3, 4, 4, 7, 0, 0)},
		{"bitmap length is the greatest", bitmapOf(0, 0, 3, 3, 4, 4, 32, 0, 0xffff)},
		{"bitmap is shorter than its header", bitmapOf(0, 0, 3, 3, 4, 4, 16, 1, 7, make([]byte, 16)...)},
		{"bitmap has too few pixels", bitmapOf(0, 0, 3, 3, 4, 4, 32, 0, 4, 1, 2, 3, 4)},
		{"bitmap of noise", bitmapOf(0, 0, 3, 3, 4, 4, 16, 0x401, 8, tooLong...)},
		{"planar of noise", bitmapOf(0, 0, 3, 3, 4, 4, 32, 0x401, 8, tooLong...)},
		{"palette of no colours", fast(part(2, words(2, 0, 0, 0)))},
		{"palette of the most colours", fast(part(2, append(words(2, 0, 0xffff, 0xffff), make([]byte, 768)...)))},
		{"palette is truncated", fast(part(2, append(words(2, 0, 256, 0), make([]byte, 700)...)))},
		{"surface command of an unknown kind", fast(part(4, words(9, 0)))},
		{"surface command is truncated", fast(part(4, words(1, 0)))},
		{"surface bits of an unknown codec", surfaceOf(0, 0, 4, 4, 32, 99, 0)},
		{"surface bits of no depth", surfaceOf(0, 0, 4, 4, 0, 0, 0)},
		{"surface bits of the greatest length", surfaceOf(0, 0, 4, 4, 32, 0, 0xffffffff)},
		{"surface bits are the widest", surfaceOf(0, 0, 0xffff, 4, 32, 0, 0)},
		{"surface bits are beyond the desktop", surfaceOf(0xfff0, 0, 4, 4, 32, 0, 0)},
		{"surface bits have too few pixels", surfaceOf(0, 0, 4, 4, 32, 0, 4, 1, 2, 3, 4)},
		{"frame marker of another action", fast(part(4, words(4, 7, 0, 0)))},
		{"frame marker is truncated", fast(part(4, words(4, 0, 1)))},
		{"pointer is the widest", fast(part(9, words(0, 0, 0, 0xffff, 1, 0, 0)))},
		{"pointer is the highest", fast(part(9, words(0, 0, 0, 1, 0xffff, 0, 0)))},
		{"pointer is truncated", fast(part(9, words(0, 0)))},
		{"pointer beyond the cache", fast(part(9, words(0xffff, 0, 0, 1, 1, 0, 0)))},
		{"pointer masks overlap the end", fast(part(11, words(32, 0, 0, 0, 1, 1, 0xffff, 0xffff)))},
		{"pointer has no pixels", fast(part(11, words(32, 0, 0, 0, 32, 32, 0, 0)))},
		{"pointer of 7 bits", fast(part(11, append(words(7, 0, 0, 0, 1, 1, 2, 4), make([]byte, 6)...)))},
		{"large pointer is larger", fast(part(12, words(32, 0, 0, 0, 385, 385, 0, 0, 0, 0)))},
		{"large pointer of the longest mask", fast(part(12, words(32, 0, 0, 0, 1, 1, 0xffff, 0xffff, 0xffff, 0xffff)))},
		{"cached pointer beyond the cache", fast(part(10, words(0xffff)))},
		{"cached pointer is truncated", fast(part(10, []byte{1}))},
		{"pointer position is truncated", fast(part(8, words(1)))},
	} {
		all = append(all, change(stepUpdate, u.name, with(u.unit)))
	}
	return all
}
