package recorder_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
)

// runFault runs the "fault" child in dir under wrap and returns what it reported.
func runFault(t *testing.T, dir string, wrap ...string) (last uint64, failed, closed string) {
	t.Helper()
	cmd := startChild(t, "fault", dir, wrap...)
	err := cmd.Run()
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	lines := strings.Split(string(readFile(t, filepath.Join(dir, "report"))), "\n")
	if last, err = strconv.ParseUint(lines[0], 10, 64); err != nil {
		t.Fatal(err)
	}
	return last, lines[1], lines[2]
}

// checkFault says what must hold for the file that the child left.
func checkFault(t *testing.T, dir string, last uint64) {
	t.Helper()
	key, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fixedFile)
	file := readFile(t, path)
	if rep := verify(t, file, publicOf(key)); rep.State == recorder.StateValidComplete {
		t.Errorf("state is %v", rep.State)
	}
	entries, _, _, err := readAll(file)
	if _, broken := brokenAt(err); err != nil && !broken {
		t.Fatal(err)
	}
	if n := checkOutput(t, entries); n < last {
		t.Errorf("%d entries are in the file, %d were reported as written", n, last)
	}
	r := newRecorder(t, recorder.Config{Dir: dir, Key: key, InsecureNoFreeFloor: true})
	for _, a := range adopt(t, r) {
		if a.Err != nil {
			t.Errorf("adopting: %v", a.Err)
		}
	}
	if rep := verify(t, readFile(t, path), publicOf(key)); rep.State != recorder.StateValidIncomplete {
		t.Errorf("after the next start: %v (%v)", rep.State, rep.Cause)
	}
}

// The kernel's own answer to write, fsync and fallocate is an error, from the n-th call of a thread on.
func TestRecording_S03_InjectedIntoSystemCalls(t *testing.T) {
	strace := pamtest.Peer(t, "strace")
	for _, c := range []struct {
		call string
		when int
		errs syscall.Errno
		open bool // the fault comes when the recording is open
	}{
		{"write", 1, syscall.ENOSPC, false},
		{"write", 2, syscall.ENOSPC, true},
		{"write", 20, syscall.ENOSPC, true},
		{"write", 40, syscall.EIO, true},
		{"fsync", 1, syscall.EIO, false},
		{"fsync", 2, syscall.EIO, true},
		{"fsync", 5, syscall.EIO, true},
		{"fallocate", 1, syscall.ENOSPC, false},
		{"fallocate", 2, syscall.ENOSPC, true},
	} {
		t.Run(fmt.Sprintf("%s_%d_%v", c.call, c.when, c.errs), func(t *testing.T) {
			dir := t.TempDir()
			if _, err := recorder.LoadOrCreateKey(filepath.Join(dir, "key")); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, fixedFile)
			last, failed, closed := runFault(t, dir, strace, "-f", "-qq", "-o", os.DevNull, "-P", path,
				"-e", "trace="+c.call, "-e", fmt.Sprintf("inject=%s:error=%s:when=%d+", c.call, errnoName(c.errs), c.when), "--")
			if !strings.Contains(failed, c.errs.Error()) {
				t.Fatalf("after entry %d failed with %q, want %q", last, failed, c.errs.Error())
			}
			if !c.open {
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("Open failed and left its file: %v", err)
				}
				return
			}
			if !strings.Contains(closed, c.errs.Error()) {
				t.Errorf("Close returned %q, want %q", closed, c.errs.Error())
			}
			checkFault(t, dir, last)
		})
	}
}

func errnoName(e syscall.Errno) string {
	switch e {
	case syscall.ENOSPC:
		return "ENOSPC"
	case syscall.EIO:
		return "EIO"
	}
	return strconv.Itoa(int(e))
}
