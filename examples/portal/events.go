package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// eventEntry is an event with its place in the log.
type eventEntry struct {
	ID int64 `json:"-"` // grows with time
	pam.Event
}

// eventQuery narrows the log. The zero value matches all.
type eventQuery struct {
	Verb     pam.Verb
	User     pam.UserID
	Asset    pam.AssetID
	Session  pam.SessionID
	From, To time.Time // From inclusive, To exclusive; zero: no bound
	Words    []string  // lower case; all must occur
	Before   int64     // ID; zero: the newest
	Limit    int
}

// eventLog keeps the audit events and finds them again.
type eventLog interface {
	pam.EventSink
	// Find returns matching events, the newest first, and whether there are more.
	Find(ctx context.Context, q eventQuery) (list []eventEntry, more bool, err error)
	// Event returns the event with that ID, or an error matching pam.ErrNotFound.
	Event(ctx context.Context, id int64) (eventEntry, error)
}

// fileEvents is an eventLog over a file with one JSON object a line, which other programs may follow as well. An
// event's ID is the offset of its line's end.
type fileEvents struct {
	pam.EventSink
	f *os.File
}

var _ eventLog = (*fileEvents)(nil)

// openEvents opens the file, or makes it. What a crash left of a last line is closed off, so that the next event
// stands on a line of its own.
func openEvents(path string) (*fileEvents, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("portal: events: %w", err)
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err == nil && end > 0 {
		var last [1]byte
		if _, err = f.ReadAt(last[:], end-1); err == nil && last[0] != '\n' {
			_, err = f.WriteString("\n")
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("portal: events: %w", err), f.Close())
	}
	return &fileEvents{EventSink: pam.NewJSONEvents(f), f: f}, nil
}

func (e *fileEvents) Close() error { return e.f.Close() }

// Limits of reading.
const (
	eventBlock = 256 << 10 // bytes read at a time
	maxEvent   = 1 << 20   // bytes of a line; a longer one is not an event
)

// Find implements eventLog. It reads from the end, so that recent events cost little however long the log is.
func (e *fileEvents) Find(ctx context.Context, q eventQuery) (list []eventEntry, more bool, err error) {
	end := q.Before
	if end <= 0 {
		if end, err = e.size(); err != nil {
			return nil, false, err
		}
	} else {
		end = e.lineStart(end)
	}
	err = e.backwards(ctx, end, func(id int64, line []byte) bool {
		var entry eventEntry
		if json.Unmarshal(line, &entry) != nil {
			return true
		}
		if !q.matches(entry.Event) {
			// Clocks are set back now and then, by less than an hour.
			return q.From.IsZero() || entry.At.After(q.From.Add(-time.Hour))
		}
		if q.Limit > 0 && len(list) == q.Limit {
			more = true
			return false
		}
		entry.ID = id
		list = append(list, entry)
		return true
	})
	return list, more, err
}

// Event implements eventLog.
func (e *fileEvents) Event(ctx context.Context, id int64) (entry eventEntry, err error) {
	size, err := e.size()
	if err != nil {
		return entry, err
	}
	found := false
	if id > 0 && id <= size {
		err = e.backwards(ctx, id, func(at int64, line []byte) bool {
			found = at == id && json.Unmarshal(line, &entry) == nil
			return false
		})
	}
	if err == nil && !found {
		err = fmt.Errorf("portal: event %d: %w", id, pam.ErrNotFound)
	}
	entry.ID = id
	return entry, err
}

func (e *fileEvents) size() (int64, error) {
	st, err := e.f.Stat()
	if err != nil {
		return 0, fmt.Errorf("portal: events: %w", err)
	}
	return st.Size(), nil
}

// lineStart returns where the line that ends at end begins; 0 if there is no such line.
func (e *fileEvents) lineStart(end int64) (start int64) {
	_ = e.backwards(context.Background(), end, func(at int64, line []byte) bool {
		start = at - int64(len(line)) - 1
		return false
	})
	return max(start, 0)
}

// backwards calls line for each whole line before end, the last first, until it returns false. id is the offset of
// the line's end.
func (e *fileEvents) backwards(ctx context.Context, end int64, line func(id int64, text []byte) bool) error {
	var rest []byte // the beginning of what follows, up to its first line end
	for at := end; at > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(at, eventBlock)
		block := make([]byte, n, int(n)+len(rest))
		if _, err := e.f.ReadAt(block, at-n); err != nil {
			return fmt.Errorf("portal: events: %w", err)
		}
		block = append(block, rest...)
		at -= n
		for {
			stop := bytes.LastIndexByte(block, '\n')
			if stop < 0 {
				break
			}
			begin := bytes.LastIndexByte(block[:stop], '\n') + 1
			if begin == 0 && at > 0 {
				break // the line begins further up
			}
			if !line(at+int64(stop)+1, block[begin:stop]) {
				return nil
			}
			block = block[:begin]
		}
		if rest = block; len(rest) > maxEvent {
			rest = nil
		}
	}
	return nil
}

func (q eventQuery) matches(e pam.Event) bool {
	switch {
	case q.Verb != "" && e.Verb != q.Verb, q.User != "" && e.User != q.User, q.Asset != "" && e.Asset != q.Asset,
		q.Session != "" && e.Session != q.Session, !q.From.IsZero() && e.At.Before(q.From), !q.To.IsZero() && !e.At.Before(q.To):
		return false
	}
	return len(q.Words) == 0 || matches(eventText(e), q.Words)
}

// eventText is what a search looks through.
func eventText(e pam.Event) string {
	return strings.ToLower(strings.Join([]string{
		string(e.Verb), string(e.User), string(e.Asset), string(e.Session), e.ClientAddr, e.SocketAddr, string(e.Code),
		string(e.Reason), e.Detail, strings.Join(e.Rules, " "),
	}, " "))
}
