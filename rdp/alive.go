package rdp

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// How a server is found that has stopped while its machine goes on to acknowledge what is sent (S35): one that was suspended or hangs, or whose
// X server does.
//
// The protocol has no question that every server answers. A client cannot ask for a heartbeat (2.2.16) or measure a round trip (2.2.14): servers do
// both if they like, and the free ones do not. A Shutdown Request (2.2.2.2) is answered, but ends the session of whoever has not signed in. A
// Synchronize or Control PDU after the connection sequence is nobody's case. What servers do draw is an area that a Refresh Rect PDU (2.2.11.2) asks
// for, all the way from the program that draws the desktop. Yet they only should. So:
//
//   - A server is asked for two areas, one after the other, once it is quiet, and counts as one that answers if it draws just them at once. Of
//     any other server, silence means nothing.
//   - Silence is looked at only after input that was followed by nothing. A still desktop that nobody touches is never asked, which keeps answers that
//     show nothing new out of the way to viewers and recordings. It is found when somebody touches it, which is when it matters.
//   - Any byte is a sign of life. Who does not read, because the session is slow to take what was read, hears none and concludes nothing.
//
// A desktop that lives and is taken for dead costs its user the session, one that is found late some seconds: hence three times the patience, and
// the whole desktop asked for in the end. The machine that is gone itself is the transport's affair: see keepAlive.

const (
	calm        = 500 * time.Millisecond // of silence, after which a server is tried
	calmMost    = time.Minute
	trialTime   = 3 * time.Second // for an answer in a trial
	trials      = 2               // that must be passed
	trialsMost  = 5               // that are made
	trialSide   = 16              // of an area, in pixels
	patienceIn  = 3               // parts: of silence, for the first question, for the second
	unboundWait = 24 * time.Hour  // of a timer that is not set
)

// errUnresponsive is why a connection ends whose server has stopped.
var errUnresponsive = errors.New("the server answers nothing any more, neither input nor the request to draw what is there")

type alivePhase uint8

const (
	aliveOff   alivePhase = iota // nothing can be found out
	aliveCalm                    // a trial waits for silence
	aliveTrial                   // an area was asked for
	aliveReady                   // the server answers; nothing is waited for
	aliveWatch                   // input was sent
)

// alive watches over a connection that is active.
type alive struct {
	c     *Client
	heard *heard
	step  time.Duration // a part of the patience

	waits  atomic.Bool // Next waits for the server
	trying atomic.Bool // phase is aliveTrial: drawn looks at updates
	ready  atomic.Bool // phase is aliveReady: input matters

	mu       sync.Mutex // guards what follows; not held while something is sent
	timer    *time.Timer
	over     bool
	blind    bool // the server was asked to draw nothing
	phase    alivePhase
	seen     uint64 // reads when the present wait began
	patience time.Duration
	made     int // trials
	passed   int
	asked    int      // questions without an answer
	area     pdu.Area // asked for in a trial
}

// heard is a connection that counts the reads that brought something.
type heard struct {
	net.Conn
	reads atomic.Uint64
}

func (h *heard) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if n > 0 {
		h.reads.Add(1)
	}
	return n, err
}

// watchOver begins. A server that does not say that it knows Refresh Rect PDUs is not asked.
func (c *Client) watchOver(h *heard, refreshes bool) {
	a := &c.alive
	a.c, a.heard, a.step = c, h, c.cfg.AnswerTimeout/patienceIn
	if !refreshes || a.step <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(unboundWait, a.tick)
	a.turn(aliveCalm, calm)
}

// turn begins a phase that is looked at after d, if not zero. The caller holds mu.
func (a *alive) turn(p alivePhase, d time.Duration) {
	a.phase, a.seen = p, a.heard.reads.Load()
	a.trying.Store(p == aliveTrial)
	a.ready.Store(p == aliveReady)
	if d > 0 && !a.over {
		a.patience = d
		a.timer.Reset(d)
	}
}

// stop ends the watch; what runs meanwhile finds nothing to do.
func (a *alive) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

// setBlind tells whether the server was asked to draw nothing, and so will answer nothing.
func (a *alive) setBlind(blind bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blind = blind
}

// touched says that input was sent.
func (a *alive) touched() {
	if !a.ready.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == aliveReady && !a.blind && !a.over {
		a.asked = 0
		a.turn(aliveWatch, a.step)
	}
}

// drawn looks whether an update is what a trial has asked for.
func (a *alive) drawn(u Update) {
	if !a.trying.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != aliveTrial || !covers(u, a.area) {
		return
	}
	if a.passed++; a.passed == trials {
		a.turn(aliveReady, 0)
		return
	}
	a.turn(aliveCalm, calm)
}

// covers says whether an update draws all of an area.
func covers(u Update, area pdu.Area) bool {
	tiles := []Tile(nil)
	switch u := u.(type) {
	case *Bitmap:
		tiles = u.Tiles
	case *SurfaceBits:
		tiles = []Tile{u.Tile}
	}
	for _, t := range tiles {
		if t.X <= int(area.Left) && t.Y <= int(area.Top) && t.X+t.W > int(area.Right) && t.Y+t.H > int(area.Bottom) {
			return true
		}
	}
	return false
}

// tick looks at what came of a wait.
func (a *alive) tick() {
	a.mu.Lock()
	ask, dead := a.next()
	a.mu.Unlock()
	switch {
	case dead:
		a.c.w.give(errUnresponsive)
	case ask != nil:
		_ = a.c.sendData(pdu.DataRefreshRect, pdu.AppendRefreshRect(nil, *ask)) // an error ends the connection, and Next tells of it
	}
}

// next decides what follows a wait: an area to ask for, or the end. The caller holds mu.
func (a *alive) next() (ask *pdu.Area, dead bool) {
	silent := a.waits.Load() && a.heard.reads.Load() == a.seen
	switch {
	case a.over:
	case a.phase == aliveCalm && silent && !a.blind:
		w, h := a.c.Size()
		a.area = pdu.Area{Right: uint16(min(w, trialSide) - 1), Bottom: uint16(min(h, trialSide) - 1)}
		if a.made%2 == 1 { // another one than before
			a.area.Left, a.area.Right = uint16(max(w-trialSide, 0)), uint16(w-1)
		}
		a.made++
		a.turn(aliveTrial, trialTime)
		return &a.area, false
	case a.phase == aliveCalm:
		a.turn(aliveCalm, min(2*a.patience, calmMost))
	case a.phase == aliveTrial:
		// Two in a row must be passed: an area that happens to be drawn now and then proves nothing.
		if a.passed = 0; a.made >= trialsMost {
			a.turn(aliveOff, 0)
			return nil, false
		}
		a.turn(aliveCalm, calm)
	case a.phase == aliveWatch && !a.waits.Load():
		a.turn(aliveWatch, a.step)
	case a.phase == aliveWatch && (!silent || a.blind):
		a.turn(aliveReady, 0)
	case a.phase == aliveWatch:
		if a.asked++; a.asked == patienceIn {
			return nil, true
		}
		area := a.area
		if a.asked > 1 {
			area = a.c.desktop()
		}
		a.turn(aliveWatch, a.step)
		return &area, false
	}
	return nil, false
}
