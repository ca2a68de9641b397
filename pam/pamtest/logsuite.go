package pamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// EventLogSuite checks a sink that can be read (pam.EventLog) and continues its numbers (pam.EventSequencer). open returns
// an empty one; whatever it opens it closes by t.Cleanup. Times are compared to the microsecond.
func EventLogSuite(t *testing.T, open func(t *testing.T) pam.EventSink) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(t *testing.T, l logUnderTest)
	}{
		{"round trip", logRoundTrip},
		{"filters", logFilters},
		{"words", logWords},
		{"paging", logPaging},
		{"paging while it grows", logGrowth},
		{"numbers", logNumbers},
		{"copies", logCopies},
		{"forged lines", logForged},
		{"ended context", logContext},
		{"concurrent use", logConcurrent},
	} {
		t.Run(part.name, func(t *testing.T) {
			sink := open(t)
			reader, ok := sink.(pam.EventLog)
			if !ok {
				t.Fatalf("%T is no pam.EventLog", sink)
			}
			seq, ok := sink.(pam.EventSequencer)
			if !ok {
				t.Fatalf("%T is no pam.EventSequencer", sink)
			}
			part.run(t, logUnderTest{sink, reader, seq})
		})
	}
}

type logUnderTest struct {
	pam.EventSink
	pam.EventLog
	pam.EventSequencer
}

func suiteEvent(n int) pam.Event {
	return pam.Event{
		Seq: uint64(n), Gateway: "gw-1", At: suiteTime.Add(time.Duration(n) * time.Second), Verb: pam.StartSession, User: "user",
		Login: "login", Asset: "asset", Session: pam.SessionID(fmt.Sprintf("s%03d", n)), ClientAddr: "192.0.2.1",
		SocketAddr: "127.0.0.1:4000", Code: pam.CodeAllowed, Detail: "reason: work", Rules: []string{"r1", "r2"}, Policy: 7,
	}
}

func (l logUnderTest) put(t *testing.T, events ...pam.Event) {
	t.Helper()
	for _, e := range events {
		if err := l.Write(t.Context(), e); err != nil {
			t.Fatalf("Write(%d): %v", e.Seq, err)
		}
	}
}

// read returns the page of a filter.
func (l logUnderTest) read(t *testing.T, f pam.EventFilter) pam.EventPage {
	t.Helper()
	page, err := l.Events(t.Context(), f)
	if err != nil {
		t.Fatalf("Events(%+v): %v", f, err)
	}
	return page
}

// seqs returns the numbers of the events that match.
func (l logUnderTest) seqs(t *testing.T, f pam.EventFilter) (out []uint64) {
	t.Helper()
	for _, e := range l.read(t, f).Events {
		out = append(out, e.Seq)
	}
	return out
}

func logRoundTrip(t *testing.T, l logUnderTest) {
	if page := l.read(t, pam.EventFilter{}); len(page.Events) != 0 || page.Next != 0 {
		t.Errorf("an empty log has %+v", page)
	}
	want := suiteEvent(1)
	want.Reason = pam.EndIdle
	least := pam.Event{Seq: 2, Gateway: "gw-1", At: suiteTime, Verb: pam.DenySession}
	l.put(t, want, least)
	page := l.read(t, pam.EventFilter{})
	if len(page.Events) != 2 || page.Next != 0 {
		t.Fatalf("%+v, want two events and no more", page)
	}
	for i, w := range []pam.Event{least, want} {
		got := page.Events[i]
		if !got.At.Equal(w.At) {
			t.Errorf("At = %v, want %v", got.At, w.At)
		}
		if got.At = w.At; fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", w) {
			t.Errorf("got  %#v\nwant %#v", got, w)
		}
	}
}

func logFilters(t *testing.T, l logUnderTest) {
	for n := 1; n <= 6; n++ {
		e := suiteEvent(n)
		if n%2 == 0 {
			e.User, e.Verb = "other", pam.CompleteSession
		}
		if n > 3 {
			e.Asset = "second"
		}
		if n == 6 {
			e.Verb = pam.DenySession
		}
		l.put(t, e)
	}
	elsewhere := suiteEvent(1)
	elsewhere.Gateway, elsewhere.At = "gw-2", suiteTime
	l.put(t, elsewhere)
	at := func(n int) time.Time { return suiteEvent(n).At }
	for _, tc := range []struct {
		filter pam.EventFilter
		want   []uint64
	}{
		{pam.EventFilter{}, []uint64{1, 6, 5, 4, 3, 2, 1}},
		{pam.EventFilter{Gateway: "gw-1"}, []uint64{6, 5, 4, 3, 2, 1}},
		{pam.EventFilter{Gateway: "gw-2"}, []uint64{1}},
		{pam.EventFilter{User: "other"}, []uint64{6, 4, 2}},
		{pam.EventFilter{Asset: "second"}, []uint64{6, 5, 4}},
		{pam.EventFilter{Session: "s003"}, []uint64{3}},
		{pam.EventFilter{Verbs: []pam.Verb{pam.CompleteSession}}, []uint64{4, 2}},
		{pam.EventFilter{Verbs: []pam.Verb{pam.DenySession, pam.CompleteSession}}, []uint64{6, 4, 2}},
		{pam.EventFilter{From: at(5)}, []uint64{6, 5}},
		{pam.EventFilter{To: at(2)}, []uint64{1, 1}},
		{pam.EventFilter{From: at(2), To: at(4)}, []uint64{3, 2}},
		{pam.EventFilter{User: "user", Asset: "second", Verbs: []pam.Verb{pam.StartSession}, From: at(1)}, []uint64{5}},
		{pam.EventFilter{User: "%"}, nil},
		{pam.EventFilter{Verbs: []pam.Verb{"No Such Verb"}}, nil},
		{pam.EventFilter{Limit: 2}, []uint64{1, 6}},
	} {
		if got := l.seqs(t, tc.filter); !slices.Equal(got, tc.want) {
			t.Errorf("%+v: %v, want %v", tc.filter, got, tc.want)
		}
	}
}

func logWords(t *testing.T, l logUnderTest) {
	e := suiteEvent(1)
	e.User, e.Detail, e.Rules = "Zoë", `reason: 100% "ÄRGER" in C:\temp_dir; ticket: INC-7`, []string{"hiddenrule"}
	l.put(t, e, suiteEvent(2))
	for text, want := range map[string][]uint64{
		"":              {2, 1},
		"  ":            {2, 1},
		"REASON":        {2, 1},
		"inc-7":         {1},
		"ärger":         {1},
		"zoë":           {1},
		"100%":          {1},
		"%":             {1},
		"_":             {1},
		`c:\temp_dir`:   {1},
		`\`:             {1},
		`"ärger"`:       {1},
		"ticket reason": {1},
		"start session": {2, 1},
		"192.0.2.1":     {2, 1},
		"s002":          {2},
		"absent reason": nil,
		"hiddenrule":    nil,
		"' OR 1=1 --":   nil,
	} {
		if got := l.seqs(t, pam.EventFilter{Text: text}); !slices.Equal(got, want) {
			t.Errorf("text %q: %v, want %v", text, got, want)
		}
	}
}

// logPaging: page by page nothing comes twice and nothing is left out, with a filter too, and limits are as documented.
func logPaging(t *testing.T, l logUnderTest) {
	const n = 130
	for i := 1; i <= n; i++ {
		e := suiteEvent(i)
		if i%2 == 0 {
			e.User = "other"
		}
		l.put(t, e)
	}
	if page := l.read(t, pam.EventFilter{}); len(page.Events) != 100 || page.Next == 0 {
		t.Errorf("without a limit: %d events, next %d; want 100 and more to come", len(page.Events), page.Next)
	}
	if page := l.read(t, pam.EventFilter{Limit: 1 << 30}); len(page.Events) != n || page.Next != 0 {
		t.Errorf("with a huge limit: %d events, next %d; want %d and no more", len(page.Events), page.Next, n)
	}
	if page := l.read(t, pam.EventFilter{Limit: n}); len(page.Events) != n || page.Next != 0 {
		t.Errorf("with a limit of all: %d events, next %d; want %d and no more", len(page.Events), page.Next, n)
	}
	for _, f := range []pam.EventFilter{{Limit: 7}, {Limit: 7, User: "other"}, {Limit: 1, Session: "s003"}} {
		var got, want []uint64
		for i := n; i > 0; i-- {
			e := suiteEvent(i)
			if i%2 == 0 {
				e.User = "other"
			}
			if f.Matches(e) {
				want = append(want, e.Seq)
			}
		}
		for pages := 0; pages <= n; pages++ {
			page := l.read(t, f)
			for _, e := range page.Events {
				got = append(got, e.Seq)
			}
			if f.Before = page.Next; f.Before == 0 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v page by page: %v, want %v", f, got, want)
		}
	}
}

// logGrowth: what is written meanwhile moves nothing on the pages that follow.
func logGrowth(t *testing.T, l logUnderTest) {
	for n := 1; n <= 4; n++ {
		l.put(t, suiteEvent(n))
	}
	page := l.read(t, pam.EventFilter{Limit: 2})
	l.put(t, suiteEvent(5), suiteEvent(6))
	if got := l.seqs(t, pam.EventFilter{Limit: 2, Before: page.Next}); !slices.Equal(got, []uint64{2, 1}) {
		t.Errorf("second page %v, want 2 and 1", got)
	}
}

// logNumbers: the log knows how far each gateway has come, and takes nothing that would leave a gap or a doubt.
func logNumbers(t *testing.T, l logUnderTest) {
	last := func(gateway string, want uint64) {
		t.Helper()
		if got, err := l.LastSeq(t.Context(), gateway); err != nil || got != want {
			t.Errorf("LastSeq(%q) = %d, %v; want %d", gateway, got, err, want)
		}
	}
	last("gw-1", 0)
	l.put(t, suiteEvent(1), suiteEvent(2))
	last("gw-1", 2)
	last("gw-2", 0)
	other := suiteEvent(1)
	other.Gateway = ""
	l.put(t, other)
	last("", 1)
	last("gw-1", 2)
	for _, n := range []int{0, 1, 2, 4} {
		if err := l.Write(t.Context(), suiteEvent(n)); err == nil {
			t.Errorf("event %d was taken after event 2", n)
		}
	}
	last("gw-1", 2)
	l.put(t, suiteEvent(3))
	last("gw-1", 3)
}

func logCopies(t *testing.T, l logUnderTest) {
	e := suiteEvent(1)
	l.put(t, e)
	e.Rules[0] = "changed"
	got := l.read(t, pam.EventFilter{}).Events
	if len(got) != 1 || got[0].Rules[0] != "r1" {
		t.Errorf("after changing what was written: %+v", got)
	}
	got[0].Rules[0] = "changed"
	if again := l.read(t, pam.EventFilter{}).Events; again[0].Rules[0] != "r1" {
		t.Errorf("after changing what was read: %+v", again)
	}
}

// logForged: text of strangers stays inside its event and comes back as it was.
func logForged(t *testing.T, l logUnderTest) {
	for n, text := range ForgedTexts() {
		e := suiteEvent(n + 1)
		e.User, e.Detail, e.Asset = pam.UserID(text), text, pam.AssetID(text)
		l.put(t, e)
	}
	page := l.read(t, pam.EventFilter{Limit: 1000})
	if len(page.Events) != len(ForgedTexts()) {
		t.Fatalf("%d events, want %d", len(page.Events), len(ForgedTexts()))
	}
	for n, text := range ForgedTexts() {
		e := page.Events[len(page.Events)-1-n]
		if e.Detail != text || string(e.User) != text {
			t.Errorf("got %q, want %q", e.Detail, text)
		}
		if got := l.seqs(t, pam.EventFilter{User: pam.UserID(text)}); !slices.Contains(got, uint64(n+1)) {
			t.Errorf("user %q: %v", text, got)
		}
	}
}

func logContext(t *testing.T, l logUnderTest) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Write(ctx, suiteEvent(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Write with an ended context: %v", err)
	}
	if _, err := l.Events(ctx, pam.EventFilter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Events with an ended context: %v", err)
	}
	if _, err := l.LastSeq(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("LastSeq with an ended context: %v", err)
	}
	l.put(t, suiteEvent(1)) // it was not taken before
}

func logConcurrent(t *testing.T, l logUnderTest) {
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for n := 1; n <= 25; n++ {
				e := suiteEvent(n)
				e.Gateway = fmt.Sprint(g)
				if err := l.Write(t.Context(), e); err != nil {
					t.Errorf("gateway %d, event %d: %v", g, n, err)
				}
				if _, err := l.Events(t.Context(), pam.EventFilter{Text: "work", Limit: 3}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for g := range 4 {
		got := l.seqs(t, pam.EventFilter{Gateway: fmt.Sprint(g)})
		slices.Reverse(got)
		for i, seq := range got {
			if len(got) != 25 || seq != uint64(i+1) {
				t.Fatalf("gateway %d: %v", g, got)
			}
		}
	}
}

// ForgedTexts are texts that try to be more than text in a log: new lines, terminal controls, ends of quoting.
func ForgedTexts() []string {
	return []string{
		"eve\n{\"seq\":99,\"verb\":\"Start Session\",\"user\":\"alice\"}",
		"eve\r\n<14>1 2026-03-01T12:00:00Z host app - - - forged",
		"eve\x1b[2K\x1b[1Aalice", "eve\x1b]0;title\x07", "eve\x00alice", "eve\u009b31malice", "eve\u2028alice\u2029",
		"eve\u202ealice", `eve" user="alice`, `eve"] [forged@32473 user="alice"`, `eve\`, "eve]", "\ufeffeve", "eve\x7f\b\b\b",
		`'; DROP TABLE events; --`,
	}
}
