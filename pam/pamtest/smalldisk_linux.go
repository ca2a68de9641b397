package pamtest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// ownMounts says that a test process may mount file systems, seen by nobody else.
const ownMounts = "PAMTEST_OWN_MOUNTS"

// SmallDisk is a file system in memory that a test can fill up.
type SmallDisk struct {
	Dir string
	t   testing.TB
}

// NewSmallDisk gives a test a file system of that many bytes. Mounting needs a process with mounts of its own: the test runs once
// more in one, and here ends with what came of it there. Only Linux has it.
func NewSmallDisk(t testing.TB, bytes int) *SmallDisk {
	t.Helper()
	if os.Getenv(ownMounts) == "" {
		cmd := exec.Command(Peer(t, "unshare"), "--user", "--map-root-user", "--mount", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), ownMounts+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("%v\n%s", err, out)
		}
		return nil
	}
	d := &SmallDisk{Dir: t.TempDir(), t: t}
	d.mount(0, bytes)
	t.Cleanup(func() {
		if err := syscall.Unmount(d.Dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Resize changes the size while the disk is in use.
func (d *SmallDisk) Resize(bytes int) {
	d.t.Helper()
	d.mount(syscall.MS_REMOUNT, bytes)
}

func (d *SmallDisk) mount(flags uintptr, bytes int) {
	d.t.Helper()
	if err := syscall.Mount("tmpfs", d.Dir, "tmpfs", flags, fmt.Sprintf("size=%d,mode=700", bytes)); err != nil {
		d.t.Fatal(err)
	}
}
