package pam_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// TestReview_S11_LostRightEndsTheSession: a right that is withdrawn ends the live session at once, with the reason
// revoked, and other people's sessions go on.
func TestReview_S11_LostRightEndsTheSession(t *testing.T) {
	r := newRig(t)
	r.policy.Set("carol", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	id, pg, c := r.begin()
	carol := r.person("carol", "login-c")
	other := carol.attach(carol.start())
	other.awaitState("active")
	r.say(c, "hello")
	pg.awaitOutput("hello")
	r.policy.Revoke("alice", asset1)
	r.policy.Announce()
	if got := pg.awaitEnd(); got != pam.CodeRevoked {
		t.Errorf("end %q, want revoked", got)
	}
	if info := r.completed(id); info.Reason != pam.EndRevoked {
		t.Errorf("reason %q", info.Reason)
	}
	other.key("x")
	if err := r.target(2).Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "x" }); err != nil {
		t.Errorf("the other session: %v", err)
	}
}

// losesClipboard takes alice's right to paste away while she is in a session that nobody has typed in, and checks that it
// is gone from there and nothing else is.
func (r *rig) losesClipboard(pg *page, c *pamtest.Conn) {
	r.t.Helper()
	less := slices.DeleteFunc(slices.Clone(everything), func(d pam.Declaration) bool { return d == pam.ClipboardUpload })
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, less...))
	r.policy.Announce()
	pg.await("narrower capabilities", func() bool {
		caps, _ := pg.state["capabilities"].(map[string]any)
		return caps["keyboard"] == "allow" && caps["clipboard_upload"] == nil
	})
	pg.send(frame.Frame{Kind: frame.Paste, Payload: []byte("secret plan")})
	pg.key("k")
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "k" }); err != nil {
		r.t.Fatal(err)
	}
	if got := c.Pastes(); len(got) != 0 {
		r.t.Errorf("pasted %v after the right was gone", got)
	}
}

// TestReview_S11_NarrowedRight: a declaration that is withdrawn is gone from the live session, which goes on; the page is
// told, and what it sends all the same is dropped.
func TestReview_S11_NarrowedRight(t *testing.T) {
	r := newRig(t)
	_, pg, c := r.begin()
	r.losesClipboard(pg, c)
}

// TestReview_S11_MustRecordNow: a profile that begins to ask for a recording ends a session that has none.
func TestReview_S11_MustRecordNow(t *testing.T) {
	r := newRig(t)
	_, pg, _ := r.begin()
	r.recorded()
	r.policy.Announce()
	if got := pg.awaitEnd(); got != pam.CodeRevoked {
		t.Errorf("end %q, want revoked", got)
	}
}

// TestReview_S11_SweepWithoutNotice: a change that nobody announces is found by the sweep.
func TestReview_S11_SweepWithoutNotice(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Review = 20 * time.Millisecond })
	_, pg, _ := r.begin()
	r.policy.Revoke("alice", asset1)
	if got := pg.awaitEnd(); got != pam.CodeRevoked {
		t.Errorf("end %q, want revoked", got)
	}
}

// TestReview_PolicyCannotAnswer: an error of the policy ends nothing; when it answers again its answer counts.
func TestReview_PolicyCannotAnswer(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Review = 20 * time.Millisecond })
	_, pg, c := r.begin()
	before := r.policy.Calls("Grants")
	r.policy.At("Grants", 0, pamtest.Fault{Err: errors.New("database is away")})
	for r.policy.Calls("Grants") < before+2 { // a whole review has failed
		pg.key("x")
		if err := c.Await(r.ctx, func(*pamtest.Conn) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	r.say(c, "still here")
	pg.awaitOutput("still here")
	r.policy.Heal("Grants")
	r.policy.Revoke("alice", asset1)
	if got := pg.awaitEnd(); got != pam.CodeRevoked {
		t.Errorf("end %q, want revoked", got)
	}
}

// TestReview_S11_ThousandAtOnce: a right that a thousand live sessions rest on is withdrawn from half and narrowed for the
// other half in one change. One review ends the first and narrows the second, and the audit names the rule of each.
func TestReview_S11_ThousandAtOnce(t *testing.T) {
	const sessions, users = 1000, 100
	r := newRig(t, func(c *pam.Config) {
		l := &c.Limits
		l.Sessions, l.PerAsset, l.AddrRate, l.PendingAddr, l.PendingAsset, l.PendingUser = sessions, sessions, 2*sessions, sessions, sessions, sessions
		l.Requested = time.Hour
		c.Limits.Review = time.Hour // the change itself must do
	})
	granted := pamtest.Permit(pam.RoleViewer, everything...)
	granted.Rules = []string{"grant:all", "assignment:std"}
	owner := map[pam.SessionID]int{}
	for i := range sessions {
		u := pam.UserID(fmt.Sprint("user", i%users))
		r.policy.Set(u, asset1, granted)
		info, err := r.broker.Start(r.ctx, pam.Identity{User: u, LoginID: "login-" + string(u)}, pam.StartRequest{Asset: asset1, ClientAddr: netip.MustParseAddr("192.0.2.1")})
		if err != nil {
			t.Fatal(err)
		}
		owner[info.ID] = i % users
	}
	narrow := pamtest.Permit(pam.RoleViewer, pam.WebSession, pam.Keyboard)
	narrow.Rules = []string{"grant:all", "assignment:strict"}
	for i := range users {
		if u := pam.UserID(fmt.Sprint("user", i)); i%2 == 0 {
			r.policy.Set(u, asset1, pam.Grants{})
		} else {
			r.policy.Set(u, asset1, narrow)
		}
	}
	r.policy.Announce()
	ended, err := r.events.Await(r.ctx, pam.CompleteSession, sessions/2)
	if err != nil {
		t.Fatalf("%d of %d sessions ended: %v", len(ended), sessions/2, err)
	}
	for _, e := range ended {
		if owner[e.Session]%2 != 0 || e.Reason != pam.EndRevoked || !slices.Equal(e.Rules, granted.Rules) {
			t.Errorf("ended: %+v", e)
		}
	}
	changed, err := r.events.Await(r.ctx, pam.ChangePolicy, sessions/2)
	if err != nil {
		t.Fatalf("%d of %d sessions were narrowed: %v", len(changed), sessions/2, err)
	}
	for _, e := range changed {
		if owner[e.Session]%2 != 1 || !slices.Equal(e.Rules, []string{"assignment:std", "assignment:strict"}) ||
			e.Detail != "clipboard_download: allow to deny, clipboard_upload: allow to deny, session_url: allow to deny" {
			t.Errorf("narrowed: %+v", e)
		}
	}
	r.awaitLive(sessions / 2)
}

// TestReview_S11_PanicCostsOneSession: a policy that panics about one session does not keep the right of the others alive.
func TestReview_S11_PanicCostsOneSession(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Review = time.Hour })
	_, pg, _ := r.begin()
	r.policy.Set("carol", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	carol := r.person("carol", "login-c")
	other := carol.attach(carol.start())
	other.awaitState("active")
	r.policy.At("Grants", r.policy.Calls("Grants")+1, pamtest.Fault{Panic: "policy is broken"})
	r.policy.Revoke("alice", asset1)
	r.policy.Revoke("carol", asset1)
	r.policy.Announce()
	if _, err := r.events.Await(r.ctx, pam.CompleteSession, 1); err != nil {
		t.Fatalf("no session ended: %v", err)
	}
	r.policy.Announce() // the next review gets the other one
	for _, p := range []*page{pg, other} {
		if got := p.awaitEnd(); got != pam.CodeRevoked {
			t.Errorf("end %q, want revoked", got)
		}
	}
}
