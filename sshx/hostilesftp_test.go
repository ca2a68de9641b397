package sshx_test

import (
	"bytes"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// S17: every hostile file service is contained: the error is true, what comes out is inert and bounded, the terminal
// goes on, and the end of the session is not held up.
func TestHostileSFTP_S17(t *testing.T) {
	const file = "/d/file"
	whole := bytes.Repeat([]byte("x"), sshtest.HostileFileSize)
	stat := func(code pam.Code) func(t *testing.T, x pam.FileSystem) {
		return func(t *testing.T, x pam.FileSystem) {
			_, err := x.Stat(bg, file)
			wantFileCode(t, err, code)
			inert(t, "the error", err.Error())
		}
	}
	list := func(code pam.Code) func(t *testing.T, x pam.FileSystem) {
		return func(t *testing.T, x pam.FileSystem) {
			_, err := x.List(bg, "/d")
			wantFileCode(t, err, code)
		}
	}
	read := func(code pam.Code) func(t *testing.T, x pam.FileSystem) {
		return func(t *testing.T, x pam.FileSystem) {
			_, err := openFile(t, x, file, pam.OpenRead).ReadAt(bg, make([]byte, 10_000), 0)
			wantFileCode(t, err, code)
		}
	}
	polite := func(t *testing.T, x pam.FileSystem) {
		home, err := x.Home(bg)
		if err != nil || home != "/" {
			t.Errorf("Home = %q, %v", home, err)
		}
		if l, err := x.List(bg, "/d"); err != nil || !slices.Equal(names(l), []string{"file"}) || l.Truncated || l.Refused != 0 {
			t.Errorf("List = %+v, %v", l, err)
		}
		if got := readFile(t, x, file); !bytes.Equal(got, whole) {
			t.Errorf("%d bytes that are not the file", len(got))
		}
	}
	// goesOn checks that the same channel serves on.
	goesOn := func(t *testing.T, x pam.FileSystem) {
		if got := readFile(t, x, file); !bytes.Equal(got, whole) {
			t.Errorf("afterwards: %d bytes that are not the file", len(got))
		}
	}
	truncated := func(files, refused int) func(t *testing.T, x pam.FileSystem) {
		return func(t *testing.T, x pam.FileSystem) {
			l, err := x.List(bg, "/d")
			if err != nil || !l.Truncated || len(l.Files) != files || l.Refused != refused {
				t.Errorf("List = %d entries, %d refused, truncated %t, %v; want %d, %d", len(l.Files), l.Refused, l.Truncated, err, files, refused)
			}
			goesOn(t, x)
		}
	}
	for name, tc := range map[string]struct {
		quick bool     // a short deadline: the server does nothing more
		files pam.Code // Files itself fails
		check func(t *testing.T, x pam.FileSystem)
	}{
		"polite":         {check: polite},
		"greeting-never": {quick: true, files: pam.CodeFileTimeout},
		"greeting-huge":  {check: polite},
		"greeting-4gib":  {files: pam.CodeFilesUnavailable},
		"stderr-flood":   {check: polite},
		"length-4gib":    {check: stat(pam.CodeTargetProtocol)},
		"cut-packet":     {check: stat(pam.CodeTargetProtocol)},
		"wrong-id":       {check: stat(pam.CodeTargetProtocol)},
		"wrong-kind":     {check: stat(pam.CodeTargetProtocol)},
		"duplicate": {check: func(t *testing.T, x pam.FileSystem) {
			for {
				if _, err := x.Stat(bg, file); err != nil { // the first may win
					wantFileCode(t, err, pam.CodeTargetProtocol)
					return
				}
			}
		}},
		"never-answers": {quick: true, check: stat(pam.CodeFileTimeout)},
		"huge-status":   {check: func(t *testing.T, x pam.FileSystem) { stat(pam.CodeFileFailed)(t, x); goesOn(t, x) }},
		"bare-status":   {check: func(t *testing.T, x pam.FileSystem) { stat(pam.CodeFileDenied)(t, x); goesOn(t, x) }},
		"huge-handle": {check: func(t *testing.T, x pam.FileSystem) {
			_, err := x.Open(bg, file, pam.OpenRead)
			wantFileCode(t, err, pam.CodeTargetProtocol)
		}},
		"size-lies": {check: func(t *testing.T, x pam.FileSystem) {
			if info, err := x.Stat(bg, file); err != nil || info.Size != math.MaxInt64 {
				t.Errorf("Stat = %+v, %v", info, err)
			}
			goesOn(t, x)
		}},
		"setuid": {check: func(t *testing.T, x pam.FileSystem) {
			if info, err := x.Stat(bg, file); err != nil || info.Mode != 0o777 {
				t.Errorf("Stat = %v, %v", info.Mode, err)
			}
			goesOn(t, x)
		}},
		"odd-attributes": {check: stat(pam.CodeTargetProtocol)},
		"pipe": {check: func(t *testing.T, x pam.FileSystem) {
			_, err := x.Open(bg, file, pam.OpenRead)
			wantFileCode(t, err, pam.CodeFileFailed)
		}},
		"home-lies": {check: func(t *testing.T, x pam.FileSystem) {
			_, err := x.Home(bg)
			wantFileCode(t, err, pam.CodeFileBadName)
			inert(t, "the error", err.Error())
		}},
		"two-homes": {check: func(t *testing.T, x pam.FileSystem) {
			_, err := x.Home(bg)
			wantFileCode(t, err, pam.CodeTargetProtocol)
		}},
		"link-loop": {check: func(t *testing.T, x pam.FileSystem) {
			info, err := x.Stat(bg, file)
			if err != nil || info.Mode.Type() != fs.ModeSymlink || info.Link == "" {
				t.Errorf("Stat = %v, %v", info.Mode, err)
			}
			inert(t, "the link", info.Link)
			_, err = x.Open(bg, file, pam.OpenOverwrite)
			wantFileCode(t, err, pam.CodeFileFailed)
		}},
		"endless-depth": {check: func(t *testing.T, x pam.FileSystem) {
			dir, depth := "", 0
			for {
				l, err := x.List(bg, dir+"/again")
				if err != nil {
					wantFileCode(t, err, pam.CodeFileBadName)
					break
				}
				dir += "/" + l.Files[0].Name
				depth++
			}
			if depth != pam.MaxFileDepth {
				t.Errorf("went %d folders deep, want %d", depth, pam.MaxFileDepth)
			}
		}},
		"endless-readdir": {check: truncated(pam.MaxListed, 0)},
		"endless-poison":  {check: truncated(0, pam.MaxListed)},
		"endless-dots":    {check: truncated(0, pam.MaxListed)},
		"endless-nothing": {check: list(pam.CodeTargetProtocol)},
		"name-count-lies": {check: list(pam.CodeTargetProtocol)},
		"poison-names": {check: func(t *testing.T, x pam.FileSystem) {
			l, err := x.List(bg, "/d")
			want := []string{`\x1b[2J`, `\xe2\x80\xaegpj.exe`, `\xff\xfe`, `back\\slash`, "file", `new\x0aline`}
			if err != nil || !slices.Equal(names(l), want) || l.Refused != len(sshtest.PoisonNames())+1-len(want) {
				t.Errorf("List = %q, %d refused, %v; want %q", names(l), l.Refused, err, want)
			}
			goesOn(t, x)
		}},
		"data-after-end": {check: func(t *testing.T, x pam.FileSystem) {
			if n, err := openFile(t, x, file, pam.OpenRead).ReadAt(bg, make([]byte, 1<<20), 0); n != 0 || err != io.EOF {
				t.Errorf("ReadAt = %d, %v", n, err)
			}
		}},
		"more-data":        {check: read(pam.CodeTargetProtocol)},
		"no-data":          {check: read(pam.CodeTargetProtocol)},
		"data-length-lies": {check: read(pam.CodeTargetProtocol)},
		"trickle":          {check: goesOn},
		"out-of-order": {check: func(t *testing.T, x pam.FileSystem) {
			p := make([]byte, 3*32<<10)
			if n, err := openFile(t, x, file, pam.OpenRead).ReadAt(bg, p, 0); n != len(p) || err != nil || !bytes.Equal(p, whole[:n]) {
				t.Errorf("ReadAt = %d, %v", n, err)
			}
		}},
		"takes-no-more": {quick: true, check: func(t *testing.T, x pam.FileSystem) {
			n, err := openFile(t, x, file, pam.OpenOverwrite).WriteAt(bg, make([]byte, 1024), 0)
			wantFileCode(t, err, pam.CodeFileTimeout)
			if n != 0 {
				t.Errorf("%d bytes count as written", n)
			}
		}},
		"closes": {check: stat(pam.CodeFilesUnavailable)},
	} {
		i := slices.IndexFunc(sshtest.HostileSFTPs(), func(h sshtest.HostileSFTP) bool { return h.Name == name })
		if i < 0 {
			t.Errorf("%s: there is no such server", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			pamtest.NoLeaks(t)
			boundHeap(t, 48<<20)
			handler, taken := sshtest.HostileSFTPs()[i].Handler()
			srv, addr := server(t, sshtest.Config{Handler: lines, SFTP: handler})
			cfg := sshx.Config{}
			if tc.quick {
				cfg.FileTimeout = time.Second
			}
			l := run(t, connect(t, newProtocol(t, cfg), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
			x, err := l.conn.(pam.Files).Files(bg)
			if tc.files != "" {
				wantFileCode(t, err, tc.files)
			} else {
				must(t, err)
				tc.check(t, x)
			}
			l.keys("still here\r")
			l.sink.wait(t, `got "still here"`)
			closeSoon(t, l.conn)
			_ = l.ended()
			if x != nil {
				must(t, x.Close())
			}
			if name != "polite" && name != "takes-no-more" { // that one reads nothing by its nature: its client is what ends
				soon(t, "the poison to be taken", taken)
			}
			must(t, srv.Close())
		})
	}
	for _, h := range sshtest.HostileSFTPs() {
		if h.Does == "" || strings.ToLower(h.Name) != h.Name {
			t.Errorf("%q is not documented", h.Name)
		}
	}
}

// S17: a call that ran into its deadline ends the channel, which the target gets back, and the next Files has another.
func TestHostileSFTP_S17_TimeoutEndsTheChannel(t *testing.T) {
	pamtest.NoLeaks(t)
	srv, addr := server(t, sshtest.Config{Handler: lines, MaxSessions: 2, SFTP: func(s *sshtest.Session) int {
		_, _ = s.Read(make([]byte, 9))
		_, _ = s.Write([]byte{0, 0, 0, 5, 2, 0, 0, 0, 3})
		<-s.Context().Done()
		return 0
	}})
	c := connect(t, newProtocol(t, sshx.Config{FileTimeout: time.Second}), request(addr, "demo", srv.HostKey(), demoVault))
	defer c.Close(bg)
	for range 3 {
		x, err := c.(pam.Files).Files(bg)
		must(t, err)
		_, err = x.Stat(bg, "/a")
		wantFileCode(t, err, pam.CodeFileTimeout)
		_, err = x.Stat(bg, "/a") // the value is of no more use
		wantFileCode(t, err, pam.CodeFileTimeout)
		must(t, x.Close())
		must(t, srv.WaitSessions(t.Context(), 1))
	}
}

// S17: a target that lets channels open and then says nothing holds one of them, however often it is asked.
func TestHostileSFTP_S17_SilentChannel(t *testing.T) {
	pamtest.NoLeaks(t)
	c, _, err := attackBy(t, hostile(t, "no-close"), sshx.Config{FileTimeout: 20 * time.Millisecond})
	must(t, err)
	l := run(t, c, newSink())
	for range 20 {
		_, err := c.(pam.Files).Files(bg)
		wantFileCode(t, err, pam.CodeFileTimeout)
	}
	closeSoon(t, c)
	_ = l.ended()
}
