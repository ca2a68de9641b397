//go:build !linux && !darwin && !freebsd

package recorder

import "os"

const openFlags = 0

// lockFile does nothing here: a Recorder still knows its own open recordings, so Adopt is safe as long as one
// process uses the directory.
func lockFile(*os.File) error { return nil }

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
