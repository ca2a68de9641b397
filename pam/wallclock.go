package pam

import (
	"encoding/json"
	"sync/atomic"
	"time"
)

// A recording counts its time by the monotonic clock from one wall anchor, RecordingMeta.Started. When the wall clock is then set, or a machine
// slept while the one ran and the other did not, the two drift apart, and the anchor alone no longer says when something was. So a recording says
// where they parted (S38): an entry with the time of day as it is from there on. What came first is told by the order of entries, never by a clock.

// EventClock is the SessionEvent.Type of that entry.
const EventClock = "clock"

// clockStep is how far the clocks must part before it is written down. A clock that is slewed instead of set comes to that every half hour at
// most, at the 500 ppm that kernels allow.
const clockStep = time.Second

// wallClock knows by how much the wall clock is ahead of what the recording says.
type wallClock struct{ skew atomic.Int64 }

// step compares the clocks and reports by how much the wall clock was moved since it was last found out, or zero. mono and wall read them, wall
// from the anchor on.
func (c *wallClock) step(mono, wall func() time.Duration) time.Duration {
	before := mono()
	w := wall()
	if mono()-before > clockStep/10 { // this goroutine did not run in between: nothing can be said now
		return 0
	}
	known := c.skew.Load()
	skew := int64(w - before)
	moved := time.Duration(skew - known)
	if moved.Abs() < clockStep || !c.skew.CompareAndSwap(known, skew) { // somebody else writes it down
		return 0
	}
	return moved
}

// wall is the time of day since the session was created. Both readings are stripped of the monotonic clock, which Sub would prefer.
func (s *liveSession) wall() time.Duration {
	return s.b.cfg.Now().Round(0).Sub(s.created.Round(0))
}

// enter appends an entry to the recording, and before it a word on the clock if that was set.
func (s *liveSession) enter(rec Recording, e Entry) (uint64, error) {
	if err := s.noteClock(rec, e.At); err != nil {
		return 0, err
	}
	return rec.Append(e)
}

// noteClock writes down that the wall clock was set, if it was. at is the time of what is about to be written.
func (s *liveSession) noteClock(rec Recording, at time.Duration) error {
	moved := s.wallClock.step(s.at, s.wall)
	if moved == 0 {
		return nil
	}
	now := s.b.cfg.Now()
	s.log.Warn("the clock of this machine was set, or stood still", "by", moved, "now", now)
	data, err := json.Marshal(SessionEvent{Type: EventClock, Wall: now.UTC().Format(time.RFC3339Nano), Step: moved.Milliseconds()})
	if err != nil {
		return err
	}
	_, err = rec.Append(Entry{Kind: EntryEvent, At: at, Data: data})
	return err
}

// checkClock does so for a session in which nothing happens. The sweep of the review asks.
func (s *liveSession) checkClock() {
	s.mu.Lock()
	rec := s.recording
	s.mu.Unlock()
	if rec != nil {
		_ = s.noteClock(rec, s.at()) // a recording that failed tells its watcher
	}
}
