package recorder_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// record returns a sealed recording of entries.
func record(t testing.TB, m pam.RecordingMeta, entries ...pam.Entry) []byte {
	t.Helper()
	mem := recordertest.NewMemFS()
	rec, err := newRecorder(t, recorder.Config{FS: mem}).Open(t.Context(), m, newWatcher(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		appendEntry(t, rec, e)
	}
	closeRecording(t, rec, pam.EndRemoteLogoff)
	return mem.Get(rec.Path())
}

type event struct {
	At   float64
	Code string
	Text string
}

// castOf exports and parses, as a player does: a JSON object, then a JSON array per line.
func castOf(t testing.TB, file []byte) (map[string]any, []event) {
	t.Helper()
	var out bytes.Buffer
	if err := recorder.ExportCast(&out, bytes.NewReader(file)); err != nil {
		t.Fatalf("ExportCast: %v", err)
	}
	if !utf8.Valid(out.Bytes()) || !strings.HasSuffix(out.String(), "\n") {
		t.Fatalf("not lines of UTF-8: %q", out.String())
	}
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 16<<20)
	lines.Scan()
	var header map[string]any
	if err := json.Unmarshal(lines.Bytes(), &header); err != nil {
		t.Fatalf("header: %v", err)
	}
	var events []event
	last := 0.0
	for lines.Scan() {
		var raw []any
		if err := json.Unmarshal(lines.Bytes(), &raw); err != nil || len(raw) != 3 {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		e := event{raw[0].(float64), raw[1].(string), raw[2].(string)}
		if e.At < last {
			t.Fatalf("time goes back from %v to %v", last, e.At)
		}
		last = e.At
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return header, events
}

func outputAt(at time.Duration, text string) pam.Entry {
	return pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, At: at, Data: []byte(text)}
}

func TestExportCast(t *testing.T) {
	const ms = time.Millisecond
	file := record(t, meta("cast"),
		outputAt(1500*ms, "\x1b[31mred\x1b[0m \"q\" \\ \x7f\u0085\u2028é€😀\r\n"),
		pam.Entry{Kind: pam.EntryInput, At: 1600 * ms, Data: []byte(`{"kind":"key","length":1}`)},
		pam.Entry{Kind: pam.EntryKeys, At: 1600 * ms, Data: []byte("l\xc3")},
		outputAt(1700*ms, "a\xe2\x82"), // cut inside €
		pam.Entry{Kind: pam.EntryResize, At: 1800 * ms, Data: []byte(`{"cols":120,"rows":40}`)},
		pam.Entry{Kind: pam.EntryResize, At: 1800 * ms, Data: []byte(`{"cols":1000000,"rows":40}`)},
		pam.Entry{Kind: pam.EntryResize, At: 1800 * ms, Data: []byte(`nonsense`)},
		outputAt(1900*ms, "\xacb"),
		outputAt(1000*ms, "earlier\xff\xf0\x9f"), // a time that goes back, a byte that is never text
		outputAt(2000*ms, "x"),                   // and what was held never becomes whole
		pam.Entry{Kind: pam.EntryKeys, At: 2100 * ms, Data: []byte("\xa9s")},
		pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameNotice, At: 2200 * ms, Data: []byte(`{}`)},
		pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Flags: pam.FlagKey, At: 2300 * ms, Data: []byte("fresh")},
		pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Flags: pam.FlagKey | pam.FlagRepeat, At: 2300 * ms, Data: []byte("again")},
		outputAt(3661*time.Second+1234*time.Microsecond, "late\xe2"),
	)
	header, events := castOf(t, file)
	wantHeader := map[string]any{
		"version": 2.0, "width": 100.0, "height": 30.0, "timestamp": float64(started.Unix()), "title": "db <1>",
		"env": map[string]any{"TERM": "xterm-256color"},
	}
	if d := cmp.Diff(wantHeader, header); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	wantEvents := []event{
		{1.5, "o", "\x1b[31mred\x1b[0m \"q\" \\ \x7f\u0085\u2028é€😀\r\n"},
		{1.6, "i", "l"},
		{1.7, "o", "a"},
		{1.8, "r", "120x40"},
		{1.9, "o", "€b"},
		{1.9, "o", "earlier\ufffd"},
		{2.0, "o", "\ufffd\ufffdx"},
		{2.1, "i", "és"},
		{2.3, "o", "\x1bc"},
		{2.3, "o", "fresh"},
		{3661.001234, "o", "late"},
		{3661.001234, "o", "\ufffd"},
	}
	if d := cmp.Diff(wantEvents, events); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestExportCast_UnknownSize(t *testing.T) {
	m := meta("size")
	m.Size, m.Term, m.Name = pam.Size{}, "", "\xff"
	header, _ := castOf(t, record(t, m))
	if header["width"] != 80.0 || header["height"] != 24.0 || header["env"] != nil {
		t.Errorf("header %v", header)
	}
}

// However UTF-8 text is cut into entries, a player gets the same text.
func TestExportCast_CutText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		var entries []pam.Entry
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "n")
			entries = append(entries, outputAt(time.Second, rest[:n]))
			rest = rest[n:]
		}
		_, events := castOf(t, record(t, meta("cut"), entries...))
		var got strings.Builder
		for _, e := range events {
			got.WriteString(e.Text)
		}
		if got.String() != text {
			rt.Fatalf("got %q, want %q", got.String(), text)
		}
	})
}

func TestExportCast_Refuses(t *testing.T) {
	picture := record(t, meta("rdp"), pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameScreen, Data: []byte("tile")})
	var out bytes.Buffer
	if err := recorder.ExportCast(&out, bytes.NewReader(picture)); !errors.Is(err, recorder.ErrNoCast) {
		t.Errorf("a picture: %v", err)
	}
	file := sample(t, "damaged", 12, testKey("gateway"))
	file[len(file)/2] ^= 1
	out.Reset()
	err := recorder.ExportCast(&out, bytes.NewReader(file))
	if _, ok := brokenAt(err); !ok || strings.Count(out.String(), "\n") < 3 {
		t.Errorf("damaged: %v after %d lines", err, strings.Count(out.String(), "\n"))
	}
}

func TestExportCast_NothingUnprintableInTheFile(t *testing.T) {
	var all []byte
	for c := range 0x300 {
		all = utf8.AppendRune(all, rune(c))
	}
	var out bytes.Buffer
	if err := recorder.ExportCast(&out, bytes.NewReader(record(t, meta("c0"), outputAt(0, string(all))))); err != nil {
		t.Fatal(err)
	}
	for _, c := range strings.ReplaceAll(out.String(), "\n", "") {
		if c < 0x20 || c >= 0x7f && c < 0xa0 {
			t.Errorf("%q stands in the file", c)
		}
	}
}
