package eventlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// ErrDamaged says that a file holds a line that is no event, or an event that does not follow.
var ErrDamaged = errors.New("the event file is damaged")

// maxLine bounds one line of a file.
const maxLine = 1 << 20

// File is a file with one event as JSON on each line. It is a pam.EventSink, EventLog and EventSequencer. One process may
// have it open. Reading looks at the whole file: for more than some ten thousand events use package sqlstore.
type File struct {
	path string
	torn int64

	mu     sync.Mutex // keeps lines whole; held during the write, since an event is not taken before its line is down
	f      *os.File
	size   int64 // up to where the lines are good
	last   sequence
	broken error // set when size does not hold any more
}

// OpenFile opens a file of events, or makes one with mode 0600, and finds out how far it goes. A last line that is torn,
// because a machine died in the middle of it, is cut off: it was never acknowledged. Damage anywhere else is an error that
// names the line, since nobody but an operator can say what is true.
func OpenFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("eventlog: %w", err)
	}
	l := &File{path: path, f: f, last: sequence{}}
	if err := l.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("eventlog: %s: %w", path, err), f.Close())
	}
	return l, nil
}

func (l *File) start() error {
	if err := lock(l.f); err != nil {
		return fmt.Errorf("another process has it open: %w", err)
	}
	n := 0
	seen := map[string]bool{}
	size, torn, err := scan(context.Background(), l.f, math.MaxInt64, func(e pam.Event, _ int64) error {
		n++
		// Whoever rotates the file takes the first events away, so a gateway may begin anywhere.
		if seen[e.Gateway] {
			if err := l.last.check(e); err != nil {
				return fmt.Errorf("line %d: %w: %w", n, ErrDamaged, err)
			}
		}
		seen[e.Gateway] = true
		l.last[e.Gateway] = e.Seq
		return nil
	})
	if err != nil {
		return err
	}
	l.size, l.torn = size, torn
	if torn > 0 {
		if err := l.f.Truncate(size); err != nil {
			return fmt.Errorf("cutting off a torn line: %w", err)
		}
	}
	if err := l.f.Sync(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(l.path)) // the name of a new file must outlive a crash too
}

// Torn returns how many bytes of a torn line were cut off when the file was opened.
func (l *File) Torn() int64 { return l.torn }

// scan reads whole lines up to a size and gives each event with the offset of its end. It returns the offset after the last
// whole line and the number of bytes after it.
func scan(ctx context.Context, f *os.File, size int64, take func(e pam.Event, end int64) error) (good, torn int64, err error) {
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 64<<10)
	var line []byte
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return good, 0, err
		}
		line = line[:0]
		for {
			part, err := r.ReadSlice('\n')
			line = append(line, part...)
			if err == nil {
				break
			}
			if errors.Is(err, io.EOF) {
				return good, int64(len(line)), nil
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return good, 0, err
			}
			if len(line) > maxLine {
				return good, 0, fmt.Errorf("line %d: %w: longer than %d bytes", n, ErrDamaged, maxLine)
			}
		}
		var e pam.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return good, 0, fmt.Errorf("line %d: %w: %w", n, ErrDamaged, err)
		}
		good += int64(len(line))
		if err := take(e, good); err != nil {
			return good, 0, err
		}
	}
}

// Write implements pam.EventSink: it returns nil when the line is on the disk.
func (l *File) Write(ctx context.Context, e pam.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("eventlog: %w", err)
	}
	line = append(escapeJSON(line), '\n')
	if len(line) > maxLine {
		return fmt.Errorf("eventlog: event of %d bytes, at most %d", len(line), maxLine)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if err := l.last.check(e); err != nil {
		return fmt.Errorf("eventlog: %s: %w", l.path, err)
	}
	_, err = l.f.Write(line)
	if err == nil {
		err = l.f.Sync()
	}
	if err != nil {
		// What came down of it must not stay: the next line would be glued to it, or the event would be there twice.
		if back := errors.Join(l.f.Truncate(l.size), l.f.Sync()); back != nil {
			l.broken = fmt.Errorf("eventlog: %s holds half an event: %w", l.path, errors.Join(err, back))
		}
		return fmt.Errorf("eventlog: %w", err)
	}
	l.size += int64(len(line))
	l.last[e.Gateway] = e.Seq
	return nil
}

// LastSeq implements pam.EventSequencer.
func (l *File) LastSeq(ctx context.Context, gateway string) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last[gateway], ctx.Err()
}

// Events implements pam.EventLog.
func (l *File) Events(ctx context.Context, f pam.EventFilter) (pam.EventPage, error) {
	l.mu.Lock()
	size := l.size
	l.mu.Unlock()
	if f.Before != 0 {
		size = min(size, int64(min(f.Before-1, math.MaxInt64)))
	}
	keep := f.PageSize() + 1 // one more tells whether another page follows
	type found struct {
		event pam.Event
		end   int64
	}
	var newest []found // the last keep ones, and some before them
	_, _, err := scan(ctx, l.f, size, func(e pam.Event, end int64) error {
		if f.Matches(e) {
			if len(newest) == 2*keep {
				newest = append(newest[:0], newest[keep:]...)
			}
			newest = append(newest, found{e, end})
		}
		return nil
	})
	if err != nil {
		return pam.EventPage{}, fmt.Errorf("eventlog: %s: %w", l.path, err)
	}
	p := pager{filter: f, size: f.PageSize()}
	for i := len(newest) - 1; i >= 0 && !p.full(); i-- {
		p.take(newest[i].event, uint64(newest[i].end))
	}
	return p.page, nil
}

// Close closes the file.
func (l *File) Close() error { return l.f.Close() }

// escapeJSON escapes what JSON would let through and a terminal or an editor might act on: DEL, C1 controls, marks of
// direction. Outside of strings JSON has none of them.
func escapeJSON(b []byte) []byte {
	if !bytes.ContainsFunc(b, acts) {
		return b
	}
	var out bytes.Buffer
	for _, r := range string(b) {
		if acts(r) {
			fmt.Fprintf(&out, `\u%04x`, r) // all of them are below U+10000
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

// acts reports whether a character does something instead of standing for itself. Beyond the basic plane there is none that
// matters: tags are invisible, but move nothing.
func acts(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x206f || r == 0xfeff || r == 0x061c || r == 0xad
}
