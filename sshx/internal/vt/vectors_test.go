package vt

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/keyframes.json")

const keyframeFile = "testdata/keyframes.json"

// keyframeVector is a stream, a place in it, and the key frame taken there. The TypeScript client's tests feed the real
// terminal with the whole stream, and with the key frame and the rest, and compare the two screens.
type keyframeVector struct {
	Name     string `json:"name"`
	Cols     int    `json:"cols"`
	Rows     int    `json:"rows"`
	Stream   []byte `json:"stream"`
	Cut      int    `json:"cut"`
	KeyFrame []byte `json:"keyframe"`
}

// keyframeStreams exercise what programs on a terminal do. A "|" marks the cuts; the last one is always at the end.
var keyframeStreams = []struct {
	name, text string
}{
	{"plain lines", "one\r\ntwo\r\n|three"},
	{"prompt", "\x1b[1;32muser@host\x1b[0m:\x1b[1;34m~\x1b[0m$ ls -l|\r\ntotal 0\r\n"},
	{"scrolling", strings.Repeat("line of text\r\n", 20) + "|last"},
	{"16 colours", "\x1b[31mred\x1b[42mon green\x1b[0m|\x1b[90mgrey\x1b[107mon white\x1b[m plain"},
	{"256 colours", "\x1b[38;5;208morange\x1b[48;5;17m|on navy\x1b[39mdefault\x1b[49m"},
	{"true colours", "\x1b[38;2;1;2;3mdark\x1b[48;2;250;128;7m|on orange\x1b[38:2::9:8:7mcolon"},
	{"attributes", "\x1b[1mb\x1b[2md\x1b[3mi\x1b[4mu\x1b[7mr\x1b[8mh\x1b[9ms|\x1b[22;23;24;27;28;29mnone"},
	{"attributes of blanks", "\x1b[44m\x1b[K|text\x1b[2Jmore"},
	{"erase", "abcdefgh\x1b[4D\x1b[K|\r\nxyz\x1b[1K\r\n123\x1b[1J"},
	{"cursor moves", "\x1b[5;10Hhere\x1b[2Aup|\x1b[3Bdown\x1b[10Cright\x1b[4Dleft\x1b[Gstart"},
	{"insert and delete characters", "abcdef\x1b[3D\x1b[2@XY|\x1b[1P\x1b[2X"},
	{"insert and delete lines", "1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[2L|new\x1b[4;1H\x1b[1M"},
	{"scroll region", "\x1b[2;5r\x1b[5;1Ha\nb\nc\n|d\n\x1b[r\x1b[8;1Hend"},
	{"scroll up and down", "1\r\n2\r\n3\x1b[2S|\x1b[1Tx"},
	{"reverse index", "top\r\n\x1bM\x1bMinserted|\r\nafter"},
	{"origin mode", "\x1b[3;6r\x1b[?6h\x1b[1;1Horigin|\x1b[2;3Hthere"},
	{"autowrap off", "\x1b[?7l" + strings.Repeat("0123456789", 5) + "|X\x1b[?7h"},
	{"soft wrap", strings.Repeat("wrap", 15) + "|" + strings.Repeat("more", 4)},
	{"pending wrap", strings.Repeat("x", 40) + "|y"},
	{"wide characters", "日本語 text 한국어|\r\n漢字" + strings.Repeat("全", 20)},
	{"combining marks", "e\u0301 a|\u0308o|u\u0304 n\u0303\r\n"},
	{"saved cursor", "\x1b[3;4H\x1b[31m\x1b7\x1b[0m\x1b[1;1Hhome|\x1b8back"},
	{"line drawing", "\x1b(0lqqk\r\nx  x\r\n|mqqj\x1b(B plain"},
	{"shift out", "\x1b)0a\x0eq|q\x0fb"},
	{"tab stops", "a\tb\tc\r\n\x1b[3g\x1b[5G\x1bH\x1b[15G\x1bH\r1\t2|\t3"},
	{"alternate screen", "shell$ vim\r\n\x1b[?1049h\x1b[2J\x1b[1;1H~ file\x1b[10;1H-- INSERT --|\x1b[?1049lback"},
	{"alternate screen 47", "main\x1b[?47halt|\x1b[?47lmain again"},
	{"full screen program", "$ htop\r\n\x1b[?1049h\x1b[22;0;0t\x1b[1;10r\x1b[?1h\x1b=\x1b[?25l\x1b[39;49m\x1b[H\x1b[2J\x1b[30m\x1b[42mCPU[|||||]\x1b[39;49m\x1b[K\r\n|mem\x1b[10;1H\x1b[30m\x1b[46mF1Help"},
	{"modes", "\x1b[?2004h\x1b[?1h\x1b=\x1b[?1000h\x1b[?1006h\x1b[?25l|\x1b[?1004htext"},
	{"modes off", "\x1b[?2004h\x1b[?2004l\x1b[?1002h\x1b[?1002l\x1b[4h|insert\x1b[4l"},
	{"title", "\x1b]0;a title\x07text|\x1b]2;another\x1b\\more"},
	{"hyperlink", "\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\| text"},
	{"hyperlink that is open", "see \x1b]8;;https://example.com/a;b?c=d#e\alink| and\x1b[31m red\x1b[0m on|\x1b]8;;\a off"},
	{"hyperlink with a name", "\x1b]8;id=x;https://example.com\aone\x1b]8;;\a two \x1b]8;k=v:id=x;https://example.com\a|three\x1b]8;;\a"},
	{"hyperlinks side by side", "\x1b]8;;https://a.example\aone\x1b]8;;https://b.example\atwo|\x1b]8;;https://a.example\athree\x1b]8;;\a"},
	{"hyperlink over lines", "\x1b]8;;https://example.com\a" + strings.Repeat("link ", 20) + "|\x1b]8;;\a\r\nend"},
	{"hyperlinks that scroll", strings.Repeat("\x1b]8;;https://example.com\alink\x1b]8;;\a text\r\n", 20) + "|last"},
	{"hyperlink and saved cursor", "\x1b7\x1b]8;;https://example.com\alink\x1b]8;;\a\x1b8|over\x1b]8;;https://b.example\a\x1b7new\x1b]8;;\a|\x1b8old"},
	{"hyperlink and underline", "\x1b[4mu\x1b]8;;https://example.com\alink\x1b[24m not|\x1b[4munder\x1b]8;;\a line"},
	{"hyperlink and reset", "\x1b]8;;https://example.com\alink\x1b[!p| text"},
	{"hyperlink erased", "\x1b]8;;https://example.com\alink text\x1b[3G\x1b[K|x\x1b[2X\x1b[@"},
	{"hyperlink of nothing", "a\x1b]8;nothing\ab\x1b]8;x=y;\ac\x1b]8;;\ad|e"},
	{"hyperlinked clusters", "\x1b]8;;https://example.com\a👩\u200d🚀|🇩🇪e\u0301\x1b]8;;\a."},
	{"emoji sequence", "a👩\u200d🚀b|👩\u200d|🚀c👨\u200d👩\u200d👧\u200d👦|d"},
	{"skin tones", "👍🏽x👍|🏽y"},
	{"flags", "🇩🇪🇫🇷x🇩|🇪y🇩🇪🇫|z"},
	{"presentation", "❤\ufe0fx❤|\ufe0fy❤\ufe0ez1\ufe0f\u20e3|w"},
	{"widened at the edge", strings.Repeat("x", 39) + "❤|\ufe0fy"},
	{"widened at the edge, colours", "\x1b[44m" + strings.Repeat("x", 39) + "❤|\ufe0f\x1b[0my"},
	{"widened at the bottom", strings.Repeat("\n", 9) + strings.Repeat("x", 39) + "❤|\ufe0fy"},
	{"widened over another", "日本\x1b[1G❤|\ufe0f\x1b[10Gx"},
	{"widened without autowrap", "\x1b[?7l" + strings.Repeat("x", 39) + "❤|\ufe0fy"},
	{"wide at the edge", "\x1b[41m" + strings.Repeat("x", 39) + "日|y"},
	{"marks of several scripts", "กำ|นี้ क्षि|नमस्ते தமிழ்|"},
	{"Hangul", "\u1112\u1161\u11ab|\u1100|\u1161x한|\u11a8"},
	{"prepended", "\u0600|1\u06002x\u0600\r\ny"},
	{"mark on its own", "\u0301a\x1b[5G\u0301|b\r\n\u200dc\ufe0f|d"},
	{"clusters kept apart", "🇩\x1b[3G🇪 👩\u200d\x1b[1C🚀|❤\x1b[m\ufe0fx"},
	{"clusters repeated", "👩\u200d🚀\x1b[2bx|🇩🇪\x1b[2b❤\ufe0f|\x1b[b"},
	{"mark after colour", "e\x1b[31m\u0301|x"},
	{"clusters that scroll", strings.Repeat("👩\u200d🚀🇩🇪❤\ufe0fe\u0301\r\n", 15) + "|end"},
	{"clusters in insert mode", "abc\x1b[1G\x1b[4h👩\u200d🚀|x\x1b[4l"},
	{"clusters that wrap", strings.Repeat("👩\u200d🚀", 30) + "|" + strings.Repeat("🇩🇪", 10) + "|x"},
	{"split escape", "a\x1b|[31mred"},
	{"split parameters", "a\x1b[38;5|;9mred"},
	{"split text", "caf\xc3|\xa9 au lait"},
	{"split title", "\x1b]0;half| a title\x07rest"},
	{"repeat", "ab\x1b[5bc|d\x1b[3b"},
	{"backspace and return", "abc\b\bX|\rY"},
	{"vertical tab and form feed", "a\vb\fc|d"},
	{"index and next line", "a\x1bDb\x1bEc|d"},
	{"soft reset", "\x1b[31m\x1b[?6h\x1b[2;4r\x1b[!ptext|more"},
	{"full reset", "lots\r\nof text\x1bcclean|slate"},
	{"screen test", "\x1b#8|x"},
	{"bells and noise", "a\x07\x00b\x7fc|\x1b[?999hd\x1b[>ce"},
	{"replacement", "bad \xff\xfe utf-8| \xe2\x82 cut"},
	{"clear scroll-back", strings.Repeat("old\r\n", 15) + "\x1b[3J|new"},
	{"clear screen into scroll-back", strings.Repeat("old\r\n", 6) + "\x1b[H\x1b[2J|new"},
	{"long scroll-back", strings.Repeat("\x1b[33mlog\x1b[0m entry\r\n", 200) + "|end"},
}

func buildKeyframes() []keyframeVector {
	const cols, rows = 40, 10
	var out []keyframeVector
	for _, s := range keyframeStreams {
		// The bars of a process list are text and no cuts.
		parts := strings.Split(strings.ReplaceAll(s.text, "|||||", "#####"), "|")
		stream := []byte(strings.Join(parts, ""))
		at := 0
		for i, p := range parts {
			at += len(p)
			term := New(cols, rows)
			term.Write(stream[:at])
			out = append(out, keyframeVector{
				Name: fmt.Sprintf("%s, cut %d", s.name, i+1), Cols: cols, Rows: rows, Stream: stream, Cut: at,
				KeyFrame: term.AppendSnapshot(nil),
			})
		}
	}
	return out
}

func TestKeyframeVectors(t *testing.T) {
	want := buildKeyframes()
	if *update {
		b, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(keyframeFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(keyframeFile)
	if err != nil {
		t.Fatal(err)
	}
	var got []keyframeVector
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s is not what the model makes now; run the test with -update, and the client's tests after it:\n%s", keyframeFile, d)
	}
}
