package pam

import (
	"context"
	"time"
)

// Replayer is a Recorder whose recordings can be read back, to be played (R2). Package recorder's is one.
type Replayer interface {
	// Replay checks a recording, by the Path that it had, and says what can be played of it. An error matching ErrNotFound says that
	// there is no such recording; damage is no error but in the report.
	Replay(ctx context.Context, path string) (Replay, error)
}

// Replay is a recording that was checked. It holds no file and needs no closing.
type Replay interface {
	Report() ReplayReport
	// Segments returns the parts that can be read, in order. Where one has Key, playing can begin.
	Segments() []ReplaySegment
	// Segment calls each with the entries of segment n. Nothing comes out of bytes that are not those that were checked. Times never go
	// back. The data of an entry is valid during the call.
	Segment(ctx context.Context, n int, each func(Entry) error) error
}

// RecordingState is what a check says about a recording (R5).
type RecordingState string

// The states of recordings.
const (
	RecordingComplete   RecordingState = "valid-complete"
	RecordingIncomplete RecordingState = "valid-incomplete"
	RecordingBroken     RecordingState = "broken"
)

// ReplayReport is what a check found. All but State, BrokenAt and Cause is about the part that holds.
type ReplayReport struct {
	Meta     RecordingMeta
	State    RecordingState
	Live     bool  // it is being written: there is more to come
	BrokenAt int64 // RecordingBroken: offset of the first byte that does not hold
	Cause    error // RecordingBroken: what is wrong there, for the log
	End      *EndEntry
	Entries  uint64
	Stored   int64 // bytes
	Duration time.Duration
	Signed   time.Duration // how far signatures reach; what follows is tied to it by the chain alone
	Idle     []ReplaySpan  // times in which nothing is to be seen
}

// ReplaySegment is a part of a recording that is read at once.
type ReplaySegment struct {
	At   time.Duration // of its first entry
	Key  bool          // it begins with a complete picture, or is the first
	Size Size          // of the owner's page at its begin
}

// ReplaySpan is a time in a recording.
type ReplaySpan struct{ From, To time.Duration }
