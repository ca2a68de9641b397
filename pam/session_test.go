package pam_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestSession_E1_EndToEnd(t *testing.T) {
	r := newRig(t)
	id, pg, c := r.begin()
	r.say(c, "hello ")
	pg.awaitOutput("hello ")
	pg.key("ls\r")
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "ls\r" }); err != nil {
		t.Fatalf("typed %q: %v", c.Typed(), err)
	}
	c.End(&pam.End{Reason: pam.EndRemoteLogoff})
	if got := pg.awaitEnd(); got != pam.CodeRemoteLogoff {
		t.Errorf("end code %q, want remote_logoff", got)
	}
	if got := pg.awaitClose(); got != "remote_logoff" {
		t.Errorf("close reason %q", got)
	}
	info := r.completed(id)
	if info.State != pam.StateCompleted || info.Reason != pam.EndRemoteLogoff || info.Recorded {
		t.Errorf("info = %+v", info)
	}
}

func TestSession_E6_Recorded(t *testing.T) {
	r := newRig(t)
	r.recorded()
	_, pg, c := r.begin()
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	r.say(c, "one")
	pg.awaitOutput("one")
	rec.Hold(true)
	// What is not written is neither shown nor sent.
	if err := c.Output(r.ctx, "two"); err != nil {
		t.Fatal(err)
	}
	pg.key("x")
	pg.send(frame.Frame{Kind: frame.Visible, Payload: []byte{1}})
	if got := c.Typed(); got != "" {
		t.Errorf("typed %q before it was written", got)
	}
	pg.mu.Lock()
	shown := pg.out.String()
	pg.mu.Unlock()
	if strings.Contains(shown, "two") {
		t.Errorf("shown %q before it was written", shown)
	}
	rec.Hold(false)
	pg.awaitOutput("onetwo")
	if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "x" }); err != nil {
		t.Fatal(err)
	}
}

func TestAttach_C2_NewestPageWins(t *testing.T) {
	r := newRig(t)
	_, first, c := r.begin()
	r.say(c, "picture")
	first.awaitOutput("picture")
	p := r.alice()
	list, err := r.broker.Sessions(r.ctx, pam.SessionFilter{})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	second := p.attach(list[0].ID)
	if got := first.awaitEnd(); got != pam.CodeOpenedElsewhere {
		t.Errorf("first page: %q", got)
	}
	second.awaitOutput("picture")
	if second.keys != 1 {
		t.Errorf("second page got %d key frames, want 1", second.keys)
	}
	r.say(c, " goes on")
	second.awaitOutput("picture goes on")
	if strings.Count(second.out.String(), "goes on") != 1 {
		t.Errorf("output %q", second.out.String())
	}
}

func TestStart_E3_NoRoleIsNotFound(t *testing.T) {
	r := newRig(t)
	bob := r.person("bob", "l")
	for _, id := range []string{"server-1", "no-such-asset"} {
		st, body := bob.call("POST", "api/asset/"+id+"/sessions", map[string]any{})
		if st != http.StatusNotFound || code(body) != pam.CodeNotFound {
			t.Errorf("%s: %d %v", id, st, body)
		}
	}
}

// TestProtocols_E2_HostRegistersAnother: a protocol that the SDK has never heard of runs like the built-in ones, and
// an asset whose protocol nobody registered has no session.
func TestProtocols_E2_HostRegistersAnother(t *testing.T) {
	own := &pamtest.Protocol{Key: "serial-console", Wrap: pamtest.Plain}
	r := newRig(t, func(c *pam.Config) { c.Protocols = append(c.Protocols, own) })
	for _, a := range []struct {
		id       pam.AssetID
		protocol string
	}{{"console-1", "serial-console"}, {"mainframe", "tn3270"}, {"secret", ""}} {
		r.inventory.Put(pam.Asset{ID: a.id, Name: string(a.id), Type: pam.AssetType{ID: "t", Name: "T", Protocol: a.protocol}})
		r.policy.Set("alice", a.id, pamtest.Permit(pam.RoleViewer, everything...))
	}
	p := r.alice()
	st, body := p.call("POST", "api/asset/console-1/sessions", map[string]any{})
	if st != http.StatusCreated {
		t.Fatalf("start: %d %v", st, body)
	}
	pg := p.attach(pam.SessionID(body["id"].(string)))
	c, err := own.Conn(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	r.say(c, "login:")
	pg.awaitOutput("login:")
	for _, id := range []string{"mainframe", "secret"} {
		if st, body := p.call("POST", "api/asset/"+id+"/sessions", map[string]any{}); st != http.StatusUnprocessableEntity || code(body) != pam.CodeNoProtocol {
			t.Errorf("%s: %d %v, want 422 no_protocol", id, st, body)
		}
	}
}
