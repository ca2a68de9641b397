package pam_test

import (
	"errors"
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

// TestReview_S11_NarrowedRight: a declaration that is withdrawn is gone from the live session, which goes on; the page is
// told, and what it sends all the same is dropped.
func TestReview_S11_NarrowedRight(t *testing.T) {
	r := newRig(t)
	_, pg, c := r.begin()
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
		t.Fatal(err)
	}
	if got := c.Pastes(); len(got) != 0 {
		t.Errorf("pasted %v after the right was gone", got)
	}
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
