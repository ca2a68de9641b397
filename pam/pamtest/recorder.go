package pamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// Recorder is a pam.Recorder in memory. By itself it "writes" every entry at once; Hold plays a slow disk. The
// zero value is ready. Faults knows its method "Open", and of all its recordings "Append" and "Close".
type Recorder struct {
	Faults

	mu         sync.Mutex // guards all below
	recordings []*Recording
	wake       chan struct{} // closed and replaced at every Open
}

var _ pam.Recorder = (*Recorder)(nil)

// Open implements pam.Recorder.
func (r *Recorder) Open(ctx context.Context, m pam.RecordingMeta, w pam.RecordingWatcher) (pam.Recording, error) {
	if err := r.enter(ctx, "Open"); err != nil {
		return nil, err
	}
	rec := &Recording{Meta: m, faults: &r.Faults, watcher: w, work: make(chan struct{}, 1), done: make(chan struct{})}
	go rec.writer()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recordings = append(r.recordings, rec)
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
	return rec, nil
}

// Recording returns the nth recording, counted from 1, as soon as it is open, or ctx's cause.
func (r *Recorder) Recording(ctx context.Context, nth int) (*Recording, error) {
	for {
		r.mu.Lock()
		if len(r.recordings) >= nth {
			defer r.mu.Unlock()
			return r.recordings[nth-1], nil
		}
		if r.wake == nil {
			r.wake = make(chan struct{})
		}
		wake := r.wake
		r.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Recording is one recording of a Recorder. Its one goroutine tells the watcher what is written; it ends with
// Close or Break.
type Recording struct {
	Meta pam.RecordingMeta

	faults  *Faults
	watcher pam.RecordingWatcher
	work    chan struct{} // wakes the writer
	done    chan struct{} // closed when the writer has ended

	mu      sync.Mutex // guards all below; never held while the watcher is called
	entries []pam.Entry
	end     *pam.Entry
	held    bool
	written uint64
	broken  error
	closing bool
}

var (
	_ pam.Recording = (*Recording)(nil)

	// ErrRecordingClosed is what Append returns after Close.
	ErrRecordingClosed = errors.New("pamtest: the recording is closed")
)

// Append implements pam.Recording. An injected error breaks the recording, as a failed write would.
func (r *Recording) Append(e pam.Entry) (uint64, error) {
	if err := r.faults.enter(context.Background(), "Append"); err != nil {
		r.Break(err)
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.broken != nil:
		return 0, r.broken
	case r.closing:
		return 0, ErrRecordingClosed
	}
	e.Data = bytes.Clone(e.Data)
	r.entries = append(r.entries, e)
	r.poke()
	return uint64(len(r.entries)), nil
}

// Close implements pam.Recording.
func (r *Recording) Close(ctx context.Context, end pam.Entry) error {
	err := r.faults.enter(ctx, "Close")
	r.mu.Lock()
	if !r.closing {
		r.closing = true
		end.Data = bytes.Clone(end.Data)
		r.end = &end
		r.poke()
	}
	r.mu.Unlock()
	select {
	case <-r.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	return err
}

// Path implements pam.Recording.
func (r *Recording) Path() string { return fmt.Sprintf("memory:%s", r.Meta.Session) }

// Hold stops (true) or lets go (false) the writer: while held, nothing more is reported as written.
func (r *Recording) Hold(hold bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = hold
	r.poke()
}

// Break makes the recording fail now: the watcher hears of it and every later Append returns err.
func (r *Recording) Break(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken == nil {
		r.broken = err
	}
	r.poke()
}

// Entries returns what was appended so far; with kinds, only entries of these.
func (r *Recording) Entries(kinds ...pam.EntryKind) []pam.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []pam.Entry
	for _, e := range r.entries {
		if len(kinds) == 0 || slices.Contains(kinds, e.Kind) {
			out = append(out, e)
		}
	}
	return out
}

// Output returns the terminal bytes recorded so far.
func (r *Recording) Output() string {
	var b []byte
	for _, e := range r.Entries(pam.EntryFrame) {
		if e.Frame == pam.FrameOutput && e.Flags&pam.FlagRepeat == 0 {
			b = append(b, e.Data...)
		}
	}
	return string(b)
}

// Written returns the index up to which the watcher was told, or is being told, that entries are written.
func (r *Recording) Written() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.written
}

// End returns the end entry given to Close, nil before.
func (r *Recording) End() *pam.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end
}

// Done is closed when the recording is closed or broken and the watcher has heard all that it will.
func (r *Recording) Done() <-chan struct{} { return r.done }

func (r *Recording) poke() {
	select {
	case r.work <- struct{}{}:
	default:
	}
}

// writer is the recording's goroutine: it alone calls the watcher.
func (r *Recording) writer() {
	defer close(r.done)
	for range r.work {
		r.mu.Lock()
		broken, closing := r.broken, r.closing
		upTo := uint64(0)
		if broken == nil && !r.held && uint64(len(r.entries)) > r.written {
			r.written = uint64(len(r.entries))
			upTo = r.written
		}
		held := r.held
		r.mu.Unlock()
		switch {
		case broken != nil:
			r.watcher.Failed(broken)
			return
		case upTo > 0:
			r.watcher.Written(upTo)
		}
		if closing && !held {
			return
		}
	}
}
