package bench

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the CPU seconds of a process, user and system. The clock of another process counts nanoseconds, where /proc has hundredths of a
// second, which is as much as a desktop takes in a whole one.
func CPU(pid int) (float64, error) {
	const whole = 2 // the scheduler's time of all threads (CPUCLOCK_SCHED)
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|whole), &t); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()).Seconds(), nil
}
