package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// InputKind is the kind of an input event, numbered as in fast-path events ([MS-RDPBCGR] 2.2.8.1.2.2).
type InputKind uint8

// The kinds.
const (
	InputScancode    InputKind = 0
	InputMouse       InputKind = 1
	InputMouseExt    InputKind = 2
	InputSynchronize InputKind = 3
	InputUnicodeKey  InputKind = 4
)

// Flags of InputScancode and InputUnicodeKey, as in fast-path events (2.2.8.1.2.2.1).
const (
	KeyRelease   uint16 = 0x01
	KeyExtended  uint16 = 0x02 // E0
	KeyExtended1 uint16 = 0x04 // E1: Pause
)

// Flags of InputMouse (2.2.8.1.1.3.1.1.3) and InputMouseExt (2.2.8.1.1.3.1.1.4).
const (
	MouseHWheel        uint16 = 0x0400
	MouseWheel         uint16 = 0x0200
	MouseWheelNegative uint16 = 0x0100
	MouseWheelMask     uint16 = 0x01ff
	MouseMove          uint16 = 0x0800
	MouseDown          uint16 = 0x8000
	MouseButton1       uint16 = 0x1000 // left
	MouseButton2       uint16 = 0x2000 // right
	MouseButton3       uint16 = 0x4000 // middle
	MouseX1            uint16 = 0x0001 // of InputMouseExt
	MouseX2            uint16 = 0x0002
)

// Flags of InputSynchronize.
const (
	LockScroll uint16 = 0x01
	LockNum    uint16 = 0x02
	LockCaps   uint16 = 0x04
	LockKana   uint16 = 0x08
)

// InputEvent is one event of the user.
type InputEvent struct {
	Kind  InputKind
	Flags uint16
	Code  uint16 // scancode or UTF-16 unit
	X, Y  uint16 // of the mouse
}

// Types of slow-path events (2.2.8.1.1.3.1.1), by InputKind.
var slowInput = [...]uint16{0x0004, 0x8001, 0x8002, 0x0000, 0x0005}

// Flags of slow-path keys.
const (
	slowRelease   uint16 = 0x8000
	slowDown      uint16 = 0x4000
	slowExtended  uint16 = 0x0100
	slowExtended1 uint16 = 0x0200
)

const (
	maxInputEvents = 255
	slowEvent      = 4 /* eventTime */ + 2 /* messageType */ + 6
)

// AppendFastPathInput appends a fast-path input PDU (2.2.8.1.2) as a whole unit.
func AppendFastPathInput(b []byte, events []InputEvent) ([]byte, error) {
	if len(events) == 0 || len(events) > maxInputEvents {
		return nil, fmt.Errorf("%d input events, want 1 to %d", len(events), maxInputEvents)
	}
	p := FastPath{Body: make([]byte, 0, 1+7*len(events))}
	if len(events) < 16 {
		p.Events = uint8(len(events))
	} else {
		p.Body = append(p.Body, byte(len(events)))
	}
	for _, e := range events {
		head := byte(e.Kind) << 5
		switch e.Kind {
		case InputScancode:
			p.Body = append(p.Body, head|byte(e.Flags&7), byte(e.Code))
		case InputUnicodeKey:
			p.Body = wire.AppendU16LE(append(p.Body, head|byte(e.Flags&KeyRelease)), e.Code)
		case InputSynchronize:
			p.Body = append(p.Body, head|byte(e.Flags&0xf))
		case InputMouse, InputMouseExt:
			p.Body = append(p.Body, head)
			for _, v := range []uint16{e.Flags, e.X, e.Y} {
				p.Body = wire.AppendU16LE(p.Body, v)
			}
		default:
			return nil, fmt.Errorf("input event of kind %d", e.Kind)
		}
	}
	return p.AppendBinary(b)
}

// TakeFastPathInput decodes the body of a fast-path input PDU whose header says that it has n events; 0 if the body says it.
func TakeFastPathInput(n uint8, body []byte) ([]InputEvent, error) {
	r := wire.NewReader(body)
	if n == 0 {
		n = r.U8("numEvents")
	}
	count := r.Count("numEvents", uint64(n), 1, maxInputEvents)
	events := make([]InputEvent, 0, count)
	for range count {
		head := r.U8("eventHeader")
		e := InputEvent{Kind: InputKind(head >> 5), Flags: uint16(head & 0x1f)}
		switch e.Kind {
		case InputScancode:
			e.Code = uint16(r.U8("keyCode"))
		case InputUnicodeKey:
			e.Code = r.U16LE("unicodeCode")
		case InputSynchronize:
		case InputMouse, InputMouseExt:
			e.Flags, e.X, e.Y = r.U16LE("pointerFlags"), r.U16LE("xPos"), r.U16LE("yPos")
		default:
			r.Failf("eventCode: %d is not known", e.Kind)
		}
		events = append(events, e)
	}
	return events, r.Close("fast-path input")
}

// AppendInput appends the body of a slow-path input PDU (2.2.8.1.1.3).
func AppendInput(b []byte, events []InputEvent) ([]byte, error) {
	if len(events) == 0 || len(events) > maxInputEvents {
		return nil, fmt.Errorf("%d input events, want 1 to %d", len(events), maxInputEvents)
	}
	b = wire.AppendU16LE(wire.AppendU16LE(b, uint16(len(events))), 0)
	for _, e := range events {
		if int(e.Kind) >= len(slowInput) {
			return nil, fmt.Errorf("input event of kind %d", e.Kind)
		}
		b = wire.AppendU16LE(wire.AppendU32LE(b, 0), slowInput[e.Kind])
		var fields [3]uint16
		switch e.Kind {
		case InputScancode, InputUnicodeKey:
			flags := slowDown // only a release says otherwise
			if e.Flags&KeyRelease != 0 {
				flags = slowRelease
			}
			if e.Kind == InputUnicodeKey {
				flags &= slowRelease
			}
			if e.Flags&KeyExtended != 0 {
				flags |= slowExtended
			}
			if e.Flags&KeyExtended1 != 0 {
				flags |= slowExtended1
			}
			fields = [3]uint16{flags, e.Code, 0}
		case InputSynchronize:
			fields = [3]uint16{0, e.Flags, 0} // pad2Octets, toggleFlags of four bytes
		case InputMouse, InputMouseExt:
			fields = [3]uint16{e.Flags, e.X, e.Y}
		}
		for _, v := range fields {
			b = wire.AppendU16LE(b, v)
		}
	}
	return b, nil
}

// TakeInput decodes the body of a slow-path input PDU.
func TakeInput(body []byte) ([]InputEvent, error) {
	r := wire.NewReader(body)
	number := r.U16LE("numEvents")
	r.Skip("pad2Octets", 2)
	count := r.Count("numEvents", uint64(number), slowEvent, maxInputEvents)
	events := make([]InputEvent, 0, count)
	for range count {
		r.Skip("eventTime", 4)
		kind := r.U16LE("messageType")
		a, b, c := r.U16LE("flags"), r.U16LE("code"), r.U16LE("pad")
		e := InputEvent{}
		switch kind {
		case slowInput[InputScancode], slowInput[InputUnicodeKey]:
			e.Code = b
			if kind == slowInput[InputUnicodeKey] {
				e.Kind = InputUnicodeKey
			}
			for _, f := range [][2]uint16{{slowRelease, KeyRelease}, {slowExtended, KeyExtended}, {slowExtended1, KeyExtended1}} {
				if a&f[0] != 0 {
					e.Flags |= f[1]
				}
			}
		case slowInput[InputSynchronize]:
			e.Kind, e.Flags = InputSynchronize, b
		case slowInput[InputMouse], slowInput[InputMouseExt]:
			e.Kind = InputMouse
			if kind == slowInput[InputMouseExt] {
				e.Kind = InputMouseExt
			}
			e.Flags, e.X, e.Y = a, b, c
		default:
			r.Failf("messageType: %#x is not known", kind)
		}
		events = append(events, e)
	}
	return events, r.Done("input PDU")
}
