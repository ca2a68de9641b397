package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
)

// record makes one small recording in dir with key.
func record(t *testing.T, dir, key, session string) string {
	t.Helper()
	signer, err := recorder.LoadKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := recorder.New(recorder.Config{Dir: dir, Key: signer, InsecureNoFreeFloor: true})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := r.Open(context.Background(), pam.RecordingMeta{Session: pam.SessionID(session), Asset: "a1", User: "u1", Started: time.Now()}, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rec.Append(pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, Data: []byte(session)}); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(context.Background(), pam.Entry{Data: []byte(`{"reason":"remote_logoff"}`)}); err != nil {
		t.Fatal(err)
	}
	return rec.Path()
}

// shell runs a line as KEYS.md shows it: a command, perhaps "> FILE", perhaps "# exit N".
func shell(t *testing.T, line string) (code int, stdout, stderr string) {
	t.Helper()
	line, _, _ = strings.Cut(line, "#")
	line, to, redirected := strings.Cut(line, ">")
	var out, errs bytes.Buffer
	code = run(strings.Fields(line)[1:], &out, &errs)
	if redirected {
		if err := os.WriteFile(strings.TrimSpace(to), out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return code, out.String(), errs.String()
}

// TestKeys_S42_GuideIsRun runs every command of KEYS.md in its order, with recordings made by each key as soon as there
// is one. Rotation does not break what the old key signed.
func TestKeys_S42_GuideIsRun(t *testing.T) {
	text, err := os.ReadFile("../KEYS.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	commands := regexp.MustCompile(`(?m)^\$ (rec .*)$`).FindAllStringSubmatch(string(text), -1)
	if len(commands) < 8 {
		t.Fatalf("KEYS.md has %d commands", len(commands))
	}
	var made []string
	for _, m := range commands {
		want := 0
		if _, exit, ok := strings.Cut(m[1], "# exit "); ok {
			if _, err := fmt.Sscan(exit, &want); err != nil {
				t.Fatal(err)
			}
		}
		code, stdout, stderr := shell(t, m[1])
		if code != want {
			t.Errorf("%s: exit code %d, want %d; %s%s", m[1], code, want, stdout, stderr)
		}
		switch f := strings.Fields(m[1]); f[1] {
		case "keygen":
			for _, n := range []string{"a", "b"} {
				made = append(made, filepath.Base(record(t, "recordings", f[3], f[3][:12]+n)))
			}
		case "keyid":
			if id := strings.TrimSpace(stdout); len(id) != 32 {
				t.Errorf("the id is %q", id)
			}
		case "pubkey":
			old, err := os.ReadFile("gateway-2026.pub")
			if err != nil || string(old) != stdout {
				t.Errorf("pubkey printed %q, keygen %q (%v)", stdout, old, err)
			}
		case "verify":
			for _, path := range made {
				if !strings.Contains(stdout, path) {
					t.Errorf("%s says nothing of %s: %s", m[1], path, stdout)
				}
			}
		}
	}
	if len(made) != 4 {
		t.Errorf("%d recordings were made", len(made))
	}
}

func TestKeygen_NeverReplaces(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, errs := shell(t, "rec keygen -o key > pub"); code != 0 {
		t.Fatal(errs)
	}
	before, err := os.ReadFile("key")
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat("key"); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	for line, want := range map[string]int{
		"rec keygen -o key": exitError, "rec keygen": exitUsage, "rec keygen -o a b": exitUsage, "rec pubkey": exitUsage,
		"rec pubkey none": exitError, "rec pubkey pub": exitError, "rec keyid none": exitError, "rec keyid key": exitError,
	} {
		if code, out, errs := shell(t, line); code != want || out != "" || errs == "" {
			t.Errorf("%s: exit code %d, want %d; %q, %q", line, code, want, out, errs)
		}
	}
	if after, err := os.ReadFile("key"); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the key was replaced (%v)", err)
	}
	if left, _ := filepath.Glob("*key*"); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

// A folder is verified as a whole, several files at a time and in order, and one bad recording shows.
func TestVerify_S24_R5_Folder(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, errs := shell(t, "rec keygen -o key > pub"); code != 0 {
		t.Fatal(errs)
	}
	var paths []string
	for i := range 20 {
		paths = append(paths, record(t, "all", "key", fmt.Sprintf("s%02d", i)))
	}
	if err := os.WriteFile("all/notes.txt", []byte("no recording"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := shell(t, "rec verify -pub pub -progress -j 3 all"); code != 0 || strings.Count(out, "valid-complete  ") != 20 ||
		!strings.HasSuffix(errs, "20 of 20\n") || !strings.HasSuffix(out, "20 recordings: 20 valid-complete, 0 valid-incomplete, 0 broken, 0 missing\n") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	bad := paths[7]
	text, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(bad, text, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := shell(t, "rec verify -pub pub -json all none")
	if code != exitBroken {
		t.Errorf("exit code %d, want %d", code, exitBroken)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 21 {
		t.Fatalf("%d lines for 21 names", len(lines))
	}
	for i, line := range lines {
		var v verdictJSON
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		switch {
		case i == 20:
			if v.State != "missing" || v.Path != "none" {
				t.Errorf("line %d: %s", i+1, line)
			}
		case paths[i] == bad:
			if v.State != "broken" || v.At == nil || v.Cause == "" {
				t.Errorf("line %d: %s", i+1, line)
			}
		default:
			if !strings.HasSuffix(paths[i], v.Path) || v.State != "valid-complete" || v.Seal == nil || !v.Seal.Complete || v.Session != fmt.Sprintf("s%02d", i) {
				t.Errorf("line %d: %s", i+1, line)
			}
		}
	}
}
