package recorder_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/recorder"
)

// A real file system fills up while a recording is open: it fails with what the kernel says, keeps what it reported,
// and, thanks to the room reserved ahead, is sealed as incomplete at once.
func TestRecording_S03_RealDiskFull(t *testing.T) {
	disk := pamtest.NewSmallDisk(t, 1536<<10)
	if disk == nil {
		return
	}
	out := disk.Dir
	if err := childFault(out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(readFile(t, out+"/report")), "\n")
	var last uint64
	if _, err := fmt.Sscan(lines[0], &last); err != nil {
		t.Fatal(err)
	}
	if last < 10 || !strings.Contains(lines[1], syscall.ENOSPC.Error()) || !strings.Contains(lines[2], syscall.ENOSPC.Error()) {
		t.Fatalf("after entry %d failed with %q, Close returned %q", last, lines[1], lines[2])
	}
	key, err := recorder.LoadOrCreateKey(out + "/key")
	if err != nil {
		t.Fatal(err)
	}
	rep := verify(t, readFile(t, out+"/"+fixedFile), publicOf(key))
	if rep.State != recorder.StateValidIncomplete || rep.Seal == nil {
		t.Errorf("%v (%v), seal %+v; want it sealed as incomplete", rep.State, rep.Cause, rep.Seal)
	}
	checkFault(t, out, last)
}
