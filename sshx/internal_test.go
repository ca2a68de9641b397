package sshx

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
)

func TestEcho_R4_S43(t *testing.T) {
	const in, out = '>', '<'
	for _, tc := range []struct {
		name  string
		steps []string // > typed, < printed
		want  string
	}{
		{"a command", []string{">ls\r", "<ls\r\n", "<files\r\n"}, "ls\r"},
		{"key by key", []string{">l", "<l", ">s", "<s", ">\r", "<\r\n"}, "ls\r"},
		{"typed before the prompt", []string{">ls\r", "<prompt$ ls\r\n"}, "ls\r"},
		{"a password", []string{">hunter2\r", "<\r\n", "<welcome hunter2\r\n"}, ""},
		{"a password key by key", []string{">s", ">e", ">c", ">\r", "<\r\nsec\r\n"}, ""},
		{"a password with stars", []string{">sec\r", "<***", "<\r\n"}, ""},
		{"a password while a job prints", []string{">secret", "<[1]+ some entries came reckless to us\r\n", ">\r", "<\r\n"}, "\r"},
		{"a password typed and erased", []string{">abc\x7f\x7f\x7f\r", "<\r\n"}, ""},
		{"a password killed by Ctrl-U", []string{">abc\x15", ">\r", "<\r\n"}, ""},
		{"a password and Ctrl-C", []string{">abc\x03", "<^C\r\n", ">x\r", "<x\r\n"}, "x\r"},
		{"the command after a password", []string{">pw\r", "<\r\n$ ", ">id\r", "<id\r\n"}, "id\r"},
		{"corrected", []string{">lx", "<lx", ">\x7f", "<\b \b", ">s\r", "<s\r\n"}, "lx\x7fs\r"},
		{"arrow keys", []string{">ac", "<ac", ">\x1b[D", "<\b", ">b", "<bc\b", ">\r", "<\r\n"}, "ac\x1b[Db\r"},
		{"a redrawing shell", []string{">l", "<\x1b[1ml\x1b[0m", ">s", "<\b\x1b[32ml\x1b[32ms\x1b[0m", ">\r", "<\r\r\n"}, "ls\r"},
		{"only Enter", []string{">\r", "<\r\n"}, "\r"},
		{"several lines ahead", []string{">a\rb\r", "<a\r\nb\r\n"}, "a\rb\r"},
		{"UTF-8", []string{">ä\r", "<ä\r\n"}, "ä\r"},
		{"a full-screen program", []string{">jjk", "<\x1b[5;1Hline\x1b[6;1Hother text", ">q", "<\x1b[?1049l\r$ ", ">ls\r", "<ls\r\n"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var e echo
			got := ""
			for _, s := range tc.steps {
				switch s[0] {
				case in:
					e.typed("p", []byte(s[1:]))
				case out:
					got += string(flat(e.output([]byte(s[1:]))))
				}
			}
			if tc.name == "a full-screen program" {
				// What comes out here is not settled; that no key of the program does, is.
				if strings.ContainsAny(got, "jkq") {
					t.Errorf("keys = %q", got)
				}
				return
			}
			if got != tc.want {
				t.Errorf("keys = %q, want %q", got, tc.want)
			}
		})
	}
}

// flat returns the keys of all lines.
func flat(lines []shownLine) (keys []byte) {
	for _, l := range lines {
		keys = append(keys, l.keys...)
	}
	return keys
}

// TestEcho_J3_R4_LinesBelongToOnePerson: keys are given out under the name of who typed them, and a line that two have
// typed is given out under nobody's.
func TestEcho_J3_R4_LinesBelongToOnePerson(t *testing.T) {
	var e echo
	e.typed("anna", []byte("ls\r"))
	e.typed("ben", []byte("pwd\r"))
	e.typed("anna", []byte("id"))
	e.typed("ben", []byte("entity\r"))
	e.typed("ben", []byte("w\r"))
	got := e.output([]byte("ls\r\npwd\r\nidentity\r\nw\r\n"))
	want := []shownLine{{"anna", []byte("ls\r")}, {"ben", []byte("pwd\rw\r")}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("shown = %q, want %q", got, want)
	}
}

func FuzzEcho(f *testing.F) {
	f.Add([]byte("secret"), []byte("\x1b[31mnothing of it\r\n"))
	f.Add([]byte("\x1b[Aab\x7f"), []byte("\x1b]0;title\x07ab\b \b"))
	f.Fuzz(func(t *testing.T, typed, printed []byte) {
		if len(typed) > 1<<14 || len(printed) > 1<<14 {
			return
		}
		var e echo
		e.typed("p", typed)
		keys := flat(e.output(printed))
		e.typed("p", []byte("\r"))
		keys = append(keys, flat(e.output([]byte("\r\n")))...)
		if len(keys) > len(typed)+1 {
			t.Fatalf("%d keys of %d typed", len(keys), len(typed)+1)
		}
		if len(e.lines) > maxKeyLines {
			t.Fatalf("%d lines wait", len(e.lines))
		}
		// Nothing printable comes out unless at least as much was printed.
		text := 0
		var s skipper
		for _, b := range keys {
			if !s.skip(b) && b >= 0x20 && b != 0x7f {
				text++
			}
		}
		if text > len(printed) {
			t.Fatalf("%d characters came out, %d were printed", text, len(printed))
		}
	})
}

func TestPasteBytes_S20_S21(t *testing.T) {
	for _, tc := range []struct {
		in        string
		bracketed bool
		want      string
	}{
		{"plain", false, "plain"},
		{"a\nb\r\nc\rd", false, "a\rb\rc\rd"},
		{"tab\there", true, "\x1b[200~tab\there\x1b[201~"},
		{"\x1b[201~rm -rf\x03\x04\x7f\u009b31m", true, "\x1b[200~[201~rm -rf31m\x1b[201~"},
		{"日本 ✓", false, "日本 ✓"},
	} {
		if got := string(pasteBytes(tc.in, tc.bracketed)); got != tc.want {
			t.Errorf("pasteBytes(%q, %t) = %q, want %q", tc.in, tc.bracketed, got, tc.want)
		}
	}
}

func FuzzPasteBytes(f *testing.F) {
	f.Add("a\x1b[201~b\r\n", true)
	f.Fuzz(func(t *testing.T, text string, bracketed bool) {
		got := string(pasteBytes(text, bracketed))
		if bracketed {
			var ok bool
			if got, ok = strings.CutPrefix(got, pasteStart); !ok {
				t.Fatal("no start")
			}
			if got, ok = strings.CutSuffix(got, pasteEnd); !ok {
				t.Fatal("no end")
			}
		}
		if i := strings.IndexFunc(got, func(r rune) bool {
			return r != '\r' && r != '\t' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0)
		}); i >= 0 {
			t.Fatalf("a control character is left in %q", got)
		}
	})
}

func TestLaunch_L3(t *testing.T) {
	keyboard := pam.NewCapabilities(pam.Declarations{pam.Keyboard: pam.Allow})
	for _, tc := range []struct {
		name   string
		params pam.Params
		os     pam.OSFamily
		caps   pam.Capabilities
		want   launch
		code   pam.Code
	}{
		{"nothing", nil, pam.OSUnix, pam.Capabilities{}, launch{term: "xterm-256color"}, ""},
		{"directory", pam.Params{ParamStartDirectory: "/it's"}, pam.OSUnix, keyboard, launch{term: "xterm-256color", script: "cd '/it'\\''s'\nexec \"$SHELL\" -l"}, ""},
		{"home", pam.Params{ParamStartDirectory: "~/a b"}, pam.OSUnix, keyboard, launch{term: "xterm-256color", script: "cd \"$HOME\"/'a b'\nexec \"$SHELL\" -l"}, ""},
		{"backslash", pam.Params{ParamStartDirectory: `/a\'b\`}, pam.OSUnix, keyboard, launch{term: "xterm-256color", script: `cd '/a'\\''\''b'\\''` + "\nexec \"$SHELL\" -l"}, ""},
		{"dash", pam.Params{ParamStartDirectory: "-x"}, pam.OSUnix, keyboard, launch{term: "xterm-256color", script: "cd './-x'\nexec \"$SHELL\" -l"}, ""},
		{"command", pam.Params{ParamInitialCommand: "top # x"}, pam.OSUnix, keyboard, launch{term: "xterm-256color", script: "top # x\nexec \"$SHELL\" -l"}, ""},
		{"command elsewhere is typed", pam.Params{ParamInitialCommand: "show version"}, pam.OSNetwork, keyboard, launch{term: "xterm-256color", typed: "show version"}, ""},
		{"directory elsewhere", pam.Params{ParamStartDirectory: "/"}, pam.OSNetwork, keyboard, launch{}, pam.CodeInvalidParam},
		{"newline", pam.Params{ParamStartDirectory: "/a\nrm"}, pam.OSUnix, keyboard, launch{}, pam.CodeInvalidParam},
		{"NUL", pam.Params{ParamInitialCommand: "a\x00"}, pam.OSUnix, keyboard, launch{}, pam.CodeInvalidParam},
		{"no keyboard", pam.Params{ParamInitialCommand: "id"}, pam.OSUnix, pam.Capabilities{}, launch{}, pam.CodeCapabilityDenied},
		{"no keyboard, directory", pam.Params{ParamStartDirectory: "/"}, pam.OSUnix, pam.Capabilities{}, launch{}, pam.CodeCapabilityDenied},
		{"locale", pam.Params{ParamLocale: "en_US.UTF-8@x"}, pam.OSUnix, keyboard, launch{term: "xterm-256color", env: []envRequest{{"LANG", "en_US.UTF-8@x"}}}, ""},
		{"odd locale", pam.Params{ParamLocale: "a b"}, pam.OSUnix, keyboard, launch{}, pam.CodeInvalidParam},
		{"odd terminal", pam.Params{ParamTerm: "x;y"}, pam.OSUnix, keyboard, launch{}, pam.CodeInvalidParam},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := newLaunch(pam.ConnectRequest{Params: tc.params, Asset: pam.Asset{Type: pam.AssetType{OS: tc.os}}, Capabilities: tc.caps})
			if tc.code != "" {
				te, ok := err.(*pam.TargetError)
				if !ok || te.Code != tc.code {
					t.Fatalf("error = %v, want code %s", err, tc.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(launch{})); diff != "" {
				t.Errorf("launch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNew_Validates(t *testing.T) {
	for name, cfg := range map[string]Config{
		"negative timeout":  {HandshakeTimeout: -1},
		"unknown algorithm": {Ciphers: []string{"rot13"}},
		"weak algorithm":    {Ciphers: []string{ssh.InsecureCipherAES128CBC}},
		"empty list":        {MACs: []string{}},
		"missing file":      {KnownHosts: []string{"/nonexistent/known_hosts"}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: New = nil error", name)
		}
	}
	if _, err := New(Config{Ciphers: []string{ssh.InsecureCipherAES128CBC}, InsecureWeakAlgorithms: true}); err != nil {
		t.Error(err)
	}
}
