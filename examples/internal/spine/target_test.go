package spine_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/sshx/sshtest"
)

// lineShell echoes what is typed and knows two commands: "exit N" and "flood N", which prints N numbered lines.
func lineShell(s *sshtest.Session) int {
	fmt.Fprint(s, "$ ")
	var line []byte
	buf := make([]byte, 4096)
	for {
		n, err := s.Read(buf)
		if err != nil {
			return 1
		}
		for _, c := range buf[:n] {
			if c != '\r' {
				line = append(line, c)
				if _, err := s.Write([]byte{c}); err != nil {
					return 1
				}
				continue
			}
			var status, count int
			text := strings.TrimSpace(string(line))
			line = nil
			fmt.Fprint(s, "\r\n")
			if _, err := fmt.Sscanf(text, "exit %d", &status); err == nil {
				return status
			}
			if _, err := fmt.Sscanf(text, "flood %d", &count); err == nil {
				if !flood(s, count) {
					return 1
				}
			}
			fmt.Fprint(s, "$ ")
		}
	}
}

// flood writes count numbered lines in large pieces.
func flood(s *sshtest.Session, count int) bool {
	var b bytes.Buffer
	for i := range count {
		fmt.Fprintf(&b, "%08d the quick brown fox jumps over the lazy dog\r\n", i)
		if b.Len() > 16<<10 || i == count-1 {
			if _, err := s.Write(b.Bytes()); err != nil {
				return false
			}
			b.Reset()
		}
	}
	return true
}
