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
			took  int
			want  bool
		}{
			{rule.bytes, 0, 0, true},
			{rule.bytes - 1, keyEvery - 1, 0, false},
			{rule.few, keyEvery, 0, true},
			{rule.few - 1, 100 * keyEvery, 0, false},
			{rule.bytes, 100 * keyEvery, rule.bytes / keyShare, true},
			{rule.bytes, 100 * keyEvery, rule.bytes/keyShare + 1, false}, // a large picture is told less often
		} {
			if got := (keyDue{bytes: c.bytes, last: time.Hour, took: c.took}).is(rule, time.Hour+c.now); got != c.want {
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
