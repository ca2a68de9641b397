//go:build !linux && !darwin && !freebsd

package recorder

import (
	"math"
	"os"
)

const openFlags = 0

// lockFile does nothing here: a Recorder still knows its own open recordings, so Adopt is safe as long as one
// process uses the directory.
func lockFile(*os.File) error { return nil }

// freeBytes is unknown here: the floor is not checked, and a full disk shows as a failed write.
func freeBytes(string) (uint64, error) { return math.MaxUint64, nil }

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
