package pam_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// state asks the API for a session's state.
func (p *person) state(id pam.SessionID) string {
	p.r.t.Helper()
	st, body := p.call("GET", "api/session/"+string(id), nil)
	if st != http.StatusOK {
		p.r.t.Fatalf("session: %d %v", st, body)
	}
	return body["state"].(string)
}

// awaitAPIState waits until the API shows a state.
func (p *person) awaitAPIState(id pam.SessionID, want string) {
	p.r.t.Helper()
	for p.state(id) != want {
		if p.r.ctx.Err() != nil {
			p.r.t.Fatalf("session does not become %s", want)
		}
	}
}

// awaitCalls waits until a method of a fake was called n times.
func (r *rig) awaitCalls(f *pamtest.Faults, method string, n int) {
	r.t.Helper()
	for f.Calls(method) < n {
		if r.ctx.Err() != nil {
			r.t.Fatalf("%s was not called", method)
		}
		runtime.Gosched()
	}
}

// TestReload_C2_S36_ResumesWithThePicture: the page goes, the target goes on, the page comes back to the same
// session and the same recording with all that was said.
func TestReload_C2_S36_ResumesWithThePicture(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		t.Run(fmt.Sprintf("recorded %v", recorded), func(t *testing.T) {
			r := newRig(t)
			if recorded {
				r.recorded()
			}
			id, pg, c := r.begin()
			r.say(c, "before ")
			pg.awaitOutput("before ")
			pg.conn.Abort()
			p := r.alice()
			p.awaitAPIState(id, "reconnecting")
			r.say(c, "while away ")
			again := p.attach(id)
			again.awaitOutput("before while away ")
			r.say(c, "and after")
			again.awaitOutput("before while away and after")
			again.key("x")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "x" }); err != nil {
				t.Fatal(err)
			}
			again.mu.Lock()
			state, keys := again.state["state"], again.keys
			again.mu.Unlock()
			if state != "active" || keys != 1 {
				t.Errorf("state %v after %d key frames", state, keys)
			}
			if n := r.protocol.Calls("Connect"); n != 1 {
				t.Errorf("%d connects", n)
			}
			if recorded {
				if n := r.recorder.Calls("Open"); n != 1 {
					t.Errorf("%d recordings", n)
				}
				rec, _ := r.recorder.Recording(r.ctx, 1)
				if n := len(rec.Entries(pam.EntryJoin)); n != 2 {
					t.Errorf("%d join entries, want 2", n)
				}
			}
		})
	}
}

// TestReload_S36_ManyTimes: a hundred reloads, each with text in between; nothing is lost or doubled.
func TestReload_S36_ManyTimes(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	want := ""
	for i := range 100 {
		text := fmt.Sprintf("%d ", i)
		want += text
		if i%3 == 0 {
			pg.conn.Abort()
		}
		r.say(c, text)
		pg = r.alice().attach(id)
		pg.awaitOutput(want)
	}
	pg.mu.Lock()
	defer pg.mu.Unlock()
	if pg.out.String() != want {
		t.Errorf("picture is %q", clip(pg.out.String()))
	}
}

// TestReload_C2_S36_WindowOver: nobody comes back in time.
func TestReload_C2_S36_WindowOver(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Reconnect = 30 * time.Millisecond })
	r.recorded()
	id, pg, c := r.begin()
	pg.conn.Abort()
	info := r.completed(id)
	if info.Reason != pam.EndNetworkLost {
		t.Errorf("info = %+v", info)
	}
	<-c.Closed()
	rec, _ := r.recorder.Recording(r.ctx, 1)
	if e := rec.End(); e == nil || !strings.Contains(string(e.Data), "network_lost") {
		t.Errorf("the recording's end is %+v", e)
	}
	if st, body := r.alice().call("POST", "api/session/"+string(id)+"/attach", map[string]any{}); st != http.StatusGone || code(body) != pam.CodeSessionEnded {
		t.Errorf("attach afterwards: %d %v", st, body)
	}
}

// tryAttach attaches, or returns nil if the session has ended before that.
func (p *person) tryAttach(id pam.SessionID) *page {
	p.r.t.Helper()
	st, body := p.call("POST", "api/session/"+string(id)+"/attach", map[string]any{})
	if st != http.StatusOK {
		return nil
	}
	pg := p.attachWith(id, body["ticket"].(string))
	var active bool
	pg.await("in or out", func() bool {
		active = pg.state["state"] == "active"
		return active || pg.end != nil || pg.closed != ""
	})
	if !active {
		return nil
	}
	return pg
}

// TestReload_C2_StaysBeyondTheWindow: a page that came back in time is not ended by the old window. That a window has
// passed is told by another session, abandoned later.
func TestReload_C2_StaysBeyondTheWindow(t *testing.T) {
	window := 100 * time.Millisecond
	var r *rig
	var pg *page
	var c *pamtest.Conn
	for pg == nil { // until the window is long enough for this machine to come back within it
		window *= 2
		r = newRig(t, func(c *pam.Config) { c.Limits.Reconnect = window })
		var id pam.SessionID
		id, pg, c = r.begin()
		pg.conn.Abort()
		pg = r.alice().tryAttach(id)
	}
	other := r.alice().start()
	abandoned := r.alice().attach(other)
	abandoned.awaitState("active")
	abandoned.conn.Abort()
	if info := r.completed(other); info.Reason != pam.EndNetworkLost {
		t.Errorf("the other session: %+v", info)
	}
	r.say(c, "still here")
	pg.awaitOutput("still here")
}

// TestAttach_C2_S36_TwentyTabsRacing: of twenty pages that attach at once exactly one stays; all others are told, and
// the one that stays has the picture and the keyboard.
func TestAttach_C2_S36_TwentyTabsRacing(t *testing.T) {
	for _, when := range []string{"active", "connecting"} {
		t.Run(when, func(t *testing.T) {
			r := newRig(t, func(c *pam.Config) { c.Limits.Unattached = 100 })
			connect := make(chan struct{})
			if when == "connecting" {
				r.protocol.At("Connect", 1, pamtest.Fault{Gate: connect})
			}
			p := r.alice()
			id := p.start()
			var c *pamtest.Conn
			if when == "active" {
				p.attach(id).awaitState("active")
				c = r.target(1)
				r.say(c, "picture")
			}
			const tabs = 20
			pages := make(chan *page, tabs)
			var wg sync.WaitGroup
			for range tabs {
				ticket := p.ticket(id)
				wg.Go(func() { pages <- p.attachWith(id, ticket) })
			}
			wg.Wait()
			close(pages)
			var all []*page
			for pg := range pages {
				all = append(all, pg)
			}
			if when == "connecting" {
				// The losers are known before there is a connection: none of them may hold it up.
				awaitLosers(all)
				close(connect)
				c = r.target(1)
				r.say(c, "picture")
			} else {
				awaitLosers(all)
			}
			var winner *page
			for _, pg := range all {
				pg.mu.Lock()
				end := pg.end
				pg.mu.Unlock()
				switch {
				case end == nil && winner != nil:
					t.Fatal("two pages stay")
				case end == nil:
					winner = pg
				case end["code"] != string(pam.CodeOpenedElsewhere):
					t.Errorf("a loser was told %v", end)
				}
			}
			if winner == nil {
				t.Fatal("no page stays")
			}
			winner.awaitOutput("picture")
			big := strings.Repeat("0123456789abcdef", 1<<16)
			for range 4 { // more than any reader that is left behind could hold back
				r.say(c, big)
			}
			r.say(c, "the end")
			winner.awaitOutput("the end")
			winner.key("k")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "k" }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// awaitLosers waits until all pages but one have their end.
func awaitLosers(all []*page) {
	for {
		open := 0
		var moved []chan struct{}
		for _, pg := range all {
			pg.mu.Lock()
			if pg.end == nil {
				open++
				moved = append(moved, pg.moved)
			}
			pg.mu.Unlock()
		}
		if open <= 1 {
			return
		}
		select {
		case <-moved[0]:
		case <-moved[1]:
		case <-all[0].p.r.ctx.Done():
			all[0].p.r.t.Fatalf("%d pages stay", open)
		}
	}
}

// TestAttach_S36_S01_WhoMay is the table of people at the door of a live session.
func TestAttach_S36_S01_WhoMay(t *testing.T) {
	r := newRig(t)
	id, _, _ := r.begin()
	r.policy.Set("bob", asset1, pamtest.Permit(pam.RoleOwner, everything...))
	r.policy.Set("carol", asset1, pamtest.Permit(pam.RoleViewer, pam.WebSession))
	for _, tc := range []struct {
		name, user, login string
		status            int
		code              pam.Code
	}{
		{"the owner", "alice", "login-1", 200, ""},
		{"another login of the owner", "alice", "login-2", 403, pam.CodeOtherLogin},
		{"another owner of the asset", "bob", "login-1", 404, pam.CodeNotFound},
		{"another user of the asset", "carol", "c", 404, pam.CodeNotFound},
		{"a stranger", "mallory", "m", 404, pam.CodeNotFound},
		{"nobody", "", "", 401, pam.CodeUnauthenticated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := r.person(tc.user, tc.login)
			for _, path := range []string{"attach", "end"} {
				if path == "end" && tc.status == 200 {
					continue
				}
				st, body := p.call("POST", "api/session/"+string(id)+"/"+path, map[string]any{})
				if st != tc.status || code(body) != tc.code {
					t.Errorf("%s: %d %v, want %d %s", path, st, body, tc.status, tc.code)
				}
				// Exactly the answer for a session that does not exist (S01).
				st2, body2 := p.call("POST", "api/session/none/"+path, map[string]any{})
				if tc.status == 404 && (st2 != st || fmt.Sprint(body2) != fmt.Sprint(body)) {
					t.Errorf("%s: %v differs from %v", path, body, body2)
				}
			}
			if st, body := p.call("GET", "api/session/"+string(id), nil); (st == 200) != (tc.user == "alice") {
				t.Errorf("reading: %d %v", st, body)
			}
			if st, body := p.call("GET", "api/sessions", nil); st == 200 && strings.Contains(fmt.Sprint(body), string(id)) != (tc.user == "alice") {
				t.Errorf("listing: %v", body)
			}
		})
	}
}

// TestAttach_S36_PolicyIsAskedAgain: a right that is gone at a reload ends the session; one that is narrower
// narrows it; a policy that cannot answer denies this attach and nothing more.
func TestAttach_S36_PolicyIsAskedAgain(t *testing.T) {
	t.Run("revoked", func(t *testing.T) {
		r := newRig(t)
		id, pg, c := r.begin()
		r.policy.Revoke("alice", asset1)
		st, body := r.alice().call("POST", "api/session/"+string(id)+"/attach", map[string]any{})
		if st != http.StatusForbidden || code(body) != pam.CodeRevoked {
			t.Errorf("%d %v", st, body)
		}
		if got := pg.awaitEnd(); got != pam.CodeRevoked {
			t.Errorf("the page was told %q", got)
		}
		<-c.Closed()
		if info := r.completed(id); info.Reason != pam.EndRevoked {
			t.Errorf("info = %+v", info)
		}
	})
	t.Run("must be recorded now", func(t *testing.T) {
		r := newRig(t)
		id, _, _ := r.begin()
		r.recorded()
		if st, body := r.alice().call("POST", "api/session/"+string(id)+"/attach", map[string]any{}); code(body) != pam.CodeRevoked {
			t.Errorf("%d %v", st, body)
		}
		r.completed(id)
	})
	t.Run("narrowed", func(t *testing.T) {
		r := newRig(t)
		id, pg, c := r.begin()
		r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, pam.WebSession))
		again := r.alice().attach(id)
		again.awaitState("active")
		again.key("x")
		again.await("notice", func() bool { return len(again.notice) > 0 })
		if again.notice[0]["code"] != string(pam.CodeCapabilityDenied) || c.Typed() != "" {
			t.Errorf("notice %v, typed %q", again.notice, c.Typed())
		}
		_ = pg
	})
	t.Run("error", func(t *testing.T) {
		r := newRig(t)
		id, pg, c := r.begin()
		r.policy.At("Grants", 0, pamtest.Fault{Err: errFake})
		if st, body := r.alice().call("POST", "api/session/"+string(id)+"/attach", map[string]any{}); st != 503 || code(body) != pam.CodePolicyError {
			t.Errorf("%d %v", st, body)
		}
		r.say(c, "goes on")
		pg.awaitOutput("goes on")
	})
}

// TestReload_S36_AfterLogoutRefused: what EndLogin ended stays ended.
func TestReload_S36_AfterLogoutRefused(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	if err := r.broker.EndLogin(r.ctx, "login-1"); err != nil {
		t.Fatal(err)
	}
	if got := pg.awaitEnd(); got != pam.CodeRevoked {
		t.Errorf("page: %q", got)
	}
	<-c.Closed()
	r.completed(id)
	st, body := r.alice().call("POST", "api/session/"+string(id)+"/attach", map[string]any{})
	if st != http.StatusGone {
		t.Errorf("%d %v", st, body)
	}
}

// TestReload_C2_WhileConnecting: the page leaves while Connect hangs. It may come back; if it does not, the window
// ends the session and Connect is cancelled.
func TestReload_C2_WhileConnecting(t *testing.T) {
	t.Run("comes back", func(t *testing.T) {
		r := newRig(t)
		connect := make(chan struct{})
		r.protocol.At("Connect", 1, pamtest.Fault{Gate: connect})
		p := r.alice()
		id := p.start()
		pg := p.attach(id)
		pg.awaitState("connecting")
		pg.conn.Abort()
		again := p.attach(id)
		again.awaitState("connecting")
		r.awaitCalls(&r.protocol.Faults, "Connect", 1) // the state is shown before the size is taken
		again.send(frame.Frame{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 132, Rows: 43})})
		// The answer to a state tells that the frame before it was handled; this one is refused and says so.
		again.key("too early")
		again.await("notice", func() bool { return len(again.notice) > 0 })
		close(connect)
		c := r.target(1)
		again.awaitState("active")
		if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Sizes()) > 0 }); err != nil {
			t.Fatal("the size of the page never reached the target")
		}
		if got := c.Sizes(); len(got) != 1 || got[0] != (pam.Size{Cols: 132, Rows: 43}) {
			t.Errorf("sizes %v", got)
		}
		r.say(c, "hello")
		again.awaitOutput("hello")
		if c.Typed() != "" {
			t.Errorf("typed %q", c.Typed())
		}
	})
	t.Run("does not", func(t *testing.T) {
		r := newRig(t, func(c *pam.Config) { c.Limits.Reconnect = 30 * time.Millisecond })
		r.protocol.At("Connect", 1, pamtest.Fault{Block: true})
		p := r.alice()
		id := p.start()
		pg := p.attach(id)
		pg.awaitState("connecting")
		pg.conn.Abort()
		if info := r.completed(id); info.Reason != pam.EndNetworkLost {
			t.Errorf("info = %+v", info)
		}
	})
	t.Run("is away when it is connected", func(t *testing.T) {
		r := newRig(t)
		connect := make(chan struct{})
		r.protocol.At("Connect", 1, pamtest.Fault{Gate: connect})
		p := r.alice()
		id := p.start()
		pg := p.attach(id)
		pg.awaitState("connecting")
		pg.conn.Abort()
		<-pg.done
		close(connect)
		c := r.target(1)
		r.say(c, "nobody there")
		again := p.attach(id)
		again.awaitOutput("nobody there")
		again.awaitState("active")
	})
}

// TestSession_Size: the target knows the size of the newest page, is told once, and refuses no frame order.
func TestSession_Size(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	if got := c.Request.Size; got != (pam.Size{Cols: 100, Rows: 30}) {
		t.Errorf("Connect was told %v", got)
	}
	for range 3 {
		pg.send(frame.Frame{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 80, Rows: 24})})
	}
	pg.key("x")
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "x" }); err != nil {
		t.Fatal(err)
	}
	if got := c.Sizes(); len(got) != 1 || got[0] != (pam.Size{Cols: 80, Rows: 24}) {
		t.Errorf("sizes %v, want one", got)
	}
	r.alice().attach(id).awaitState("active") // at 100 x 30
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return len(c.Sizes()) == 2 }); err != nil {
		t.Fatalf("sizes %v", c.Sizes())
	}
}
