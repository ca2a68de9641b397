package pam

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/pam/internal/frame"
)

// errLeft ends a viewer's read loop in order.
var errLeft = errors.New("the participant left")

// deniedNoticeEvery bounds how often a viewer hears that it asked for what it may not.
const deniedNoticeEvery = time.Second

// dispatch handles one frame of a viewer. It never waits for the target: acknowledgements come on the same
// socket, and a target that is blocked until its output is taken must not keep us from hearing of it. Whatever
// goes to the target is queued. An error ends the viewer.
func (v *viewer) dispatch(f frame.Frame) error {
	switch f.Kind {
	case frame.Ack:
		return v.acknowledge(f.Payload)
	case frame.Visible:
		visible, err := frame.ParseBool(f.Kind, f.Payload)
		if err == nil {
			v.see(visible)
		}
		return err
	case frame.Probe:
		v.probe(f.Payload)
		return nil
	case frame.Listen:
		listens, err := frame.ParseBool(f.Kind, f.Payload)
		if err == nil {
			v.listens.Store(listens)
		}
		return err
	case frame.Disconnect:
		return v.disconnect() // leaving is always possible, whatever the state
	}
	op, ok := operations[f.Kind]
	if !ok {
		return fmt.Errorf("%w: %v out of place", frame.ErrViolation, f.Kind)
	}
	do, err := v.handler(f)
	if err != nil {
		return err
	}
	var early Size
	if f.Kind == frame.Resize {
		early = sizeOf(f.Payload)
	}
	v.enqueue(len(f.Payload), func() error {
		if !v.s.may(v, op) { // at the moment of use, not when it came in
			if f.Kind != frame.Resize || !v.s.wish(v, early) {
				v.denied(op)
			}
			return nil
		}
		return do(v.ctx)
	})
	return nil
}

// wish notes the size of a page that was resized while the session is being built up. Nothing reaches the target:
// it is told once it is connected.
func (s *liveSession) wish(v *viewer, size Size) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.p != s.owner || v.p.viewer != v || s.state != StateLaunching && s.state != StateConnecting {
		return false
	}
	s.size = size
	return true
}

// handler parses f and returns what is to be done about it. The payload is copied: it aliases the read buffer.
func (v *viewer) handler(f frame.Frame) (func(context.Context) error, error) {
	switch f.Kind {
	case frame.Key, frame.Pointer:
		kind := InputKey
		if f.Kind == frame.Pointer {
			kind = InputPointer
		}
		data := bytes.Clone(f.Payload)
		return func(ctx context.Context) error { return v.input(ctx, kind, data) }, nil
	case frame.Resize:
		size := sizeOf(f.Payload)
		if !size.Valid() {
			return nil, fmt.Errorf("%w: resize to %+v", frame.ErrViolation, size)
		}
		return func(ctx context.Context) error { return v.resize(ctx, size) }, nil
	case frame.Paste, frame.Copied:
		text, err := frame.ParseText(f.Kind, f.Payload)
		if err != nil {
			return nil, err
		}
		if f.Kind == frame.Copied {
			return func(ctx context.Context) error { return v.copied(ctx, text) }, nil
		}
		bracketed := f.Flags&frame.FlagBracketed != 0
		return func(ctx context.Context) error { return v.paste(ctx, text, bracketed) }, nil
	}
	return nil, fmt.Errorf("%w: %v has no handler", frame.ErrViolation, f.Kind)
}

// sizeOf reads the payload of a resize; what is not one is not valid.
func sizeOf(payload []byte) Size {
	sz, err := frame.ParseResize(payload)
	if err != nil {
		return Size{}
	}
	return Size{int(sz.Cols), int(sz.Rows), int(sz.Width), int(sz.Height)}
}

// denied drops an operation: it is counted, and its sender hears of it now and then.
func (v *viewer) denied(op operation) {
	v.s.b.met.droppedOps.Inc(1)
	now := time.Now()
	v.mu.Lock()
	quiet := now.Sub(v.warned) < deniedNoticeEvery
	if !quiet {
		v.warned = now
	}
	v.mu.Unlock()
	if !quiet {
		v.notify(Notice{Code: string(CodeCapabilityDenied), Text: op.name})
	}
}

func (v *viewer) acknowledge(p []byte) error {
	total, err := frame.ParseAck(p)
	if err != nil {
		return err
	}
	if total > v.sent.Load() || total < v.acked.Load() {
		return fmt.Errorf("%w: ack of %d bytes, %d were sent and %d acknowledged", frame.ErrViolation, total, v.sent.Load(), v.acked.Load())
	}
	v.acked.Store(total)
	v.landed(total)
	if v.starved.Swap(false) {
		v.poke()
	}
	return nil
}

// disconnect: the owner ends the session for all, a joiner only leaves (I26).
func (v *viewer) disconnect() error {
	v.s.mu.Lock()
	current := v.p.viewer == v
	v.s.mu.Unlock()
	if !current {
		return errLeft // a page that was replaced speaks for nobody
	}
	v.s.disconnect(v.p)
	if v.p == v.s.owner {
		return nil // the end frame comes from the session
	}
	return errLeft
}

// disconnect does what a participant who leaves asks for.
func (s *liveSession) disconnect(p *participant) {
	if p == s.owner {
		s.finish(&End{Reason: EndUserDisconnect})
		return
	}
	s.leave(p, endMessage{Code: CodeUserDisconnect}, nil)
}

// connected returns the connection, or nil before there is one.
func (s *liveSession) connected() Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

// exclusive waits for the session's turn: Input, Resize and Paste are called one at a time. The caller gives the turn
// back by calling release.
func (s *liveSession) exclusive(ctx context.Context) (release func(), err error) {
	select {
	case <-s.turn:
		return func() { s.turn <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.ctx.Done():
		return nil, context.Cause(s.ctx)
	}
}

// deliver records what is about to happen, waits until that is written, and does it: input goes to the target only
// when it is written down.
func (s *liveSession) deliver(ctx context.Context, do func(Conn) error, kind EntryKind, who ParticipantID, entry any) error {
	release, err := s.exclusive(ctx)
	if err != nil {
		return err
	}
	defer release()
	conn := s.connected()
	if conn == nil {
		return nil
	}
	index, err := s.append(kind, who, entry)
	if err == nil {
		err = s.writtenUpTo(ctx, index)
	}
	if err != nil {
		if s.ctx.Err() == nil && ctx.Err() == nil {
			s.recordingFailed(err)
		}
		return err
	}
	if err := do(conn); err != nil {
		if s.ctx.Err() != nil || ctx.Err() != nil {
			return err
		}
		// The target does not take input any more; Run will tell how it ended, and is not waited for here.
		s.log.Debug("delivering to the target", "err", err)
	}
	return nil
}

// writtenUpTo waits for the recording, for at most RecorderLag.
func (s *liveSession) writtenUpTo(ctx context.Context, index uint64) error {
	if index == 0 || s.gate.passed(index) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.b.cfg.Limits.RecorderLag, errBehind)
	defer cancel()
	return s.gate.wait(ctx, index)
}

var inputNames = map[InputKind]string{InputKey: "key", InputPointer: "pointer"}

func (v *viewer) input(ctx context.Context, k InputKind, data []byte) error {
	s := v.s
	s.stir()
	s.b.met.bytesIn.Inc(int64(len(data)))
	e := InputEntry{Kind: inputNames[k], Length: len(data)}
	if k == InputPointer {
		e.place(data)
	}
	return s.deliver(ctx, func(c Conn) error {
		s.pointed(v.p.id, e)
		return c.Input(ctx, Input{Kind: k, Participant: v.p.id, Data: data})
	}, EntryInput, v.p.id, e)
}

func (v *viewer) resize(ctx context.Context, size Size) error {
	v.s.mu.Lock()
	v.s.size = size
	v.s.mu.Unlock()
	return v.s.fit(ctx, v.p.id)
}

// fit tells the target the size of the owner's page, unless it knows it.
func (s *liveSession) fit(ctx context.Context, who ParticipantID) error {
	for again := false; ; again = true {
		s.mu.Lock()
		size := s.size
		if s.conn == nil || s.told == size && !again {
			s.mu.Unlock()
			return nil
		}
		s.told = size
		s.mu.Unlock()
		err := s.deliver(ctx, func(c Conn) error {
			if r, ok := c.(Resizer); ok {
				return r.Resize(ctx, size)
			}
			return nil
		}, EntryResize, who, ResizeEntry(size))
		if err != nil {
			return err
		}
		s.mu.Lock()
		last := s.told == size
		s.mu.Unlock()
		if last { // else another call overtook this one, and its size must be the last that the target hears
			return nil
		}
	}
}

func (v *viewer) paste(ctx context.Context, text string, bracketed bool) error {
	s := v.s
	s.stir()
	s.b.met.bytesIn.Inc(int64(len(text)))
	do := func(c Conn) error {
		if p, ok := c.(Paster); ok {
			return p.Paste(ctx, Paste{Participant: v.p.id, Text: text, Bracketed: bracketed})
		}
		return nil
	}
	if v.p.caps.Load().Value(ClipboardUpload) != Record {
		return s.deliver(ctx, do, EntryInput, v.p.id, InputEntry{Kind: "paste", Length: len(text)})
	}
	e := clipboardEvent(ClipboardUpload, "up", text)
	if !v.auditClipboard(ctx, UploadClipboard, e) {
		return nil
	}
	return s.deliver(ctx, do, EntryEvent, v.p.id, e)
}

// copied writes down what a user took out of a terminal. The text is in the page already: this is a record,
// not a gate.
func (v *viewer) copied(ctx context.Context, text string) error {
	if v.p.caps.Load().Value(ClipboardDownload) != Record {
		return nil
	}
	e := clipboardEvent(ClipboardDownload, "down", text)
	if !v.auditClipboard(ctx, DownloadClipboard, e) {
		return nil
	}
	return v.s.deliver(ctx, func(Conn) error { return nil }, EntryEvent, v.p.id, e)
}

func clipboardEvent(d Declaration, direction, text string) SessionEvent {
	sum := sha256.Sum256([]byte(text))
	return SessionEvent{Type: string(d), Direction: direction, Length: len(text), SHA256: hex.EncodeToString(sum[:]), Text: text}
}

// auditClipboard writes the event without the text, which only the recording holds. It reports whether the event is
// down; if not, the user is told that nothing was done.
func (v *viewer) auditClipboard(ctx context.Context, verb Verb, e SessionEvent) bool {
	ok := v.s.auditClipboard(ctx, v.p, verb, e)
	if !ok {
		v.notify(Notice{Code: string(CodeAuditFailed)})
	}
	return ok
}

func (s *liveSession) auditClipboard(ctx context.Context, p *participant, verb Verb, e SessionEvent) bool {
	err := s.b.audit.write(ctx, Event{
		At: s.b.cfg.Now(), Verb: verb, User: p.user, Login: p.login, Asset: s.asset.ID, Session: s.id,
		Detail: fmt.Sprintf("%d bytes, sha256 %s", e.Length, e.SHA256),
	})
	if err != nil {
		s.log.Error("audit event lost", "verb", verb, "err", err)
	}
	return err == nil
}

// letOut reports whether text of the target's clipboard may leave for anybody now, and writes down that it does for each whom the
// policy wants recorded. What cannot be written down does not happen (S31).
func (s *liveSession) letOut(ctx context.Context, text []byte) bool {
	s.mu.Lock()
	people := s.everyone()
	s.mu.Unlock()
	allowed := false
	for _, p := range people {
		value := p.caps.Load().Value(ClipboardDownload)
		if value == Record && !s.auditClipboard(ctx, p, DownloadClipboard, clipboardEvent(ClipboardDownload, "down", string(text))) {
			return false
		}
		allowed = allowed || value.Permits()
	}
	return allowed
}
