package pam

import (
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// participant is a person's place in a session: the owner's from the start, a joiner's from the join until that person
// leaves, is away for longer than the reconnect window, or loses the right.
type participant struct {
	id    ParticipantID
	user  UserID
	name  string
	login string
	human string // Identity.Person
	mode  Mode
	// request is the access request by which somebody joined; empty if no workflow governs it.
	request RequestID
	since   time.Time

	caps atomic.Pointer[Capabilities] // of the live decision about this person

	// Guarded by the session's mu.
	viewer *viewer    // the newest attached page; nil while away
	grants Grants     // of the live decision
	addr   netip.Addr // of the browser, as the last attach, the start or the join had it
	away   *time.Timer
	left   bool // a joiner's place is given up: its tickets open nothing
}

// monitorKeeps are the declarations that mean something to a person who may only look (J2).
var monitorKeeps = []Declaration{WebSession, JoinMonitor, SessionURL, Audio}

// allowed narrows a decision's declarations to what a mode can use at all.
func (m Mode) allowed(d Declarations) Capabilities {
	c := NewCapabilities(d)
	if m == ModeMonitor {
		for name := range c.decl {
			if !slices.Contains(monitorKeeps, name) {
				delete(c.decl, name)
			}
		}
	}
	return c
}

// newParticipant makes a place under a decision.
func (b *Broker) newParticipant(who Identity, m Mode, g Grants, addr netip.Addr) (*participant, error) {
	id, err := b.randomText(participantIDBytes)
	if err != nil {
		return nil, err
	}
	p := &participant{
		id: ParticipantID(id), user: who.User, name: who.name(), login: who.LoginID, human: who.person(), mode: m, since: b.cfg.Now(),
		grants: g, addr: addr,
	}
	p.setCaps(g)
	return p, nil
}

const participantIDBytes = 9

func (p *participant) setCaps(g Grants) {
	caps := p.mode.allowed(g.Declarations)
	p.caps.Store(&caps)
}

// identity is who the participant is, as evaluate wants it.
func (p *participant) identity() Identity {
	return Identity{User: p.user, Name: p.name, Person: p.human, LoginID: p.login}
}

// entry describes the participant for the recording.
func (p *participant) entry() ParticipantEntry {
	return ParticipantEntry{User: p.user, Name: p.name, Mode: p.mode}
}

// everyone returns the owner and the joiners. The caller holds mu.
func (s *liveSession) everyone() []*participant {
	return append([]*participant{s.owner}, s.joiners...)
}

// participant returns the place with that id, or nil.
func (s *liveSession) participant(id ParticipantID) *participant {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.everyone() {
		if p.id == id {
			return p
		}
	}
	return nil
}

// placeOf returns the place of a login, or nil. A place belongs to one login: another sign-in of the same person is
// another participant.
func (s *liveSession) placeOf(who Identity) *participant {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.everyone() {
		if p.user == who.User && p.login == who.LoginID {
			return p
		}
	}
	return nil
}

// admit gives a joiner a place, which waits to be attached. A login has one place: an older one is given up. A code says
// why there is none; it is empty if there is.
func (s *liveSession) admit(p *participant) Code {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return CodeSessionEnded
	}
	for i, o := range s.joiners {
		if o.user == p.user && o.login == p.login {
			s.removeLocked(i, endMessage{Code: CodeOpenedElsewhere}, nil)
			break
		}
	}
	if len(s.joiners) >= s.b.cfg.Limits.Joiners {
		return CodeLimitReached
	}
	s.joiners = append(s.joiners, p)
	s.expect(p, s.b.cfg.Limits.Requested)
	s.touchViewers()
	return ""
}

// expect gives a joiner's place up unless its page is there in time. The caller holds mu.
func (s *liveSession) expect(p *participant, in time.Duration) {
	if p.away != nil {
		p.away.Stop()
	}
	p.away = time.AfterFunc(in, func() {
		s.mu.Lock()
		back := p.viewer != nil
		s.mu.Unlock()
		if !back {
			s.leave(p, endMessage{Code: CodeNetworkLost}, nil)
		}
	})
}

// leave takes a joiner out of the session; m is the last word to the page. For the owner, and for one who has left, it
// does nothing.
func (s *liveSession) leave(p *participant, m endMessage, rules []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.joiners, p); i >= 0 && s.end == nil {
		s.removeLocked(i, m, rules)
	}
}

// removeLocked gives up the place of joiners[i]. The event is written by a goroutine of its own: whoever removes a person
// must not wait for the audit sink to do so. The caller holds mu, and the session has not begun to end.
func (s *liveSession) removeLocked(i int, m endMessage, rules []string) {
	p := s.joiners[i]
	s.joiners = slices.Delete(s.joiners, i, i+1)
	p.left = true
	if p.away != nil {
		p.away.Stop()
	}
	v := p.viewer
	p.viewer = nil // what is still in its queue is denied from here on
	if v != nil {
		m.Started, m.Ended = stamp(p.since), stamp(s.b.cfg.Now())
		v.close(m)
	}
	s.touchViewers()
	s.b.wg.Go(func() { // the session has not ended, so Shutdown has not come to its last wait
		if v != nil {
			s.noteLeave(p)
		}
		for _, t := range s.files.of(p) {
			t.giveUp()
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.b.cfg.Limits.CloseTimeout)
		defer cancel()
		err := s.b.audit.write(ctx, Event{
			At: s.b.cfg.Now(), Verb: LeaveSession, User: p.user, Login: p.login, Asset: s.asset.ID, Session: s.id, ClientAddr: addrText(p.addr),
			Code: m.Code, Detail: string(p.mode), Rules: rules,
		})
		if err != nil {
			s.log.Error("audit event lost", "verb", LeaveSession, "err", err)
		}
	})
}

// noteLeave writes into the recording that a page of p is gone.
func (s *liveSession) noteLeave(p *participant) {
	if _, err := s.append(EntryLeave, p.id, p.entry()); err != nil {
		s.recordingFailed(err)
	}
}
