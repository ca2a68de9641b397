//go:build unix

package sshx_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// sftpServer is where Debian and its kin keep OpenSSH's own server.
const sftpServer = "/usr/lib/openssh/sftp-server"

// openSSHFiles opens the files of a real sshd and returns a folder of its own, in shown form.
func openSSHFiles(t testing.TB, options ...string) (x pam.FileSystem, dir string) {
	t.Helper()
	s := sshtest.StartOpenSSH(t, options...)
	l := openSSH(t, s, sshx.Config{})
	return openFiles(t, l.conn), t.TempDir()
}

func TestOpenSSH_S17_EveryOddName(t *testing.T) {
	for name, options := range map[string][]string{
		"internal": nil,
		"external": {"Subsystem sftp " + pamtest.Peer(t, sftpServer)},
	} {
		t.Run(name, func(t *testing.T) {
			x, dir := openSSHFiles(t, options...)
			odd := []string{
				"plain", " leading space", "trailing space ", "two  spaces", "new\nline", "cr\rlf\n", "tab\there", "\x1b[31mred\x1b[0m",
				"'single'", `"double"`, "`back`", "$HOME", "$(reboot)", "a;b|c&d", "*", "?", "[x]", "~", "-", "--", "-rf", "#", "...", ".hidden", "..a",
				`back\slash`, `\x0a`, `C:\con`, "bell\a", "del\x7f", "c1\u009b", "latin1-\xe9", "\xff\xfe", "half-\xe2\x82", "\xed\xa0\x80",
				"rtl-\u202egpj.exe", "iso-\u2066late\u2069", "line\u2028sep", "zwj-👩\u200d🚀", "e\u0301 and é", "日本語", "עברית", "عربى", "\u00a0", "\ufeffbom",
				strings.Repeat("n", 255), strings.Repeat("é", 127) + "x", strings.Repeat("\x01", 255), "<script>alert(1)<script>", "a=b", "%2e%2e%2f", "con", "nul.txt",
			}
			for _, raw := range odd {
				must(t, os.WriteFile(filepath.Join(dir, raw), []byte(raw), 0o600))
			}
			list, err := x.List(bg, dir)
			must(t, err)
			if len(list.Files) != len(odd) || list.Refused != 0 || list.Truncated {
				t.Fatalf("%d entries, refused %d, truncated %t; want %d entries", len(list.Files), list.Refused, list.Truncated, len(odd))
			}
			for _, f := range list.Files {
				// What is listed can be read, renamed and removed by the name that is shown.
				raw := string(readFile(t, x, dir+"/"+f.Name))
				if shown, ok := pam.ShowFileName(raw); !ok || shown != f.Name || int(f.Size) != len(raw) || !f.Mode.IsRegular() {
					t.Errorf("%+v is the file %q", f, raw)
				}
				must(t, x.Rename(bg, dir+"/"+f.Name, dir+"/away", false))
				must(t, x.Rename(bg, dir+"/away", dir+"/"+f.Name, true))
				if got, err := os.ReadFile(filepath.Join(dir, raw)); err != nil || string(got) != raw {
					t.Errorf("%q after renaming there and back: %q, %v", raw, got, err)
				}
				must(t, x.Remove(bg, dir+"/"+f.Name))
			}
			for _, raw := range odd { // and made
				shown, _ := pam.ShowFileName(raw)
				putFile(t, x, dir+"/"+shown, []byte(raw))
				if got, err := os.ReadFile(filepath.Join(dir, raw)); err != nil || string(got) != raw {
					t.Errorf("made %q: %q, %v", raw, got, err)
				}
			}
			_, err = x.Open(bg, dir+"/"+strings.Repeat("n", 256), pam.OpenCreate)
			wantFileCode(t, err, pam.CodeFileBadName) // the target's own limit
		})
	}
}

func TestOpenSSH_S17_LinksPipesAndModes(t *testing.T) {
	x, dir := openSSHFiles(t)
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("outside"), 0o600))
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.Mkdir(at("real"), 0o700))
	must(t, os.Symlink(outside, at("file")))
	must(t, os.Symlink("real", at("folder")))
	must(t, os.Symlink("gone\n\xff", at("dangling")))
	must(t, os.Symlink("loop", at("loop")))
	must(t, syscall.Mkfifo(at("pipe"), 0o600))
	must(t, os.WriteFile(at("setuid"), nil, 0o600))
	must(t, os.Chmod(at("setuid"), fs.ModeSetuid|fs.ModeSetgid|0o755))
	must(t, os.Chmod(at("real"), fs.ModeSticky|0o777))

	list, err := x.List(bg, dir)
	must(t, err)
	for _, f := range list.Files {
		want := map[string]fs.FileMode{
			"real": fs.ModeDir | 0o777, "pipe": fs.ModeNamedPipe | 0o600, "setuid": 0o755,
			"file": fs.ModeSymlink | 0o777, "folder": fs.ModeSymlink | 0o777, "dangling": fs.ModeSymlink | 0o777, "loop": fs.ModeSymlink | 0o777,
		}[f.Name]
		if f.Mode != want {
			t.Errorf("%s has mode %v, want %v", f.Name, f.Mode, want)
		}
	}
	for name, want := range map[string]string{"file": outside, "folder": "real", "dangling": `gone\x0a\xff`, "loop": "loop", "real": ""} {
		if info, err := x.Stat(bg, at(name)); err != nil || info.Link != want {
			t.Errorf("Stat(%s) = %+v, %v; want link %q", name, info, err, want)
		}
	}

	if got := string(readFile(t, x, at("file"))); got != "outside" {
		t.Errorf("read through the link: %q", got)
	}
	if l, err := x.List(bg, at("folder")); err != nil || len(l.Files) != 0 {
		t.Errorf("List through the link = %+v, %v", l, err)
	}
	for _, name := range []string{"pipe", "real", "folder"} { // none blocks, none is read
		_, err := x.Open(bg, at(name), pam.OpenRead)
		wantFileCode(t, err, pam.CodeFileFailed)
	}
	_, err = x.Open(bg, "/dev/zero", pam.OpenRead)
	wantFileCode(t, err, pam.CodeFileFailed)
	for _, name := range []string{"dangling", "loop"} {
		_, err := x.Open(bg, at(name), pam.OpenRead)
		wantFileCode(t, err, pam.CodeFileNotFound)
	}
	// S18: writing follows no link: the file outside stays as it is, nothing is made where one points.
	for _, name := range []string{"file", "dangling", "loop", "folder"} {
		_, err := x.Open(bg, at(name), pam.OpenCreate)
		wantFileCode(t, err, pam.CodeFileExists)
		_, err = x.Open(bg, at(name), pam.OpenOverwrite)
		wantFileCode(t, err, pam.CodeFileFailed)
	}
	for _, name := range []string{"pipe", "real"} {
		_, err := x.Open(bg, at(name), pam.OpenOverwrite)
		wantFileCode(t, err, pam.CodeFileFailed)
	}
	putFile(t, x, at("new"), []byte("new"))
	must(t, x.Rename(bg, at("new"), at("file"), true)) // replaces the link
	must(t, x.Remove(bg, at("folder")))                // removes the link
	if got, err := os.ReadFile(outside); err != nil || string(got) != "outside" {
		t.Errorf("the file outside: %q, %v", got, err)
	}
	if _, err := os.Stat(at("real")); err != nil {
		t.Error(err)
	}
	if got := string(readFile(t, x, at("file"))); got != "new" {
		t.Errorf("after the rename: %q", got)
	}
	must(t, os.WriteFile(at("real/inside"), nil, 0o600))
	wantFileCode(t, x.Remove(bg, at("real")), pam.CodeFileFailed) // not empty
}

func TestOpenSSH_I12_BeyondFourGigabytes(t *testing.T) {
	x, dir := openSSHFiles(t)
	const off = 5<<30 + 12345
	data := noise(200_000)
	f := openFile(t, x, dir+"/sparse", pam.OpenCreate)
	if n, err := f.WriteAt(bg, data, off); n != len(data) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	must(t, f.Close(bg))
	info, err := x.Stat(bg, dir+"/sparse")
	if err != nil || info.Size != off+int64(len(data)) {
		t.Errorf("Stat = %+v, %v", info, err)
	}
	f = openFile(t, x, dir+"/sparse", pam.OpenRead)
	p := make([]byte, len(data)+100)
	if n, err := f.ReadAt(bg, p, off-100); n != len(p) || err != nil || !bytes.Equal(p[100:], data) || !bytes.Equal(p[:100], make([]byte, 100)) {
		t.Errorf("ReadAt across the beginning = %d, %v", n, err)
	}
	if n, err := f.ReadAt(bg, p, off); n != len(data) || err != io.EOF {
		t.Errorf("ReadAt to the end = %d, %v", n, err)
	}
	must(t, f.Close(bg))
	f = openFile(t, x, dir+"/sparse", pam.OpenOverwrite)
	must(t, f.Truncate(bg, 6<<30))
	must(t, f.Close(bg))
	if st, err := os.Stat(dir + "/sparse"); err != nil || st.Size() != 6<<30 {
		t.Errorf("after Truncate: %v, %v", st, err)
	}
}

func TestOpenSSH_S17_ManyEntriesAreTruncated(t *testing.T) {
	x, dir := openSSHFiles(t)
	for i := range pam.MaxListed {
		f, err := os.Create(fmt.Sprintf("%s/%d", dir, i))
		must(t, err)
		must(t, f.Close())
	}
	list, err := x.List(bg, dir)
	if err != nil || len(list.Files) != pam.MaxListed || list.Truncated {
		t.Errorf("%d entries, truncated %t, %v; want all of %d", len(list.Files), list.Truncated, err, pam.MaxListed)
	}
	must(t, os.WriteFile(dir+"/one more", nil, 0o600))
	list, err = x.List(bg, dir)
	if err != nil || len(list.Files) != pam.MaxListed || !list.Truncated {
		t.Errorf("%d entries, truncated %t, %v; want %d and truncated", len(list.Files), list.Truncated, err, pam.MaxListed)
	}
	if l, err := x.List(bg, "/"); err != nil || !slices.Contains(names(l), "tmp") {
		t.Errorf("the channel after it: %v, %v", names(l), err)
	}
}

// The tests may run as root, to whom permissions of files mean nothing: the server itself is read-only here.
func TestOpenSSH_I12_DeniedAndReadOnly(t *testing.T) {
	x, dir := openSSHFiles(t, "Subsystem sftp "+pamtest.Peer(t, sftpServer)+" -R")
	must(t, os.WriteFile(dir+"/a", []byte("a"), 0o600))
	if got := string(readFile(t, x, dir+"/a")); got != "a" {
		t.Errorf("read %q", got)
	}
	_, err := x.Open(bg, dir+"/b", pam.OpenCreate)
	wantFileCode(t, err, pam.CodeFileDenied)
	_, err = x.Open(bg, dir+"/a", pam.OpenOverwrite)
	wantFileCode(t, err, pam.CodeFileDenied)
	wantFileCode(t, x.Remove(bg, dir+"/a"), pam.CodeFileDenied)
	wantFileCode(t, x.Mkdir(bg, dir+"/d"), pam.CodeFileDenied)
	wantFileCode(t, x.Rename(bg, dir+"/a", dir+"/b", true), pam.CodeFileDenied)
	wantFileCode(t, x.Rename(bg, dir+"/a", dir+"/b", false), pam.CodeFileDenied)

	home, err := x.Home(bg)
	if err != nil || !strings.HasPrefix(home, "/") {
		t.Errorf("Home = %q, %v", home, err)
	}
	if _, err := x.List(bg, home); err != nil {
		t.Error(err)
	}
	_, err = x.List(bg, dir+"/a")
	wantFileCode(t, err, pam.CodeFileNotFound) // OpenSSH's word for ENOTDIR
}

func TestOpenSSH_I11_NoFileService(t *testing.T) {
	for name, options := range map[string][]string{
		"no subsystem":         {"Subsystem other /bin/true"},
		"it ends at once":      {"Subsystem sftp /bin/false"},
		"one session only":     {"MaxSessions 1"},
		"a program is missing": {"Subsystem sftp /nowhere/sftp-server"},
	} {
		t.Run(name, func(t *testing.T) {
			l := openSSH(t, sshtest.StartOpenSSH(t, options...), sshx.Config{})
			_, err := l.conn.(pam.Files).Files(bg)
			wantFileCode(t, err, pam.CodeFilesUnavailable)
			l.keys("echo still $((40+2))\r")
			l.sink.wait(t, "still 42")
		})
	}
}

// I12: the terminal answers while files are copied over the same connection, with rekeying in between.
func TestOpenSSH_I12_TerminalGoesOnWhileCopying(t *testing.T) {
	s := sshtest.StartOpenSSH(t, "RekeyLimit 4M")
	l := openSSH(t, s, sshx.Config{})
	x, dir := openFiles(t, l.conn), t.TempDir()
	data := noise(8 << 20)
	putFile(t, x, dir+"/source", data)
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		f, err := x.Open(bg, dir+"/source", pam.OpenRead)
		for p := make([]byte, len(data)); err == nil; {
			var n int
			if n, err = f.ReadAt(bg, p, 0); err == nil && (n != len(p) || !bytes.Equal(p, data)) {
				err = fmt.Errorf("%d bytes that differ", n)
			}
			select {
			case <-stop:
				done <- err
				return
			default:
			}
		}
		done <- err
	}()
	for i := range 20 {
		l.keys(fmt.Sprintf("echo $((%d+1000))\r", i))
		l.sink.wait(t, fmt.Sprintf("\n%d\r\nready> ", i+1000))
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
