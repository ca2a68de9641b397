package pam

import (
	"context"
	"slices"
	"strings"
	"time"
)

// EventLog is what an EventSink may be besides: a log that can be read. pamtest.EventLogSuite is the conformance suite.
type EventLog interface {
	// Events returns the events that match, newest first. "Newest" is the order in which the log took them.
	Events(ctx context.Context, f EventFilter) (EventPage, error)
}

// EventSequencer is what an EventSink may be besides: one that knows the number of the last event it took from a gateway,
// 0 if there is none. The broker then goes on after it when it starts, and after a write whose outcome it does not know.
// For a sink that is none, numbers begin with 1 in each process.
type EventSequencer interface {
	LastSeq(ctx context.Context, gateway string) (uint64, error)
}

// EventFilter narrows a reading of an event log. The zero value matches all.
type EventFilter struct {
	Gateway string // empty: any; and so on
	User    UserID
	Asset   AssetID
	Session SessionID
	Verbs   []Verb // one of these; empty: any
	// Text is words that must all occur in the event, in any case. Ids of logins and rules, times and numbers are not
	// looked at. Words beyond the 16th do not count.
	Text   string
	From   time.Time // not before this time; zero: no bound
	To     time.Time // before this time; zero: no bound
	Before uint64    // the Next of the page before; zero: from the newest event on
	Limit  int       // zero: 100; at most 1,000
}

// EventPage is one page of an event log.
type EventPage struct {
	Events []Event
	Next   uint64 // EventFilter.Before of the page that follows; zero: there is none
}

// maxWords bounds the work that one filter can ask for.
const maxWords = 16

// Words returns the words of Text in lower case.
func (f EventFilter) Words() []string {
	words := strings.Fields(strings.ToLower(f.Text))
	return words[:min(len(words), maxWords)]
}

// PageSize returns the number of events that f asks for.
func (f EventFilter) PageSize() int { return pageSize(f.Limit) }

// Matches reports whether f asks for e. Before and Limit are the log's own affair.
func (f EventFilter) Matches(e Event) bool {
	if f.Gateway != "" && e.Gateway != f.Gateway || f.User != "" && e.User != f.User || f.Asset != "" && e.Asset != f.Asset ||
		f.Session != "" && e.Session != f.Session || len(f.Verbs) > 0 && !slices.Contains(f.Verbs, e.Verb) ||
		!f.From.IsZero() && e.At.Before(f.From) || !f.To.IsZero() && !e.At.Before(f.To) {
		return false
	}
	words := f.Words()
	if len(words) == 0 {
		return true
	}
	text := e.SearchText()
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// SearchText returns what EventFilter.Text is looked for in: lower case, one line for each part of the event.
func (e Event) SearchText() string {
	return strings.ToLower(strings.Join([]string{
		string(e.Verb), string(e.User), string(e.Asset), string(e.Session), e.ClientAddr, e.SocketAddr, string(e.Code),
		string(e.Reason), e.Detail, e.Gateway,
	}, "\n"))
}
