package pam

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/internal/stream"
)

// What a viewer gathers into one message, and how long it waits for the last acknowledgements at the end.
const (
	gatherBytes = 64 << 10
	drainTime   = time.Second
	maxNotices  = 16
)

// scratch holds message buffers while something is being written: an idle viewer has none.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, gatherBytes+8<<10); return &b }}

// viewer is one attached page: a socket, a place in the stream log, a window.
type viewer struct {
	s    *liveSession
	p    *participant
	conn *edge.Conn

	ctx    context.Context
	cancel context.CancelCauseFunc
	wake   chan struct{}  // capacity 1: something below has changed
	work   sync.WaitGroup // the queue's goroutine

	sent  atomic.Uint64 // bytes of counted payloads that were sent
	acked atomic.Uint64 // and that the page has consumed
	// starved says that the writer has something for which the window has no room. Only then does an acknowledgement wake it: one that comes
	// for each frame while nothing waits would cost as much as the frame.
	starved atomic.Bool

	flight  flight
	hidden  atomic.Bool // the page cannot be seen
	listens atomic.Bool // it plays sound: until it says so there is none for it

	mu      sync.Mutex // guards all below
	dirty   bool       // the state is to be sent
	notices []Notice
	final   *endMessage
	cutoff  *time.Timer // of the time that final may take
	source  *source
	warned  time.Time // of the last capability_denied notice
	probes  probes
	queue   []job // input on its way to the target
	queued  int   // bytes in queue
	working bool
}

// source is where a viewer's output comes from: a key frame first, if it came late, then the log.
type source struct {
	reader *stream.Reader
	late   bool    // a key frame is being made: nothing may be sent before it
	key    []Frame // still to be sent
	after  uint64  // not before the log shows this item (what the key frame shows must be written)

	follower Follower // nil if the connection is none
	watched  Watched  // likewise

	// Of the writing goroutine.
	shown   uint64 // the page was sent everything up to this frame
	missed  bool   // but for pictures after it, which it could not have shown
	stalled bool   // its window was full
}

// begin makes frames the next that are sent, and the log go on behind item n. The viewer's mu is held.
func (src *source) begin(frames []Frame, n uint64) {
	src.key, src.after = frames, n
	src.reader.SkipTo(n + 1)
}

// endMessage is the payload of an end frame.
type endMessage struct {
	Code    Code      `json:"code"`
	Reason  EndReason `json:"reason,omitempty"`
	Text    string    `json:"text,omitempty"`
	Status  *int      `json:"status,omitempty"`
	Signal  string    `json:"signal,omitempty"`
	Started string    `json:"started,omitempty"`
	Ended   string    `json:"ended,omitempty"`
}

func newViewer(s *liveSession, p *participant, conn *edge.Conn) *viewer {
	// The socket outlives the session by the time that its last words take.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(s.ctx))
	return &viewer{s: s, p: p, conn: conn, ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1), dirty: true}
}

// touch asks for the state to be sent again.
func (v *viewer) touch() {
	v.mu.Lock()
	v.dirty = true
	v.mu.Unlock()
	v.poke()
}

// notify queues a notice; with too many waiting it is dropped.
func (v *viewer) notify(n Notice) {
	v.mu.Lock()
	if len(v.notices) < maxNotices {
		v.notices = append(v.notices, n)
	}
	v.mu.Unlock()
	v.poke()
}

// errNoLastWords cuts off a page that does not even take its end frame.
var errNoLastWords = errors.New("the page did not take its last messages in time")

// close lets the viewer send what its window allows, an end frame, and go. The first message counts. A page that
// takes nothing is cut off: it must not hold up a shutdown for as long as a write may take.
func (v *viewer) close(m endMessage) {
	v.mu.Lock()
	if v.final == nil {
		v.final = &m
		v.cutoff = time.AfterFunc(drainTime+v.s.b.cfg.Limits.CloseTimeout, func() { v.cancel(errNoLastWords) })
	}
	v.mu.Unlock()
	v.poke()
}

func (v *viewer) poke() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// attachOutput gives the viewer its place in the log, once there is a connection. The session's mu is held. It
// reports whether the viewer is late and must be given the picture by resume before anything else.
func (v *viewer) attachOutput(conn Conn) (late bool) {
	pacer, ok := conn.(Pacer)
	paced := ok && pacer.SelfPaced()
	_, keyed := conn.(KeyFramer)
	r := v.s.out.NewReader(v.p.mode == ModeOwner && !paced)
	late = keyed && v.s.out.Len() > 0
	v.mu.Lock()
	v.source = &source{reader: r, late: late, shown: v.s.out.Len()}
	v.source.follower, _ = conn.(Follower)
	v.source.watched, _ = conn.(Watched)
	v.mu.Unlock()
	v.poke()
	return late
}

// resume gives a late viewer the present picture. It must not be called under the session's mu, since it asks
// the adapter.
func (v *viewer) resume(ctx context.Context, conn KeyFramer) error {
	frames, n, err := conn.KeyFrame(ctx)
	v.mu.Lock()
	src := v.source
	src.late = false
	if err == nil {
		src.begin(frames, n)
	}
	v.mu.Unlock()
	v.poke()
	return err
}

// write runs until the viewer is done: it is the only one that writes messages.
func (v *viewer) write() {
	defer v.cancel(nil)
	defer v.stopCutoff()
	var pinging sync.WaitGroup
	defer pinging.Wait()
	heartbeat := time.NewTimer(v.s.b.cfg.Limits.Heartbeat)
	defer heartbeat.Stop()
	var drain *time.Timer
	var drained <-chan time.Time
	for {
		more, err := v.step()
		if err != nil {
			v.cancel(err)
			v.conn.Abort()
			return
		}
		if more {
			continue
		}
		final, src := v.finalMessage(), v.takeSource()
		if final != nil {
			if final.Reason == "" || src == nil || src.reader.Done() {
				v.say(*final)
				return
			}
			if drain == nil { // the window is full: the page gets a moment to make room
				drain = time.NewTimer(drainTime)
				defer drain.Stop()
				drained = drain.C
			}
		}
		var ready <-chan struct{}
		if src != nil {
			ready = src.reader.Ready()
		}
		select {
		case <-ready:
		case <-v.wake:
		case <-drained:
			v.say(*final)
			return
		case <-heartbeat.C:
			heartbeat.Reset(v.s.b.cfg.Limits.Heartbeat)
			pinging.Go(v.ping)
		case <-v.ctx.Done():
			v.conn.Abort()
			return
		}
	}
}

func (v *viewer) stopCutoff() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cutoff != nil {
		v.cutoff.Stop()
	}
}

// step sends at most one message of each sort. It reports whether there may be more to send.
func (v *viewer) step() (more bool, err error) {
	v.mu.Lock()
	dirty, notices := v.dirty, v.notices
	v.dirty, v.notices = false, nil
	v.mu.Unlock()
	if dirty {
		b, err := json.Marshal(v.s.stateFor(v.p))
		if err != nil {
			return false, err
		}
		if err := v.send(frame.Append(nil, frame.Frame{Kind: frame.State, Payload: b})); err != nil {
			return false, err
		}
	}
	for _, n := range notices {
		b, err := json.Marshal(n)
		if err != nil {
			return false, err
		}
		if err := v.send(frame.Append(nil, frame.Frame{Kind: frame.Notice, Payload: b})); err != nil {
			return false, err
		}
	}
	if err := v.answer(); err != nil {
		return false, err
	}
	src := v.takeSource()
	if src == nil {
		return false, nil
	}
	return v.stepOutput(src)
}

// stepOutput sends the next message of output that the window allows.
func (v *viewer) stepOutput(src *source) (more bool, err error) {
	v.mu.Lock()
	late, after := src.late, src.after
	v.mu.Unlock()
	if late || v.s.out.Visible() < after {
		return false, nil // the key frame is not there yet, or shows more than is written so far
	}
	acked := v.acked.Load()
	inFlight, window := int(v.sent.Load()-acked), v.s.b.cfg.Limits.Window
	if src.follower != nil {
		window = v.flight.window(window)
	}
	room := window - inFlight
	if room <= 0 {
		src.stalled = true
		return v.starve(acked), nil
	}
	if v.overtaken(src) {
		return true, v.catchUp(src)
	}
	items, keyed := src.nextKey(&v.mu, min(room, gatherBytes), inFlight == 0)
	if !keyed {
		var buf [64]stream.Item
		items, err = src.reader.Next(buf[:0], min(room, gatherBytes), inFlight == 0)
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case errors.Is(err, stream.ErrBehind):
			return true, v.recover(src)
		case err != nil:
			return false, err
		case len(items) == 0:
			// There is nothing, or the window has no room for it.
			return src.reader.Behind() > 0 && v.starve(acked), nil
		}
		items = v.withoutMissed(src, items)
		if !src.missed {
			src.shown = src.reader.Position()
		}
		if len(items) == 0 {
			return true, nil
		}
	}
	if len(items) == 0 { // the window has no room for the next frame of the picture
		src.stalled = true
		return v.starve(acked), nil
	}
	return true, v.sendItems(src, items)
}

// starve asks for the next acknowledgement to wake the writer, which found no room when so many bytes were acknowledged. It reports whether
// another one has come meanwhile.
func (v *viewer) starve(acked uint64) bool {
	v.starved.Store(true)
	return v.acked.Load() != acked
}

// nextKey takes the next frames of a key frame, at most room bytes or, with force, one frame. It reports whether
// there were any.
func (src *source) nextKey(mu *sync.Mutex, room int, force bool) (items []stream.Item, keyed bool) {
	mu.Lock()
	defer mu.Unlock()
	keyed = len(src.key) > 0
	defer func() {
		if keyed && len(src.key) == 0 {
			src.key, src.shown = nil, src.after
		}
	}()
	for size := 0; len(src.key) > 0; src.key = src.key[1:] {
		f := src.key[0]
		if size += len(f.Payload); size > room && (len(items) > 0 || !force) {
			break
		}
		items = append(items, stream.Item{Kind: uint8(f.Kind), Flags: uint8(f.Flags), Payload: f.Payload})
	}
	return items, keyed
}

// recover gives a viewer that fell out of the backlog a new picture, or lets it go.
func (v *viewer) recover(src *source) error {
	if src.follower != nil {
		return v.catchUp(src)
	}
	kf, ok := v.s.connected().(KeyFramer)
	if !ok {
		v.close(endMessage{Code: CodeViewerTooSlow})
		return nil
	}
	return v.resume(v.ctx, kf)
}

// sendItems writes items as few messages as are useful.
func (v *viewer) sendItems(src *source, items []stream.Item) error {
	items = slices.DeleteFunc(items, func(it stream.Item) bool {
		k := FrameKind(it.Kind)
		return k == FrameKeys || k == FrameAudio && !v.listens.Load() || !v.p.mayReceive(k)
	})
	if src.follower != nil || src.watched != nil {
		v.mark(src, items)
	}
	p := scratch.Get().(*[]byte)
	msg := (*p)[:0]
	defer func() {
		if cap(msg) <= gatherBytes*2 {
			*p = msg[:0]
			scratch.Put(p)
		}
	}()
	for _, it := range items {
		k := FrameKind(it.Kind)
		if len(msg) > 0 && len(msg)+len(it.Payload) > gatherBytes {
			if err := v.send(msg); err != nil {
				return err
			}
			msg = msg[:0]
		}
		msg = frame.Append(msg, frame.Frame{Kind: frame.Kind(k), Flags: it.Flags, Payload: it.Payload})
		if frame.Kind(k).Counted() {
			v.sent.Add(uint64(len(it.Payload))) // before the write: an acknowledgement may be quick
		}
		v.s.b.met.framesSent.Inc(1)
		v.s.b.met.bytesSent.Inc(int64(len(it.Payload)))
	}
	if len(msg) == 0 {
		return nil
	}
	return v.send(msg)
}

// mark takes down how far the page will have come once it has consumed these items.
func (v *viewer) mark(src *source, items []stream.Item) {
	total := v.sent.Load()
	for _, it := range items {
		if frame.Kind(it.Kind).Counted() {
			total += uint64(len(it.Payload))
		}
	}
	v.flight.send(total, src.shown)
	if v.acked.Load() >= total { // there is nothing to be acknowledged
		v.landed(total)
	}
}

func (v *viewer) send(msg []byte) error {
	ctx, cancel := context.WithTimeout(v.ctx, v.s.b.cfg.Limits.WriteTimeout)
	defer cancel()
	return v.conn.Write(ctx, msg)
}

// say sends the end frame and closes the socket with the code.
func (v *viewer) say(m endMessage) {
	if b, err := json.Marshal(m); err == nil {
		_ = v.send(frame.Append(nil, frame.Frame{Kind: frame.End, Payload: b}))
	}
	v.conn.Close(string(m.Code))
}

// ping makes sure that the page is there, and measures the way to it.
func (v *viewer) ping() {
	ctx, cancel := context.WithTimeout(v.ctx, v.s.b.cfg.Limits.WriteTimeout)
	defer cancel()
	begin := time.Now()
	err := v.conn.Ping(ctx)
	if err == nil {
		v.s.b.met.roundTripNs.Update(int64(time.Since(begin)))
	} else if v.ctx.Err() == nil {
		v.cancel(err)
	}
}

func (v *viewer) takeSource() *source {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.source
}

func (v *viewer) finalMessage() *endMessage {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.final
}

// detach gives back the viewer's place in the log.
func (v *viewer) detach() {
	if src := v.takeSource(); src != nil {
		src.reader.Close()
	}
}
