package frame

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

const vectorFile = "testdata/vectors.json"

// vector is one golden message. The TypeScript client's tests read the same file.
type vector struct {
	Name   string        `json:"name"`
	From   string        `json:"from"` // browser or gateway
	Hex    string        `json:"hex"`
	Frames []vectorFrame `json:"frames,omitempty"`
	Error  bool          `json:"error,omitempty"` // the message is a violation
}

type vectorFrame struct {
	Kind    string `json:"kind"`
	Flags   uint8  `json:"flags"`
	Payload string `json:"payload"` // hex
}

func build() []vector {
	var out []vector
	good := func(name, from string, frames ...Frame) {
		var msg []byte
		v := vector{Name: name, From: from}
		for _, f := range frames {
			msg = Append(msg, f)
			v.Frames = append(v.Frames, vectorFrame{f.Kind.String(), f.Flags, hex.EncodeToString(f.Payload)})
		}
		v.Hex = hex.EncodeToString(msg)
		out = append(out, v)
	}
	bad := func(name, from, msg string) {
		out = append(out, vector{Name: name, From: from, Hex: strings.ReplaceAll(msg, " ", ""), Error: true})
	}
	good("hello", "browser", Frame{Hello, 0, []byte(`{"ticket":"t","cols":80,"rows":24,"width":0,"height":0}`)})
	good("key", "browser", Frame{Key, 0, []byte("ls\r")})
	good("pointer", "browser", Frame{Pointer, 0, []byte{1, 2, 3}})
	good("resize", "browser", Frame{Resize, 0, AppendResize(nil, Size{132, 43, 1280, 800})})
	good("paste plain", "browser", Frame{Paste, 0, []byte("a\nb")})
	good("paste bracketed", "browser", Frame{Paste, FlagBracketed, []byte("grüße")})
	good("ack", "browser", Frame{Ack, 0, AppendAck(nil, 1<<33+7)})
	good("visible", "browser", Frame{Visible, 0, []byte{1}})
	good("hidden", "browser", Frame{Visible, 0, []byte{0}})
	good("disconnect", "browser", Frame{Disconnect, 0, nil})
	good("copied", "browser", Frame{Copied, 0, []byte("日本")})
	good("probe", "browser", Frame{Probe, 0, []byte{0, 0, 0, 0, 0, 0, 1, 2}})
	good("listen", "browser", Frame{Listen, 0, []byte{1}})
	good("two frames", "browser", Frame{Key, 0, []byte("x")}, Frame{Ack, 0, AppendAck(nil, 1)})
	good("state", "gateway", Frame{State, 0, []byte(`{"state":"active"}`)})
	good("end", "gateway", Frame{End, 0, []byte(`{"code":"opened_elsewhere"}`)})
	good("output", "gateway", Frame{Output, 0, []byte("\x1b[1mhi\x1b[0m\r\n")})
	good("output key", "gateway", Frame{Output, FlagKey, []byte("\x1bc")})
	good("output empty key", "gateway", Frame{Output, FlagKey, nil})
	good("screen", "gateway", Frame{Screen, FlagKey, []byte{0, 0, 1}})
	good("cursor", "gateway", Frame{Cursor, FlagDroppable, []byte{9}})
	good("clipboard", "gateway", Frame{Clipboard, 0, []byte("text")})
	good("audio", "gateway", Frame{Audio, FlagDroppable, []byte{0, 1}})
	good("notice", "gateway", Frame{Notice, 0, []byte(`{"code":"env_refused"}`)})
	good("probed", "gateway", Frame{Probed, 0, []byte{0, 0, 0, 0, 0, 0, 1, 2}})
	good("gathered", "gateway", Frame{Output, 0, []byte("a")}, Frame{Output, 0, []byte("b")}, Frame{Notice, 0, []byte(`{}`)})

	for _, from := range []string{"browser", "gateway"} {
		bad("empty from "+from, from, "")
		bad("short header from "+from, from, "81 00 00 00 00")
		bad("unknown kind from "+from, from, "7f 00 00000000")
		bad("zero kind from "+from, from, "00 00 00000000")
	}
	bad("gateway kind from browser", "browser", "10 00 00000001 61")
	bad("browser kind from gateway", "gateway", "81 00 00000001 61")
	bad("adapter kind from gateway", "gateway", "1f 00 00000001 61")
	bad("unknown flag", "browser", "81 01 00000001 61")
	bad("unknown paste flag", "browser", "84 02 00000001 61")
	bad("length beyond message", "browser", "81 00 00000002 61")
	bad("length beyond limit", "browser", "81 00 00010001 61")
	bad("length of all ones", "browser", "81 00 ffffffff 61")
	bad("trailing byte", "browser", "81 00 00000001 61 00")
	bad("empty key", "browser", "81 00 00000000")
	bad("short resize", "browser", "83 00 00000007 00500018000000")
	bad("long ack", "browser", "85 00 00000009 000000000000000000")
	bad("short probe", "browser", "89 00 00000007 00000000000001")
	bad("long probed", "gateway", "16 00 00000009 000000000000000102")
	bad("disconnect with payload", "browser", "87 00 00000001 00")
	bad("second frame broken", "browser", "81 00 00000001 61 85 00 00000008 00")
	return out
}

func splitFrom(from string, msg []byte) ([]Frame, error) {
	if from == "browser" {
		return SplitClient(msg)
	}
	return SplitGateway(msg)
}

func TestVectors(t *testing.T) {
	want := build()
	if *update {
		b, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var got []vector
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s differs from the encoder (-want +file):\n%s", vectorFile, d)
	}
	for _, v := range got {
		t.Run(v.Name, func(t *testing.T) {
			msg, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			frames, err := splitFrom(v.From, msg)
			if v.Error {
				if !errors.Is(err, ErrViolation) {
					t.Fatalf("split = %v, %v; want a violation", frames, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var again []byte
			for i, f := range frames {
				w := v.Frames[i]
				if f.Kind.String() != w.Kind || f.Flags != w.Flags || hex.EncodeToString(f.Payload) != w.Payload {
					t.Errorf("frame %d = %v, want %v", i, f, w)
				}
				again = Append(again, f)
			}
			if !bytes.Equal(again, msg) {
				t.Errorf("encode = %x, want %x", again, msg)
			}
			// Every prefix is a violation, or a shorter run of whole frames.
			for n := range len(msg) {
				if fs, err := splitFrom(v.From, msg[:n]); err == nil && len(fs) >= len(frames) {
					t.Errorf("prefix of %d bytes split into %d frames", n, len(fs))
				}
			}
		})
	}
}

func TestPayloads(t *testing.T) {
	s := Size{80, 24, 640, 480}
	if got, err := ParseResize(AppendResize(nil, s)); err != nil || got != s {
		t.Errorf("resize = %v, %v; want %v", got, err, s)
	}
	if got, err := ParseAck(AppendAck(nil, 1<<40)); err != nil || got != 1<<40 {
		t.Errorf("ack = %d, %v", got, err)
	}
	for _, p := range [][]byte{nil, {2}, {0, 0}} {
		if _, err := ParseBool(Visible, p); !errors.Is(err, ErrViolation) {
			t.Errorf("visible % x: %v, want a violation", p, err)
		}
	}
	if _, err := ParseText(Paste, []byte{0xff}); !errors.Is(err, ErrViolation) {
		t.Errorf("text: %v, want a violation", err)
	}
}

func FuzzSplit_S23(f *testing.F) {
	for _, v := range build() {
		b, err := hex.DecodeString(v.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, from := range []string{"browser", "gateway"} {
			frames, err := splitFrom(from, msg)
			if err != nil {
				continue
			}
			var again []byte
			for _, fr := range frames {
				again = Append(again, fr)
				if fr.Kind == Resize {
					_, _ = ParseResize(fr.Payload)
				}
			}
			if !bytes.Equal(again, msg) {
				t.Fatalf("%s: encode(decode(x)) = %x, want %x", from, again, msg)
			}
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	msg := Append(nil, Frame{Key, 0, []byte("x")})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SplitClient(msg); err != nil {
			b.Fatal(err)
		}
	}
}
