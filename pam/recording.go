package pam

import (
	"context"
	"time"
)

// Recorder makes recordings. Package recorder implements it.
type Recorder interface {
	// Open makes a recording for one session. It returns only when the header is durable and space is
	// reserved (S03); an error means that the session must not start. The watcher's methods are called from
	// the recorder's goroutines and return at once.
	Open(ctx context.Context, m RecordingMeta, w RecordingWatcher) (Recording, error)
}

// RecordingMeta binds a recording to what it is a recording of (S24).
type RecordingMeta struct {
	Session  SessionID
	Asset    AssetID
	Name     string // of the asset
	Protocol string
	User     UserID
	UserName string
	Started  time.Time // wall anchor; entries carry offsets from it
	Size     Size
	Term     string   // terminal type, if any
	Rules    []string // ids of the rules that decided
	Policy   uint64   // version of the policy snapshot
}

// Recording is one open recording. Append keeps the order of its calls; the broker calls it from several
// goroutines.
type Recording interface {
	// Append adds an entry in memory and returns its index, counted from 1. It never waits for I/O. The data
	// is kept until written and must not change. After a failure every call returns the first error.
	Append(e Entry) (index uint64, err error)
	// Close appends the end entry, seals and makes durable. It returns when all is durable or ctx ends. It
	// may be called after a failure: then it does what can be done and returns the first error.
	Close(ctx context.Context, end Entry) error
	// Path names the recording for the log and the report.
	Path() string
}

// RecordingWatcher hears how far a recording has come.
type RecordingWatcher interface {
	// Written says that write(2) has returned for all entries up to index. Calls are ordered.
	Written(index uint64)
	// Failed says that the recording is broken; called at most once, Written is not called afterwards.
	Failed(err error)
}

// EntryKind tells what an entry of a recording holds.
type EntryKind uint8

// The kinds of entries. Values are stored: never renumber.
const (
	EntryFrame  EntryKind = 1 // Frame and Flags set; Data is the frame's payload
	EntryInput  EntryKind = 2 // Data is an InputEntry as JSON: what kind, how long, where the pointer is; never the bytes
	EntryKeys   EntryKind = 3 // Data is echoed keystrokes, only where keyboard is Record
	EntryResize EntryKind = 4 // Data is a ResizeEntry as JSON
	EntryJoin   EntryKind = 5 // Data is a ParticipantEntry as JSON
	EntryLeave  EntryKind = 6 // Data is a ParticipantEntry as JSON
	EntryEvent  EntryKind = 7 // Data is a SessionEvent as JSON (clipboard, file, command …)
	EntryEnd    EntryKind = 8 // Data is an EndEntry as JSON
)

// Entry is one entry of a recording.
type Entry struct {
	Kind        EntryKind
	At          time.Duration // since RecordingMeta.Started, by the monotonic clock
	Frame       FrameKind     // of EntryFrame
	Flags       FrameFlags    // of EntryFrame; FlagRepeat of any
	Participant ParticipantID // who; empty for the target
	Data        []byte
}

// InputEntry is the data of an EntryInput.
type InputEntry struct {
	Kind   string `json:"kind"` // key, pointer, paste
	Length int    `json:"length"`
	// X and Y are where a pointer is on the desktop afterwards: what a player shows. Buttons are not written down.
	X *int `json:"x,omitempty"`
	Y *int `json:"y,omitempty"`
}

// ResizeEntry is the data of an EntryResize.
type ResizeEntry struct {
	Cols   int `json:"cols"`
	Rows   int `json:"rows"`
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
}

// ParticipantEntry is the data of EntryJoin and EntryLeave.
type ParticipantEntry struct {
	User UserID `json:"user"`
	Name string `json:"name"`
	Mode Mode   `json:"mode"`
}

// SessionEvent is the data of an EntryEvent: one activity inside a session.
type SessionEvent struct {
	Type      string `json:"type"` // clipboard_upload …
	Direction string `json:"direction,omitempty"`
	Length    int    `json:"length,omitempty"`
	SHA256    string `json:"sha256,omitempty"` // lower-case hex
	Text      string `json:"text,omitempty"`
	// Of EventClock: the time of day from here on, and by how many milliseconds it differs from what the recording said until then.
	Wall string `json:"wall,omitempty"` // RFC 3339
	Step int64  `json:"step_ms,omitempty"`
	// Of files: what was done, to which name in the form of ShowFileName, of what size, and how it came out.
	Action  string `json:"action,omitempty"` // begin, end, mkdir, rename, remove
	Path    string `json:"path,omitempty"`
	To      string `json:"to,omitempty"` // of a rename
	Size    int64  `json:"size,omitempty"`
	Outcome Code   `json:"outcome,omitempty"`
}

// EndEntry is the data of an EntryEnd.
type EndEntry struct {
	Reason EndReason `json:"reason"`
	Status *int      `json:"status,omitempty"`
}
