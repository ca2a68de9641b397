package rdp

import (
	"net"
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h, which package syscall does not have.
const tcpUserTimeout = 18

// boundUnacked ends a connection whose peer acknowledges nothing for so long. Probes of an idle connection do not see to that: while something
// waits for its acknowledgement, input for example, only the retransmissions count, and those go on for a quarter of an hour.
func boundUnacked(conn net.Conn, d time.Duration) error {
	sys, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	if err := raw.Control(func(fd uintptr) {
		serr = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds()))
	}); err != nil {
		return err
	}
	return serr
}
