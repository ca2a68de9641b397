package pam

import (
	"context"
	"encoding/json"
	"io"
	"sync"
)

// NewJSONEvents returns a sink that writes each event as one line of JSON to w. If w has a Sync method (an
// *os.File has), every line is synced before Write returns.
func NewJSONEvents(w io.Writer) EventSink { return &jsonEvents{w: w} }

type jsonEvents struct {
	mu sync.Mutex // keeps lines whole; held during the write, since a line is not taken before it is down
	w  io.Writer
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
	if s, ok := j.w.(interface{ Sync() error }); ok {
		if err := s.Sync(); err != nil {
			j.broken = err
			return err
		}
	}
	return nil
}
