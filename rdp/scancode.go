package rdp

import "github.com/sallyport/sallyport/rdp/internal/pdu"

// Scancode is a key by its place on the keyboard, in set 1 as Windows uses it. Extended keys have 0xE0 in the upper byte.
// The layout of the session says what a key means.
type Scancode uint16

const (
	extended  Scancode = 0xe000
	extended1 Scancode = 0xe100
)

// Keys that have a name of their own; letters and digits are named after the US layout.
const (
	KeyEscape       Scancode = 0x01
	KeyBackspace    Scancode = 0x0e
	KeyTab          Scancode = 0x0f
	KeyEnter        Scancode = 0x1c
	KeyLeftControl  Scancode = 0x1d
	KeyLeftShift    Scancode = 0x2a
	KeyRightShift   Scancode = 0x36
	KeyLeftAlt      Scancode = 0x38
	KeySpace        Scancode = 0x39
	KeyCapsLock     Scancode = 0x3a
	KeyF1           Scancode = 0x3b // to F10 at 0x44
	KeyF4           Scancode = 0x3e
	KeyF10          Scancode = 0x44
	KeyNumLock      Scancode = 0x45
	KeyScrollLock   Scancode = 0x46
	KeyF11          Scancode = 0x57
	KeyF12          Scancode = 0x58
	KeyRightControl          = extended | 0x1d
	KeyPrintScreen           = extended | 0x37
	KeyRightAlt              = extended | 0x38 // AltGr
	KeyHome                  = extended | 0x47
	KeyUp                    = extended | 0x48
	KeyPageUp                = extended | 0x49
	KeyLeft                  = extended | 0x4b
	KeyRight                 = extended | 0x4d
	KeyEnd                   = extended | 0x4f
	KeyDown                  = extended | 0x50
	KeyPageDown              = extended | 0x51
	KeyInsert                = extended | 0x52
	KeyDelete                = extended | 0x53
	KeyLeftWindows           = extended | 0x5b
	KeyRightWindows          = extended | 0x5c
	KeyMenu                  = extended | 0x5d
	KeyPause                 = extended1 | 0x1d
)

// Combinations that a browser or an operating system keeps for itself, for Client.Keys.
var (
	CtrlAltDel = []Scancode{KeyLeftControl, KeyLeftAlt, KeyDelete}
	AltTab     = []Scancode{KeyLeftAlt, KeyTab}
	AltF4      = []Scancode{KeyLeftAlt, KeyF4}
	CtrlEsc    = []Scancode{KeyLeftControl, KeyEscape}
)

// append appends what is sent for a key. Pause alone is two: its E1 prefix belongs to a Ctrl that a Num Lock follows.
func (k Scancode) append(events []pdu.InputEvent, down bool) []pdu.InputEvent {
	e := pdu.InputEvent{Kind: pdu.InputScancode, Code: uint16(k & 0xff)}
	switch k &^ 0xff {
	case extended:
		e.Flags |= pdu.KeyExtended
	case extended1:
		e.Flags |= pdu.KeyExtended1
	}
	if !down {
		e.Flags |= pdu.KeyRelease
	}
	events = append(events, e)
	if k == KeyPause {
		events = append(events, pdu.InputEvent{Kind: pdu.InputScancode, Code: uint16(KeyNumLock), Flags: e.Flags & pdu.KeyRelease})
	}
	return events
}
