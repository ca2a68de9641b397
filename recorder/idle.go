package recorder

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// Limits of the list of idle times. Where there would be more, the shortest are left out.
const (
	idleFrom = 3 * time.Second
	maxIdle  = 1024
)

// idleFinder finds the times in which nothing is to be seen.
type idleFinder struct {
	least time.Duration
	last  time.Duration
	spans []pam.ReplaySpan
}

func newIdleFinder() idleFinder { return idleFinder{least: idleFrom} }

func (f *idleFinder) entry(e pam.Entry, now time.Duration) {
	switch e.Kind {
	case pam.EntryFrame, pam.EntryResize, pam.EntryInput, pam.EntryEnd:
		f.until(now)
	}
}

// until ends a quiet time at now.
func (f *idleFinder) until(now time.Duration) {
	if now-f.last >= f.least {
		f.spans = append(f.spans, pam.ReplaySpan{From: f.last, To: now})
	}
	f.last = now
	for len(f.spans) > maxIdle {
		f.least *= 2
		f.spans = slices.DeleteFunc(f.spans, func(s pam.ReplaySpan) bool { return s.To-s.From < f.least })
	}
}

// list returns the idle times up to end.
func (f *idleFinder) list(end time.Duration) []pam.ReplaySpan {
	f.until(max(end, f.last))
	return slices.DeleteFunc(f.spans, func(s pam.ReplaySpan) bool { return s.To > end })
}

// resized reads the size of an EntryResize, if it is one that a viewer may have.
func resized(e pam.Entry) (pam.Size, bool) {
	var r pam.ResizeEntry
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return pam.Size{}, false
	}
	s := pam.Size(r)
	return s, s.Valid()
}
