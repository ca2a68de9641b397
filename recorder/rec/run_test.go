package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
)

type nobody struct{}

func (nobody) Written(uint64) {}
func (nobody) Failed(error)   {}

// made is a directory with a recording and keys.
type made struct {
	dir, pub, wrong string
	file            string
	bytes           []byte
}

func setup(t *testing.T) made {
	t.Helper()
	dir := t.TempDir()
	key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := recorder.New(recorder.Config{Dir: filepath.Join(dir, "rec"), Key: key, InsecureNoFreeFloor: true})
	if err != nil {
		t.Fatal(err)
	}
	m := pam.RecordingMeta{
		Session: "s1", Asset: "a1", Name: "evil \x1b]0;owned\x07 name", Protocol: "ssh", User: "u1", UserName: "Ann",
		Started: time.Now(), Size: pam.Size{Cols: 80, Rows: 24}, Term: "xterm", Rules: []string{"p9"}, Policy: 3,
	}
	rec, err := r.Open(context.Background(), m, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rec.Append(pam.Entry{Kind: pam.EntryFrame, Frame: pam.FrameOutput, At: time.Second, Data: []byte("hello\r\n")}); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(context.Background(), pam.Entry{At: time.Minute, Data: []byte(`{"reason":"remote_logoff"}`)}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(rec.Path())
	if err != nil {
		t.Fatal(err)
	}
	d := made{dir: dir, pub: filepath.Join(dir, "pub"), wrong: filepath.Join(dir, "wrong"), file: rec.Path(), bytes: b}
	for path, pub := range map[string]recorder.PublicKey{d.pub: r.PublicKey(), d.wrong: make(ed25519.PublicKey, ed25519.PublicKeySize)} {
		text, err := recorder.MarshalPublicKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d made) put(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerify_R5_ExitCodes(t *testing.T) {
	d := setup(t)
	flipped := bytes.Clone(d.bytes)
	flipped[len(flipped)/2] ^= 1
	changed := d.put(t, "changed", flipped)
	cut := d.put(t, "cut", d.bytes[:len(d.bytes)-1])
	for name, c := range map[string]struct {
		args  []string
		code  int
		first string // of standard output
	}{
		"complete":       {[]string{"verify", "-pub", d.pub, d.file}, 0, "valid-complete\n"},
		"two keys":       {[]string{"verify", "-pub", d.wrong, "-pub", d.pub, d.file}, 0, "valid-complete\n"},
		"changed":        {[]string{"verify", "-pub", d.pub, changed}, 4, "broken at byte "},
		"cut":            {[]string{"verify", "-pub", d.pub, cut}, 4, "broken at byte "},
		"another key":    {[]string{"verify", "-pub", d.wrong, d.file}, 4, "broken at byte 0\n"},
		"missing":        {[]string{"verify", "-pub", d.pub, d.file + "x"}, 5, "missing\n"},
		"no key":         {[]string{"verify", d.file}, 2, ""},
		"no key file":    {[]string{"verify", "-pub", d.pub + "x", d.file}, 2, ""},
		"key is no key":  {[]string{"verify", "-pub", d.file, d.file}, 2, ""},
		"private key":    {[]string{"verify", "-pub", filepath.Join(d.dir, "key"), d.file}, 2, ""},
		"empty folder":   {[]string{"verify", "-pub", d.pub, d.dir}, 5, "0 recordings"},
		"two files":      {[]string{"verify", "-pub", d.pub, d.file, d.file}, 0, "valid-complete  "},
		"nothing":        {nil, 2, ""},
		"unknown":        {[]string{"play", d.file}, 2, ""},
		"help":           {[]string{"help"}, 0, "usage:"},
		"info":           {[]string{"info", d.file}, 0, "session: s1\n"},
		"info, damaged":  {[]string{"info", changed}, 1, ""},
		"info, missing":  {[]string{"info", d.file + "x"}, 1, ""},
		"export":         {[]string{"export", "-format", "cast", d.file}, 0, `{"version":2,"width":80,"height":24,`},
		"export, format": {[]string{"export", "-format", "gif", d.file}, 2, ""},
		"export, exists": {[]string{"export", "-format", "cast", "-o", d.pub, d.file}, 1, ""},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(c.args, &stdout, &stderr); code != c.code || !strings.HasPrefix(stdout.String(), c.first) {
			t.Errorf("%s: exit code %d, want %d; output %q, errors %q", name, code, c.code, stdout.String(), stderr.String())
		}
		if c.code != 0 && c.first == "" && stderr.Len() == 0 {
			t.Errorf("%s: no message", name)
		}
		if strings.ContainsAny(stdout.String()+stderr.String(), "\x1b\x07") {
			t.Errorf("%s: control characters in %q", name, stdout.String()+stderr.String())
		}
	}
}

func TestVerify_R5_Incomplete(t *testing.T) {
	d := setup(t)
	r, err := recorder.New(recorder.Config{Dir: filepath.Join(d.dir, "rec"), Key: mustKey(t, d), InsecureNoFreeFloor: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.file, d.bytes[:len(d.bytes)-1], 0o600); err != nil { // its seal is torn
		t.Fatal(err)
	}
	if _, err := r.Adopt(context.Background()); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"verify", "-pub", d.pub, d.file}, &stdout, &stderr); code != exitIncomplete || !strings.HasPrefix(stdout.String(), "valid-incomplete\n") {
		t.Errorf("exit code %d, output %q, errors %q", code, stdout.String(), stderr.String())
	}
}

func mustKey(t *testing.T, d made) ed25519.PrivateKey {
	t.Helper()
	key, err := recorder.LoadOrCreateKey(filepath.Join(d.dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestExport_ToFile(t *testing.T) {
	d := setup(t)
	out := filepath.Join(d.dir, "out.cast")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"export", "-format", "cast", "-o", out, d.file}, &stdout, &stderr); code != 0 || stdout.Len() != 0 {
		t.Fatalf("exit code %d, output %q, errors %q", code, stdout.String(), stderr.String())
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var e []any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil || len(lines) != 2 || e[2] != "hello\r\n" {
		t.Errorf("%q: %v", text, err)
	}
	if st, err := os.Stat(out); err != nil || st.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}
