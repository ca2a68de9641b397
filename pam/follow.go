package pam

import (
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam/internal/stream"
)

// How a page that takes long is kept close to the present: what is on its way to it is bounded by what it takes in a
// fraction of a second.
const (
	minFlight   = 32 << 10
	firstFlight = 128 << 10
	quickTrip   = 150 * time.Millisecond // between sending and the acknowledgement, which a page may hold back for 50 ms
	slowTrip    = 400 * time.Millisecond
	maxMarks    = 1024
)

// catchUpBytes is how much a viewer whose window was full may be behind before it is told what has changed instead.
const catchUpBytes = 128 << 10

// flight is what is on its way to a page whose connection is a Follower or Watched.
type flight struct {
	mu    sync.Mutex // guards all below
	marks []mark     // what was sent and is not consumed, in order
	bytes int        // that may be on their way
}

// mark says that up to a frame everything was sent once the counted bytes are that many.
type mark struct {
	total uint64
	frame uint64
	at    time.Time
}

// window is how many bytes may be on their way.
func (f *flight) window(limit int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes == 0 {
		f.bytes = firstFlight
	}
	return min(f.bytes, limit)
}

// send takes down what is about to be sent.
func (f *flight) send(total, frame uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := mark{total, frame, time.Now()}
	if n := len(f.marks); n == maxMarks {
		m.at = f.marks[n-1].at
		f.marks[n-1] = m
		return
	}
	f.marks = append(f.marks, m)
}

// land takes down that a page has consumed so many bytes. It returns the frame up to which it has everything, 0 if that is not
// known to have changed.
func (f *flight) land(total uint64, limit int) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var last mark
	for len(f.marks) > 0 && f.marks[0].total <= total {
		last = f.marks[0]
		f.marks = f.marks[1:]
	}
	if len(f.marks) == 0 {
		f.marks = nil
	}
	if last.at.IsZero() {
		return 0
	}
	switch trip := time.Since(last.at); {
	case trip > slowTrip:
		f.bytes = max(minFlight, f.bytes/2)
	case trip < quickTrip:
		f.bytes = min(limit, f.bytes*2)
	}
	return last.frame
}

// landed tells the target, if it is of interest there, how far the owner's page has come.
func (v *viewer) landed(total uint64) {
	src := v.takeSource()
	if src == nil || src.watched == nil && src.follower == nil {
		return
	}
	frame := v.flight.land(total, v.s.b.cfg.Limits.Window)
	if frame == 0 || src.watched == nil || v.p != v.s.owner || v.hidden.Load() {
		return
	}
	src.watched.Drawn(frame)
}

// see takes down whether the page can be seen. A Follower's picture is not sent to one that cannot.
func (v *viewer) see(visible bool) {
	if v.hidden.Swap(!visible) == !visible {
		return
	}
	if src := v.takeSource(); src != nil && src.watched != nil && !visible && v.p == v.s.owner {
		src.watched.Drawn(AllDrawn)
	}
	v.s.look()
	v.poke()
}

// look tells the connection whether anybody looks, when that has changed.
func (s *liveSession) look() {
	s.lookMu.Lock()
	defer s.lookMu.Unlock()
	s.mu.Lock()
	watched, ok := s.conn.(Watched)
	someone := s.recording != nil
	for v := range s.viewers {
		someone = someone || !v.hidden.Load() && v.p.viewer == v
	}
	s.mu.Unlock()
	if ok && someone == s.blind {
		s.blind = !someone
		watched.Looking(someone)
	}
}

// gone tells the connection that a participant's page is gone.
func (s *liveSession) gone(p *participant) {
	watched, ok := s.connected().(Watched)
	if !ok {
		return
	}
	watched.Gone(p.id)
	if p == s.owner {
		watched.Drawn(AllDrawn)
	}
}

// withoutMissed leaves out pictures that a page could not show: it is made up for when it can.
func (v *viewer) withoutMissed(src *source, items []stream.Item) []stream.Item {
	if src.follower == nil || !v.hidden.Load() {
		return items
	}
	return slices.DeleteFunc(items, func(it stream.Item) bool {
		misses := FrameKind(it.Kind) == FrameScreen || FrameKind(it.Kind) == FrameCursor
		if misses {
			src.missed = true
			v.s.b.met.overtaken.Inc(1)
		}
		return misses
	})
}

// overtaken reports whether a viewer is better told what has changed than what has happened.
func (v *viewer) overtaken(src *source) bool {
	switch {
	case src.follower == nil || len(src.key) > 0 || v.hidden.Load():
		return false
	case src.missed:
		return true
	}
	stalled := src.stalled
	src.stalled = false
	return stalled && src.reader.Behind() > catchUpBytes
}

// catchUp gives a viewer what has changed since what it has.
func (v *viewer) catchUp(src *source) error {
	frames, n, err := src.follower.Since(v.ctx, src.shown)
	if err != nil {
		return err
	}
	src.missed = false
	if at := src.reader.Position(); n > at {
		v.s.b.met.overtaken.Inc(int64(n - at))
	}
	v.mu.Lock()
	src.begin(frames, n)
	v.mu.Unlock()
	if len(frames) == 0 {
		src.shown = n
	}
	return nil
}
