package recorder

import (
	"fmt"
	"sync"
	"time"
)

// Room on the disk runs low, and says so, below this many times the floor.
const lowSpaceTimes = 2

// lowSpaceEvery is how often the log repeats that room is low.
const lowSpaceEvery = time.Minute

// ledger counts bytes that were promised to recordings and that FS.Free does not show as used yet: reservations
// under way, and all of them where the system cannot reserve. Without it, many recordings that ask in the same
// moment would each be told that the same free bytes are theirs.
type ledger struct {
	mu       sync.Mutex // guards all below; never held across I/O
	promised int64
	warned   time.Time // when the log last said that room is low
}

// promise counts n more bytes and returns all that are promised now.
func (l *ledger) promise(n int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promised += n
	return l.promised
}

// claim promises n bytes, or fails when less than the floor would be left. Whoever has claimed calls release once
// FS.Free shows the bytes as used, or they are not needed any more.
//
// The order matters: what is promised is counted before Free is asked. A reservation that ends in between is then
// counted twice, which is safe; counted after, it could be missed.
func (r *Recorder) claim(n int64) error {
	if r.cfg.FreeFloor == 0 {
		return nil
	}
	promised := uint64(r.space.promise(n))
	free, err := r.fs.Free()
	if err != nil {
		r.release(n)
		return err
	}
	left := free - min(promised, free)
	r.met.free.Update(int64(min(left, 1<<62)))
	if left < r.cfg.FreeFloor {
		r.release(n)
		return fmt.Errorf("%w: %d bytes free, %d of them promised, want %d left", ErrNoSpace, free, promised, r.cfg.FreeFloor)
	}
	if left/lowSpaceTimes < r.cfg.FreeFloor {
		r.warnLow(left)
	}
	return nil
}

// release takes back a claim of n bytes.
func (r *Recorder) release(n int64) {
	if r.cfg.FreeFloor != 0 {
		r.space.promise(-n)
	}
}

// warnLow tells operators, before recordings fail, that they soon will.
func (r *Recorder) warnLow(left uint64) {
	r.met.lowSpace.Inc(1)
	r.space.mu.Lock()
	now := time.Now()
	due := r.space.warned.IsZero() || now.Sub(r.space.warned) >= lowSpaceEvery
	if due {
		r.space.warned = now
	}
	r.space.mu.Unlock()
	if due {
		r.log.Warn("room for recordings runs low", "left", left, "floor", r.cfg.FreeFloor)
	}
}
