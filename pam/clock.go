package pam

import "time"

// What time alone does to a session (C4): it ends one that nobody uses, and one that has lasted long enough, each after a
// warning. There is one timer per session and nothing polls: input only notes when it came.

// ending is an end that time will bring.
type ending struct {
	reason EndReason
	code   Code
	in     time.Duration // left at the time of asking
	at     time.Time     // by the wall clock, for the people
}

// endingView is an ending as the browser is told of it.
type endingView struct {
	Code Code   `json:"code"`
	At   string `json:"at"` // RFC 3339
}

func (e *ending) view() *endingView {
	if e == nil {
		return nil
	}
	return &endingView{Code: e.code, At: stamp(e.at)}
}

// stir notes that somebody uses the session, and takes back the warning that it is idle.
func (s *liveSession) stir() {
	s.lastInput.Store(int64(s.at()))
	if !s.warnedIdle.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.setClock()
	}
}

// idle is for how long nobody has used the session. A detached session counts as unused.
func (s *liveSession) idle() time.Duration {
	return s.at() - time.Duration(s.lastInput.Load())
}

// next is the end that time brings first, if nothing else happens.
func (s *liveSession) next() ending {
	l := &s.b.cfg.Limits
	e := ending{reason: EndExpired, code: CodeMaxDuration, in: l.MaxDuration - (s.at() - s.started)}
	if left := l.Idle - s.idle(); l.Idle > 0 && left < e.in {
		e = ending{reason: EndIdle, code: CodeIdle, in: left}
	}
	now := s.b.cfg.Now()
	if !s.until.IsZero() {
		if left := min(s.until.Sub(now), s.untilAt-s.at()); left < e.in {
			e = ending{reason: EndExpired, code: CodeExpired, in: left}
		}
	}
	e.at = now.Add(e.in)
	return e
}

// startClock begins to count. The caller holds mu.
func (s *liveSession) startClock() {
	s.started, s.begunWall = s.at(), s.b.cfg.Now().Round(0)
	if !s.until.IsZero() {
		s.setUntil(s.until)
	}
	s.lastInput.Store(int64(s.started))
	s.clock = time.AfterFunc(time.Hour, s.tick)
	s.setClock()
}

// setClock looks at what is due next, warns of it when it is near, and sets the timer. It reports whether the session is
// over. The caller holds mu.
func (s *liveSession) setClock() (due ending, over bool) {
	e := s.next()
	if s.warning != nil && s.warning.reason == EndGatewayShutdown && e.in > 0 { // nothing takes that back
		s.clock.Reset(e.in)
		return e, false
	}
	switch warn := s.b.cfg.Limits.Warning; {
	case e.in <= 0:
		return e, true
	case e.in <= warn:
		if s.warning == nil || s.warning.reason != e.reason {
			s.warning = &e
			s.touchViewers()
		}
		s.clock.Reset(e.in)
	default:
		if s.warning != nil {
			s.warning = nil
			s.touchViewers()
		}
		s.clock.Reset(e.in - warn)
	}
	s.warnedIdle.Store(s.warning != nil && s.warning.reason == EndIdle)
	return e, false
}

// tick runs when something may be due.
func (s *liveSession) tick() {
	s.mu.Lock()
	if s.end != nil {
		s.mu.Unlock()
		return
	}
	due, over := s.setClock()
	s.mu.Unlock()
	if over {
		s.finish(&End{Reason: due.reason, Code: due.code})
	}
}

// overdue ends a session whose time is over by the wall clock: the monotonic one stands still while a machine sleeps, and
// whichever comes first counts (S14, S38). The sweep of the review asks.
func (s *liveSession) overdue() bool {
	now := s.b.cfg.Now()
	s.mu.Lock()
	// Neither begunWall nor until has a monotonic reading: Sub and Before go by the wall clock.
	lasted := s.end == nil && s.clock != nil && now.Sub(s.begunWall) >= s.b.cfg.Limits.MaxDuration
	expired := s.end == nil && !s.until.IsZero() && !now.Before(s.until)
	s.mu.Unlock()
	switch {
	case expired:
		s.finish(&End{Reason: EndExpired, Code: CodeExpired})
	case lasted:
		s.finish(&End{Reason: EndExpired, Code: CodeMaxDuration})
	}
	return expired || lasted
}
