package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

const password = "Tr0ub4dor&3-canary"

func target(t *testing.T) (s *rdptest.Server, addr string) {
	t.Helper()
	s, err := rdptest.NewServer(rdptest.Config{
		Passwords: map[string]string{"anna": password}, Still: true,
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if addr, err = s.Listen(); err != nil {
		t.Fatal(err)
	}
	return s, addr
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRun_PictureAndReport: the text arrives, a PNG of the desktop is written, and the report tells how it came.
func TestRun_PictureAndReport(t *testing.T) {
	s, addr := target(t)
	out := filepath.Join(t.TempDir(), "shot.png")
	ca := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	passwordFile := write(t, "password", password+"\n")
	_, port, err := net.SplitHostPort(addr) // the certificate is for the name
	if err != nil {
		t.Fatal(err)
	}
	session := 0
	for name, trust := range map[string][]string{
		"pin": {"-pin", rdp.Fingerprint(s.Certificate())}, "ca": {"-ca", ca}, "insecure": {"-insecure-accept-any-certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{
				"-addr", "localhost:" + port, "-user", "anna", "-password-file", passwordFile, "-size", "800x600",
				"-type", `hello\n`, "-wait", "500ms", "-o", out,
			}, trust...)
			if err := run(t.Context(), args, &stdout, &stderr); err != nil {
				t.Fatalf("%v\n%s", err, &stderr)
			}
			far, err := s.WaitSession(t.Context(), session)
			if err != nil {
				t.Fatal(err)
			}
			session++
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := far.Desktop().Wait(ctx, func(d *rdptest.Desktop) bool { return strings.Contains(d.Text(), "hello") }); err != nil {
				t.Errorf("the desktop has the text %q: %v", far.Desktop().Text(), err)
			}
			var r report
			if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			if r.Protocol == "" || r.TLSVersion != "TLS 1.3" || r.Fingerprint != rdp.Fingerprint(s.Certificate()) || r.Width != 800 || r.Height != 600 {
				t.Errorf("%+v", r)
			}
			if r.Updates == 0 || r.BytesIn == 0 || r.BytesOut == 0 || r.FirstMS > r.SettledMS {
				t.Errorf("%+v", r)
			}
			f, err := os.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			img, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			if b := img.Bounds(); b.Dx() != 800 || b.Dy() != 600 {
				t.Errorf("a picture of %v", b)
			}
			if strings.Contains(stdout.String()+stderr.String(), password) {
				t.Error("the password is in the output")
			}
		})
	}
}

// TestRun_S05_UnknownCertificateIsRefused: without a word about certificates nothing is sent, and the fingerprint to decide about is printed.
func TestRun_S05_UnknownCertificateIsRefused(t *testing.T) {
	s, addr := target(t)
	out := filepath.Join(t.TempDir(), "shot.png")
	err := run(t.Context(), []string{"-addr", addr, "-user", "anna", "-password-file", write(t, "password", password), "-o", out}, &bytes.Buffer{}, &bytes.Buffer{})
	if rdp.CodeOf(err) != rdp.CodeCertificate || !strings.Contains(err.Error(), rdp.Fingerprint(s.Certificate())) {
		t.Errorf("%v", err)
	}
	if n := s.Tokens(); n != 0 {
		t.Errorf("%d tokens of a sign-in were sent", n)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a picture was written")
	}
}

// TestRun_Mistakes: what is wrong with the command line is said before anything is dialled.
func TestRun_Mistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"-addr is missing":     {},
		"-codec jpeg":          {"-addr", "x:1", "-codec", "jpeg"},
		"-size big":            {"-addr", "x:1", "-size", "big"},
		"-wait":                {"-addr", "x:1", "-wait", "0s"},
		"unexpected \"more\"":  {"-addr", "x:1", "more"},
		"no certificate in it": {"-addr", "x:1", "-ca", write(t, "ca.pem", "nothing")},
		"is for who has":       {"-addr", "x:1", "-pin", "sha256:00", "-insecure-accept-any-certificate"},
	} {
		if err := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
