//go:build !linux

package rdp

import (
	"net"
	"time"
)

// boundUnacked does nothing where the system has no such bound, or package syscall no name for it: a machine that is gone is found there when the
// system gives up to send again, or by its probes while nothing was sent.
func boundUnacked(net.Conn, time.Duration) error { return nil }
