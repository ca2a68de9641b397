package pam

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"sync"
)

// NewJSONEvents returns a sink that writes each event as one line of JSON to w. If w has a Sync method (an
// *os.File has), every line is synced before Write returns; a file that is none of a disk, such as a terminal or a pipe, cannot
// be synced and is only written to.
func NewJSONEvents(w io.Writer) EventSink {
	j := &jsonEvents{w: w}
	j.sync, _ = w.(interface{ Sync() error })
	if f, ok := w.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
			j.sync = nil
		}
	}
	return j
}

type jsonEvents struct {
	mu sync.Mutex // keeps lines whole; held during the write, since a line is not taken before it is down
	w  io.Writer
	// sync makes what was written durable; nil: nothing can.
	sync interface{ Sync() error }
	// broken latches the first failure: after a short write the next line would be glued to a torn one.
	broken error
}

func (j *jsonEvents) Write(_ context.Context, e Event) error {
	b, err := json.Marshal(e) // escapes control characters: a name cannot forge a line
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if _, err := j.w.Write(append(b, '\n')); err != nil {
		j.broken = err
		return err
	}
	if j.sync == nil {
		return nil
	}
	if err := j.sync.Sync(); err != nil {
		j.broken = err
		return err
	}
	return nil
}
