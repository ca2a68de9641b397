// Package frame is the codec of the browser protocol sallyport.v1 (pam/PROTOCOL.md). It does no I/O: Split takes a
// whole WebSocket message apart, Append puts one together. Every byte it reads is hostile.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Subprotocol is the WebSocket subprotocol that names this version.
const Subprotocol = "sallyport.v1"

// Kind tells what a frame carries.
type Kind uint8

// Kinds from gateway to browser.
const (
	State     Kind = 0x01
	End       Kind = 0x02
	Output    Kind = 0x10
	Screen    Kind = 0x11
	Cursor    Kind = 0x12
	Clipboard Kind = 0x13
	Audio     Kind = 0x14
	Notice    Kind = 0x15
	Probed    Kind = 0x16
)

// Kinds from browser to gateway.
const (
	Hello      Kind = 0x80
	Key        Kind = 0x81
	Pointer    Kind = 0x82
	Resize     Kind = 0x83
	Paste      Kind = 0x84
	Ack        Kind = 0x85
	Visible    Kind = 0x86
	Disconnect Kind = 0x87
	Copied     Kind = 0x88
	Probe      Kind = 0x89
	Listen     Kind = 0x8a
)

// Flags of frames. Their meaning depends on the direction.
const (
	FlagKey       = 1 << 0 // gateway: forget what was before
	FlagDroppable = 1 << 1 // gateway: may be skipped
	FlagBracketed = 1 << 0 // Paste: the terminal has bracketed paste on
)

// HeaderLen is the size of a frame's header.
const HeaderLen = 1 /* kind */ + 1 /* flags */ + 4 /* length */

// Limits of payloads, in bytes.
const (
	MaxPayload = 1 << 20 // any payload
	maxHello   = 4 << 10
	maxInput   = 64 << 10
	resizeLen  = 2 /* columns */ + 2 /* rows */ + 2 /* width */ + 2 /* height */
	ackLen     = 8
	probeLen   = 8
)

// MaxClientMessage is the largest message that a client may send: one frame of the largest kind, since a client
// has no reason to gather more.
const MaxClientMessage = HeaderLen + MaxPayload

// Smaller limits of messages: until a client is known, and for one that may only look.
const (
	MaxHelloMessage = HeaderLen + maxHello
	MaxInputMessage = HeaderLen + maxInput
)

// ErrViolation is matched by every error that a peer's bytes cause.
var ErrViolation = errors.New("protocol violation")

// Frame is one frame. Payload aliases the message that it was split from.
type Frame struct {
	Kind    Kind
	Flags   uint8
	Payload []byte
}

// rule bounds one kind.
type rule struct {
	min, max int
	flags    uint8
}

var fromClient = map[Kind]rule{
	Hello:      {2, maxHello, 0},
	Key:        {1, maxInput, 0},
	Pointer:    {1, maxInput, 0},
	Resize:     {resizeLen, resizeLen, 0},
	Paste:      {1, MaxPayload, FlagBracketed},
	Ack:        {ackLen, ackLen, 0},
	Visible:    {1, 1, 0},
	Disconnect: {0, 0, 0},
	Copied:     {1, MaxPayload, 0},
	Probe:      {probeLen, probeLen, 0},
	Listen:     {1, 1, 0},
}

var fromGateway = map[Kind]rule{
	State:     {2, MaxPayload, 0},
	End:       {2, MaxPayload, 0},
	Output:    {0, MaxPayload, FlagKey | FlagDroppable},
	Screen:    {0, MaxPayload, FlagKey | FlagDroppable},
	Cursor:    {0, MaxPayload, FlagKey | FlagDroppable},
	Clipboard: {0, MaxPayload, 0},
	Audio:     {0, MaxPayload, FlagDroppable},
	Notice:    {2, MaxPayload, 0},
	Probed:    {probeLen, probeLen, 0},
}

// Counted reports whether payloads of this kind count against a viewer's window.
func (k Kind) Counted() bool { return k >= Output && k <= Audio }

// Emitted reports whether k is a kind that comes from a target, not from the gateway itself.
func (k Kind) Emitted() bool { return k >= Output && k <= Notice }

// String returns the name of PROTOCOL.md.
func (k Kind) String() string {
	names := map[Kind]string{
		State: "state", End: "end", Output: "output", Screen: "screen", Cursor: "cursor",
		Clipboard: "clipboard", Audio: "audio", Notice: "notice", Hello: "hello", Key: "key",
		Pointer: "pointer", Resize: "resize", Paste: "paste", Ack: "ack", Visible: "visible",
		Disconnect: "disconnect", Copied: "copied", Probe: "probe", Probed: "probed", Listen: "listen",
	}
	if n, ok := names[k]; ok {
		return n
	}
	return fmt.Sprintf("Kind(%#02x)", uint8(k))
}

// AppendHeader appends the header of a frame with a payload of n bytes.
func AppendHeader(b []byte, k Kind, flags uint8, n int) []byte {
	b = append(b, byte(k), flags)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// Append appends a whole frame.
func Append(b []byte, f Frame) []byte {
	return append(AppendHeader(b, f.Kind, f.Flags, len(f.Payload)), f.Payload...)
}

// SplitClient takes a browser's message apart and checks every frame against its kind's rule. The payloads
// alias msg.
func SplitClient(msg []byte) ([]Frame, error) { return split(msg, fromClient) }

// SplitGateway is SplitClient for the other direction, for clients in Go and tests.
func SplitGateway(msg []byte) ([]Frame, error) { return split(msg, fromGateway) }

func split(msg []byte, rules map[Kind]rule) ([]Frame, error) {
	if len(msg) == 0 {
		return nil, fmt.Errorf("%w: empty message", ErrViolation)
	}
	var frames []Frame
	for len(msg) > 0 {
		if len(msg) < HeaderLen {
			return nil, fmt.Errorf("%w: header: got %d bytes, want %d", ErrViolation, len(msg), HeaderLen)
		}
		k, flags, n := Kind(msg[0]), msg[1], binary.BigEndian.Uint32(msg[2:HeaderLen])
		r, ok := rules[k]
		switch {
		case !ok:
			return nil, fmt.Errorf("%w: unknown kind %#02x", ErrViolation, uint8(k))
		case flags&^r.flags != 0:
			return nil, fmt.Errorf("%w: %v: unknown flags %#02x", ErrViolation, k, flags&^r.flags)
		case n > uint32(r.max) || n < uint32(r.min):
			return nil, fmt.Errorf("%w: %v: payload of %d bytes, want %d to %d", ErrViolation, k, n, r.min, r.max)
		case int(n) > len(msg)-HeaderLen:
			return nil, fmt.Errorf("%w: %v: payload of %d bytes, have %d", ErrViolation, k, n, len(msg)-HeaderLen)
		}
		end := HeaderLen + int(n)
		frames = append(frames, Frame{Kind: k, Flags: flags, Payload: msg[HeaderLen:end:end]})
		msg = msg[end:]
	}
	return frames, nil
}

// Size is the payload of Resize.
type Size struct{ Cols, Rows, Width, Height uint16 }

// ParseResize reads the payload of Resize.
func ParseResize(p []byte) (Size, error) {
	if len(p) != resizeLen {
		return Size{}, fmt.Errorf("%w: resize: got %d bytes, want %d", ErrViolation, len(p), resizeLen)
	}
	return Size{
		Cols: binary.BigEndian.Uint16(p), Rows: binary.BigEndian.Uint16(p[2:]),
		Width: binary.BigEndian.Uint16(p[4:]), Height: binary.BigEndian.Uint16(p[6:]),
	}, nil
}

// AppendResize appends the payload of Resize.
func AppendResize(b []byte, s Size) []byte {
	for _, v := range [...]uint16{s.Cols, s.Rows, s.Width, s.Height} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

// ParseAck reads the payload of Ack.
func ParseAck(p []byte) (uint64, error) {
	if len(p) != ackLen {
		return 0, fmt.Errorf("%w: ack: got %d bytes, want %d", ErrViolation, len(p), ackLen)
	}
	return binary.BigEndian.Uint64(p), nil
}

// AppendAck appends the payload of Ack.
func AppendAck(b []byte, total uint64) []byte { return binary.BigEndian.AppendUint64(b, total) }

// ParseBool reads the payload of Visible or Listen.
func ParseBool(k Kind, p []byte) (bool, error) {
	if len(p) != 1 || p[0] > 1 {
		return false, fmt.Errorf("%w: %v: got % x, want 00 or 01", ErrViolation, k, p)
	}
	return p[0] == 1, nil
}

// ParseText reads a payload of UTF-8 text.
func ParseText(k Kind, p []byte) (string, error) {
	if !utf8.Valid(p) {
		return "", fmt.Errorf("%w: %v: not UTF-8", ErrViolation, k)
	}
	return string(p), nil
}
