package rdptest

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// EventKind is what an input event is about.
type EventKind uint8

const (
	EventScancode EventKind = iota // a key: Code, Down, Extended
	EventUnicode                   // a character: Rune, Down
	EventMouse                     // the mouse: X, Y, Flags as on the wire (2.2.8.1.1.3.1.1.3)
	EventMouseX                    // its further buttons: X, Y, Flags (2.2.8.1.1.3.1.1.4)
	EventSync                      // the lock keys: Flags (2.2.8.1.1.3.1.1.5)
)

// Event is one input event as it arrived.
type Event struct {
	Kind     EventKind
	Code     uint16 // scancode of set 1
	Rune     rune   // a UTF-16 unit
	Down     bool
	Extended bool
	X, Y     int
	Flags    uint16
}

// Flags of mouse events (2.2.8.1.1.3.1.1.3).
const (
	PointerHWheel   uint16 = 0x0400
	PointerWheel    uint16 = 0x0200
	PointerNegative uint16 = 0x0100
	PointerMove     uint16 = 0x0800
	PointerDown     uint16 = 0x8000
	PointerButton1  uint16 = 0x1000
	PointerButton2  uint16 = 0x2000
	PointerButton3  uint16 = 0x4000
)

// Types of slow-path events (2.2.8.1.1.3.1.1).
const (
	slowSync     = 0x0000
	slowScancode = 0x0004
	slowUnicode  = 0x0005
	slowMouse    = 0x8001
	slowMouseX   = 0x8002
)

const (
	slowExtended = 0x0100
	slowRelease  = 0x8000
)

// slowInput takes the body of an Input PDU (2.2.8.1.1.3).
func (c *Session) slowInput(body []byte) error {
	r := wire.NewReader(body)
	n := int(r.U16LE("numEvents"))
	r.U16LE("pad2Octets")
	for range n {
		r.U32LE("eventTime")
		kind := r.U16LE("messageType")
		a, b, d := r.U16LE("deviceFlags"), r.U16LE("param1"), r.U16LE("param2")
		if r.Err() != nil {
			break
		}
		switch kind {
		case slowSync:
			c.desktop.input(Event{Kind: EventSync, Flags: b})
		case slowScancode:
			c.desktop.input(Event{Kind: EventScancode, Code: b, Down: a&slowRelease == 0, Extended: a&slowExtended != 0})
		case slowUnicode:
			c.desktop.input(Event{Kind: EventUnicode, Rune: rune(b), Down: a&slowRelease == 0})
		case slowMouse, slowMouseX:
			c.desktop.input(Event{Kind: EventMouse + EventKind(kind-slowMouse), Flags: a, X: int(b), Y: int(d)})
		}
	}
	return r.Done("input")
}

// Codes of fast-path events (2.2.8.1.2.2).
const (
	fastScancode = 0
	fastMouse    = 1
	fastMouseX   = 2
	fastSync     = 3
	fastUnicode  = 4
	fastQoE      = 6
)

const (
	fastRelease  = 0x01
	fastExtended = 0x02
)

// fastInput takes a fast-path input PDU (2.2.8.1.2).
func (c *Session) fastInput(unit []byte) error {
	r := wire.NewReader(unit)
	head := r.U8("header")
	if head&0xc0 != 0 {
		return errors.New("rdptest: fast-path input is encrypted inside TLS")
	}
	if r.U8("length1")&0x80 != 0 {
		r.U8("length2")
	}
	n := int(head >> 2 & 0x0f)
	if n == 0 {
		n = int(r.U8("numEvents"))
	}
	for range n {
		b := r.U8("eventHeader")
		flags, down := uint16(b&0x1f), b&fastRelease == 0
		switch code := b >> 5; code {
		case fastScancode:
			c.desktop.input(Event{Kind: EventScancode, Code: uint16(r.U8("keyCode")), Down: down, Extended: b&fastExtended != 0})
		case fastUnicode:
			c.desktop.input(Event{Kind: EventUnicode, Rune: rune(r.U16LE("unicodeCode")), Down: down})
		case fastMouse, fastMouseX:
			e := Event{Kind: EventMouse + EventKind(code-fastMouse), Flags: r.U16LE("pointerFlags")}
			e.X, e.Y = int(r.U16LE("xPos")), int(r.U16LE("yPos"))
			c.desktop.input(e)
		case fastSync:
			c.desktop.input(Event{Kind: EventSync, Flags: flags})
		case fastQoE:
			r.U32LE("timestamp")
		default:
			r.Failf("eventCode: got %d", code)
		}
		if r.Err() != nil {
			break
		}
	}
	if err := r.Close("fast-path input"); err != nil {
		return fmt.Errorf("rdptest: %w", err)
	}
	return nil
}
