package pam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/sallyport/sallyport/pam/internal/stream"
)

// Steps of a session that is being built up, as the browser protocol names them.
const (
	stepRecording    = "recording"
	stepSigningIn    = "signing_in"
	stepFirstPicture = "first_picture"
)

// errPanic is the cause of an end by a contained panic.
var errPanic = errors.New("panic")

// contain runs f and turns a panic into the end of this session alone (S28). The stack goes to the log; a
// panic's value may hold anything, so only its type does.
func (s *liveSession) contain(where string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.b.met.panics.Inc(1)
			s.log.Error("panic contained", "where", where, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			s.finish(&End{Reason: EndTargetError, Code: CodeInternal, Err: fmt.Errorf("%s: %w", where, errPanic)})
		}
	}()
	f()
}

// run takes a session from its first attach to its end.
func (s *liveSession) run() {
	s.contain("run", func() {
		if err := s.launch(); err != nil {
			s.finish(s.endOf(err))
			return
		}
		s.serve()
	})
	s.complete()
}

// launch opens the recording and connects to the target, in this order: nothing reaches a target before the
// recording has a durable header (S03).
func (s *liveSession) launch() error {
	ctx, cancel := context.WithTimeoutCause(s.ctx, s.b.cfg.Limits.Connect,
		&TargetError{Code: CodeTargetUnreachable, Err: errors.New("connect: time is up")})
	defer cancel()
	if s.record {
		if err := s.openRecording(ctx); err != nil {
			return &End{Reason: EndRecordingFailed, Code: CodeRecordingFailed, Err: err}
		}
	}
	if !s.setState(StateConnecting, stepSigningIn) {
		return context.Cause(s.ctx)
	}
	s.mu.Lock()
	size, params := s.size, s.params
	s.mu.Unlock()
	via, err := s.hops(ctx)
	if err != nil {
		return err
	}
	request := ConnectRequest{
		Session: s.id, User: s.info.User, Asset: s.asset, Params: params, Size: size, Capabilities: *s.owner.caps.Load(),
		Field: s.field(s.asset.ID), Via: via, Log: s.log,
	}
	conn, err := patiently(ctx, s, "Protocol.Connect",
		func() (Conn, error) { return s.protocol.Connect(ctx, request) },
		func(c Conn) {
			ctx, cancel := s.lastSteps()
			defer cancel()
			_ = c.Close(ctx)
		})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && s.ctx.Err() == nil {
			err = errors.Join(cause, err)
		}
		return err
	}
	s.mu.Lock()
	s.conn, s.told = conn, size
	for v := range s.viewers {
		if v.p.viewer == v { // a replaced page reads no more and must slow nobody
			v.attachOutput(conn)
		}
	}
	s.mu.Unlock()
	s.look()
	return nil
}

// field returns what fetches secured fields of one asset for the adapter.
func (s *liveSession) field(asset AssetID) func(context.Context, string) (Secret, error) {
	return func(ctx context.Context, name string) (Secret, error) {
		return s.b.cfg.Vault.Field(ctx, FieldRequest{Asset: asset, Field: name, User: s.info.User, Session: s.id})
	}
}

// hops looks up the jump hosts before the asset. Their addresses come from the inventory like the asset's own (S30).
func (s *liveSession) hops(ctx context.Context) ([]Hop, error) {
	if len(s.asset.Via) > MaxHops {
		return nil, &TargetError{Code: CodeTargetConfig, Err: fmt.Errorf("the asset has %d jump hosts, at most %d", len(s.asset.Via), MaxHops)}
	}
	var via []Hop
	for _, id := range s.asset.Via {
		a, err := s.b.cfg.Inventory.Asset(ctx, id)
		if err != nil {
			return nil, &TargetError{Code: CodeTargetConfig, Err: fmt.Errorf("jump host %q: %w", id, err)}
		}
		via = append(via, Hop{Asset: a, Field: s.field(id)})
	}
	return via, nil
}

// openRecording opens the recording and begins it with its owner.
func (s *liveSession) openRecording(ctx context.Context) error {
	if s.b.cfg.Recorder == nil {
		return errors.New("the profile says Record and Config.Recorder is nil")
	}
	s.mu.Lock()
	size, grants, params := s.size, s.owner.grants, s.params
	s.mu.Unlock()
	meta := RecordingMeta{
		Session: s.id, Asset: s.asset.ID, Name: s.asset.Name, Protocol: s.protocol.Name(),
		User: s.info.User, UserName: s.info.UserName, Started: s.created, Size: size,
		Term: params["term"], Rules: grants.Rules, Policy: grants.Version,
	}
	rec, err := patiently(ctx, s, "Recorder.Open",
		func() (Recording, error) { return s.b.cfg.Recorder.Open(ctx, meta, recordingWatch{s}) },
		func(late Recording) {
			ctx, cancel := s.lastSteps()
			defer cancel()
			s.closeRecording(ctx, late, &End{Reason: EndRecordingFailed})
		})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.recording = rec
	s.info.Recording = rec.Path()
	s.mu.Unlock()
	// After a crash the record must lead to what was recorded.
	if err := s.b.cfg.Store.PutSession(ctx, s.snapshot()); err != nil {
		s.log.Warn("storing where the recording is", "err", err)
	}
	_, err = s.append(EntryJoin, s.owner.id, s.owner.entry())
	return err
}

// recordingWatch hears from the recorder.
type recordingWatch struct{ s *liveSession }

func (w recordingWatch) Written(index uint64) {
	w.s.gate.set(index)
	w.s.out.SetGate(index)
}

func (w recordingWatch) Failed(err error) {
	w.s.gate.fail(err)
	w.s.recordingFailed(err)
}

func (s *liveSession) recordingFailed(err error) {
	s.finish(&End{Reason: EndRecordingFailed, Code: CodeRecordingFailed, Err: err})
}

// append adds an entry with JSON data to the recording, if there is one, and returns its index.
func (s *liveSession) append(k EntryKind, who ParticipantID, data any) (uint64, error) {
	s.mu.Lock()
	rec := s.recording
	s.mu.Unlock()
	if rec == nil {
		return 0, nil
	}
	b, err := json.Marshal(data)
	if err != nil {
		return 0, err
	}
	return s.enter(rec, Entry{Kind: k, At: s.at(), Participant: who, Data: b})
}

// serve drives the connection until it ends, one way or the other.
func (s *liveSession) serve() {
	if !s.setState(StateActive, stepFirstPicture) {
		return
	}
	s.mu.Lock()
	if s.owner.viewer == nil { // the owner left while we were connecting
		s.startAway()
	}
	conn, resized := s.conn, s.size != s.told
	s.mu.Unlock()

	// The connection stays until files have been cleared up.
	running, stop := context.WithCancelCause(context.WithoutCancel(s.ctx))
	defer stop(nil)
	ran := make(chan struct{})
	s.b.wg.Go(func() {
		defer close(ran)
		s.contain("Conn.Run", func() {
			err := conn.Run(running, sink{s})
			s.finish(s.endOf(err))
		})
	})
	if resized { // while Connect was under way
		s.b.wg.Go(func() {
			s.contain("Conn.Resize", func() {
				if err := s.fit(s.ctx, s.owner.id); err != nil {
					s.log.Debug("resizing after the connect", "err", err)
				}
			})
		})
	}
	<-s.ctx.Done()
	s.closeFiles()
	stop(context.Cause(s.ctx))
	// An adapter that does not come back from Run in time is cut off from the session: its frames go nowhere.
	ctx, cancel := s.lastSteps()
	defer cancel()
	s.closeConn(ctx)
	select {
	case <-ran:
	case <-ctx.Done():
		s.log.Error("adapter did not return from Run after Close", "protocol", s.protocol.Name())
	}
}

// lastSteps is the context of one step of ending: each has its own time, so that a slow one takes none from the next.
func (s *liveSession) lastSteps() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(s.ctx), s.b.cfg.Limits.CloseTimeout)
}

// closeConn closes the connection, if there is one, once. It belongs to the session's own goroutine.
func (s *liveSession) closeConn(ctx context.Context) {
	conn := s.connected()
	if conn == nil || s.connClosed {
		return
	}
	s.connClosed = true
	s.contain("Conn.Close", func() {
		if err := conn.Close(ctx); err != nil {
			s.log.Debug("closing the connection", "err", err)
		}
	})
}

// endOf turns what an adapter returned into an end.
func (s *liveSession) endOf(err error) *End {
	var end *End
	var target *TargetError
	switch {
	case errors.As(err, &end):
		if !slices.Contains(endReasons, end.Reason) { // the names of metrics, reports and texts are a closed set
			return &End{Reason: EndTargetError, Code: CodeTargetError, Err: fmt.Errorf("adapter ended with unknown reason %q: %w", end.Reason, err)}
		}
		return end
	case errors.Is(err, stream.ErrGateStalled):
		return &End{Reason: EndRecordingFailed, Code: CodeRecordingFailed, Err: err}
	case errors.As(err, &target):
		return &End{Reason: EndTargetError, Code: target.Code, Err: err}
	case err == nil:
		return &End{Reason: EndRemoteLogoff}
	}
	return &End{Reason: EndTargetError, Code: CodeTargetLost, Err: err}
}

// complete frees all that a session holds and writes down how it ended. It runs once.
func (s *liveSession) complete() {
	s.mu.Lock()
	if s.end == nil { // a panic before any reason was found
		s.end = &End{Reason: EndTargetError, Code: CodeInternal}
	}
	end, rec, ran := s.end, s.recording, s.recording != nil || s.conn != nil
	s.state, s.step = StateEnding, ""
	s.mu.Unlock()
	s.cancel(end)

	step := func(where string, f func(ctx context.Context)) {
		ctx, cancel := s.lastSteps()
		defer cancel()
		s.contain(where, func() { f(ctx) })
	}
	step("Conn.Close", s.closeConn)       // when the session ended while Connect was returning
	if end.Reason == EndRecordingFailed { // nothing more will be shown, and closing what is broken may take its time
		s.tell(end)
	}
	detail := ""
	if rec != nil {
		detail = "the recording could not be sealed"
		step("Recording.Close", func(ctx context.Context) {
			if s.closeRecording(ctx, rec, end) {
				detail = ""
			}
		})
	}
	s.tell(end)

	now := s.b.cfg.Now()
	s.mu.Lock()
	s.state = StateCompleted
	s.info.State = StateCompleted
	s.info.Reason, s.info.Code = end.Reason, end.code()
	s.info.Updated, s.info.Completed = now, now
	info := s.info
	s.mu.Unlock()

	s.log.Info("session ended", "reason", end.Reason, "code", end.code(), "ran", ran, "err", end.Err)
	c := completion{info: info, event: info.completeEvent()}
	c.event.Detail, c.event.Rules = detail, end.Rules
	step("Store.PutSession", func(ctx context.Context) { s.b.store(ctx, &c) })
	step("Store.DropTickets", func(ctx context.Context) { // they open nothing any more
		if err := s.b.cfg.Store.DropTickets(ctx, TicketFilter{Session: s.id}); err != nil {
			s.log.Warn("dropping tickets", "err", err)
		}
	})
	step("EventSink.Write", func(ctx context.Context) { s.b.tell(ctx, &c) })
	step("Store.PutRequest", s.closeRequest)
	s.b.settleLater(c)
	s.b.forget(s)
	s.b.met.ended(end.Reason)
	close(s.done)
}

// closeRecording seals a recording with how the session ended. It reports whether that worked.
func (s *liveSession) closeRecording(ctx context.Context, rec Recording, end *End) bool {
	_ = s.noteClock(rec, s.at()) // Close returns what is wrong with the recording
	b, _ := json.Marshal(EndEntry{Reason: end.Reason, Status: end.Status})
	if err := rec.Close(ctx, Entry{Kind: EntryEnd, At: s.at(), Data: b}); err != nil {
		s.log.Error("closing the recording", "path", rec.Path(), "err", err)
		s.b.noteUnsealed(rec.Path())
		return false
	}
	return true
}

// tell closes the stream and gives every viewer the end as its last word.
func (s *liveSession) tell(end *End) {
	s.out.Close()
	now := s.b.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.viewers {
		v.close(endMessage{
			Code: end.code(), Reason: end.Reason, Text: end.Text, Status: end.Status, Signal: end.Signal,
			Started: stamp(s.created), Ended: stamp(now),
		})
	}
}

// code returns what the browser is told about an end.
func (e *End) code() Code {
	if e.Code != "" {
		return e.Code
	}
	return Code(e.Reason)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
