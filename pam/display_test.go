package pam_test

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/pam"
)

// TestDisplay_L8_KeptForReloadAndNextLaunch: what the owner changes in the running session is there after a reload and
// at the next launch; nothing but a display parameter can be changed, with a value that the schema allows.
func TestDisplay_L8_KeptForReloadAndNextLaunch(t *testing.T) {
	r := newRig(t)
	r.protocol.Schema = schema
	id, pg, _ := r.begin()
	alice := r.alice()
	display := func(p *person, params map[string]string) (int, map[string]any) {
		return p.call("POST", "api/session/"+string(id)+"/display", map[string]any{"params": params})
	}
	for _, tc := range []struct {
		name, value string
		want        pam.Code
	}{
		{"size", "33", pam.CodeInvalidParam},
		{"size", "", pam.CodeInvalidParam},
		{"term", "vt100", pam.CodeInvalidParam},
		{"command", "reboot", pam.CodeInvalidParam},
		{"no-such", "x", pam.CodeInvalidParam},
	} {
		st, body := display(alice, map[string]string{"size": "20", tc.name: tc.value})
		if st != http.StatusUnprocessableEntity || code(body) != tc.want {
			t.Errorf("%s=%q: %d %v, want %s", tc.name, tc.value, st, body, tc.want)
		}
	}
	if info, _ := r.broker.Session(r.ctx, id); info.Params["size"] != "14" {
		t.Errorf("a refused change left %v", info.Params)
	}

	if st, body := display(alice, map[string]string{"size": "20"}); st != http.StatusNoContent {
		t.Fatalf("%d %v", st, body)
	}
	if info, _ := r.broker.Session(r.ctx, id); info.Params["size"] != "20" || info.Params["term"] != "xterm" {
		t.Errorf("the session's parameters are %v", info.Params)
	}
	pg.await("the new size", func() bool { p, _ := pg.state["params"].(map[string]any); return p["size"] == "20" })
	if stored, err := r.store.Params(r.ctx, "alice", asset1); err != nil || stored["size"] != "20" || stored["term"] != "xterm" {
		t.Errorf("remembered %v, %v", stored, err)
	}

	// A joiner sees with the owner's parameters and changes nobody's.
	carol := r.carol()
	if st, c := carol.join(id, pam.ModeParticipate); st != http.StatusCreated {
		t.Fatalf("join: %d %s", st, c)
	}
	if st, body := display(carol, map[string]string{"size": "30"}); st != http.StatusForbidden || code(body) != pam.CodeCapabilityDenied {
		t.Errorf("a joiner: %d %v", st, body)
	}
	if stored, _ := r.store.Params(r.ctx, "carol", asset1); len(stored) != 0 {
		t.Errorf("remembered for a joiner: %v", stored)
	}
}
