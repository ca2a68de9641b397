package pam

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/internal/stream"
)

// liveSession is one session from its creation to its end. It is a server-side object: it outlives sockets and
// requests, and its context comes from the broker.
type liveSession struct {
	b        *Broker
	id       SessionID
	asset    Asset
	protocol Protocol
	params   Params    // mu guards it; the map is replaced, never changed
	record   bool      // the session must be recorded
	request  RequestID // by which it was started; empty if no workflow governs it
	created  time.Time
	begun    time.Time // with the monotonic clock: offsets of recording entries count from here
	log      *slog.Logger

	ctx    context.Context // ends with the session; the cause is the *End
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when all is freed and written down

	out  *stream.Log
	gate *gate         // how far the recording is written
	turn chan struct{} // one token: Input, Resize and Paste are called one at a time

	owner *participant
	// waits gives up the place among the launches that wait to be attached.
	waits func()

	lastInput  atomic.Int64 // of anyone, as an offset of begun in nanoseconds
	warnedIdle atomic.Bool  // warning is about being idle: input takes it back

	lookMu sync.Mutex // serialises Watched.Looking; guards blind
	blind  bool       // the connection was told that nobody looks

	pictured atomic.Bool // something was shown

	wallClock wallClock // whether the time of day still is what the recording says

	keyDue  keyDue                // of the goroutine that emits
	pointer atomic.Pointer[Entry] // where it was moved last: an entry as it was recorded

	connClosed bool // of the session's own goroutine: run, then complete

	mu        sync.Mutex // guards all below; never held across I/O or a callback
	state     State
	step      string // finer than state while launching or connecting
	info      SessionInfo
	end       *End // the first reason wins
	running   bool // the run goroutine was started
	conn      Conn
	recording Recording
	joiners   []*participant
	away      *time.Timer   // runs while nobody is attached as owner
	clock     *time.Timer   // of what ends a session by time alone; nil until the session runs
	started   time.Duration // when that began, as an offset of begun
	begunWall time.Time     // and by the wall clock alone
	until     time.Time     // by that, when the approval ends; zero if no workflow governs the session
	untilAt   time.Duration // and as an offset of begun
	extension extension     // what the owner may do about that
	warning   *ending       // what the people have been warned of
	lag       *time.Timer   // runs while something appended to the recording is not written
	unwritten uint64        // index of the newest such entry
	size      Size          // of the owner's page
	told      Size          // what the target was told
	viewers   map[*viewer]struct{}
	moved     chan struct{} // closed when what viewers are told has changed; nil while nobody waits

	files *sessionFiles
}

// operation is something that a participant can ask of a session.
type operation struct {
	name  string
	needs Declaration // empty: none
	modes []Mode      // who may ask; nil: everyone
	also  Declaration // needed beside needs; empty: none
	or    Declaration // does in place of needs; empty: none
}

// permits reports whether a participant has the capabilities and the mode for an operation.
func (p *participant) permits(op operation) bool {
	if op.modes != nil && !slices.Contains(op.modes, p.mode) {
		return false
	}
	caps := p.caps.Load()
	if op.also != "" && !caps.Permits(op.also) {
		return false
	}
	return op.needs == "" || caps.Permits(op.needs) || op.or != "" && caps.Permits(op.or)
}

// operations is the table of what each client frame is allowed to do: the capability needed, and by whom. A
// kind that is not in it cannot be dispatched.
var operations = map[frame.Kind]operation{
	frame.Key:        {name: "key", needs: Keyboard, modes: []Mode{ModeOwner, ModeParticipate}},
	frame.Pointer:    {name: "pointer", needs: Keyboard, modes: []Mode{ModeOwner, ModeParticipate}},
	frame.Resize:     {name: "resize", modes: []Mode{ModeOwner}},
	frame.Paste:      {name: "paste", needs: ClipboardUpload, modes: []Mode{ModeOwner, ModeParticipate}},
	frame.Copied:     {name: "copied", needs: ClipboardDownload, modes: []Mode{ModeOwner, ModeParticipate}},
	frame.Disconnect: {name: "disconnect"},
}

// outgoing is what a viewer needs to be sent a kind of frame.
var outgoing = map[FrameKind]Declaration{
	FrameClipboard: ClipboardDownload,
	FrameAudio:     Audio,
}

// permits is the state's part of the capability check: only active and, for participants who are still
// attached, reconnecting let anything happen (S04).
func (s State) permits(attached bool) bool {
	return s == StateActive || (s == StateReconnecting && attached)
}

// may is the one capability check, made for every operation at the moment of use. A page that was replaced is not
// attached any more, though its socket may still be there.
func (s *liveSession) may(v *viewer, op operation) bool {
	p := v.p
	s.mu.Lock()
	state, attached := s.state, p.viewer == v
	s.mu.Unlock()
	return attached && state.permits(attached) && p.permits(op)
}

// mayReceive reports whether a participant may be sent frames of a kind now.
func (p *participant) mayReceive(k FrameKind) bool {
	need, ok := outgoing[k]
	return !ok || p.caps.Load().Permits(need)
}

// at is the offset of now in the recording.
func (s *liveSession) at() time.Duration { return time.Since(s.begun) }

// snapshot returns the session's public record.
func (s *liveSession) snapshot() SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.info.clone()
	i.State = s.state
	return i
}

// ended reports whether the session has begun to end.
func (s *liveSession) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end != nil
}

// setState moves a session that has not begun to end. It reports whether it did.
func (s *liveSession) setState(st State, step string) bool {
	s.mu.Lock()
	if s.end != nil {
		s.mu.Unlock()
		return false
	}
	s.state, s.step = st, step
	s.info.Updated = s.b.cfg.Now()
	s.touchViewers()
	s.mu.Unlock()
	return true
}

// touchViewers makes every viewer send its state anew. The caller holds mu.
func (s *liveSession) touchViewers() {
	for v := range s.viewers {
		v.touch()
	}
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

// finish asks the session to end. The first reason wins (S39); a session that never ran is completed here.
func (s *liveSession) finish(e *End) {
	s.mu.Lock()
	if s.end != nil {
		s.mu.Unlock()
		return
	}
	s.end = e
	s.state, s.step = StateEnding, ""
	s.touchViewers()
	if s.away != nil {
		s.away.Stop()
	}
	if s.clock != nil {
		s.clock.Stop()
	}
	for _, p := range s.joiners {
		if p.away != nil {
			p.away.Stop()
		}
	}
	if s.lag != nil {
		s.lag.Stop()
	}
	running := s.running
	s.running = true // nobody may start it any more
	s.mu.Unlock()
	s.waits()
	s.cancel(e)
	if !running {
		s.b.wg.Go(s.complete)
	}
}

// start lets the session run; only the first call does.
func (s *liveSession) start() {
	s.mu.Lock()
	if s.running {
		s.mu.Unlock()
		return
	}
	s.running = true
	s.state, s.step = StateLaunching, stepRecording
	if s.away != nil {
		s.away.Stop()
	}
	s.startClock()
	governed := !s.until.IsZero()
	s.mu.Unlock()
	if governed {
		s.b.rouse() // what its owner may do about the end
	}
	s.waits()
	s.b.wg.Go(s.run)
}
