package rdp

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Events of the browser (pam/PROTOCOL.md).
const (
	keyEvent     = 4 // bytes
	pointerEvent = 8

	keyScancode uint8 = 1
	keyUnicode  uint8 = 2
	keyLocks    uint8 = 3
	keyRelease  uint8 = 4

	pointerMove   uint8 = 1
	pointerButton uint8 = 2
	pointerWheel  uint8 = 3
	pointerWheelX uint8 = 4

	pressed    = 1    // flag of a key
	buttonDown = 0x80 // flag of a button
)

// maxHeld is how many keys one person can hold down: more are let through and not lifted for them.
const maxHeld = 256

// held is what people hold down, to be lifted when they cannot any more.
type held struct {
	mu     sync.Mutex // guards what follows
	people map[pam.ParticipantID]*hands
}

// hands are the keys and buttons that a person holds down.
type hands struct {
	keys    []Scancode
	buttons []Button
	x, y    int // where the buttons were pressed last
}

func (h *held) of(who pam.ParticipantID) *hands {
	if h.people == nil {
		h.people = map[pam.ParticipantID]*hands{}
	}
	p := h.people[who]
	if p == nil {
		p = &hands{}
		h.people[who] = p
	}
	return p
}

// Input does what a person has done to keyboard and mouse.
func (c *conn) Input(_ context.Context, in pam.Input) error {
	size, take := keyEvent, (*hands).key
	switch in.Kind {
	case pam.InputKey:
	case pam.InputPointer:
		size, take = pointerEvent, (*hands).pointer
	default:
		return fmt.Errorf("rdp: input of kind %d is not for a desktop", in.Kind)
	}
	if len(in.Data)%size != 0 {
		return fmt.Errorf("rdp: input of %d bytes, want events of %d", len(in.Data), size)
	}
	client := c.connection()
	c.held.mu.Lock()
	h := c.held.of(in.Participant)
	var events []pdu.InputEvent
	var err error
	for e := range slices.Chunk(in.Data, size) {
		if events, err = take(h, client, events, e); err != nil {
			break
		}
	}
	c.held.mu.Unlock()
	if serr := client.input(events...); err == nil {
		err = serr
	}
	return err
}

// key appends what a key event asks for.
func (h *hands) key(_ *Client, events []pdu.InputEvent, e []byte) ([]pdu.InputEvent, error) {
	kind, flags, value := e[0], e[1], binary.BigEndian.Uint16(e[2:])
	down := flags&pressed != 0
	switch kind {
	case keyScancode:
		k := Scancode(value)
		if p := k &^ 0xff; k&0xff == 0 || p != 0 && p != extended && p != extended1 {
			return events, fmt.Errorf("rdp: scancode %#x", value)
		}
		h.keys = note(h.keys, k, down)
		return k.append(events, down), nil
	case keyUnicode:
		u := pdu.InputEvent{Kind: pdu.InputUnicodeKey, Code: value}
		if !down {
			u.Flags = pdu.KeyRelease
		}
		return append(events, u), nil
	case keyLocks:
		h.keys = nil
		return append(events, lockEvent(LockKeys{Scroll: flags&1 != 0, Num: flags&2 != 0, Caps: flags&4 != 0, Kana: flags&8 != 0})), nil
	case keyRelease:
		return h.lift(events), nil
	}
	return events, fmt.Errorf("rdp: key event of kind %d", kind)
}

// note takes down whether something is held.
func note[T comparable](all []T, it T, down bool) []T {
	i := slices.Index(all, it)
	switch {
	case down && i < 0 && len(all) < maxHeld:
		return append(all, it)
	case !down && i >= 0:
		return slices.Delete(all, i, i+1)
	}
	return all
}

// pointer appends what a pointer event asks for.
func (h *hands) pointer(client *Client, events []pdu.InputEvent, e []byte) ([]pdu.InputEvent, error) {
	kind, flags := e[0], e[1]
	x, y, delta := int(binary.BigEndian.Uint16(e[2:])), int(binary.BigEndian.Uint16(e[4:])), int(int16(binary.BigEndian.Uint16(e[6:])))
	switch kind {
	case pointerMove:
		return append(events, client.mouse(pdu.InputMouse, pdu.MouseMove, x, y)), nil
	case pointerButton:
		b, down := Button(flags&^buttonDown), flags&buttonDown != 0
		event, err := client.button(b, down, x, y)
		if err != nil {
			return events, err
		}
		h.buttons, h.x, h.y = note(h.buttons, b, down), x, y
		return append(events, event), nil
	case pointerWheel, pointerWheelX:
		return client.wheel(events, kind == pointerWheelX, delta, x, y), nil
	}
	return events, fmt.Errorf("rdp: pointer event of kind %d", kind)
}

// lift releases all that is held. The buttons' place is clamped to the desktop by the target.
func (h *hands) lift(events []pdu.InputEvent) []pdu.InputEvent {
	for _, k := range slices.Backward(h.keys) {
		events = k.append(events, false)
	}
	h.keys = nil
	for _, b := range slices.Backward(h.buttons) {
		kind, flags := buttonFlags(b)
		events = append(events, pdu.InputEvent{Kind: kind, Flags: flags, X: uint16(h.x), Y: uint16(h.y)})
	}
	h.buttons = nil
	return events
}

// Gone lifts what a person held down whose page is gone.
func (c *conn) Gone(who pam.ParticipantID) {
	c.held.mu.Lock()
	h := c.held.people[who]
	delete(c.held.people, who)
	var events []pdu.InputEvent
	if h != nil {
		events = h.lift(nil)
	}
	c.held.mu.Unlock()
	_ = c.connection().input(events...) // the first error ends the connection, and Next tells of it
}
