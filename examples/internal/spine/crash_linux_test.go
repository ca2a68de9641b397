package spine_test

import (
	"testing"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestFault_S03_RealDiskFull records to a file system of 4 MiB until it is full.
func TestFault_S03_RealDiskFull(t *testing.T) {
	disk := pamtest.NewSmallDisk(t, 4<<20)
	if disk == nil {
		return
	}
	endsUnrecorded(t, disk.Dir, func(*child) {})
}
