// Package bench is what the benchmarks of whole sessions share: figures of processes from /proc, runs of several paths that
// take turns, and a gateway in a process of its own.
package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PSS returns the proportional set size of a process in bytes.
func PSS(pid int) (int, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		var kb int
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &kb); err == nil {
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/smaps_rollup has no Pss", pid)
}

// Threads returns how many threads a process has.
func Threads(pid int) (int, error) {
	tasks, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	return len(tasks), err
}
