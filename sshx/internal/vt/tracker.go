package vt

import (
	"runtime"
	"sync"
	"time"
)

// Limits of the log between what is parsed and what was put out.
const (
	wakeBytes = 128 << 10 // a goroutine starts to parse
	maxBytes  = 256 << 10 // the next output parses by itself first
	maxParts  = 2048
	parseStep = 32 << 10        // bytes parsed between offers to let others run
	quiet     = 2 * time.Second // after which a short log is parsed, to give its memory back
)

// Tracker follows the output of one connection for key frames. Output costs the caller a few words of
// bookkeeping: the payloads are kept by reference, and parsed when a log of them has gathered, by a goroutine
// that lives for that time only. Make one with NewTracker. It is safe for concurrent use.
type Tracker struct {
	// model guards term, and orders everything that takes parts from the log: whoever holds it has parsed
	// all that was taken before. It is never taken while mu is held.
	model sync.Mutex
	term  *Terminal

	mu     sync.Mutex // guards what follows
	log    []part
	size   int // bytes in log
	count  uint64
	busy   bool // a goroutine parses, or will
	timer  *time.Timer
	armed  bool
	closed bool
	wg     sync.WaitGroup
}

// part is one piece of output, or a change of size at that point of the stream.
type part struct {
	data       []byte
	cols, rows int
}

// NewTracker returns a tracker of an empty terminal.
func NewTracker(cols, rows int) *Tracker {
	return &Tracker{term: New(cols, rows)}
}

// Output counts one frame and notes p, which must not be changed any more. Call it before the frame goes out.
func (k *Tracker) Output(p []byte) {
	k.mu.Lock()
	for (k.size >= maxBytes || len(k.log) >= maxParts) && !k.closed {
		// The goroutine does not keep up: this is the only point where parsing slows the target.
		k.mu.Unlock()
		k.catchUp()
		k.mu.Lock()
	}
	k.count++
	k.append(p)
	k.mu.Unlock()
}

// Count counts one frame that does not change the screen.
func (k *Tracker) Count() {
	k.mu.Lock()
	k.count++
	k.mu.Unlock()
}

// Resize notes a new size at this point of the stream.
func (k *Tracker) Resize(cols, rows int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.log = append(k.log, part{cols: cols, rows: rows})
		k.schedule()
	}
}

// KeyFrame returns the bytes that draw the screen as it is after n frames.
func (k *Tracker) KeyFrame() (b []byte, n uint64) {
	k.model.Lock()
	defer k.model.Unlock()
	k.mu.Lock()
	log := k.take()
	n = k.count
	k.mu.Unlock()
	k.parse(log)
	return k.term.AppendSnapshot(nil), n
}

// Close stops parsing and waits for the goroutine.
func (k *Tracker) Close() {
	k.mu.Lock()
	k.closed = true
	if k.timer != nil {
		k.timer.Stop()
	}
	k.take()
	k.mu.Unlock()
	k.wg.Wait()
}

// append adds p to the log; mu is held. Payloads that lie side by side in memory are one part.
func (k *Tracker) append(p []byte) {
	if k.closed || len(p) == 0 {
		return
	}
	k.size += len(p)
	if n := len(k.log); n > 0 {
		last := k.log[n-1].data
		if end := len(last); end > 0 && cap(last) >= end+len(p) && &last[:end+1][end] == &p[0] {
			k.log[n-1].data = last[:end+len(p)]
			k.schedule()
			return
		}
	}
	k.log = append(k.log, part{data: p})
	k.schedule()
}

// schedule sees to it that the log is parsed at some time; mu is held.
func (k *Tracker) schedule() {
	switch {
	case k.busy:
	case k.size >= wakeBytes || len(k.log) >= maxParts/2:
		k.start()
	case !k.armed:
		k.armed = true
		if k.timer == nil {
			k.timer = time.AfterFunc(quiet, k.settle)
		} else {
			k.timer.Reset(quiet)
		}
	}
}

// start runs catchUp in a goroutine; mu is held.
func (k *Tracker) start() {
	k.busy = true
	k.wg.Go(func() {
		k.catchUp()
		k.mu.Lock()
		k.busy = false
		k.mu.Unlock()
	})
}

// settle parses what lies around when output has become slow.
func (k *Tracker) settle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = false
	if !k.closed && !k.busy && len(k.log) > 0 {
		k.start()
	}
}

// take empties the log; mu is held.
func (k *Tracker) take() []part {
	log := k.log
	k.log, k.size = nil, 0
	return log
}

// catchUp parses what is in the log now.
func (k *Tracker) catchUp() {
	k.model.Lock()
	defer k.model.Unlock()
	k.mu.Lock()
	log := k.take()
	k.mu.Unlock()
	k.parse(log)
}

// parse feeds the model; model is held.
func (k *Tracker) parse(log []part) {
	for _, p := range log {
		if p.data == nil {
			k.term.Resize(p.cols, p.rows)
			continue
		}
		for len(p.data) > 0 {
			n := min(len(p.data), parseStep)
			k.term.Write(p.data[:n])
			p.data = p.data[n:]
			runtime.Gosched() // interactive sessions go first
		}
	}
}
