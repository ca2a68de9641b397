package vt

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is everything of a Terminal that a viewer can tell, in a form that compares and prints well.
type screen struct {
	Size, Cursor string
	Pen          string
	Modes        string
	Charsets     string
	Title        string
	Tabs         string
	Alt          int
	Main, AltScr bufferView
	Back         []string
	Rest         string
}

type bufferView struct {
	Lines  []string
	Region string
	Saved  string
}

func view(t *Terminal) screen {
	s := screen{
		Size: fmt.Sprint(t.cols, "x", t.rows), Cursor: fmt.Sprint(t.x, ",", t.y),
		Pen: fmt.Sprint(viewPen(t, t.pen)), Modes: fmt.Sprintf("%+v", t.modes), Charsets: fmt.Sprint(t.charsets, t.gl),
		Title: t.title, Alt: t.altMode, Main: viewBuffer(t, &t.main),
		Rest: string(t.appendUnfinished(nil)),
	}
	if t.buf == &t.alt {
		s.AltScr = viewBuffer(t, &t.alt)
	}
	for x := range t.cols {
		if t.tabAt(x) {
			s.Tabs += fmt.Sprint(x, " ")
		}
	}
	for i := range t.back.ring {
		l := t.back.line(i)
		one := New(MaxCells, 1)
		one.Write(l.data)
		v := viewRow(one, one.main.row(0), false)
		if l.wrapped && i > 0 {
			v = "+" + v
		}
		s.Back = append(s.Back, v)
	}
	return s
}

func viewBuffer(t *Terminal, b *buffer) bufferView {
	v := bufferView{Region: fmt.Sprint(b.top, "-", b.bottom)}
	if b.saved.set {
		sc := b.saved
		v.Saved = fmt.Sprint(min(sc.x, t.cols-1), ",", sc.y, viewPen(t, sc.pen), sc.charsets, sc.gl)
	}
	for y := range b.order {
		r := b.row(y)
		v.Lines = append(v.Lines, viewRow(t, r, y > 0 || (b == &t.main && len(t.back.ring) > 0)))
	}
	return v
}

// viewPen leaves out what a link is called: drawn again, it may have another name.
func viewPen(t *Terminal, p pen) string {
	s := fmt.Sprintf("%x %x %x", p.fg, p.bg, p.flags)
	if l := t.links.get(p.link); l != nil {
		s += " " + string(l.address)
	}
	return s
}

func viewRow(t *Terminal, r *row, wrap bool) string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	if wrap && r.wrapped && r.used() > 0 {
		b.WriteByte('+')
	}
	var cells []string
	for x := range r.len() {
		c := r.at(x)
		if c.r == 0 {
			c.r = ' '
		}
		if c.flags&wideTail != 0 {
			c.r = '<'
		}
		s := string(c.r) + r.marksOf(c)
		if c.pen = c.plain(); c.pen != (pen{}) {
			s += "{" + viewPen(t, c.pen) + "}"
		}
		cells = append(cells, s)
	}
	for len(cells) > 0 && cells[len(cells)-1] == " " {
		cells = cells[:len(cells)-1]
	}
	b.WriteString(strings.Join(cells, ""))
	return b.String()
}

// checkSnapshot fails if the snapshot of a does not build a, or if the two then take rest differently.
func checkSnapshot(t *testing.T, a *Terminal, rest string) {
	t.Helper()
	snapshot := a.AppendSnapshot(nil)
	b := New(a.cols, a.rows)
	b.Write(snapshot)
	if diff := cmp.Diff(view(a), view(b)); diff != "" {
		t.Fatalf("snapshot differs (-model +drawn):\n%s\nsnapshot %q", diff, snapshot)
	}
	if rest == "" {
		return
	}
	a.Write([]byte(rest))
	b.Write([]byte(rest))
	if diff := cmp.Diff(view(a), view(b)); diff != "" {
		t.Fatalf("after %q the two differ (-whole +key frame and rest):\n%s\nsnapshot %q", rest, diff, snapshot)
	}
}

func screenText(t *Terminal) []string {
	v := viewBuffer(t, t.buf)
	for len(v.Lines) > 0 && v.Lines[len(v.Lines)-1] == "" {
		v.Lines = v.Lines[:len(v.Lines)-1]
	}
	return v.Lines
}

func TestTerminal_Screen(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []string
		x, y     int
	}{
		{"text", "hello", []string{"hello"}, 5, 0},
		{"lines", "a\r\nb\nc", []string{"a", "b", " c"}, 2, 2},
		{"wrap", "0123456789ab", []string{"0123456789", "+ab"}, 2, 1},
		{"about to wrap", "0123456789", []string{"0123456789"}, 10, 0},
		{"about to wrap, then CR LF", "0123456789\r\nx", []string{"0123456789", "x"}, 1, 1},
		{"no autowrap", "\x1b[?7l0123456789ab", []string{"012345678b"}, 10, 0},
		{"scroll", "a\r\nb\r\nc\r\nd\r\ne", []string{"b", "c", "d", "e"}, 1, 3},
		{"wide", "日本", []string{"日<本<"}, 4, 0},
		{"wide at the edge", "012345678日", []string{"012345678", "+日<"}, 2, 1},
		{"half of a wide character", "日本\x1b[1;2Hx", []string{" x本<"}, 2, 0},
		{"right half of a wide character", "日本\x1b[1;3Hx", []string{"日<x"}, 3, 0},
		{"combining", "e\u0301x", []string{"e\u0301x"}, 2, 0},
		{"joined by ZWJ", "👩\u200d🚀x", []string{"👩\u200d🚀<x"}, 3, 0},
		{"skin tone", "👍🏽x", []string{"👍🏽<x"}, 3, 0},
		{"flags", "🇩🇪🇫🇷x", []string{"🇩🇪<🇫🇷<x"}, 5, 0},
		{"made wide", "❤\ufe0fx", []string{"❤\ufe0f<x"}, 3, 0},
		{"made narrow", "❤\ufe0ex", []string{"❤\ufe0ex"}, 2, 0},
		{"made wide at the edge", "012345678❤\ufe0fx", []string{"012345678", "+❤\ufe0f<x"}, 3, 1},
		{"made wide at the edge, no autowrap", "\x1b[?7l012345678❤\ufe0fx", []string{"012345678x"}, 10, 0},
		{"mark on its own", "\x1b[2G\u0301x", []string{" \u0301x"}, 3, 0},
		{"kept apart by a sequence", "🇩\x1b[m🇪", []string{"🇩🇪"}, 2, 0},
		{"cluster repeated", "👩\u200d🚀\x1b[2bx", []string{"👩\u200d🚀<👩\u200d🚀<👩\u200d🚀<x"}, 7, 0},
		{"link", "\x1b]8;;http://a\ax\x1b[31my\x1b[0mz\x1b]8;;\aw", []string{"x{0 0 0 http://a}y{1000001 0 0 http://a}z{0 0 0 http://a}w"}, 4, 0},
		{"link that ends in a control", "\x1b]8;;http://a\u009b\x1b\\x", []string{"x"}, 1, 0},
		{"combining on wide", "日\u0301x", []string{"日\u0301<x"}, 3, 0},
		{"bytes that are no text", "a\xffb\xc3(\xe2\x82c", []string{"ab(c"}, 4, 0},
		{"colours", "\x1b[31;1mx\x1b[0my", []string{"x{1000001 0 1}y"}, 2, 0},
		{"true colour", "\x1b[38;2;1;2;3mx\x1b[48:2::4:5:6my", []string{"x{2010203 0 0}y{2010203 2040506 0}"}, 2, 0},
		{"256 colours", "\x1b[38;5;200mx\x1b[39;48:5:17my", []string{"x{10000c8 0 0}y{0 1000011 0}"}, 2, 0},
		{"underline styles", "\x1b[4:3mx\x1b[4:0my\x1b[21mz", []string{"x{0 0 3000}yz{0 0 2000}"}, 3, 0},
		{"erase line", "hello\x1b[1;3H\x1b[K", []string{"he"}, 2, 0},
		{"erase to the left", "hello\x1b[1;3H\x1b[1K", []string{"   lo"}, 2, 0},
		{"erase with background", "ab\x1b[44m\x1b[K", []string{"ab" + strings.Repeat(" {0 1000004 0}", 8)}, 2, 0},
		{"erase below", "a\r\nb\r\nc\x1b[2;1H\x1b[J", []string{"a"}, 0, 1},
		{"insert characters", "abc\x1b[1;2H\x1b[2@", []string{"a  bc"}, 1, 0},
		{"delete characters", "abcd\x1b[1;2H\x1b[2P", []string{"ad"}, 1, 0},
		{"erase characters", "abcd\x1b[1;2H\x1b[2X", []string{"a  d"}, 1, 0},
		{"insert lines", "a\r\nb\x1b[1;1H\x1b[L", []string{"", "a", "b"}, 0, 0},
		{"delete lines", "a\r\nb\r\nc\x1b[1;1H\x1b[M", []string{"b", "c"}, 0, 0},
		{"region", "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nx", []string{"1", "3", "x", "4"}, 1, 2},
		{"reverse index", "a\r\nb\x1b[1;1H\x1bMx", []string{"x", "a", "b"}, 1, 0},
		{"origin mode", "\x1b[2;3r\x1b[?6h\x1b[1;1Hx\x1b[9;1Hy", []string{"", "x", "y"}, 1, 2},
		{"tabs", "a\tb", []string{"a       b"}, 9, 0},
		{"own tab stop", "\x1b[3g\x1b[4G\x1bH\r\tb", []string{"   b"}, 4, 0},
		{"line drawing", "\x1b(0qx\x1b(Bq", []string{"─│q"}, 3, 0},
		{"shift out", "\x1b)0\x0eq\x0fq", []string{"─q"}, 2, 0},
		{"repeat", "-\x1b[3b", []string{"----"}, 4, 0},
		{"insert mode", "abc\x1b[1;1H\x1b[4hxy", []string{"xyabc"}, 2, 0},
		{"alternate screen and back", "main\x1b[?1049h\x1b[Halt\x1b[?1049l!", []string{"main!"}, 5, 0},
		{"save and restore", "ab\x1b7\x1b[3;3H\x1b[31mx\x1b8c", []string{"abc", "", "  x{1000001 0 0}"}, 3, 0},
		{"control inside a sequence", "a\x1b[\n1mb", []string{"a", " b{0 0 1}"}, 2, 1},
		{"cancelled sequence", "a\x1b[31\x18b", []string{"ab"}, 2, 0},
		{"title and string with UTF-8 that holds 0x9c", "\x1b]0;\u271c ok\a.", []string{"."}, 1, 0},
		{"device control string", "a\x1bPq#0;1\x1b\\b", []string{"ab"}, 2, 0},
		{"application program command", "a\x1b_G\a\x1b\\b", []string{"ab"}, 2, 0},
		{"C1 in UTF-8", "a\u009b2Cb", []string{"a  b"}, 4, 0},
		{"alignment", "\x1b#8", []string{"EEEEEEEEEE", "EEEEEEEEEE", "EEEEEEEEEE", "EEEEEEEEEE"}, 0, 0},
		{"soft reset", "\x1b[31m\x1b[4h\x1b[!px", []string{"x"}, 1, 0},
		{"reset", "abc\x1b[31m\x1bcx", []string{"x"}, 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := New(10, 4)
			m.Write([]byte(tc.in))
			if diff := cmp.Diff(tc.want, screenText(m)); diff != "" {
				t.Errorf("screen (-want +got):\n%s", diff)
			}
			if m.x != tc.x || m.y != tc.y {
				t.Errorf("cursor = %d,%d, want %d,%d", m.x, m.y, tc.x, tc.y)
			}
			// Cut anywhere, byte by byte: the same.
			cut := New(10, 4)
			for i := range len(tc.in) {
				cut.Write([]byte(tc.in[i : i+1]))
			}
			if diff := cmp.Diff(view(m), view(cut)); diff != "" {
				t.Errorf("byte by byte (-whole +cut):\n%s", diff)
			}
			// A key frame at any point, then the rest: the same.
			for i := range len(tc.in) + 1 {
				a := New(10, 4)
				a.Write([]byte(tc.in[:i]))
				checkSnapshot(t, a, tc.in[i:])
			}
		})
	}
}

// states are streams that leave something behind which a snapshot must carry.
var states = []string{
	"",
	"plain text\r\nand more\r\n",
	strings.Repeat("a line that is longer than the screen is wide, so that it wraps ", 40),
	strings.Repeat("\x1b[3%dmcolour\x1b[0m and \x1b[1mbold\x1b[22m\r\n", 30),
	"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[?25l\x1b[5 q\x1b[?7l\x1b[4h\x1b[20h\x1b[?45h",
	"before\r\n\x1b[44m\x1b[?1049h\x1b[0m\x1b[2;5r\x1b[?6hfull screen\x1b[3;3H\x1b7\x1b[7m",
	"\x1b[31m\x1b(0\x1b7\x1b[?47hqqq",
	"\x1b[35m\x1b)0\x0e\x1b[?1047h\x1b[2Jqqq\x1b[0m",
	"\x1b]2;a title\x1b\\\x1b]0;another <b>title\x07",
	"0123456789012345678\u65e5",
	"👩\u200d🚀🇩🇪❤\ufe0f ก็\x1b[1G❤\ufe0f\x1b[5G🇩",
	"\x1b]8;;https://example.com\alink\x1b]8;id=n;https://b.example\a\x1b7other\r\n",
	"01234567890123456789",
	"\x1b[38;2;10;20;30;48;5;100;3;4:3;9;53mstyled 日本語 e\u0301\u0302",
	"\x1b[3g\x1b[5G\x1bH\x1b[15G\x1bH",
	"\x1b[10;1Hlow\x1b[1;31",
	"\x1b]52;c;aGVsbG8",
	"\x1bPqdata",
	"\x1b]" + strings.Repeat("x", 10000),
	"text \xe6\x97",
	"\x1b[2;4r\x1b[4;1H" + strings.Repeat("scrolled\r\n", 10),
	strings.Repeat("x\r\n", 2000),
}

func TestTerminal_S21_SnapshotDrawsTheState(t *testing.T) {
	const rest = "next\r\n\x1b[mlines \x1b[32mgreen\x1b8restored\x07\x1b\\\x1b[?1049lback\r\n\tend"
	for i, s := range states {
		for j, s2 := range states {
			t.Run(fmt.Sprint(i, "+", j), func(t *testing.T) {
				m := New(20, 6)
				m.Write([]byte(s))
				m.Write([]byte(s2))
				checkSnapshot(t, m, rest)
			})
		}
	}
}

func TestTerminal_Resize(t *testing.T) {
	m := New(10, 4)
	m.Write([]byte("one\r\ntwo\r\nthree\r\nfour 日本"))
	m.Resize(8, 2)
	if diff := cmp.Diff([]string{"three", "four 日<"}, screenText(m)); diff != "" {
		t.Errorf("smaller (-want +got):\n%s", diff)
	}
	if n := len(m.back.ring); n != 2 {
		t.Errorf("%d lines in the scroll-back, want 2", n)
	}
	checkSnapshot(t, m, "x")
	m.Resize(20, 6)
	m.Write([]byte("\x1b[?1049h\x1b[6;1Hbottom"))
	m.Resize(20, 3)
	if diff := cmp.Diff([]string{"", "", "bottom"}, screenText(m)); diff != "" {
		t.Errorf("alternate screen (-want +got):\n%s", diff)
	}
	checkSnapshot(t, m, "\x1b[?1049lx")
}

func TestTerminal_Scrollback(t *testing.T) {
	m := New(20, 5)
	for i := range 3000 {
		fmt.Fprintf(writer{m}, "\x1b[%dmline %d\x1b[0m\r\n", 30+i%8, i)
	}
	if n := len(m.back.ring); n != maxBackLines {
		t.Fatalf("%d lines kept, want %d", n, maxBackLines)
	}
	snapshot := string(m.AppendSnapshot(nil))
	for _, want := range []string{"line 1996\x1b", "line 2999\x1b"} {
		if !strings.Contains(snapshot, want) {
			t.Errorf("%q is not in the snapshot", want)
		}
	}
	if strings.Contains(snapshot, "line 1995\x1b") {
		t.Error("the snapshot has more lines than are kept")
	}
	checkSnapshot(t, m, "")
}

type writer struct{ t *Terminal }

func (w writer) Write(p []byte) (int, error) { w.t.Write(p); return len(p), nil }

func TestTerminal_S21_HostileOutputIsBounded(t *testing.T) {
	const cols, rows = 100, 30
	colours := func(i int) string {
		return fmt.Sprintf("\x1b[1;3;4:3;9;53;38;2;%d;%d;%d;48;2;%d;%d;%dmx", i%256, i/3%256, i/5%256, i/7%256, i%251, i%253)
	}
	for name, chunk := range map[string]func(i int) string{
		"OSC without end":       func(int) string { return "\x1b]0;" + strings.Repeat("A", 1<<16) },
		"DCS without end":       func(int) string { return "\x1bPq" + strings.Repeat("A", 1<<16) },
		"CSI without end":       func(int) string { return "\x1b[" + strings.Repeat("1;", 1<<15) },
		"digits without end":    func(int) string { return "\x1b[" + strings.Repeat("9", 1<<16) + "C" },
		"combining without end": func(int) string { return "x" + strings.Repeat("\u0301", 1<<14) },
		"combining everywhere":  func(int) string { return strings.Repeat("\r\x1b[Ce\u0301", 1<<12) },
		"huge counts":           func(int) string { return "\x1b[999999b\x1b[999999@\x1b[999999L\x1b[999999S\x1b[999999I" },
		"colours in every cell": func(i int) string { return strings.Repeat(colours(i), 1000) },
		"title":                 func(int) string { return "\x1b]2;" + strings.Repeat("T", 4000) + "\a" },
		"joining without end":   func(int) string { return "👩" + strings.Repeat("\u200d👩", 1<<14) + "\ufe0f" },
		"wide after many marks": func(int) string { return "x" + strings.Repeat("\u0301", 50) + "\ufe0f" },
		"links without end": func(i int) string {
			return strings.Repeat(fmt.Sprintf("\x1b]8;;http://a/%d\a", i), 1<<12) + "x\x1b]8;;\a"
		},
		"alternating both screens": func(int) string { return strings.Repeat("\x1b[?1049h\x1b[44m\x1b[2J\x1b[?1049l", 100) },
	} {
		t.Run(name, func(t *testing.T) {
			m := New(cols, rows)
			for i := range 50 {
				m.Write([]byte("a" + chunk(i)))
			}
			if len(m.title) > maxTitle || len(m.str) > maxOSC || cap(m.str) > 4*maxOSC || len(m.seq) > maxSequence || m.back.bytes > maxBackBytes {
				t.Errorf("kept too much: title %d, string %d, sequence %d, scroll-back %d", len(m.title), cap(m.str), len(m.seq), m.back.bytes)
			}
			if n := len(m.AppendSnapshot(nil)); n > 4<<20 {
				t.Errorf("the snapshot has %d bytes", n)
			}
			checkSnapshot(t, m, "\x07\x1b\\")
		})
	}
}

func FuzzTerminal(f *testing.F) {
	for _, s := range states {
		f.Add([]byte(s), uint16(len(s)/2), uint8(20), uint8(6))
	}
	f.Add([]byte("\x1b[?1049h日\x1b[1;1H\x1b[2P\x1b[@\x1b[?7l\x1b[20bx"), uint16(9), uint8(3), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, cols, rows uint8) {
		if len(data) > 1<<14 {
			return
		}
		m := New(int(cols%64), int(rows%32))
		n := min(int(cut), len(data))
		m.Write(data[:n])
		m.Resize(m.cols, m.rows)
		snapshot := m.AppendSnapshot(nil)
		if limit := 64 << 20; len(snapshot) > limit {
			t.Fatalf("snapshot of %d bytes", len(snapshot))
		}
		b := New(m.cols, m.rows)
		b.Write(snapshot)
		if v, w := view(m), view(b); !reflect.DeepEqual(v, w) { // Diff is slow even when there is none
			t.Fatalf("snapshot differs (-model +drawn):\n%s\nsnapshot %q", cmp.Diff(v, w), snapshot)
		}
		m.Write(data[n:])
		m.Resize(int(rows%64), int(cols%32))
		m.AppendSnapshot(nil)
	})
}
