package pam

import (
	"encoding/binary"
	"encoding/json"
)

// Payloads of a desktop that tell where the pointer is (PROTOCOL.md).
const (
	pointerEvent = 1 /* kind */ + 1 /* flags */ + 2 /* x */ + 2 /* y */ + 2 /* delta */
	cursorMoved  = 4                                                        // the first byte of a cursor frame by which the target has moved it
)

// place takes the place of the last event of a pointer payload. What is none is the adapter's to refuse.
func (e *InputEntry) place(payload []byte) {
	if len(payload) == 0 || len(payload)%pointerEvent != 0 {
		return
	}
	last := payload[len(payload)-pointerEvent:]
	x, y := int(binary.BigEndian.Uint16(last[2:])), int(binary.BigEndian.Uint16(last[4:]))
	e.X, e.Y = &x, &y
}

// placed says that e is of a pointer and tells where it is.
func (e InputEntry) placed() bool { return e.X != nil && e.Y != nil }

// pointed keeps where somebody has moved the pointer, for the next key frame of the recording.
func (s *liveSession) pointed(who ParticipantID, e InputEntry) {
	if !e.placed() {
		return
	}
	if data, err := json.Marshal(e); err == nil { // numbers and a word always marshal
		s.pointer.Store(&Entry{Kind: EntryInput, Participant: who, Data: data})
	}
}

// pointedBy does so where the target has moved it.
func (s *liveSession) pointedBy(f Frame) {
	if f.Kind == FrameCursor && len(f.Payload) > 0 && f.Payload[0] == cursorMoved {
		s.pointer.Store(&Entry{Kind: EntryFrame, Frame: FrameCursor, Data: f.Payload})
	}
}

// showsPointer says whether an entry of a recording is input that a player shows: where a pointer is.
func showsPointer(e Entry) bool {
	var in InputEntry
	return e.Kind == EntryInput && json.Unmarshal(e.Data, &in) == nil && in.placed()
}
