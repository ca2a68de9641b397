package rdp

import (
	"errors"
	"unicode/utf16"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Button is a button of the mouse.
type Button uint8

// The buttons.
const (
	ButtonLeft Button = iota + 1
	ButtonRight
	ButtonMiddle
	ButtonX1 // back
	ButtonX2 // forward
)

// wheelStep is the most that one event can turn a wheel; a notch is 120.
const wheelStep = 0xff

// Key presses or releases a key.
func (c *Client) Key(k Scancode, down bool) error {
	return c.input(k.append(nil, down)...)
}

// Keys presses the keys in order and releases them in the reverse order: a combination.
func (c *Client) Keys(combination ...Scancode) error {
	var events []pdu.InputEvent
	for _, k := range combination {
		events = k.append(events, true)
	}
	for i := len(combination) - 1; i >= 0; i-- {
		events = combination[i].append(events, false)
	}
	return c.input(events...)
}

// Type types a text, whatever keyboard there is: each character as a Unicode event, pressed and released (2.2.8.1.2.2.2).
func (c *Client) Type(text string) error {
	var events []pdu.InputEvent
	for _, unit := range utf16.Encode([]rune(text)) {
		events = append(events, pdu.InputEvent{Kind: pdu.InputUnicodeKey, Code: unit}, pdu.InputEvent{Kind: pdu.InputUnicodeKey, Code: unit, Flags: pdu.KeyRelease})
	}
	return c.input(events...)
}

// MouseMove moves the pointer. Coordinates beyond the desktop count as its edge.
func (c *Client) MouseMove(x, y int) error {
	return c.input(c.mouse(pdu.InputMouse, pdu.MouseMove, x, y))
}

// MouseButton presses or releases a button.
func (c *Client) MouseButton(b Button, down bool, x, y int) error {
	event, err := c.button(b, down, x, y)
	if err != nil {
		return err
	}
	return c.input(event)
}

func (c *Client) button(b Button, down bool, x, y int) (pdu.InputEvent, error) {
	kind, flags := buttonFlags(b)
	if flags == 0 {
		return pdu.InputEvent{}, errors.New("rdp: unknown button")
	}
	if down {
		flags |= pdu.MouseDown
	}
	return c.mouse(kind, flags, x, y), nil
}

// buttonFlags are those of a button that is released; 0 if there is no such button.
func buttonFlags(b Button) (pdu.InputKind, uint16) {
	switch b {
	case ButtonLeft:
		return pdu.InputMouse, pdu.MouseButton1
	case ButtonRight:
		return pdu.InputMouse, pdu.MouseButton2
	case ButtonMiddle:
		return pdu.InputMouse, pdu.MouseButton3
	case ButtonX1:
		return pdu.InputMouseExt, pdu.MouseX1
	case ButtonX2:
		return pdu.InputMouseExt, pdu.MouseX2
	}
	return 0, 0
}

// MouseWheel turns a wheel by delta, 120 a notch; up and right are positive. horizontal is the wheel that scrolls sideways.
func (c *Client) MouseWheel(horizontal bool, delta, x, y int) error {
	return c.input(c.wheel(nil, horizontal, delta, x, y)...)
}

func (c *Client) wheel(events []pdu.InputEvent, horizontal bool, delta, x, y int) []pdu.InputEvent {
	kind := pdu.MouseWheel
	if horizontal {
		kind = pdu.MouseHWheel
	}
	for n := 0; delta != 0 && n < maxEvents; n++ {
		step := max(-wheelStep, min(delta, wheelStep))
		delta -= step
		flags := kind | uint16(step)&pdu.MouseWheelMask // two's complement of nine bits (2.2.8.1.1.3.1.1.3)
		events = append(events, c.mouse(pdu.InputMouse, flags, x, y))
	}
	return events
}

// SetLockKeys tells the server the state of the lock keys, and releases all keys there (2.2.8.1.1.3.1.1.5). A client sends it when
// it gets the focus.
func (c *Client) SetLockKeys(l LockKeys) error { return c.input(lockEvent(l)) }

func lockEvent(l LockKeys) pdu.InputEvent {
	var flags uint16
	for _, f := range []struct {
		on   bool
		flag uint16
	}{{l.Scroll, pdu.LockScroll}, {l.Num, pdu.LockNum}, {l.Caps, pdu.LockCaps}, {l.Kana, pdu.LockKana}} {
		if f.on {
			flags |= f.flag
		}
	}
	return pdu.InputEvent{Kind: pdu.InputSynchronize, Flags: flags}
}

func (c *Client) mouse(kind pdu.InputKind, flags uint16, x, y int) pdu.InputEvent {
	w, h := c.Size()
	return pdu.InputEvent{Kind: kind, Flags: flags, X: uint16(max(0, min(x, w-1))), Y: uint16(max(0, min(y, h-1)))}
}

// maxEvents is how many events go into one PDU.
const maxEvents = 64

// input sends events in order.
func (c *Client) input(events ...pdu.InputEvent) error {
	c.mu.Lock()
	fast := c.fastInput
	c.mu.Unlock()
	defer c.alive.touched()
	for len(events) > 0 {
		n := min(len(events), maxEvents)
		now := events[:n]
		events = events[n:]
		if fast {
			unit, err := pdu.AppendFastPathInput(nil, now)
			if err != nil {
				return err
			}
			if err := c.w.send(unit); err != nil {
				return asError("session", err)
			}
			continue
		}
		body, err := pdu.AppendInput(nil, now)
		if err != nil {
			return err
		}
		if err := c.sendData(pdu.DataInput, body); err != nil {
			return asError("session", err)
		}
	}
	return nil
}
