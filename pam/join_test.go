package pam_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// joinRights are what carol needs to join alice's session in either mode, and to type there.
var joinRights = append([]pam.Declaration{pam.JoinMonitor, pam.JoinParticipate}, everything...)

// carol is a manager who may join.
func (r *rig) carol() *person {
	r.policy.Set("carol", asset1, pamtest.Permit(pam.RoleManager, joinRights...))
	return r.person("carol", "login-c")
}

// join asks for a place and returns the status and the code of a refusal.
func (p *person) join(id pam.SessionID, mode pam.Mode) (int, pam.Code) {
	p.r.t.Helper()
	st, body := p.call("POST", "api/session/"+string(id)+"/join", map[string]any{"mode": mode})
	return st, code(body)
}

// joined takes a place and attaches a page.
func (p *person) joined(id pam.SessionID, mode pam.Mode) *page {
	p.r.t.Helper()
	if st, c := p.join(id, mode); st != http.StatusCreated {
		p.r.t.Fatalf("join: %d %s", st, c)
	}
	return p.attach(id)
}

// TestJoin_J2_J4_S23_MonitorSeesAndCannotSend: a late monitor gets the present picture at once, and nothing that such a
// page sends reaches the target: it is dropped and counted, and the session goes on as if nobody were there.
func TestJoin_J2_J4_S23_MonitorSeesAndCannotSend(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	r.say(c, "first words ")
	pg.awaitOutput("first words")

	mon := r.carol().joined(id, pam.ModeMonitor)
	mon.awaitOutput("first words")
	r.say(c, " and more")
	mon.awaitOutput("and more")

	// The page that it runs in asks for the session first, and is shown nothing that is the owner's alone.
	st, body := r.carol().call("GET", "api/session/"+string(id), nil)
	if st != http.StatusOK || body["id"] != string(id) || body["params"] != nil {
		t.Errorf("the session as a joiner sees it: %d %v", st, body)
	}

	before := len(c.Sizes())
	mon.key("x")
	mon.send(frame.Frame{Kind: frame.Pointer, Payload: []byte{1}})
	mon.send(frame.Frame{Kind: frame.Paste, Payload: []byte("rm -rf")})
	mon.send(frame.Frame{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 20, Rows: 5})})
	mon.send(frame.Frame{Kind: frame.Copied, Payload: []byte("text")})
	mon.await("notice", func() bool { return len(mon.notice) > 0 })
	if got := mon.notice[0]["code"]; got != string(pam.CodeCapabilityDenied) {
		t.Errorf("notice %v", got)
	}
	pg.key("y") // everything before it has been handled when this one is there, but for the monitor's own queue
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "y" }); err != nil {
		t.Fatalf("%v; typed %q", err, c.Typed())
	}
	if got := len(c.Sizes()); got != before || len(c.Pastes()) != 0 {
		t.Errorf("a monitor resized (%d sizes, was %d) or pasted %v", got, before, c.Pastes())
	}
	mon.await("five dropped", func() bool { return r.counter("pam.operations.dropped") == 5 })

	caps, _ := mon.state["capabilities"].(map[string]any)
	for _, d := range []pam.Declaration{pam.Keyboard, pam.ClipboardUpload, pam.ClipboardDownload} {
		if caps[string(d)] != nil {
			t.Errorf("a monitor's list has %s", d)
		}
	}
	if got := mon.state["gateway"]; got != "gw-kit" { // for people who ask which one it was
		t.Errorf("the page is told the gateway %v", got)
	}
	if got := mon.state["mode"]; got != "monitor" {
		t.Errorf("mode %v", got)
	}
	pg.await("both people", func() bool { return fmt.Sprint(people(pg)) == "[ALICE/owner* CAROL/monitor]" })
	mon.await("both people", func() bool { return fmt.Sprint(people(mon)) == "[ALICE/owner CAROL/monitor*]" })
}

// people lists who the page says is in; a star marks oneself, brackets who is away. It is asked under the page's lock.
func people(pg *page) (out []string) {
	list, _ := pg.state["people"].([]any)
	for _, e := range list {
		m := e.(map[string]any)
		s := fmt.Sprintf("%v/%v", m["name"], m["mode"])
		if m["self"] == true {
			s += "*"
		}
		if m["away"] == true {
			s = "(" + s + ")"
		}
		out = append(out, s)
	}
	return out
}

// TestJoin_J3_R4_ParticipateIsAttributed: what a participant does reaches the target and stands in the recording under
// that person's name; keystrokes are kept only where the one who typed them has keyboard at Record, and the clipboard
// follows the joiner's own profile.
func TestJoin_J3_R4_ParticipateIsAttributed(t *testing.T) {
	r := newRig(t)
	r.recorded()
	id, _, c := r.begin()
	carol := r.carol()
	g := pamtest.Recorded(pamtest.Permit(pam.RoleManager, joinRights...), pam.Keyboard, pam.WebSession)
	delete(g.Declarations, pam.ClipboardUpload)
	r.policy.Set("carol", asset1, g)
	part := carol.joined(id, pam.ModeParticipate)
	part.awaitState("active")
	part.key("ls\r")
	part.send(frame.Frame{Kind: frame.Paste, Payload: []byte("not for carol")})
	part.await("notice", func() bool { return len(part.notice) > 0 })
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "ls\r" }); err != nil {
		t.Fatal(err)
	}
	if len(c.Pastes()) != 0 {
		t.Errorf("pasted %v", c.Pastes())
	}
	who := c.Inputs()[0].Participant
	if who == "" || string(who) != part.state["participant"] {
		t.Errorf("input of %q, the page is %v", who, part.state["participant"])
	}
	for _, f := range []pam.Frame{
		{Kind: pam.FrameKeys, Payload: []byte("carol's"), Participant: who},
		{Kind: pam.FrameKeys, Payload: []byte("alice's")}, // her keyboard is Allow
		{Kind: pam.FrameKeys, Payload: []byte("nobody's"), Participant: "gone"},
	} {
		if err := c.Emit(r.ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	var joined, keys, inputs []string
	for _, e := range rec.Entries() {
		switch e.Kind {
		case pam.EntryJoin:
			joined = append(joined, string(e.Data))
		case pam.EntryKeys:
			keys = append(keys, string(e.Participant)+" "+string(e.Data))
		case pam.EntryInput:
			inputs = append(inputs, string(e.Participant)+" "+string(e.Data))
		}
	}
	if len(joined) != 2 || !strings.Contains(joined[1], `"carol"`) || !strings.Contains(joined[1], `"participate"`) {
		t.Errorf("joins in the recording: %q", joined)
	}
	if want := []string{string(who) + " carol's"}; !slices.Equal(keys, want) {
		t.Errorf("keys in the recording: %q, want %q", keys, want)
	}
	if want := []string{string(who) + ` {"kind":"key","length":3}`}; !slices.Equal(inputs, want) {
		t.Errorf("inputs in the recording: %q, want %q", inputs, want)
	}
}

// TestJoin_I25_S01_WhoMay: joining is an authorization of its own, and who has no right hears what is said of a session
// that does not exist.
func TestJoin_I25_S01_WhoMay(t *testing.T) {
	r := newRig(t)
	id, pg, _ := r.begin()
	permit := pamtest.Permit
	selector := func(f pam.Form) pam.Grants {
		g := permit(pam.RoleManager, joinRights...)
		g.Selector = &pam.Selector{ID: "s", Form: f}
		return g
	}
	lower := permit(pam.RoleViewer, joinRights...)
	lower.Permitted = false // the ladder does not reach the operation
	for i, tc := range []struct {
		name   string
		grants *pam.Grants
		mode   pam.Mode
		want   pam.Code
	}{
		{"nobody", nil, pam.ModeMonitor, pam.CodeNotFound},
		{"a viewer", &lower, pam.ModeMonitor, pam.CodeNotFound},
		{"a manager without the declaration", ptr(permit(pam.RoleManager, everything...)), pam.ModeMonitor, pam.CodeProfileDenied},
		{"a manager who may only monitor", ptr(permit(pam.RoleManager, pam.WebSession, pam.JoinMonitor)), pam.ModeParticipate, pam.CodeProfileDenied},
		{"a manager without web sessions", ptr(permit(pam.RoleManager, pam.JoinMonitor)), pam.ModeMonitor, pam.CodeProfileDenied},
		{"a restricting selector", ptr(selector(pam.FormRestricting)), pam.ModeMonitor, pam.CodeRestricted},
		{"an interactive selector", ptr(selector(pam.FormInteractive)), pam.ModeMonitor, pam.CodeRequestRequired},
		{"who must be recorded", ptr(pamtest.Recorded(permit(pam.RoleManager, joinRights...), pam.WebSession)), pam.ModeMonitor, pam.CodeNotRecorded},
		{"a manager", ptr(permit(pam.RoleManager, joinRights...)), pam.ModeMonitor, ""},
		{"a manager, participating", ptr(permit(pam.RoleManager, joinRights...)), pam.ModeParticipate, ""},
		{"as the owner", ptr(permit(pam.RoleManager, joinRights...)), pam.ModeOwner, pam.CodeInvalidParam},
	} {
		user := fmt.Sprintf("user%d", i)
		if tc.grants != nil {
			r.policy.Set(pam.UserID(user), asset1, *tc.grants)
		}
		p := r.person(user, "login-"+user)
		_, unknown := p.join("no-such-session", tc.mode)
		st, got := p.join(id, tc.mode)
		if got != tc.want {
			t.Errorf("%s: %d %q, want %q", tc.name, st, got, tc.want)
		}
		if tc.want == pam.CodeNotFound && unknown != got {
			t.Errorf("%s: an unknown session is %q, this one %q", tc.name, unknown, got)
		}
		if tc.want != "" {
			if st, body := p.call("POST", "api/session/"+string(id)+"/attach", map[string]any{}); st != http.StatusNotFound {
				t.Errorf("%s: attach %d %v", tc.name, st, body)
			}
		}
	}
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleManager, joinRights...))
	if st, c := r.alice().join(id, pam.ModeMonitor); c != pam.CodeOwnSession {
		t.Errorf("the owner: %d %s", st, c)
	}
	// Nobody was let in, so the refused have left nothing behind but events.
	denied := 0
	for _, e := range r.events.Events() {
		if e.Verb == pam.DenySession && e.Session == id {
			denied++
		}
	}
	if denied != 9 { // eight of the table, and the owner
		t.Errorf("%d Deny Session events", denied)
	}
	pg.key("still mine")
}

func ptr[T any](v T) *T { return &v }

// TestJoin_I24_S01_EndedAndUnstarted: a session that has ended says so to who might have joined, one that was never opened
// cannot be joined, and an anonymous caller learns nothing.
func TestJoin_I24_S01_EndedAndUnstarted(t *testing.T) {
	r := newRig(t)
	carol := r.carol()
	waiting := r.alice().start()
	if st, c := carol.join(waiting, pam.ModeMonitor); st != http.StatusConflict || c != pam.CodeNotStarted {
		t.Errorf("not opened yet: %d %s", st, c)
	}
	r.alice().attach(waiting).awaitState("active")
	if err := r.broker.Terminate(r.ctx, admin, waiting, ""); err != nil {
		t.Fatal(err)
	}
	r.completed(waiting)
	if st, c := carol.join(waiting, pam.ModeMonitor); st != http.StatusGone || c != pam.CodeSessionEnded {
		t.Errorf("ended: %d %s", st, c)
	}
	if st, c := r.person("mallory", "m").join(waiting, pam.ModeMonitor); st != http.StatusNotFound || c != pam.CodeNotFound {
		t.Errorf("ended, without rights: %d %s", st, c)
	}
	if st, c := r.person("", "").join(waiting, pam.ModeMonitor); st != http.StatusUnauthorized {
		t.Errorf("anonymous: %d %s", st, c)
	}
}

// TestJoin_J1_TenPlaces: of many who join at once ten get a place, a place that is given up is free again, and one login
// has one place.
func TestJoin_J1_TenPlaces(t *testing.T) {
	r := newRig(t)
	id, pg, _ := r.begin()
	var in atomic.Int64
	var wg sync.WaitGroup
	for i := range 30 {
		user := fmt.Sprintf("m%d", i)
		r.policy.Set(pam.UserID(user), asset1, pamtest.Permit(pam.RoleManager, joinRights...))
		wg.Go(func() {
			switch st, c := r.person(user, "l-"+user).join(id, pam.ModeMonitor); {
			case st == http.StatusCreated:
				in.Add(1)
			case c != pam.CodeLimitReached:
				t.Errorf("%s: %d %s", user, st, c)
			}
		})
	}
	wg.Wait()
	if in.Load() != 10 {
		t.Errorf("%d got in, want 10", in.Load())
	}
	pg.await("eleven people", func() bool { return len(people(pg)) == 11 })
	if err := r.broker.EndUser(r.ctx, lastJoiner(r, id)); err != nil {
		t.Fatal(err)
	}
	carol := r.carol()
	if st, c := carol.join(id, pam.ModeMonitor); st != http.StatusCreated {
		t.Errorf("into the freed place: %d %s", st, c)
	}
	if st, c := carol.join(id, pam.ModeParticipate); st != http.StatusCreated {
		t.Errorf("once more, in the other mode: %d %s", st, c)
	}
	pg.await("eleven people, carol once", func() bool {
		all := people(pg)
		return len(all) == 11 && all[10] == "(CAROL/participate)"
	})
}

func lastJoiner(r *rig, id pam.SessionID) pam.UserID {
	for _, s := range r.broker.Live() {
		if s.ID == id {
			return s.People[len(s.People)-1].User
		}
	}
	r.t.Fatal("no live session")
	return ""
}

// TestJoin_S11_RevokedJoinerLeaves: a joiner whose right is withdrawn, whose login ends or who is disabled is out at once;
// nobody else notices.
func TestJoin_S11_RevokedJoinerLeaves(t *testing.T) {
	for name, revoke := range map[string]func(*rig) error{
		"policy": func(r *rig) error {
			r.policy.Revoke("carol", asset1)
			r.policy.Announce()
			return nil
		},
		"declaration": func(r *rig) error {
			r.policy.Set("carol", asset1, pamtest.Permit(pam.RoleManager, everything...))
			r.policy.Announce()
			return nil
		},
		"login": func(r *rig) error { return r.broker.EndLogin(r.ctx, "login-c") },
		"user":  func(r *rig) error { return r.broker.EndUser(r.ctx, "carol") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.recorded()
			id, pg, c := r.begin()
			carol := r.carol()
			part := carol.joined(id, pam.ModeParticipate)
			part.awaitState("active")
			if err := revoke(r); err != nil {
				t.Fatal(err)
			}
			if got := part.awaitEnd(); got != pam.CodeRevoked {
				t.Errorf("end %q", got)
			}
			evs, err := r.events.Await(r.ctx, pam.LeaveSession, 1)
			if err != nil {
				t.Fatal(err)
			}
			if e := evs[0]; e.User != "carol" || e.Session != id || e.Code != pam.CodeRevoked || e.Detail != "participate" {
				t.Errorf("event %+v", e)
			}
			if st, body := carol.call("POST", "api/session/"+string(id)+"/attach", map[string]any{}); st != http.StatusNotFound {
				t.Errorf("attach afterwards: %d %v", st, body)
			}
			pg.await("alone", func() bool { return len(people(pg)) == 1 })
			pg.key("y")
			if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "y" }); err != nil {
				t.Error(err)
			}
			rec, err := r.recorder.Recording(r.ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(rec.Entries(), func(e pam.Entry) bool {
				return e.Kind == pam.EntryLeave && strings.Contains(string(e.Data), "carol")
			}) {
				t.Error("the recording does not say that carol left")
			}
		})
	}
}

// TestJoin_I26_DisconnectLeavesAlone: a joiner who disconnects, over the socket or over the API, leaves the others where
// they are.
func TestJoin_I26_DisconnectLeavesAlone(t *testing.T) {
	r := newRig(t)
	id, pg, _ := r.begin()
	carol := r.carol()
	part := carol.joined(id, pam.ModeParticipate)
	part.awaitState("active")
	part.send(frame.Frame{Kind: frame.Disconnect})
	if got := part.awaitEnd(); got != pam.CodeUserDisconnect {
		t.Errorf("end %q", got)
	}
	again := carol.joined(id, pam.ModeMonitor)
	again.awaitState("active")
	if st, body := carol.call("POST", "api/session/"+string(id)+"/end", map[string]any{}); st != http.StatusNoContent {
		t.Errorf("end: %d %v", st, body)
	}
	if got := again.awaitEnd(); got != pam.CodeUserDisconnect {
		t.Errorf("end %q", got)
	}
	if _, err := r.events.Await(r.ctx, pam.LeaveSession, 2); err != nil {
		t.Error(err)
	}
	pg.await("alone", func() bool { return len(people(pg)) == 1 })
	if got := r.broker.Health().Live; got != 1 {
		t.Errorf("%d live sessions", got)
	}
	// When the owner goes, everybody does.
	last := carol.joined(id, pam.ModeMonitor)
	last.awaitState("active")
	pg.send(frame.Frame{Kind: frame.Disconnect})
	if got := last.awaitEnd(); got != pam.CodeUserDisconnect {
		t.Errorf("end %q", got)
	}
	r.completed(id)
}

// TestJoin_C2_JoinerComesBack: a joiner whose network broke attaches again to the same place and gets the picture; after
// the window the place is gone and the session knows it.
func TestJoin_C2_JoinerComesBack(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	carol := r.carol()
	first := carol.joined(id, pam.ModeParticipate)
	first.awaitState("active")
	first.conn.Abort()
	pg.await("carol away", func() bool { return slices.Contains(people(pg), "(CAROL/participate)") })
	r.say(c, "meanwhile")
	pg.awaitOutput("meanwhile")
	again := carol.attach(id)
	again.awaitOutput("meanwhile")
	if again.state["participant"] != first.state["participant"] {
		t.Errorf("participant %v, was %v", again.state["participant"], first.state["participant"])
	}
	newer := carol.attach(id)
	newer.awaitState("active")
	if got := again.awaitEnd(); got != pam.CodeOpenedElsewhere {
		t.Errorf("the older page: %q", got)
	}
}

// TestJoin_C2_WindowOver: who stays away for longer than the reconnect window has left.
func TestJoin_C2_WindowOver(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Reconnect = time.Millisecond })
	id, pg, _ := r.begin()
	carol := r.carol()
	part := carol.joined(id, pam.ModeMonitor)
	part.awaitState("active")
	part.conn.Abort()
	evs, err := r.events.Await(r.ctx, pam.LeaveSession, 1)
	if err != nil {
		t.Fatal(err)
	}
	if evs[0].Code != pam.CodeNetworkLost {
		t.Errorf("event %+v", evs[0])
	}
	if st, _ := carol.call("POST", "api/session/"+string(id)+"/attach", map[string]any{}); st != http.StatusNotFound {
		t.Errorf("attach: %d", st)
	}
	pg.await("alone", func() bool { return len(people(pg)) == 1 })
}

// TestJoin_S26_SlowJoinerHoldsNobody: a joiner that reads and acknowledges nothing does not keep the owner from what the
// target says, however much that is.
func TestJoin_S26_SlowJoinerHoldsNobody(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Backlog, c.Limits.Window = 64<<10, 32<<10 })
	id, pg, c := r.begin()
	slow := r.carol().joined(id, pam.ModeMonitor)
	slow.awaitState("active")
	slow.change(func() { slow.hold = true })
	for i := range 40 { // ten times the backlog
		r.say(c, strings.Repeat(string(rune('a'+i%26)), 16<<10))
	}
	r.say(c, "the end")
	pg.awaitOutput("the end")
	slow.change(func() { slow.hold = false })
	slow.send(frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, slow.seen())})
	slow.awaitOutput("the end")
}

func (pg *page) seen() uint64 {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	return pg.acked
}

// TestJoin_S31_NoEventNoPlace: without its event there is no place.
func TestJoin_S31_NoEventNoPlace(t *testing.T) {
	r := newRig(t)
	id, pg, _ := r.begin()
	carol := r.carol()
	r.events.At("Write", 0, pamtest.Fault{Err: errFake})
	if st, c := carol.join(id, pam.ModeMonitor); st != http.StatusServiceUnavailable || c != pam.CodeAuditFailed {
		t.Errorf("join: %d %s", st, c)
	}
	if !r.broker.Health().AuditFailing || r.broker.Health().Ready() {
		t.Errorf("health %+v", r.broker.Health())
	}
	r.events.Heal("Write")
	pg.await("alone", func() bool { return len(people(pg)) == 1 })
}
