package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/sallyport/sallyport/pam"
)

// Limits of an index. A recording of any length is played in bounded memory: where there would be more segments, they get longer.
const (
	segmentBytes  = 1 << 20  // of entries, from which on a segment may end
	maxSegments   = 1 << 14  // in an index
	maxSegment    = 96 << 20 // stored bytes that are read at once
	maxReplayTime = math.MaxUint32 * time.Millisecond
)

var _ pam.Replayer = (*Recorder)(nil)

// Replay implements pam.Replayer. It reads the whole recording once, in bounded memory: what Verify checks, and that every
// entry can be unpacked. A recording that is damaged can be played up to where it holds; one whose header does not hold has no segments.
func (r *Recorder) Replay(ctx context.Context, path string) (pam.Replay, error) {
	name := filepath.Base(path)
	if r.fs.Path(name) != path {
		return nil, fmt.Errorf("recorder: replay: %q is not in this recorder's directory: %w", path, pam.ErrNotFound)
	}
	live := r.isOpen(name)
	f, err := r.fs.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("recorder: replay: %w: %w", pam.ErrNotFound, err)
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: replay: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("recorder: replay: %w", err)
	}
	x := &indexer{s: newScanner(cancelled{ctx, io.NewSectionReader(f, 0, size)}), spacing: segmentBytes, idle: newIdleFinder()}
	defer x.close()
	rep, err := verifyChain(x.s, r.ring, x.chunk)
	if err != nil {
		return nil, fmt.Errorf("recorder: replay: %w", err)
	}
	var broken *BrokenError
	if live && rep.State == StateBroken && errors.As(rep.Cause, &broken) && broken.Torn {
		rep.State = StateValidIncomplete // the write that is under way
	}
	return &replay{r: r, name: name, segments: x.finish(rep), report: x.report(rep, live)}, nil
}

// cancelled reads until its context ends.
type cancelled struct {
	ctx context.Context
	src io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.src.Read(p)
}

// place is a boundary between chunks: where it is and all that a scanner knows there.
type place struct {
	off  int64
	link [hashLen]byte
	next uint64 // index of the next entry
	raw  uint64
}

func (s *scanner) place() place { return place{s.off, s.link, s.next, s.raw} }

// scannerAt goes on at a place that an earlier scan came by: the chain is checked from its link on.
func scannerAt(src io.Reader, p place) *scanner {
	s := newScanner(src)
	s.started, s.off, s.link, s.next, s.raw = true, p.off, p.link, p.next, p.raw
	return s
}

// segment is a run of entries that is read at once.
type segment struct {
	pam.ReplaySegment
	first      uint64 // index of its first entry
	begin, end place  // of the chunks that hold it
}

// indexer looks at every chunk that verifyChain lets through.
type indexer struct {
	s       *scanner
	dec     *zstd.Decoder
	raw     []byte
	before  place // of the present chunk
	spacing int

	segments []segment
	bytes    int // of entries in the last of them
	now      time.Duration
	size     pam.Size
	last     place // behind the last chunk that holds
	idle     idleFinder

	signed struct { // up to the last signature
		place
		now time.Duration
	}
}

func (x *indexer) close() {
	if x.dec != nil {
		x.dec.Close()
	}
}

// chunk takes one chunk whose framing, chain and, if it has one, signature hold.
func (x *indexer) chunk(c scanned) error {
	defer func() { x.before = x.s.place() }()
	switch {
	case c.typ == chunkHeader:
		x.size = x.s.header.header().Meta.Size
	case c.typ == chunkData:
		if err := x.data(c); err != nil {
			return err
		}
	}
	x.last = x.s.place()
	if c.typ.signed() {
		x.signed.place, x.signed.now = x.last, x.now
	}
	return nil
}

// data takes the entries of a chunk, if all of them can be read.
func (x *indexer) data(c scanned) error {
	raw, err := unpackChunk(&x.dec, c, x.raw)
	if err != nil {
		return err
	}
	x.raw = raw
	entries := entryReader{b: raw}
	for range c.count {
		if _, err := entries.next(); err != nil {
			return err
		}
	}
	if err := entries.close(); err != nil {
		return err
	}
	entries = entryReader{b: raw}
	for i := range uint64(c.count) {
		e, err := entries.next()
		if err != nil {
			return err
		}
		x.entry(e, c.first+i, i == 0)
	}
	return nil
}

// entry takes one entry; atStart says that it is the first of its chunk.
func (x *indexer) entry(e pam.Entry, index uint64, atStart bool) {
	x.now = replayTime(x.now, e.At)
	key := e.Kind == pam.EntryFrame && e.Flags&pam.FlagKey != 0
	if n := len(x.segments); n == 0 || (key && x.bytes > 0) || x.bytes >= x.spacing {
		if n > 0 {
			x.segments[n-1].end = x.s.place()
			if atStart {
				x.segments[n-1].end = x.before
			}
		}
		x.segments = append(x.segments, segment{
			ReplaySegment: pam.ReplaySegment{At: x.now, Key: key || n == 0, Size: x.size}, first: index, begin: x.before,
		})
		x.bytes = 0
		x.thin()
	}
	x.bytes += entrySize(&e)
	if e.Kind == pam.EntryResize {
		if s, ok := resized(e); ok {
			x.size = s
		}
	}
	x.idle.entry(e, x.now)
}

// thin makes one of two segments when there are too many.
func (x *indexer) thin() {
	if len(x.segments) < maxSegments {
		return
	}
	x.spacing *= 2
	kept := x.segments[:0]
	for i, s := range x.segments {
		if i%2 == 0 {
			kept = append(kept, s)
			continue
		}
		kept[len(kept)-1].end = s.end
	}
	if len(x.segments)%2 == 0 { // the one that is open goes on as a part of the one before
		kept[len(kept)-1].end = place{}
	}
	x.segments = kept
}

// finish returns the segments of the part that holds.
func (x *indexer) finish(rep Report) []segment {
	end := x.last
	if rep.forged {
		end, x.now = x.signed.place, x.signed.now
	}
	list := x.segments
	for len(list) > 0 && list[len(list)-1].first >= end.next {
		list = list[:len(list)-1]
	}
	if len(list) > 0 {
		list[len(list)-1].end = end
	}
	return list
}

func (x *indexer) report(rep Report, live bool) pam.ReplayReport {
	out := pam.ReplayReport{
		Meta: rep.Header.Meta, State: pam.RecordingState(rep.State.String()), Live: live, BrokenAt: rep.At, Cause: rep.Cause,
		Entries: rep.Entries, Stored: rep.Stored, Duration: x.now, Signed: min(x.signed.now, x.now), Idle: x.idle.list(x.now),
	}
	if rep.forged {
		out.Entries, out.Stored = rep.SignedEntries, rep.SignedStored
	}
	if rep.Seal != nil {
		end := rep.Seal.End
		out.End = &end
	}
	return out
}

// replayTime is the time of an entry as a player sees it: it never goes back, and is never beyond what a player can count.
func replayTime(now, at time.Duration) time.Duration { return max(now, min(at, maxReplayTime)) }

// replay is one recording that was indexed. It holds no file: each reading opens it anew.
type replay struct {
	r        *Recorder
	name     string
	segments []segment
	report   pam.ReplayReport
}

func (p *replay) Report() pam.ReplayReport { return p.report }

func (p *replay) Segments() []pam.ReplaySegment {
	out := make([]pam.ReplaySegment, len(p.segments))
	for i, s := range p.segments {
		out[i] = s.ReplaySegment
	}
	return out
}

// Segment implements pam.Replay. The bytes are read once and must lead from the link before them to the one behind them that
// the index has: nothing comes out of a file that has been changed since.
func (p *replay) Segment(ctx context.Context, n int, each func(pam.Entry) error) error {
	if n < 0 || n >= len(p.segments) {
		return fmt.Errorf("recorder: replay: segment %d of %d: %w", n, len(p.segments), pam.ErrNotFound)
	}
	seg, last := p.segments[n], p.segments[len(p.segments)-1].end.next
	if n+1 < len(p.segments) {
		last = p.segments[n+1].first
	}
	stored, err := p.read(seg)
	if err != nil {
		return fmt.Errorf("recorder: replay: %w", err)
	}
	if err := checkSegment(stored, seg); err != nil {
		return fmt.Errorf("recorder: replay: %w", err)
	}
	var dec *zstd.Decoder
	defer func() {
		if dec != nil {
			dec.Close()
		}
	}()
	var raw []byte
	now := seg.At
	s := scannerAt(bytes.NewReader(stored), seg.begin)
	for s.off < seg.end.off {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("recorder: replay: %w", err)
		}
		c, err := s.chunk()
		if err != nil {
			return fmt.Errorf("recorder: replay: %w", err)
		}
		if c.typ != chunkData {
			continue
		}
		if raw, err = unpackChunk(&dec, c, raw); err != nil {
			return fmt.Errorf("recorder: replay: %w", &BrokenError{At: c.at, Err: err})
		}
		entries := entryReader{b: raw}
		for i := range uint64(c.count) {
			e, err := entries.next()
			if err != nil {
				return fmt.Errorf("recorder: replay: %w", &BrokenError{At: c.at, Err: err})
			}
			if index := c.first + i; index < seg.first || index >= last {
				continue
			}
			now = replayTime(now, e.At)
			e.At = now
			if err := each(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// read returns the chunks that hold a segment.
func (p *replay) read(seg segment) ([]byte, error) {
	n := seg.end.off - seg.begin.off
	if n <= 0 || n > maxSegment {
		return nil, fmt.Errorf("a segment of %d bytes, at most %d", n, maxSegment)
	}
	f, err := p.r.fs.Read(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", pam.ErrNotFound, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	b := make([]byte, n)
	if _, err := f.ReadAt(b, seg.begin.off); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// checkSegment says whether the bytes are those of the index.
func checkSegment(stored []byte, seg segment) error {
	s := scannerAt(bytes.NewReader(stored), seg.begin)
	for s.off < seg.end.off {
		if _, err := s.chunk(); err != nil {
			return err
		}
	}
	if s.place() != seg.end {
		return &BrokenError{At: seg.begin.off, Err: errors.New("the file has changed since it was checked")}
	}
	return nil
}
