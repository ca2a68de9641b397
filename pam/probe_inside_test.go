package pam

import (
	"testing"
	"time"
)

// TestProbe_S29_AnswersAreBounded: however often a page asks, it gets an answer every now and then, and only one waits.
func TestProbe_S29_AnswersAreBounded(t *testing.T) {
	var p probes
	begin := time.Date(2025, 11, 18, 9, 0, 0, 0, time.UTC)
	taken := 0
	for ms := range 1000 {
		if p.take([]byte{byte(ms)}, begin.Add(time.Duration(ms)*time.Millisecond)) {
			taken++
		}
	}
	if taken != 10 {
		t.Errorf("%d of 1000 probes in a second are answered, want 10", taken)
	}
	if b := p.next(); len(b) != 1 || b[0] != 900%256 {
		t.Errorf("the answer is % x, want the last one taken", b)
	}
	if b := p.next(); b != nil {
		t.Errorf("answered twice: % x", b)
	}
}
