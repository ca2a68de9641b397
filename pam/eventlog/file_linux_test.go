package eventlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam/eventlog"
	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestFile_OneProcessAndMode(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	openFile(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want 0600", info.Mode(), err)
	}
	if f, err := eventlog.OpenFile(path); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v, %v", f, err)
	}
	if _, err := eventlog.OpenFile(filepath.Join(path, "x")); err == nil {
		t.Error("a file within a file was opened")
	}
}

// TestFile_DiskFull: a full disk is an error, leaves no half event, and is over when there is room again.
func TestFile_DiskFull(t *testing.T) {
	disk := pamtest.NewSmallDisk(t, 64<<10)
	if disk == nil {
		return
	}
	path := filepath.Join(disk.Dir, "audit.jsonl")
	f := openFile(t, path)
	last := 0
	var full error
	for full == nil && last < 10_000 {
		e := event(last + 1)
		e.Detail = strings.Repeat("d", 999)
		if full = f.Write(t.Context(), e); full == nil {
			last++
		}
	}
	if !errors.Is(full, syscall.ENOSPC) || last < 20 {
		t.Fatalf("after %d events: %v, want ENOSPC", last, full)
	}
	disk.Resize(1 << 20)
	put(t, f, last+1, last+1)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openFile(t, path)
	if n, err := f.LastSeq(t.Context(), ""); err != nil || int(n) != last+1 || f.Torn() != 0 {
		t.Errorf("opened again: last event %d, torn %d, %v; want %d and nothing torn", n, f.Torn(), err, last+1)
	}
}
