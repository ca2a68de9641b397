package sqlstore_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/pam/sqlstore"
)

// TestKill_S31_NothingAcknowledgedIsLost kills a process with SIGKILL in the middle of its work, several times, and finds
// in the file all that it had been told was written.
func TestKill_S31_NothingAcknowledgedIsLost(t *testing.T) {
	path := newPath(t)
	acknowledged := 0
	for round := 1; round <= 4; round++ {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childPath+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for wrote := 0; lines.Scan(); { // to the end: what it said before it died was acknowledged too
			if strings.HasPrefix(lines.Text(), "error") {
				t.Errorf("round %d: %s", round, lines.Text())
			}
			if _, err := fmt.Sscanf(lines.Text(), "wrote %d", &acknowledged); err != nil {
				continue
			}
			if wrote++; wrote == 20*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("round %d: %v, want a death by SIGKILL", round, err)
		}

		db := open(t, path)
		last, err := db.LastSeq(t.Context(), "")
		if err != nil || int(last) < acknowledged || int(last) > acknowledged+1 {
			t.Fatalf("round %d: the last event is %d, %v; %d were acknowledged", round, last, err, acknowledged)
		}
		checkAll(t, db, int(last))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFile_S13_Mode: nobody else on the machine can read what is stored, and a file that everybody could is refused.
func TestFile_S13_Mode(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := newPath(t)
	db := open(t, path)
	if err := db.Write(t.Context(), event(1)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%q, %v; want the file and its log", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want 0600", f, info.Mode(), err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file for everybody: %v, %v", s, err)
	}
}

// TestDiskFull writes into a small file system until it is full: errors, no damage, and it goes on when there is room.
func TestDiskFull(t *testing.T) {
	disk := pamtest.NewSmallDisk(t, 2<<20)
	if disk == nil {
		return
	}
	path := filepath.Join(disk.Dir, "pam.db")
	db := open(t, path)
	var full error
	last := 0
	for n := 1; full == nil && n < 100_000; n++ {
		e := event(n)
		e.Detail = strings.Repeat("x", 8000)
		if full = db.Write(t.Context(), e); full == nil {
			last = n
		}
	}
	if !errors.Is(full, sqlstore.ErrFull) {
		t.Fatalf("after %d events: %v, want ErrFull", last, full)
	}
	if last < 20 {
		t.Fatalf("%d events fitted", last)
	}
	page, err := db.Events(t.Context(), pam.EventFilter{Limit: 1})
	if err != nil || len(page.Events) != 1 || int(page.Events[0].Seq) != last {
		t.Errorf("reading from a full disk: %+v, %v; want event %d", page, err, last)
	}
	if err := db.Close(); err != nil {
		t.Errorf("Close on a full disk: %v", err)
	}
	disk.Resize(8 << 20)
	db = open(t, path)
	if n, err := db.LastSeq(t.Context(), ""); err != nil || int(n) != last {
		t.Errorf("after making room: last event %d, %v; want %d", n, err, last)
	}
	if err := db.Write(t.Context(), event(last+1)); err != nil {
		t.Errorf("after making room: %v", err)
	}
}
