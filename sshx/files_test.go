package sshx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

var bg = context.Background()

// openFiles returns the file system of a connection, closed at the end of the test.
func openFiles(t testing.TB, c pam.Conn) pam.FileSystem {
	t.Helper()
	x, err := c.(pam.Files).Files(bg)
	if err != nil {
		t.Fatalf("Files: %v", err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// filesOn connects to a server and opens its files.
func filesOn(t testing.TB, cfg sshtest.Config) pam.FileSystem {
	t.Helper()
	if cfg.Handler == nil {
		cfg.Handler = lines
	}
	srv, addr := server(t, cfg)
	c := connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault))
	t.Cleanup(func() { _ = c.Close(bg) })
	return openFiles(t, c)
}

func wantFileCode(t testing.TB, err error, code pam.Code) {
	t.Helper()
	var fe *pam.FileError
	if !errors.As(err, &fe) || fe.Code != code {
		t.Fatalf("got error %v, want a FileError with code %s", err, code)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openFile(t testing.TB, x pam.FileSystem, name string, how pam.OpenMode) pam.File {
	t.Helper()
	f, err := x.Open(bg, name, how)
	must(t, err)
	return f
}

func putFile(t testing.TB, x pam.FileSystem, name string, data []byte) {
	t.Helper()
	f := openFile(t, x, name, pam.OpenCreate)
	n, err := f.WriteAt(bg, data, 0)
	if n != len(data) {
		t.Fatalf("WriteAt = %d of %d, %v", n, len(data), err)
	}
	must(t, err)
	must(t, f.Close(bg))
}

func readFile(t testing.TB, x pam.FileSystem, name string) []byte {
	t.Helper()
	f := openFile(t, x, name, pam.OpenRead)
	defer f.Close(bg)
	var all []byte
	p := make([]byte, 300_000)
	for {
		n, err := f.ReadAt(bg, p, int64(len(all)))
		all = append(all, p[:n]...)
		if err == io.EOF {
			return all
		}
		must(t, err)
	}
}

func names(l pam.Listing) []string {
	var out []string
	for _, f := range l.Files {
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return out
}

// noise is data whose place in a file can be told from it.
func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8*7 ^ i>>16*13)
	}
	return b
}

func TestSFTP_I11_RoundTrip(t *testing.T) {
	x := filesOn(t, sshtest.Config{})
	home, err := x.Home(bg)
	if err != nil || home != "/" {
		t.Fatalf("Home = %q, %v", home, err)
	}
	must(t, x.Mkdir(bg, "/d"))
	data := noise(3_000_001) // more than one call keeps on its way, and no multiple of anything
	putFile(t, x, "/d/file", data)
	if got := readFile(t, x, "/d/file"); !bytes.Equal(got, data) {
		t.Fatalf("read %d bytes, other than the %d written", len(got), len(data))
	}
	info, err := x.Stat(bg, "/d/file")
	if err != nil || info.Name != "file" || info.Size != int64(len(data)) || !info.Mode.IsRegular() {
		t.Errorf("Stat = %+v, %v", info, err)
	}

	// Reads at places, and at the end.
	f := openFile(t, x, "/d/file", pam.OpenRead)
	p := make([]byte, 100_000)
	for _, off := range []int{0, 1, 32<<10 - 1, len(data) - 100_000} {
		if n, err := f.ReadAt(bg, p, int64(off)); n != len(p) || err != nil || !bytes.Equal(p, data[off:off+n]) {
			t.Errorf("ReadAt(%d) = %d, %v", off, n, err)
		}
	}
	if n, err := f.ReadAt(bg, p, int64(len(data)-7)); n != 7 || err != io.EOF {
		t.Errorf("ReadAt before the end = %d, %v; want 7, EOF itself", n, err)
	}
	if n, err := f.ReadAt(bg, p, int64(len(data))); n != 0 || err != io.EOF {
		t.Errorf("ReadAt at the end = %d, %v", n, err)
	}
	for _, off := range []int64{-1, math.MaxInt64} {
		_, err := f.ReadAt(bg, p, off)
		wantFileCode(t, err, pam.CodeFileFailed)
	}
	must(t, f.Close(bg))
	must(t, f.Close(bg)) // twice is nothing
	_, err = f.ReadAt(bg, p, 0)
	wantFileCode(t, err, pam.CodeFileFailed)
	if !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read of a closed file: %v", err)
	}

	list, err := x.List(bg, "/d")
	if err != nil || !slices.Equal(names(list), []string{"file"}) || list.Truncated || list.Refused != 0 {
		t.Errorf("List = %+v, %v", list, err)
	}
}

func TestSFTP_I12_ResumeAndTruncate(t *testing.T) {
	x := filesOn(t, sshtest.Config{})
	data := noise(500_000)
	f := openFile(t, x, "/upload", pam.OpenOverwrite) // made
	_, err := f.WriteAt(bg, data[:200_000], 0)
	must(t, err)
	must(t, f.Close(bg))
	f = openFile(t, x, "/upload", pam.OpenOverwrite) // as it was
	info, err := f.Stat(bg)
	if err != nil || info.Size != 200_000 {
		t.Fatalf("Stat of what there is = %+v, %v", info, err)
	}
	_, err = f.WriteAt(bg, data[150_000:], 150_000)
	must(t, err)
	must(t, f.Close(bg))
	if got := readFile(t, x, "/upload"); !bytes.Equal(got, data) {
		t.Errorf("%d bytes differ from the %d of the source", len(got), len(data))
	}
	f = openFile(t, x, "/upload", pam.OpenOverwrite)
	must(t, f.Truncate(bg, 10))
	must(t, f.Close(bg))
	if got := readFile(t, x, "/upload"); !bytes.Equal(got, data[:10]) {
		t.Errorf("after Truncate: %d bytes", len(got))
	}
}

func TestSFTP_I12_RenameRemoveCreate(t *testing.T) {
	x := filesOn(t, sshtest.Config{})
	putFile(t, x, "/a", []byte("a"))
	putFile(t, x, "/b", []byte("b"))
	_, err := x.Open(bg, "/a", pam.OpenCreate)
	wantFileCode(t, err, pam.CodeFileExists)
	wantFileCode(t, x.Rename(bg, "/a", "/b", false), pam.CodeFileExists)
	must(t, x.Rename(bg, "/a", "/b", true))
	if got := string(readFile(t, x, "/b")); got != "a" {
		t.Errorf("after the replacing rename: %q", got)
	}
	must(t, x.Rename(bg, "/b", "/c", false))
	must(t, x.Mkdir(bg, "/d"))
	wantFileCode(t, x.Mkdir(bg, "/d"), pam.CodeFileExists)
	must(t, x.Remove(bg, "/c"))
	must(t, x.Remove(bg, "/d"))
	wantFileCode(t, x.Remove(bg, "/c"), pam.CodeFileNotFound)
	_, err = x.Stat(bg, "/c")
	wantFileCode(t, err, pam.CodeFileNotFound)
	_, err = x.Open(bg, "/c", pam.OpenRead)
	wantFileCode(t, err, pam.CodeFileNotFound)
	_, err = x.List(bg, "/c")
	wantFileCode(t, err, pam.CodeFileNotFound)
	_, err = x.Open(bg, "/", pam.OpenRead)
	wantFileCode(t, err, pam.CodeFileFailed)
	_, err = x.Open(bg, "/e", 0)
	wantFileCode(t, err, pam.CodeFileFailed)
}

// S17: what is no path in the one form that names have does not reach the target.
func TestSFTP_S17_BadNamesStayHere(t *testing.T) {
	x := filesOn(t, sshtest.Config{})
	for _, name := range []string{"", "a", "/a/../b", "/a/", "/\x00", "/a\n", `/\x41`, "/" + strings.Repeat("n", 1025)} {
		_, err := x.Stat(bg, name)
		wantFileCode(t, err, pam.CodeFileBadName)
		_, err = x.List(bg, name)
		wantFileCode(t, err, pam.CodeFileBadName)
		_, err = x.Open(bg, name, pam.OpenCreate)
		wantFileCode(t, err, pam.CodeFileBadName)
		wantFileCode(t, x.Remove(bg, name), pam.CodeFileBadName)
		wantFileCode(t, x.Mkdir(bg, name), pam.CodeFileBadName)
		wantFileCode(t, x.Rename(bg, name, "/x", true), pam.CodeFileBadName)
		wantFileCode(t, x.Rename(bg, "/x", name, true), pam.CodeFileBadName)
	}
	list, err := x.List(bg, "/")
	if err != nil || len(list.Files) != 0 {
		t.Errorf("List = %+v, %v; want nothing made", list, err)
	}
}

func TestSFTP_S17_OpenFilesAreBounded(t *testing.T) {
	x := filesOn(t, sshtest.Config{})
	putFile(t, x, "/a", []byte("a"))
	var files []pam.File
	for range pam.MaxOpenFiles {
		files = append(files, openFile(t, x, "/a", pam.OpenRead))
	}
	_, err := x.Open(bg, "/a", pam.OpenRead)
	wantFileCode(t, err, pam.CodeLimitReached)
	must(t, files[0].Close(bg))
	must(t, openFile(t, x, "/a", pam.OpenRead).Close(bg))
}

// I11: no second login, one channel for all, given back after the last.
func TestSFTP_I11_OneChannelForAll(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines, MaxSessions: 2})
	c := connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault))
	defer c.Close(bg)
	for range 3 { // the last Close gives the channel back
		var all []pam.FileSystem
		for range 20 {
			x, err := c.(pam.Files).Files(bg)
			must(t, err)
			all = append(all, x)
		}
		must(t, all[0].Close())
		must(t, all[0].Close())
		_, err := all[0].Home(bg)
		wantFileCode(t, err, pam.CodeFilesUnavailable)
		for _, x := range all[1:] {
			_, err := x.Home(bg)
			must(t, err)
			must(t, x.Close())
		}
		must(t, srv.WaitSessions(t.Context(), 1))
	}
	if n := len(srv.Attempts()); n != 1 {
		t.Errorf("%d sign-ins, want the one of the session", n)
	}
}

func TestSFTP_I11_Unavailable(t *testing.T) {
	for name, cfg := range map[string]sshtest.Config{
		"no subsystem":          {RefuseSFTP: true},
		"one session only":      {MaxSessions: 1},
		"it ends at once":       {SFTP: func(*sshtest.Session) int { return 1 }},
		"it speaks a later one": {SFTP: func(s *sshtest.Session) int { _, _ = s.Write([]byte{0, 0, 0, 5, 2, 0, 0, 0, 6}); return 0 }},
		"it talks":              {SFTP: func(s *sshtest.Session) int { fmt.Fprint(s, "Hello from .bashrc\n"); return 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Handler = lines
			srv, addr := server(t, cfg)
			l := run(t, connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
			l.sink.wait(t, "ready")
			for range 10 {
				_, err := l.conn.(pam.Files).Files(bg)
				wantFileCode(t, err, pam.CodeFilesUnavailable)
				must(t, srv.WaitSessions(t.Context(), 1))
			}
			l.keys("still here\r") // the terminal does not mind
			l.sink.wait(t, `got "still here"`)
		})
	}
}

// The end of the session is the end of its files.
func TestSFTP_I11_EndsWithTheSession(t *testing.T) {
	reading := make(chan struct{})
	var once sync.Once
	srv, addr := server(t, sshtest.Config{Handler: lines, SFTP: func(s *sshtest.Session) int {
		_, _ = s.Read(make([]byte, 9))
		_, _ = s.Write([]byte{0, 0, 0, 5, 2, 0, 0, 0, 3})
		_, _ = s.Read(make([]byte, 1))
		once.Do(func() { close(reading) })
		<-s.Context().Done() // it never answers
		return 0
	}})
	c := connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault))
	x := openFiles(t, c)
	got := make(chan error, 1)
	go func() {
		_, err := x.Stat(bg, "/a")
		got <- err
	}()
	<-reading
	must(t, c.Close(bg))
	wantFileCode(t, <-got, pam.CodeFilesUnavailable)
	_, err := x.Stat(bg, "/a")
	wantFileCode(t, err, pam.CodeFilesUnavailable)
	_, err = c.(pam.Files).Files(bg)
	wantFileCode(t, err, pam.CodeFilesUnavailable)
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Files after Close: %v", err)
	}
	must(t, x.Close())
}

// A caller that gives up is let go at once, its cause is told, and the channel goes on for the others.
func TestSFTP_S17_CancelLeavesNothingBehind(t *testing.T) {
	pamtest.NoLeaks(t)
	hold, held := make(chan struct{}), make(chan struct{}, 100)
	tree := sshtest.NewMemSFTP()
	srv, addr := server(t, sshtest.Config{Handler: lines, SFTP: sshtest.FilterSFTP(tree, func(p []byte) []byte {
		if p[0] == 17 { // SSH_FXP_STAT, which opening a file begins with
			held <- struct{}{}
			<-hold
		}
		return p
	}, nil)})
	c := connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault))
	defer c.Close(bg)
	x := openFiles(t, c)
	putFile(t, x, "/a", []byte("a"))
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(bg)
	got := make(chan error)
	for range 10 {
		go func() {
			_, err := x.Open(ctx, "/a", pam.OpenRead)
			got <- err
		}()
	}
	<-held
	cancel(gone)
	for range 10 {
		err := <-got
		wantFileCode(t, err, pam.CodeFileFailed)
		if !errors.Is(err, gone) {
			t.Errorf("%v does not wrap the cause", err)
		}
	}
	close(hold)
	if got := string(readFile(t, x, "/a")); got != "a" {
		t.Errorf("read %q", got)
	}
	// Nothing that was given up holds a place.
	for range pam.MaxOpenFiles {
		openFile(t, x, "/a", pam.OpenRead)
	}
}

// I12: heavy traffic of files must not starve the terminal. What is asserted is delivery, not time: every key is
// echoed while the copies are under way, and the copies are whole.
func TestSFTP_I12_TerminalGoesOnWhileCopying(t *testing.T) {
	srv, addr := server(t, sshtest.Config{Handler: lines})
	l := run(t, connect(t, newProtocol(t, sshx.Config{}), request(addr, "demo", srv.HostKey(), demoVault)), newSink())
	l.sink.wait(t, "ready")
	x := openFiles(t, l.conn)
	data := noise(4 << 20)
	putFile(t, x, "/source", data)
	ctx, stop := context.WithCancel(bg)
	var wg sync.WaitGroup
	var copies atomic.Int64
	for i := range 3 {
		wg.Go(func() {
			to, err := x.Open(bg, fmt.Sprintf("/copy%d", i), pam.OpenCreate)
			if err != nil {
				t.Error(err)
				return
			}
			from, err := x.Open(bg, "/source", pam.OpenRead)
			if err != nil {
				t.Error(err)
				return
			}
			for p := make([]byte, len(data)); ctx.Err() == nil; {
				if n, err := from.ReadAt(bg, p, 0); n != len(p) || err != nil || !bytes.Equal(p, data) {
					t.Errorf("ReadAt = %d, %v", n, err)
					return
				}
				if n, err := to.WriteAt(bg, p[:1<<20], 0); n != 1<<20 || err != nil {
					t.Errorf("WriteAt = %d, %v", n, err)
					return
				}
				copies.Add(1)
			}
		})
	}
	// Fifty keys are echoed faster than four megabytes are copied, so typing goes on until something was copied.
	for i := 0; i < 50 || copies.Load() == 0 && !t.Failed(); i++ {
		text := fmt.Sprintf("key-%d", i)
		l.keys(text + "\r")
		l.sink.wait(t, fmt.Sprintf("got %q\r\n", text))
	}
	stop()
	wg.Wait()
}
