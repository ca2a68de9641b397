package pam

import (
	"context"
	"time"
)

// keyRule says when a recording gets the present picture, to be played from: after so many bytes of frames, or after keyEvery if
// those were not few.
type keyRule struct{ bytes, few int }

const keyEvery = time.Minute

// keyRuleOf is the rule for what draws; false for what does not. What stands between two key frames is what a browser draws at a seek:
// a terminal takes longer for a byte than a desktop, and its own picture is small.
func keyRuleOf(k FrameKind) (keyRule, bool) {
	switch k {
	case FrameScreen:
		return keyRule{bytes: 8 << 20, few: 1 << 20}, true
	case FrameOutput:
		return keyRule{bytes: 1 << 20, few: 256 << 10}, true
	}
	return keyRule{}, false
}

// keyDue is what has come since the last key frame of a recording.
type keyDue struct {
	bytes int // of frames that draw
	last  time.Duration
	took  int // bytes of that key frame
}

// keyShare is how many bytes of frames there are at least for one of a key frame: a recording grows by a fraction, whatever is on the screen.
const keyShare = 4

func (d keyDue) is(rule keyRule, now time.Duration) bool {
	if d.bytes < keyShare*d.took {
		return false
	}
	return d.bytes >= rule.bytes || (d.bytes >= rule.few && now-d.last >= keyEvery)
}

// recordKey appends the present picture to the recording when one is due. Nobody waits for it and no viewer gets it. The picture is that
// after f: the connection counts a frame before it emits it.
func (k sink) recordKey(ctx context.Context, f Frame) error {
	s := k.s
	rule, draws := keyRuleOf(f.Kind)
	if !draws {
		return nil
	}
	s.keyDue.bytes += len(f.Payload)
	if !s.keyDue.is(rule, s.at()) {
		return nil
	}
	s.mu.Lock()
	framer, ok := s.conn.(KeyFramer)
	rec := s.recording
	s.mu.Unlock()
	if !ok {
		return nil
	}
	// A size that is on its way to the target stands in the recording before the picture has it. Emit never waits for input: the next
	// frame tries again.
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	default:
		return nil
	}
	frames, _, err := framer.KeyFrame(ctx)
	if err != nil {
		s.log.Warn("no key frame for the recording", "err", err) // it can be played, but not from here
		frames = nil
	}
	now := s.at()
	s.keyDue = keyDue{last: now}
	repeat := make([]Entry, 0, len(frames)+1)
	for _, f := range frames {
		repeat = append(repeat, Entry{Kind: EntryFrame, Frame: f.Kind, Flags: f.Flags, Data: f.Payload})
		s.keyDue.took += len(f.Payload)
	}
	if p := s.pointer.Load(); p != nil && len(frames) > 0 {
		repeat = append(repeat, *p)
	}
	for _, e := range repeat {
		e.At, e.Flags = now, e.Flags|FlagRepeat
		if _, err := rec.Append(e); err != nil {
			return err
		}
	}
	return nil
}
