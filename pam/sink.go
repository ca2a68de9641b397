package pam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/internal/stream"
)

// sink is what a connection emits into: the recording first, then the stream log, which shows viewers nothing
// before it is written.
type sink struct{ s *liveSession }

var _ Sink = sink{}

func (k sink) Emit(ctx context.Context, f Frame) error {
	s := k.s
	if !frame.Kind(f.Kind).Emitted() && f.Kind != FrameKeys {
		return fmt.Errorf("pam: a connection may not emit frames of kind %#02x", uint8(f.Kind))
	}
	if len(f.Payload) > frame.MaxPayload {
		return fmt.Errorf("pam: frame of %d bytes, at most %d", len(f.Payload), frame.MaxPayload)
	}
	if err := s.out.Reserve(ctx); err != nil {
		switch {
		case errors.Is(err, stream.ErrGateStalled):
			s.recordingFailed(err)
		case errors.Is(err, io.ErrClosedPipe):
			return context.Cause(s.ctx)
		}
		return err
	}
	if f.Kind == FrameClipboard && !s.letOut(ctx, f.Payload) {
		f = Frame{Kind: FrameKeys} // for nobody; it keeps its place in the log, since key frames count it
	}
	s.pointedBy(f)
	gate, err := k.record(f)
	if err == nil && gate > 0 {
		err = k.recordKey(ctx, f)
	}
	if err != nil {
		s.recordingFailed(err)
		return err
	}
	s.watchLag(gate)
	if f.Kind == FrameKeys {
		f.Payload = nil // for the recorder alone; it keeps its place in the log, since key frames count it
	}
	s.out.Append(stream.Item{Kind: uint8(f.Kind), Flags: uint8(f.Flags), Payload: f.Payload}, gate)
	s.b.met.framesOut.Inc(1)
	s.b.met.bytesOut.Inc(int64(len(f.Payload)))
	if (f.Kind == FrameOutput || f.Kind == FrameScreen) && s.pictured.CompareAndSwap(false, true) {
		s.firstFrame()
	}
	return nil
}

// record appends f to the recording and returns the index that must be written before anyone sees f.
func (k sink) record(f Frame) (uint64, error) {
	s := k.s
	s.mu.Lock()
	rec := s.recording
	s.mu.Unlock()
	if rec == nil {
		return 0, nil
	}
	e := Entry{Kind: EntryFrame, At: s.at(), Frame: f.Kind, Flags: f.Flags, Data: f.Payload}
	switch f.Kind {
	case FrameClipboard, FrameAudio: // what is not declared Record is not kept
		if s.owner.caps.Load().Value(outgoing[f.Kind]) != Record {
			return 0, nil
		}
		if f.Kind == FrameClipboard {
			return s.append(EntryEvent, "", clipboardEvent(ClipboardDownload, "down", string(f.Payload)))
		}
	case FrameKeys:
		if len(f.Payload) == 0 {
			return 0, nil
		}
		who := s.owner
		if f.Participant != "" {
			who = s.participant(f.Participant)
		}
		if who == nil || who.caps.Load().Value(Keyboard) != Record {
			return 0, nil
		}
		e = Entry{Kind: EntryKeys, At: s.at(), Participant: who.id, Data: f.Payload}
	}
	return s.enter(rec, e)
}

// errBehind is why a session ends whose recording does not come after.
var errBehind = errors.New("the recorder is behind")

// watchLag ends the session when what was appended at index is not written in time. Reserve alone would not see
// it: a target that says little fills no backlog. There is a timer only while something is unwritten.
func (s *liveSession) watchLag(index uint64) {
	if s.gate.passed(index) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwritten = index
	if s.lag == nil && s.end == nil {
		s.lag = time.AfterFunc(s.b.cfg.Limits.RecorderLag, func() { s.checkLag(index) })
	}
}

func (s *liveSession) checkLag(index uint64) {
	if !s.gate.passed(index) {
		s.recordingFailed(errBehind)
		return
	}
	s.mu.Lock()
	s.lag = nil
	next := s.unwritten
	s.mu.Unlock()
	s.watchLag(next)
}

// firstFrame tells the viewers that the picture is there.
func (s *liveSession) firstFrame() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == StateActive || s.state == StateReconnecting {
		s.step = ""
		s.touchViewers()
	}
}
