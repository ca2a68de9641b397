package main

import (
	"regexp"
	"strings"
)

// messageSize is how many characters of a failed test's message a fault carries.
const messageSize = 200

var (
	// control matches the colours of a terminal, which runners put into messages although nobody asked.
	control = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	// chatter matches the lines of `go test -v` that say that a test began, waits or ended, and the peers it met.
	chatter = regexp.MustCompile(`^\s*(=== (RUN|PAUSE|CONT|NAME) |--- (FAIL|PASS|SKIP): |FAIL\b|exit status|.*` + peerMark + `)`)
	// grave matches what says more than any line behind it.
	grave = regexp.MustCompile(`panic: |fatal error: |WARNING: DATA RACE|found unexpected goroutines`)
)

// brief is the beginning of a message in one line.
func brief(message string, size int) string {
	r := []rune(strings.Join(strings.Fields(control.ReplaceAllString(message, "")), " "))
	if len(r) > size {
		return string(r[:size-1]) + "…"
	}
	return string(r)
}

// lastWords picks what says why a Go test failed out of its output: from a panic or a race on, else as many of the last
// lines as a message holds.
func lastWords(output []string) string {
	var lines []string
	for line := range strings.Lines(strings.Join(output, "")) {
		if line = strings.TrimSpace(control.ReplaceAllString(line, "")); line != "" && !chatter.MatchString(line) {
			lines = append(lines, line)
		}
	}
	for i, line := range lines {
		if grave.MatchString(line) {
			return brief(strings.Join(lines[i:], " "), messageSize)
		}
	}
	from, size := len(lines), 0
	for from > 0 && (size == 0 || size+len(lines[from-1]) < messageSize) {
		from--
		size += len(lines[from]) + 1
	}
	return brief(strings.Join(lines[from:], " "), messageSize)
}
