package pam

import (
	"testing"
	"time"
)

// A key frame is due by bytes, or by time if there is enough to leave out.
func TestKeyDue_R2(t *testing.T) {
	for _, kind := range []FrameKind{FrameOutput, FrameScreen} {
		rule, ok := keyRuleOf(kind)
		if !ok {
			t.Fatalf("%v has no rule", kind)
		}
		for _, c := range []struct {
			bytes int
			now   time.Duration
			want  bool
		}{
			{rule.bytes, 0, true},
			{rule.bytes - 1, keyEvery - 1, false},
			{rule.few, keyEvery, true},
			{rule.few - 1, 100 * keyEvery, false},
		} {
			if got := (keyDue{bytes: c.bytes, last: time.Hour}).is(rule, time.Hour+c.now); got != c.want {
				t.Errorf("%v: %d bytes, %v later: %v", kind, c.bytes, c.now, got)
			}
		}
	}
	for _, kind := range []FrameKind{FrameCursor, FrameAudio, FrameNotice, FrameKeys, FrameClipboard} {
		if _, ok := keyRuleOf(kind); ok {
			t.Errorf("%v draws nothing", kind)
		}
	}
}
