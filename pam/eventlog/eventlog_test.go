package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/eventlog"
	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func event(n int) pam.Event {
	return pam.Event{Seq: uint64(n), At: at.Add(time.Duration(n) * time.Second), Verb: pam.StartSession, User: "alice", Rules: []string{"r"}}
}

func openFile(t testing.TB, path string) *eventlog.File {
	t.Helper()
	f, err := eventlog.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func put(t testing.TB, s pam.EventSink, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := s.Write(t.Context(), event(n)); err != nil {
			t.Fatalf("event %d: %v", n, err)
		}
	}
}

func TestMemory_Suite(t *testing.T) {
	pamtest.EventLogSuite(t, func(*testing.T) pam.EventSink { return eventlog.NewMemory(0) })
}

func TestFile_Suite(t *testing.T) {
	pamtest.EventLogSuite(t, func(t *testing.T) pam.EventSink { return openFile(t, filepath.Join(t.TempDir(), "audit.jsonl")) })
}

func TestFanout_Suite(t *testing.T) {
	pamtest.EventLogSuite(t, func(t *testing.T) pam.EventSink {
		f, err := eventlog.NewFanout(eventlog.FanoutConfig{
			Required:   []pam.EventSink{openFile(t, filepath.Join(t.TempDir(), "audit.jsonl"))},
			BestEffort: []pam.EventSink{eventlog.NewMemory(0)},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close(context.Background()) })
		return f
	})
}

// TestMemory_Bounded: it keeps the newest, and the pages and numbers stay right.
func TestMemory_Bounded(t *testing.T) {
	m := eventlog.NewMemory(50)
	put(t, m, 1, 1000)
	page, err := m.Events(t.Context(), pam.EventFilter{Limit: 1000})
	if n := len(page.Events); err != nil || n < 50 || n > 60 || page.Events[0].Seq != 1000 || page.Next != 0 {
		t.Errorf("%d events, next %d, %v; want some 50 from the newest on", n, page.Next, err)
	}
	if last, err := m.LastSeq(t.Context(), ""); err != nil || last != 1000 {
		t.Errorf("LastSeq = %d, %v", last, err)
	}
}

// TestFile_S31_TornLastLine cuts a file after every byte: what was whole stays, numbers go on, and the file is good again.
func TestFile_S31_TornLastLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path)
	put(t, f, 1, 3)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(whole[:cut]), "\n")
		f := openFile(t, path)
		if last, err := f.LastSeq(t.Context(), ""); err != nil || int(last) != lines {
			t.Fatalf("cut at %d: last event %d, %v; want %d", cut, last, err, lines)
		}
		if torn := cut - strings.LastIndex("\n"+string(whole[:cut]), "\n"); int(f.Torn()) != torn {
			t.Errorf("cut at %d: %d bytes were torn, want %d", cut, f.Torn(), torn)
		}
		put(t, f, lines+1, lines+1)
		if page, err := f.Events(t.Context(), pam.EventFilter{}); err != nil || len(page.Events) != lines+1 {
			t.Fatalf("cut at %d: %+v, %v", cut, page, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFile_S31_DamageIsRefused, with the number of the line, and the file stays as it is.
func TestFile_S31_DamageIsRefused(t *testing.T) {
	line := func(n int) string {
		return fmt.Sprintf(`{"seq":%d,"at":"2026-03-01T12:00:00Z","verb":"Start Session"}`, n) + "\n"
	}
	for name, tc := range map[string]struct{ text, want string }{
		"garbage":  {line(1) + "garbage\n" + line(2), "line 2"},
		"empty":    {line(1) + "\n" + line(2), "line 2"},
		"gap":      {line(1) + line(3), "line 2"},
		"double":   {line(1) + line(1), "line 2"},
		"NUL":      {line(1) + strings.Repeat("\x00", 100) + "\n", "line 2"},
		"too long": {line(1) + `{"detail":"` + strings.Repeat("x", 2<<20) + "\"}\n", "line 2"},
	} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := eventlog.OpenFile(path)
		if f != nil || !errors.Is(err, eventlog.ErrDamaged) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v; want ErrDamaged, the file and %s", name, f, err, tc.want)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != tc.text {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
	// The beginning may be gone: it was moved to another file.
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(line(7)+line(8)), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, openFile(t, path), 9, 9)
}

// TestFile_S31_Forged: no text of strangers makes a line, or reaches a terminal as anything but text.
func TestFile_S31_Forged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path)
	for n, text := range pamtest.ForgedTexts() {
		e := event(n + 1)
		e.User, e.Detail = pam.UserID(text), text
		if err := f.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), "\n"); n != len(pamtest.ForgedTexts()) {
		t.Errorf("%d lines for %d events", n, len(pamtest.ForgedTexts()))
	}
	checkPrintable(t, strings.ReplaceAll(string(raw), "\n", ""))
}

// checkPrintable reports characters that a terminal would act on.
func checkPrintable(t *testing.T, text string) {
	t.Helper()
	for i, r := range text {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u2028\u2029\u202e\ufeff\ufffd", r) {
			t.Errorf("%U at byte %d: %q", r, i, text[max(0, i-20):min(len(text), i+20)])
		}
	}
}

var errFake = errors.New("fake fault")

// TestFanout_S31_RequiredFails: the answer is an error whichever required sink fails, best-effort sinks hear nothing of
// the event, and the next one goes on.
func TestFanout_S31_RequiredFails(t *testing.T) {
	for failing := range 2 {
		a, b, c := &pamtest.EventSink{}, &pamtest.EventSink{}, &pamtest.EventSink{}
		f, err := eventlog.NewFanout(eventlog.FanoutConfig{Required: []pam.EventSink{a, b}, BestEffort: []pam.EventSink{c}})
		if err != nil {
			t.Fatal(err)
		}
		put(t, f, 1, 1)
		[]*pamtest.EventSink{a, b}[failing].At("Write", 2, pamtest.Fault{Err: errFake})
		if err := f.Write(t.Context(), event(2)); !errors.Is(err, errFake) {
			t.Errorf("required sink %d fails: %v", failing, err)
		}
		next, err := f.LastSeq(t.Context(), "")
		if err != nil || int(next) != 1+failing { // the first sink has the event if only the second one failed
			t.Errorf("required sink %d fails: LastSeq = %d, %v", failing, next, err)
		}
		put(t, f, int(next)+1, int(next)+1)
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(c.Events()); n != 2 {
			t.Errorf("required sink %d fails: the best-effort sink has %d events, want 2", failing, n)
		}
		if n := len(a.Events()); n != 2+failing {
			t.Errorf("required sink %d fails: the first sink has %d events", failing, n)
		}
	}
}

// TestFanout_BestEffortIsStuck: it slows nobody, its losses are counted, and Close says what it waits for.
func TestFanout_BestEffortIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, stuck, broken, fine := &pamtest.EventSink{}, &pamtest.EventSink{}, &pamtest.EventSink{}, &pamtest.EventSink{}
		stuck.At("Write", 0, pamtest.Fault{Block: true})
		broken.At("Write", 1, pamtest.Fault{Err: errFake})
		broken.At("Write", 2, pamtest.Fault{Panic: "value"})
		log := &pamtest.LogBuffer{}
		f, err := eventlog.NewFanout(eventlog.FanoutConfig{
			Required: []pam.EventSink{main}, BestEffort: []pam.EventSink{stuck, broken, fine}, Queue: 3, Timeout: time.Second, Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for n := 1; n <= 10; n++ {
			put(t, f, n, n)
			synctest.Wait()
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("ten events took %v", took)
		}
		want := []eventlog.Stats{{Dropped: 6}, {Written: 8, Failed: 2}, {Written: 10}}
		if got := f.Stats(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if err := f.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close with a stuck sink: %v", err)
		}
		put(t, f, 11, 11) // the required sink takes what comes after Close
		if err := f.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if got := f.Stats()[0]; got.Failed != 4 {
			t.Errorf("of the stuck sink: %+v, want 4 that were not taken in time", got)
		}
		if text := log.String(); strings.Count(text, "event sink fails") != 2 || strings.Count(text, "works again") != 1 || strings.Contains(text, "value") {
			t.Errorf("log:\n%s", text)
		}
	})
}

func TestFanout_Refused(t *testing.T) {
	ok := []pam.EventSink{&pamtest.EventSink{}}
	for name, c := range map[string]eventlog.FanoutConfig{
		"none required": {BestEffort: ok}, "a nil sink": {Required: []pam.EventSink{nil}}, "a nil best-effort sink": {Required: ok, BestEffort: []pam.EventSink{nil}},
		"negative queue": {Required: ok, Queue: -1}, "negative time": {Required: ok, Timeout: -1},
	} {
		if f, err := eventlog.NewFanout(c); err == nil {
			t.Errorf("%s: %v", name, f)
		}
	}
	f, err := eventlog.NewFanout(eventlog.FanoutConfig{Required: ok})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Events(t.Context(), pam.EventFilter{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("reading a sink that is no log: %v", err)
	}
	if err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
