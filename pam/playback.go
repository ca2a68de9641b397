package pam

import (
	"bufio"
	"encoding/binary"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Playback is a recording that somebody plays. Its id grants nothing: it belongs to one login, whose right is asked for at each use.
type Playback struct {
	ID       string
	Session  SessionInfo
	Report   ReplayReport
	Segments []ReplaySegment

	user  UserID
	login string
	// request is the access request by which it was opened; empty if no workflow governs it.
	request RequestID
	replay  Replay
	used    time.Time // guarded by playbacks.mu
}

// Limits of playbacks. Who comes back later opens the recording anew, which is another event.
const (
	maxPlaybacks      = 500
	maxPlaybacksLogin = 8
	playbackIdle      = 30 * time.Minute
)

// playbacks are those that are open. The zero value is ready.
type playbacks struct {
	mu  sync.Mutex // guards all below
	all map[string]*Playback
}

// put adds a playback. Where there are too many, the one that was not used for longest goes.
func (t *playbacks) put(p *Playback, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]*Playback{}
	}
	t.expire(now)
	t.makeRoom(maxPlaybacksLogin, func(o *Playback) bool { return o.user == p.user && o.login == p.login })
	t.makeRoom(maxPlaybacks, func(*Playback) bool { return true })
	p.used = now
	t.all[p.ID] = p
}

// makeRoom drops one of those that are counted when there are most. The caller holds mu.
func (t *playbacks) makeRoom(most int, counted func(*Playback) bool) {
	var oldest *Playback
	n := 0
	for _, p := range t.all {
		if !counted(p) {
			continue
		}
		if n++; oldest == nil || p.used.Before(oldest.used) {
			oldest = p
		}
	}
	if n >= most {
		delete(t.all, oldest.ID)
	}
}

func (t *playbacks) expire(now time.Time) {
	for id, p := range t.all {
		if now.Sub(p.used) >= playbackIdle {
			delete(t.all, id)
		}
	}
}

// get returns a playback, or nil.
func (t *playbacks) get(id string, now time.Time) *Playback {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	p := t.all[id]
	if p != nil {
		p.used = now
	}
	return p
}

// playbackView is a playback as the player gets it. Times are milliseconds from the recording's begin.
type playbackView struct {
	ID          string         `json:"id"`
	Session     sessionView    `json:"session"`
	State       RecordingState `json:"state"`
	Live        bool           `json:"live,omitempty"`
	BrokenAt    int64          `json:"broken_at,omitempty"`
	End         *EndEntry      `json:"end,omitempty"`
	Started     time.Time      `json:"started"`
	Duration    int64          `json:"duration_ms"`
	Signed      int64          `json:"signed_ms"`
	Entries     uint64         `json:"entries"`
	Stored      int64          `json:"stored"`
	Segments    []segmentView  `json:"segments"`
	Idle        [][2]int64     `json:"idle"`
	SegmentBase string         `json:"segment_base"`
}

type segmentView struct {
	At   int64        `json:"at_ms"`
	Key  bool         `json:"key,omitempty"`
	Size *ResizeEntry `json:"size,omitempty"` // of a segment that playing can begin with
}

func (p *Playback) view(assetURL string) playbackView {
	r := &p.Report
	v := playbackView{
		ID: p.ID, Session: sessionView{p.Session, assetURL}, State: r.State, Live: r.Live, BrokenAt: r.BrokenAt, End: r.End,
		Started: r.Meta.Started, Duration: r.Duration.Milliseconds(), Signed: r.Signed.Milliseconds(), Entries: r.Entries, Stored: r.Stored,
		Segments: make([]segmentView, 0, len(p.Segments)), Idle: make([][2]int64, 0, len(r.Idle)), SegmentBase: segmentURL(p.ID),
	}
	for _, s := range p.Segments {
		seg := segmentView{At: s.At.Milliseconds(), Key: s.Key}
		if s.Key {
			seg.Size = &ResizeEntry{Cols: s.Size.Cols, Rows: s.Size.Rows, Width: s.Size.Width, Height: s.Size.Height}
		}
		v.Segments = append(v.Segments, seg)
	}
	for _, s := range r.Idle {
		v.Idle = append(v.Idle, [2]int64{s.From.Milliseconds(), s.To.Milliseconds()})
	}
	return v
}

// Records of a segment, big endian: kind, frame, flags, 0, milliseconds (4 bytes), length (4 bytes), data. The last is all zero, so
// that a segment that was cut is not taken for a whole one.
const segmentHead = 1 + 1 + 1 + 1 + 4 + 4

// played are the frames that a player gets. Clipboard, keystrokes and audio stay where they are.
var played = []FrameKind{FrameOutput, FrameScreen, FrameCursor}

// segmentWriter sends what a player needs of a segment. Each write has the time of its own that a viewer's has.
type segmentWriter struct {
	w     http.ResponseWriter
	wire  *http.ResponseController
	limit time.Duration
	out   *bufio.Writer
	begun bool
}

func newSegmentWriter(w http.ResponseWriter, limit time.Duration) *segmentWriter {
	s := &segmentWriter{w: w, wire: http.NewResponseController(w), limit: limit}
	s.out = bufio.NewWriterSize(s, 64<<10)
	return s
}

// Write is what the buffer writes to.
func (s *segmentWriter) Write(p []byte) (int, error) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", "application/octet-stream")
	}
	_ = s.wire.SetWriteDeadline(time.Now().Add(s.limit)) // a writer that knows no deadlines is the host's affair
	return s.w.Write(p)
}

func (s *segmentWriter) entry(e Entry) error {
	switch {
	case e.Kind == EntryFrame && slices.Contains(played, e.Frame), e.Kind == EntryResize, e.Kind == EntryEnd, showsPointer(e):
		return s.record(e)
	}
	return nil
}

func (s *segmentWriter) record(e Entry) error {
	head := make([]byte, 0, segmentHead)
	head = append(head, byte(e.Kind), byte(e.Frame), byte(e.Flags), 0)
	head = binary.BigEndian.AppendUint32(head, uint32(e.At.Milliseconds()))
	head = binary.BigEndian.AppendUint32(head, uint32(len(e.Data)))
	if _, err := s.out.Write(head); err != nil {
		return err
	}
	_, err := s.out.Write(e.Data)
	return err
}

// close writes the last record.
func (s *segmentWriter) close() error {
	if err := s.record(Entry{}); err != nil {
		return err
	}
	return s.out.Flush()
}

// release takes the deadline back: the connection goes on to be used.
func (s *segmentWriter) release() { _ = s.wire.SetWriteDeadline(time.Time{}) }
