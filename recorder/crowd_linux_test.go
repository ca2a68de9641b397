package recorder_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
)

// checkCrowd says what must hold for the recordings that a crowd child left: whole ones are complete, and the rest are
// intact as far as they go and are sealed by the next start. It returns how many there are of each.
func checkCrowd(t *testing.T, dir string) (complete, incomplete int) {
	t.Helper()
	rec := filepath.Join(dir, "rec")
	r := newRecorder(t, recorder.Config{Dir: rec, Key: loadKey(t, dir), InsecureNoFreeFloor: true})
	for _, a := range adopt(t, r) {
		if a.Err != nil {
			t.Errorf("%s: %v", a.Path, a.Err)
		}
	}
	files, err := filepath.Glob(filepath.Join(rec, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file := readFile(t, path)
		entries, _, _, err := readAll(file)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		checkOutput(t, entries)
		switch rep := verify(t, file, r.PublicKey()); rep.State {
		case recorder.StateValidComplete:
			complete++
		case recorder.StateValidIncomplete:
			incomplete++
		default:
			t.Errorf("%s: %v at %d: %v", path, rep.State, rep.At, rep.Cause)
		}
	}
	return complete, incomplete
}

// runCrowd runs a crowd child under wrap and returns what it printed. fails says whether recordings are to fail.
func runCrowd(t *testing.T, role, dir string, fails bool, wrap ...string) string {
	t.Helper()
	text, err := runChild(startChild(t, role, dir, wrap...))
	if (err != nil) != fails {
		t.Fatalf("child: %v; %s", err, text)
	}
	return text
}

// Every fsync of the process takes 60 ms longer: all sessions slow down together, none fails and nothing is lost.
func TestRecorder_S27_EveryFsyncIsDelayed(t *testing.T) {
	strace := pamtest.Peer(t, "strace")
	dir := t.TempDir()
	loadKey(t, dir)
	runCrowd(t, "crowd-slow", dir, false, strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=60000", "--")
	if complete, incomplete := checkCrowd(t, dir); complete != crowd || incomplete != 0 {
		t.Errorf("%d complete, %d incomplete; want all %d complete", complete, incomplete, crowd)
	}
}

// The kernel fails calls under the feet of 32 sessions: each that is hit ends with the kernel's error, none is broken.
func TestRecorder_S03_SystemCallsFailUnderLoad(t *testing.T) {
	strace := pamtest.Peer(t, "strace")
	for _, c := range []struct {
		call string
		errs syscall.Errno
	}{{"fsync", syscall.EIO}, {"fallocate", syscall.ENOSPC}} {
		t.Run(c.call, func(t *testing.T) {
			dir := t.TempDir()
			loadKey(t, dir)
			text := runCrowd(t, "crowd-slow", dir, true, strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace="+c.call,
				"-e", fmt.Sprintf("inject=%s:error=%s:when=4+9", c.call, errnoName(c.errs)), "--")
			if !strings.Contains(text, c.errs.Error()) {
				t.Errorf("the recorder said %q", text)
			}
			complete, incomplete := checkCrowd(t, dir)
			if complete+incomplete == 0 {
				t.Error("no recording was left")
			}
			t.Logf("%d complete, %d incomplete", complete, incomplete)
		})
	}
}

// A limit on the size of files stops every session in the middle of a write.
func TestRecorder_S03_FileSizeLimit(t *testing.T) {
	prlimit := pamtest.Peer(t, "prlimit")
	dir := t.TempDir()
	loadKey(t, dir)
	text := runCrowd(t, "crowd-slow", dir, true, prlimit, "--fsize=30000")
	if n := strings.Count(text, syscall.EFBIG.Error()); n != crowd {
		t.Errorf("%d of %d sessions failed with %q: %s", n, crowd, syscall.EFBIG.Error(), text)
	}
	if complete, incomplete := checkCrowd(t, dir); complete != 0 || incomplete != crowd {
		t.Errorf("%d complete, %d incomplete; want all %d incomplete", complete, incomplete, crowd)
	}
}

// A store that has become read-only lets no recording open, and so no session start. The kernel refuses to make a file
// system read-only while a recording is open on it, so there is no other moment for this.
func TestRecorder_S03_ReadOnlyStore(t *testing.T) {
	unshare, mount := pamtest.Peer(t, "unshare"), pamtest.Peer(t, "mount")
	dir := t.TempDir()
	script := fmt.Sprintf("%[1]s -t tmpfs -o size=4m tmpfs %[2]s && %[1]s -o remount,ro %[2]s && exec \"$0\"", mount, dir)
	text, err := runChild(startChild(t, "read-only", dir, unshare, "--user", "--map-root-user", "--mount", "sh", "-c", script))
	if err == nil || !strings.Contains(text, syscall.EROFS.Error()) {
		t.Errorf("child: %v: %s; want %v", err, text, syscall.EROFS)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
