package pam

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// ticking is a running session inside a bubble of fake time.
func ticking(t *testing.T, change func(*Limits)) *liveSession {
	t.Helper()
	b := insideBroker(t)
	change(&b.cfg.Limits)
	v, _ := insideSession(t, b, StateActive, ModeOwner, true, Declarations{Keyboard: Allow})
	v.s.mu.Lock()
	v.s.startClock()
	v.s.mu.Unlock()
	t.Cleanup(func() { v.s.clock.Stop() })
	return v.s
}

// after lets time pass and returns what the session says then.
func (s *liveSession) after(d time.Duration) (warned Code, end *End) {
	time.Sleep(d)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.warning != nil {
		warned = s.warning.code
	}
	return warned, s.end
}

// expect checks what after said.
func expectClock(t *testing.T, s *liveSession, wait time.Duration, wantWarning Code, wantEnd EndReason) {
	t.Helper()
	warned, end := s.after(wait)
	reason := EndReason("")
	if end != nil {
		reason = end.Reason
	}
	if warned != wantWarning || reason != wantEnd {
		t.Errorf("at %v: warning %q, end %q; want %q, %q", s.at(), warned, reason, wantWarning, wantEnd)
	}
}

// TestClock_C4_Idle: a session that nobody uses is ended after Limits.Idle, not before, with a warning 60 s ahead; input
// takes the warning back and starts the count anew.
func TestClock_C4_Idle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t, func(l *Limits) { l.Idle = 10 * time.Minute })
		expectClock(t, s, 9*time.Minute-time.Second, "", "")
		expectClock(t, s, time.Second, CodeIdle, "")
		at := s.warning.at
		if want := s.b.cfg.Now().Add(time.Minute); !at.Equal(want) {
			t.Errorf("warned of %v, want %v", at, want)
		}
		s.stir()
		expectClock(t, s, 0, "", "")
		expectClock(t, s, 9*time.Minute, CodeIdle, "")
		expectClock(t, s, 59*time.Second, CodeIdle, "")
		expectClock(t, s, time.Second, CodeIdle, EndIdle)
	})
}

// TestClock_C4_InputKeepsASession: a session that is used now and then is never warned, let alone ended.
func TestClock_C4_InputKeepsASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t, func(l *Limits) { l.Idle = 10 * time.Minute })
		for range 60 {
			expectClock(t, s, 8*time.Minute, "", "")
			s.stir()
		}
	})
}

// TestClock_C4_NeverIdle: with a negative limit only the greatest duration counts.
func TestClock_C4_NeverIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t, func(l *Limits) { l.Idle, l.MaxDuration = -1, 12*time.Hour })
		expectClock(t, s, 12*time.Hour-61*time.Second, "", "")
		expectClock(t, s, time.Second, CodeMaxDuration, "")
		s.stir() // nothing takes that back
		expectClock(t, s, 59*time.Second, CodeMaxDuration, "")
		expectClock(t, s, time.Second, CodeMaxDuration, EndExpired)
		if s.end.Code != CodeMaxDuration {
			t.Errorf("code %q", s.end.Code)
		}
	})
}

// TestClock_C4_IdleBeforeTheEnd: near the greatest duration a warning of being idle gives way to the one that stays.
func TestClock_C4_IdleBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t, func(l *Limits) { l.Idle, l.MaxDuration = 10*time.Minute, 10*time.Minute+30*time.Second })
		expectClock(t, s, 9*time.Minute, CodeIdle, "")
		time.Sleep(45 * time.Second)
		s.stir()
		expectClock(t, s, 0, CodeMaxDuration, "")
		expectClock(t, s, 45*time.Second, CodeMaxDuration, EndExpired)
	})
}

// TestClock_S14_WallClock: a session that is over by the wall clock ends with the next sweep, though the machine's own
// clock stood still meanwhile.
func TestClock_S14_WallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t, func(l *Limits) { l.MaxDuration = time.Hour })
		step := time.Duration(0)
		s.b.cfg.Now = func() time.Time { return time.Now().Add(step) }
		step = -24 * time.Hour // a step back gives nobody more time
		if s.overdue() {
			t.Error("over at once")
		}
		step = 59 * time.Minute
		if s.overdue() {
			t.Error("over too early")
		}
		step = time.Hour
		if !s.overdue() || s.end == nil || s.end.Reason != EndExpired || s.end.Code != CodeMaxDuration {
			t.Errorf("end %+v", s.end)
		}
	})
}

// TestClock_S38_LimitsByBothClocks: the time of day moves neither the idle limit nor, set back, the greatest duration; what it is compared with
// carries no monotonic reading, which would hide a step.
func TestClock_S38_LimitsByBothClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t, func(l *Limits) { l.Idle, l.MaxDuration = 10*time.Minute, time.Hour })
		if s.begunWall != s.begunWall.Round(0) {
			t.Errorf("%v has a monotonic reading", s.begunWall)
		}
		var step atomic.Int64
		s.b.cfg.Now = func() time.Time { return time.Now().Round(0).Add(time.Duration(step.Load())) }
		step.Store(int64(50 * time.Minute)) // forward: not idle, not over
		expectClock(t, s, 8*time.Minute, "", "")
		if s.overdue() {
			t.Error("over by the wall clock after 58 minutes of it")
		}
		s.stir()
		step.Store(int64(-24 * time.Hour)) // back: the hour is not longer
		for range 6 {
			expectClock(t, s, 8*time.Minute, "", "")
			s.stir()
		}
		expectClock(t, s, 4*time.Minute, CodeMaxDuration, EndExpired)
	})
}

// TestClock_I5_S14_Approval: a session ends with the approval by which it runs, whether or not anyone is there, and a wall clock
// that is set back does not make it longer.
func TestClock_I5_S14_Approval(t *testing.T) {
	approved := func(t *testing.T, left time.Duration) *liveSession {
		s := ticking(t, func(l *Limits) { l.Idle = -1 })
		s.mu.Lock()
		defer s.mu.Unlock()
		s.clock.Stop()
		s.until = s.b.cfg.Now().Add(left).Round(0)
		s.startClock()
		return s
	}
	synctest.Test(t, func(t *testing.T) {
		s := approved(t, 30*time.Minute)
		expectClock(t, s, 29*time.Minute-time.Second, "", "")
		expectClock(t, s, time.Second, CodeExpired, "")
		expectClock(t, s, time.Minute, CodeExpired, EndExpired)
	})
	synctest.Test(t, func(t *testing.T) {
		s := approved(t, 30*time.Minute)
		s.mu.Lock()
		now := s.b.cfg.Now
		s.b.cfg.Now = func() time.Time { return now().Round(0).Add(-24 * time.Hour) }
		s.mu.Unlock()
		expectClock(t, s, 30*time.Minute, CodeExpired, EndExpired)
	})
	synctest.Test(t, func(t *testing.T) {
		s := approved(t, 30*time.Minute)
		s.mu.Lock()
		now := s.b.cfg.Now
		s.b.cfg.Now = func() time.Time { return now().Round(0).Add(24 * time.Hour) }
		s.mu.Unlock()
		if !s.overdue() || s.end == nil || s.end.Reason != EndExpired || s.end.Code != CodeExpired {
			t.Errorf("set forward: %+v", s.end)
		}
	})
}

// TestClock_C4_WarningReachesThePage: the state that a page is sent says what will end the session, and when.
func TestClock_C4_WarningReachesThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t, func(l *Limits) { l.Idle = 10 * time.Minute })
		if got := s.stateFor(s.owner).Ends; got != nil {
			t.Errorf("ends %+v before any warning", got)
		}
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		got := s.stateFor(s.owner).Ends
		if got == nil || got.Code != CodeIdle || got.At != stamp(s.b.cfg.Now().Add(time.Minute)) {
			t.Errorf("ends %+v", got)
		}
	})
}

// TestReserve_C4_C3_Slots: user, asset and gateway are limited on their own, of many starts at once none takes one slot too
// many, and a slot that is given back is free at once.
func TestReserve_C4_C3_Slots(t *testing.T) {
	b := insideBroker(t)
	b.cfg.Limits.Sessions, b.cfg.Limits.PerUser, b.cfg.Limits.PerAsset = 5, 2, 3
	take := func(u UserID, a AssetID, want bool) func() {
		t.Helper()
		free, release := b.reserve(u, a)
		if free != want {
			t.Errorf("reserve(%s, %s) = %v, want %v", u, a, free, want)
		}
		return release
	}
	first := take("u1", "a1", true)
	take("u1", "a2", true)
	take("u1", "a3", false) // user
	take("u2", "a1", true)
	take("u3", "a1", true)
	take("u4", "a1", false) // asset
	take("u4", "a2", true)
	take("u5", "a5", false) // gateway
	first()
	take("u1", "a1", true)
	if b.slots["u1"] != 2 || b.onAsset["a1"] != 3 || b.total != 5 {
		t.Errorf("slots %v, by asset %v, total %d", b.slots, b.onAsset, b.total)
	}
}
