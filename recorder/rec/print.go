package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
)

// printer writes lines and keeps the first error.
type printer struct {
	w    io.Writer
	last time.Duration
	err  error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, printable(fmt.Sprintf(format, args...)))
	}
}

func (p *printer) header(h recorder.Header) {
	m := h.Meta
	p.line("session: %s", m.Session)
	p.line("asset: %s (%s)", m.Asset, m.Name)
	p.line("user: %s (%s)", m.User, m.UserName)
	p.line("protocol: %s, %d x %d, terminal %q", m.Protocol, m.Size.Cols, m.Size.Rows, m.Term)
	p.line("started: %s", m.Started.Format(time.RFC3339Nano))
	p.line("decision: policy version %d, rules %s", m.Policy, strings.Join(m.Rules, " "))
	p.line("key: %s", h.Key)
}

// clock says where in the recording the time of day was set.
func (p *printer) clock(e pam.Entry) {
	var ev pam.SessionEvent
	if e.Kind != pam.EntryEvent || json.Unmarshal(e.Data, &ev) != nil || ev.Type != pam.EventClock {
		return
	}
	p.line("clock: at %v set by %v to %s", e.At, time.Duration(ev.Step)*time.Millisecond, ev.Wall)
}

func (p *printer) seal(s recorder.Seal) {
	kind := "incomplete"
	if s.Complete {
		kind = "complete"
	}
	by := ""
	if s.Adopted {
		by = fmt.Sprintf(" by a later start, %d torn bytes cut", s.Cut)
	}
	p.line("ended: %s", s.End.Reason)
	p.line("sealed: %s, %s%s, key %s", kind, s.Sealed.Format(time.RFC3339Nano), by, s.Key)
}

var kindNames = map[int]string{
	int(pam.EntryFrame): "frames", int(pam.EntryInput): "inputs", int(pam.EntryKeys): "echoed keystrokes",
	int(pam.EntryResize): "resizes", int(pam.EntryJoin): "joins", int(pam.EntryLeave): "leaves",
	int(pam.EntryEvent): "events", int(pam.EntryEnd): "ends",
}

func kindName(k int) string {
	if n, ok := kindNames[k]; ok {
		return n
	}
	return fmt.Sprintf("kind %d", k)
}
