package pam

import (
	"context"
	"fmt"
	"log/slog"
	"math"
)

// Protocol is an adapter for one access protocol. Packages sshx and rdp implement it; a host may bring its own.
// The broker never parses a payload, and an adapter never sees a policy.
type Protocol interface {
	// Name is the key that AssetType.Protocol refers to, for example "ssh".
	Name() string
	// Params is the launcher's schema. It must not change over the life of the value.
	Params() []Param
	// Connect opens the target, verifies its identity, signs in and starts the shell or desktop. It keeps to
	// ctx for everything that can wait. An error should be a *TargetError, so that the browser gets a code.
	Connect(ctx context.Context, r ConnectRequest) (Conn, error)
}

// ConnectRequest is all that an adapter may know about a session.
type ConnectRequest struct {
	Session SessionID
	User    UserID // who the session is for
	Asset   Asset
	Params  Params // validated against the adapter's own schema, defaults filled in
	Size    Size   // of the first viewer
	// Capabilities are the live decision's at this moment, for what an adapter must not even set up
	// (start directory, initial command). Use-time checks stay with the broker.
	Capabilities Capabilities
	// Field fetches a secured field of the asset from the host's vault. Call it after the target's identity
	// is verified (S05), use the value and drop it. A missing field matches ErrNoField.
	Field func(ctx context.Context, name string) (Secret, error)
	// Via are the jump hosts of Asset.Via, looked up in the inventory, in the order in which they are dialled.
	Via []Hop
	Log *slog.Logger
}

// Hop is one jump host on the way to an asset.
type Hop struct {
	Asset Asset
	// Field fetches a secured field of the jump host, under the rules of ConnectRequest.Field.
	Field func(ctx context.Context, name string) (Secret, error)
}

// Conn is one live connection to a target.
//
// Run and Input are called by one goroutine each. Close may be called at any time, also while both run, and
// makes both return.
type Conn interface {
	// Run reads the target until it ends and emits what comes. It returns an *End (an orderly end, or a
	// lost target), or ctx's cause.
	Run(ctx context.Context, out Sink) error
	// Input delivers one piece of user input, in order. The data is not kept.
	Input(ctx context.Context, in Input) error
	// Close tells the target, waits for at most 1 s, then cuts. It frees every goroutine of the connection.
	Close(ctx context.Context) error
}

// Sink takes what a connection emits.
type Sink interface {
	// Emit appends f to the session's stream log. It blocks while a required reader (recorder, owner) is
	// behind: that is the back-pressure to the target. The payload is shared by all readers from then on:
	// the caller must not change it.
	Emit(ctx context.Context, f Frame) error
}

// FrameKind tells what a frame carries. Values are those of the browser protocol (pam/PROTOCOL.md).
type FrameKind uint8

// The kinds that a connection may emit.
const (
	FrameOutput    FrameKind = 0x10 // terminal bytes
	FrameScreen    FrameKind = 0x11 // coded picture update
	FrameCursor    FrameKind = 0x12 // pointer shape or position
	FrameClipboard FrameKind = 0x13 // text for the local clipboard; needs clipboard_download
	FrameAudio     FrameKind = 0x14 // needs audio
	FrameNotice    FrameKind = 0x15 // Notice as JSON
	// FrameKeys carries printable keystrokes that the target has echoed, prefixed by nothing, for the
	// recorder alone and only where keyboard is Record. Input that is never echoed (a password) is
	// therefore never stored (R4, S43).
	FrameKeys FrameKind = 0x1f
)

// FrameFlags qualify a frame.
type FrameFlags uint8

// The flags of a frame.
const (
	FlagKey       FrameFlags = 1 << iota // the frame starts a complete picture: forget what was before
	FlagDroppable                        // a reader that is behind may skip it
	// FlagRepeat is of recordings alone: the entry tells again what earlier ones have told, so that a player can begin here.
	// Who comes from there leaves it out.
	FlagRepeat
)

// Frame is one piece of target output. It is immutable once emitted.
type Frame struct {
	Kind    FrameKind
	Flags   FrameFlags
	Payload []byte
	// Participant is who typed, of FrameKeys; empty: the owner.
	Participant ParticipantID
}

// Notice is a message of the gateway or the target to the people in a session. Text may come from a target:
// it is shown as text and never as markup (S08).
type Notice struct {
	Code string `json:"code"` // stable, lower_snake, for translation
	Text string `json:"text,omitempty"`
}

// InputKind tells what a piece of input is. The capability that each needs is a table in the broker.
type InputKind uint8

// The kinds of input.
const (
	InputKey     InputKind = iota + 1 // keyboard: bytes for a terminal, scancodes for a desktop
	InputPointer                      // mouse, wheel, touch
)

// Input is one piece of user input. In names its participant.
type Input struct {
	Kind        InputKind
	Participant ParticipantID
	Data        []byte // valid during the call only
}

// Size is the size of a viewer.
type Size struct {
	Cols, Rows    int // character cells
	Width, Height int // pixels; 0 if unknown
}

// Limits for a Size; a viewer's numbers beyond them are refused.
const (
	MaxCells  = 1000 // columns or rows
	MaxPixels = 16384
)

// Valid reports whether s is within the limits.
func (s Size) Valid() bool {
	return s.Cols >= 1 && s.Cols <= MaxCells && s.Rows >= 1 && s.Rows <= MaxCells &&
		s.Width >= 0 && s.Width <= MaxPixels && s.Height >= 0 && s.Height <= MaxPixels
}

// Resizer is a Conn that can change its size. It is called by the input goroutine, in order with Input.
type Resizer interface {
	Resize(ctx context.Context, s Size) error
}

// Paste is text from the local clipboard.
type Paste struct {
	Participant ParticipantID
	Text        string // valid UTF-8, at most 1 MiB
	Bracketed   bool   // the viewer's terminal has bracketed paste on
}

// Paster is a Conn that takes text from the local clipboard. The adapter removes what could act as control.
type Paster interface {
	Paste(ctx context.Context, p Paste) error
}

// KeyFramer is a Conn that can give its present picture to a late or returning viewer (C2, J4).
type KeyFramer interface {
	// KeyFrame returns the frames that build the picture, the first with FlagKey, and n: the number of
	// frames that this connection had emitted (or was about to emit, in the call under way) when the picture
	// was taken. The viewer goes on with frame n+1.
	KeyFrame(ctx context.Context) (frames []Frame, n uint64, err error)
}

// Follower is a Conn that can tell a viewer that has missed frames what it needs instead of them, which is less: what was overtaken meanwhile is
// not among it.
type Follower interface {
	KeyFramer
	// Since returns the frames that turn the picture as it was after frame after into the present one, or build it anew, and n as KeyFrame
	// does. There may be none.
	Since(ctx context.Context, after uint64) (frames []Frame, n uint64, err error)
}

// Watched is a Conn that wants to know who looks. None of its methods may wait.
type Watched interface {
	// Drawn says up to which frame the owner's page has taken what was emitted; AllDrawn: there is no page to wait for.
	Drawn(n uint64)
	// Looking says whether anybody looks, a recorder included. It is called when that changes; from the start, somebody does.
	Looking(someone bool)
	// Gone says that the page of a participant is gone: what it held down is to be lifted.
	Gone(who ParticipantID)
}

// AllDrawn is a number beyond those of all frames.
const AllDrawn = math.MaxUint64

// Pacer is a Conn that serves a slow viewer from its own picture. Its owner never slows the target: only a recorder
// that is behind does, and a viewer that falls out of the backlog starts anew from a key frame.
type Pacer interface {
	// SelfPaced reports whether this connection is one; it must not change.
	SelfPaced() bool
}

// End is how a session's target side ended. Run returns it.
type End struct {
	Reason EndReason
	Code   Code     // what the browser is told; empty: derived from the reason
	Text   string   // the target's own words, shown as text
	Status *int     // exit status of the shell, if it gave one
	Signal string   // signal that ended the shell, without SIG, if any
	Err    error    // the cause for the log
	Rules  []string // ids of the rules that ended it, for the audit log; set by the broker
}

// Error describes the end.
func (e *End) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("session ended: %s: %v", e.Reason, e.Err)
	}
	return "session ended: " + string(e.Reason)
}

// Unwrap returns the cause.
func (e *End) Unwrap() error { return e.Err }

// TargetError is a failed Connect: Code goes to the browser, Err to the log (rule of two audiences).
type TargetError struct {
	Code Code
	Err  error
}

// Error describes the failure with its cause.
func (e *TargetError) Error() string { return fmt.Sprintf("%s: %v", e.Code, e.Err) }

// Unwrap returns the cause.
func (e *TargetError) Unwrap() error { return e.Err }
