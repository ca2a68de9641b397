package recorder

import (
	"fmt"
	"time"
)

// syncState is the durable side of a recording. Its fields are guarded by Recording.mu.
//
// A sync begins at three quarters of the byte limit or of the time limit, and in a flood at half the byte limit, so that it normally ends before
// the limit is reached and writes go on meanwhile. Only at the limit does the writer wait: what is written, and so
// may be shown, is never further ahead of what is durable than Config says.
type syncState struct {
	stored   int64     // length of the file
	behind   int64     // stored bytes that no finished sync covers
	oldest   time.Time // when the oldest byte was written that no started sync covers; zero if none
	inFlight time.Time // the same for the sync under way; zero if none
	running  bool
	timer    *time.Timer // nil if none is set
}

// flood is the time in which half the byte limit is written when there is so much that the other half might be full before a sync ends. A sync
// costs as much CPU time as many writes, so that a desktop, which takes longer, has fewer of them.
const flood = 50 * time.Millisecond

// noteWritten counts n written bytes and arranges for their sync.
//
// time.Now is used here and not Config.Now: this is elapsed time on the monotonic clock, and a wall clock that
// steps must not stop a recording (S38).
func (rec *Recording) noteWritten(n int64) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	s := &rec.sync
	s.stored = rec.off
	rec.countUnsynced(n)
	if s.oldest.IsZero() {
		s.oldest = time.Now()
	}
	rec.arrange()
}

// countUnsynced counts n bytes more, or less, that no finished sync covers. Needs mu.
func (rec *Recording) countUnsynced(n int64) {
	rec.sync.behind += n
	rec.r.addUnsynced(n)
}

// arrange starts a sync or its timer if one is due. After a failure none is: a second fsync would say yes for pages
// that the first one lost. Needs mu.
func (rec *Recording) arrange() {
	s := &rec.sync
	if s.running || s.oldest.IsZero() || rec.finishing || rec.err != nil {
		return
	}
	if n := rec.r.cfg.SyncBytes; s.behind >= n*3/4 || s.behind >= n/2 && time.Since(s.oldest) < flood {
		rec.startSync()
		return
	}
	if s.timer == nil {
		// Counted from the oldest byte, which may have waited behind a sync already.
		wait := rec.r.cfg.SyncInterval*3/4 - time.Since(s.oldest)
		s.timer = time.AfterFunc(max(wait, 0), func() {
			rec.mu.Lock()
			defer rec.mu.Unlock()
			// Stopped under mu but already on its way: then the timer is another one, or none.
			if s.timer != nil && !s.running && !rec.finishing && rec.err == nil {
				rec.startSync()
			}
		})
	}
}

// startSync runs one sync in a goroutine. Needs mu, and none running.
func (rec *Recording) startSync() {
	s := &rec.sync
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.running = true
	s.inFlight, s.oldest = s.oldest, time.Time{}
	index, bytes := rec.written, s.behind
	go func() {
		began := time.Now()
		err := rec.f.Sync()
		rec.r.met.sync.Update(time.Since(began).Microseconds())
		if err != nil {
			// Never tried again: after a failed fsync the kernel may have dropped the pages and say yes.
			rec.fail(fmt.Errorf("recorder: sync: %w", err))
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		s.running = false
		s.inFlight = time.Time{}
		if err == nil {
			rec.countUnsynced(-bytes)
			rec.durable = max(rec.durable, index)
			if rec.err == nil {
				rec.arrange()
			}
		}
		rec.cond.Broadcast()
	}()
}

// awaitRoom blocks the writer while n more bytes would be too far ahead of what is durable. It returns the
// recording's error if one comes meanwhile: the stall watch sees to it that one does.
func (rec *Recording) awaitRoom(n int64) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	s := &rec.sync
	for rec.err == nil {
		full := s.behind > 0 && s.behind+n > rec.r.cfg.SyncBytes
		late := s.running && time.Since(s.inFlight) >= rec.r.cfg.SyncInterval
		if !full && !late {
			return nil
		}
		if !s.running {
			rec.startSync()
		}
		rec.cond.Wait()
		if rec.err == nil {
			rec.restartStep() // a sync has ended: the store is slow, but it moves
		}
	}
	return rec.err
}

// awaitSync lets no further sync begin and waits for the one under way.
func (rec *Recording) awaitSync() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	s := &rec.sync
	rec.finishing = true
	for s.running {
		rec.cond.Wait()
		rec.restartStep() // as in awaitRoom
	}
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}
