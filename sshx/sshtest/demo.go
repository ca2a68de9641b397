package sshtest

import "fmt"

// Demo is a small shell.
func Demo(s *Session) int {
	fmt.Fprintf(s, "$ ")
	buf := make([]byte, 256)
	for {
		n, err := s.Read(buf)
		if err != nil {
			return 0
		}
		if _, err := s.Write(buf[:n]); err != nil {
			return 0
		}
	}
}
