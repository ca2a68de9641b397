package recorder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// Progress tells how far a recording has come (architecture "Record or stop"). Durable <= Written <= Appended.
type Progress struct {
	Appended uint64 // index of the last entry that Append took
	Written  uint64 // index of the last entry for which write(2) has returned
	Durable  uint64 // index of the last entry that fsync has covered
	Stored   int64  // length of the file
}

// Recording is one open recording; Recorder.Open makes it.
type Recording struct {
	r       *Recorder
	f       File
	name    string
	session pam.SessionID

	// notify guards watcher calls, so that Written never follows Failed. Nothing but the recorder's own
	// goroutines takes it, and never while holding mu: a watcher may therefore call Append.
	notify  sync.Mutex
	watcher pam.RecordingWatcher
	told    bool // Failed was called

	mu   sync.Mutex // guards everything below but the writer's own fields; never held across I/O
	cond sync.Cond  // a sync has ended, or an error came

	pending      []pam.Entry
	pendingBytes int64
	last         time.Duration // time of the newest entry
	appended     uint64
	written      uint64
	durable      uint64
	err          error     // the first one
	writing      bool      // a writer goroutine runs
	closing      bool      // Close was called: the end entry is queued
	finishing    bool      // the writer closes the file: no sync of its own starts
	busySince    time.Time // when the writer's present step began; zero while none
	warned       bool      // of the present step being slow
	stall        *time.Timer
	done         chan struct{} // closed when the file is

	sync syncState

	// The writer's own: one goroutine at a time, handed over under mu.
	off      int64 // length of the file up to the last whole chunk
	reserved int64 // the file may grow to this length
	noRoom   bool  // the store cannot reserve: only the floor and what is promised protect
	promised int64 // of the ledger: where noRoom, what is reserved beyond off
	link     [hashLen]byte
	raw      uint64        // bytes of entries before compression
	at       time.Duration // of the newest entry in the file
	sinceSig int64         // stored bytes since the last signature
	torn     bool          // a write failed, so there may be part of a chunk beyond off
	thrift   thrift        // of compressing
	hasEnd   bool          // the end entry is in the file
	end      pam.EndEntry
}

var _ pam.Recording = (*Recording)(nil)

// Path implements pam.Recording.
func (rec *Recording) Path() string { return rec.r.fs.Path(rec.name) }

// Progress returns the three indexes and the stored length.
func (rec *Recording) Progress() Progress {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return Progress{Appended: rec.appended, Written: rec.written, Durable: rec.durable, Stored: rec.sync.stored}
}

// Append implements pam.Recording. It returns the first error of the recording, an error matching ErrEntry or
// ErrBehind (which then is the first error), or ErrClosed after Close.
func (rec *Recording) Append(e pam.Entry) (uint64, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.err != nil {
		return 0, rec.err
	}
	if rec.closing {
		return 0, ErrClosed
	}
	err := checkEntry(e)
	if n := int64(entrySize(&e)); err == nil && !rec.r.enough(rec.pendingBytes+n, n) {
		err = ErrBehind
	}
	if err != nil {
		// What cannot be recorded must not happen (S03). The watcher is told by a goroutine of ours, since
		// the caller may hold locks that it takes.
		err = fmt.Errorf("recorder: entry %d: %w", rec.appended+1, err)
		rec.latch(err)
		rec.start()
		return 0, err
	}
	rec.push(e)
	return rec.appended, nil
}

// push queues e. Needs mu.
func (rec *Recording) push(e pam.Entry) {
	rec.appended++
	rec.last = e.At
	rec.pending = append(rec.pending, e)
	rec.countPending(int64(entrySize(&e)))
	rec.start()
}

// countPending counts n bytes more, or less, that wait. Needs mu.
func (rec *Recording) countPending(n int64) {
	rec.pendingBytes += n
	rec.r.addPending(n)
}

// start makes sure that a writer goroutine runs. Needs mu.
func (rec *Recording) start() {
	if !rec.writing {
		rec.writing = true
		go rec.write()
	}
}

// latch keeps the first error. Needs mu. The writer goroutine tells the watcher.
func (rec *Recording) latch(err error) {
	if rec.err == nil {
		rec.err = err
		rec.pending = nil
		rec.countPending(-rec.pendingBytes)
		rec.cond.Broadcast()
	}
}

// fail latches err and tells the watcher. It is called by the recorder's goroutines without mu.
func (rec *Recording) fail(err error) {
	rec.mu.Lock()
	rec.latch(err)
	err = rec.err
	rec.mu.Unlock()
	rec.tell(err)
}

// tell calls Failed once.
func (rec *Recording) tell(err error) {
	rec.notify.Lock()
	defer rec.notify.Unlock()
	if rec.told {
		return
	}
	rec.told = true
	rec.r.met.countFailure(err)
	rec.r.log.Error("recording failed", "session", rec.session, "file", rec.name, "err", err)
	rec.watcher.Failed(err)
}

// tellWritten calls Written unless the recording has failed in between.
func (rec *Recording) tellWritten(index uint64) {
	rec.notify.Lock()
	defer rec.notify.Unlock()
	if !rec.told {
		rec.watcher.Written(index)
	}
}

// Close implements pam.Recording. Further calls wait for the same end and return the same error; their end
// entry is ignored.
func (rec *Recording) Close(ctx context.Context, end pam.Entry) error {
	end.Kind = pam.EntryEnd
	if err := checkEntry(end); err != nil {
		end.Data, end.Participant = nil, "" // an end without a reason is better than none
	}
	rec.beginClose(end)
	return rec.wait(ctx)
}

// beginClose queues the end entry, after which nothing else is taken.
func (rec *Recording) beginClose(end pam.Entry) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.closing {
		return
	}
	rec.closing = true
	rec.r.wg.Add(1) // until done: the writer goroutine finishes the file
	_ = json.Unmarshal(end.Data, &rec.end)
	if rec.err == nil {
		rec.push(end)
	} else {
		rec.start()
	}
}

// wait returns when the file is closed, or ctx ends.
func (rec *Recording) wait(ctx context.Context) error {
	select {
	case <-rec.done:
		return rec.firstErr()
	default:
	}
	select {
	case <-rec.done:
		return rec.firstErr()
	case <-ctx.Done():
		if err := rec.firstErr(); err != nil {
			return err
		}
		return fmt.Errorf("recorder: closing: %w", context.Cause(ctx))
	}
}

func (rec *Recording) firstErr() error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.err
}

func (rec *Recording) lastAt() time.Duration {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.last
}

// endEntry builds an end entry.
func endEntry(reason pam.EndReason, at time.Duration) pam.Entry {
	data, err := json.Marshal(pam.EndEntry{Reason: reason})
	if err != nil {
		data = nil // a string always marshals
	}
	return pam.Entry{Kind: pam.EntryEnd, At: at, Data: data}
}

// finish seals what can be sealed, makes it durable and closes the file. The writer goroutine calls it once,
// when Close was called and nothing is pending.
func (rec *Recording) finish() {
	rec.awaitSync()
	first := rec.firstErr()
	var err error
	if first != nil {
		rec.salvage(first)
	} else {
		err = rec.seal(Seal{Complete: true, End: rec.end})
		if err == nil {
			err = rec.f.Truncate(rec.off) // gives the reserved room back
		}
		if err == nil {
			err = rec.f.Sync()
		}
	}
	if closeErr := rec.f.Close(); err == nil && first == nil {
		err = closeErr
	}
	if err != nil {
		rec.fail(fmt.Errorf("recorder: sealing: %w", err))
	}
	rec.r.forget(rec)
	rec.mu.Lock()
	if rec.err == nil {
		rec.durable = rec.written
	}
	rec.countUnsynced(-rec.sync.behind) // durable, or the adopter's to judge
	close(rec.done)
	rec.mu.Unlock()
	rec.r.wg.Done()
}

// salvage tries to leave a failed recording whole: without the torn end, with an end entry, and sealed as
// incomplete. Whatever of it fails is left to the adopter of the next start.
func (rec *Recording) salvage(cause error) {
	if rec.torn {
		if err := rec.f.Truncate(rec.off); err != nil {
			return
		}
		rec.torn = false
	}
	if !rec.hasEnd {
		end := pam.Entry{Kind: pam.EntryEnd, At: rec.lastAt()}
		end.Data, _ = json.Marshal(rec.end)
		buf := rec.r.buffer()
		defer rec.r.putBuffer(buf)
		chunk, link := rec.encode(buf, []pam.Entry{end}, rec.written+1)
		if err := rec.put(chunk, link); err != nil {
			return
		}
		rec.raw += rawLen(chunk)
		rec.mu.Lock()
		rec.written++
		rec.mu.Unlock()
	}
	if err := rec.seal(Seal{Complete: false, End: rec.end}); err != nil {
		return
	}
	if err := errors.Join(rec.f.Truncate(rec.off), rec.f.Sync()); err != nil {
		rec.r.log.Warn("failed recording is sealed but may not be durable", "session", rec.session, "file", rec.name, "err", err)
		return
	}
	rec.r.log.Info("failed recording is sealed as incomplete", "session", rec.session, "file", rec.name, "cause", cause)
}
