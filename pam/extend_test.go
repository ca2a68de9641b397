package pam_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// byOperation answers each operation with a selector of its own.
type byOperation struct {
	*pamtest.Policy
	selectors map[pam.Operation]*pam.Selector
}

func (p byOperation) Grants(ctx context.Context, q pam.Query) (pam.Grants, error) {
	g, err := p.Policy.Grants(ctx, q)
	g.Selector = p.selectors[q.Operation]
	return g, err
}

// governed is a rig in which the operations need the approval of bob.
func governed(t *testing.T, ops ...pam.Operation) *rig {
	t.Helper()
	sel := map[pam.Operation]*pam.Selector{}
	for _, op := range ops {
		sel[op] = &pam.Selector{ID: string(op), Form: pam.FormInteractive, Workflow: &pam.Workflow{
			ID: "one", Levels: []pam.Level{{Name: "Owners", Approvers: []string{"user:bob"}, Required: 1}},
		}}
	}
	r := newRig(t, func(c *pam.Config) { c.Policy = byOperation{c.Policy.(*pamtest.Policy), sel} })
	r.policy.SetApprover("user:bob", "bob")
	return r
}

// ends is what the state message says of the session's approved time.
func (pg *page) expires() map[string]any {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	m, _ := pg.state["expires"].(map[string]any)
	return m
}

func (pg *page) awaitExtend(state string) map[string]any {
	pg.p.r.t.Helper()
	pg.await("extend "+state, func() bool {
		m, _ := pg.state["expires"].(map[string]any)
		return m["extend"] == state
	})
	return pg.expires()
}

// TestExtend_I4_AtOnce: where no workflow governs it the owner moves the end, within the greatest duration, and what was
// approved lets nothing new begin in the time that was added.
func TestExtend_I4_AtOnce(t *testing.T) {
	r := governed(t, pam.OpAccess)
	a := r.alice().ask(hour)
	a.must(200, "bob")(a.decide("bob", 0, true))
	id, pg, _ := r.begin()
	before, err := time.Parse(time.RFC3339, pg.expires()["at"].(string))
	if err != nil {
		t.Fatal(err)
	}
	extend := func(to time.Time) (int, map[string]any) {
		return r.alice().call("POST", "api/session/"+string(id)+"/extend", map[string]any{"to": to.Format(time.RFC3339)})
	}
	if st, body := extend(before.Add(-time.Minute)); st != 422 || code(body) != pam.CodeInvalidParam {
		t.Errorf("to an earlier end: %d %v", st, body)
	}
	if st, body := r.person("mallory", "x").call("POST", "api/session/"+string(id)+"/extend", map[string]any{"to": before.Add(time.Hour)}); st != 404 {
		t.Errorf("by a stranger: %d %v", st, body)
	}
	to := before.Add(30 * time.Minute).Truncate(time.Second)
	if st, body := extend(to); st != 200 {
		t.Fatalf("%d %v", st, body)
	}
	pg.await("the new end", func() bool {
		m, _ := pg.state["expires"].(map[string]any)
		at, _ := time.Parse(time.RFC3339, m["at"].(string))
		return at.Equal(to)
	})
	if info, err := r.broker.Session(r.ctx, id); err != nil || !info.Expires.Equal(to) {
		t.Errorf("record: %v, %v", info.Expires, err)
	}
	if st, body := extend(before.Add(1000 * time.Hour)); st != 200 { // bounded, not refused
		t.Fatalf("%d %v", st, body)
	}
	info, err := r.broker.Session(r.ctx, id)
	if err != nil || info.Expires.Sub(info.Created) > 12*time.Hour+time.Minute {
		t.Errorf("extended to %v of a session of %v", info.Expires, info.Created)
	}
	if st, body := extend(before.Add(1000 * time.Hour)); st != 422 {
		t.Errorf("beyond the greatest duration: %d %v", st, body)
	}
	if n := slices.Index(r.verbs(), pam.ExtendSession); n < 0 {
		t.Errorf("no event: %v", r.verbs())
	}
	if pg.end != nil {
		t.Errorf("the session ended: %v", pg.end)
	}
}

// TestExtend_I4_ByRequest: the old end stands until the extension is approved, and the page is told how far it is.
func TestExtend_I4_ByRequest(t *testing.T) {
	r := governed(t, pam.OpAccess, pam.OpExtend)
	a := r.alice().ask(hour)
	a.must(200, "bob")(a.decide("bob", 0, true))
	id, pg, _ := r.begin()
	old := pg.awaitExtend("request")["at"].(string)
	path := "api/session/" + string(id)
	to := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
	if st, body := r.alice().call("POST", path+"/extend", map[string]any{"to": to}); st != 403 || code(body) != pam.CodeRequestRequired {
		t.Fatalf("without an approval: %d %v", st, body)
	}
	st, body := r.alice().call("POST", path+"/requests", map[string]any{"operation": "session.extend", "to": to, "message": "takes longer"})
	if st != http.StatusCreated {
		t.Fatalf("%d %v", st, body)
	}
	x := &accessAsk{r, body["id"].(string), body}
	if m := pg.awaitExtend("pending"); m["at"] != old || m["request"] != x.id {
		t.Errorf("while it is pending: %v", m)
	}
	x.must(200, "bob")(x.decide("bob", 0, true))
	if m := pg.awaitExtend("approved"); m["at"] != old || m["to"] == "" {
		t.Errorf("approved, not taken: %v", m)
	}
	if st, body := r.alice().call("POST", path+"/extend", map[string]any{}); st != 200 {
		t.Fatalf("%d %v", st, body)
	}
	pg.await("the new end", func() bool {
		m, _ := pg.state["expires"].(map[string]any)
		at, _ := time.Parse(time.RFC3339, m["at"].(string))
		return at.Equal(to)
	})
	pg.awaitExtend("request") // the approval is used up
	events := r.events.Events()
	n := slices.IndexFunc(events, func(e pam.Event) bool { return e.Verb == pam.ExtendSession })
	if n < 0 || events[n].Session != id || string(events[n].Request) != x.id {
		t.Errorf("event %+v", events)
	}
}

// TestJoin_I25_NeedsApproval: joining goes through the same gate, for the session and the mode that were asked for alone.
func TestJoin_I25_NeedsApproval(t *testing.T) {
	r := governed(t, pam.OpJoin)
	id, _, _ := r.begin()
	carol := r.carol()
	join := func(mode pam.Mode) (int, pam.Code) {
		st, body := carol.call("POST", "api/session/"+string(id)+"/join", map[string]any{"mode": mode})
		return st, code(body)
	}
	if st, got := join(pam.ModeMonitor); st != 403 || got != pam.CodeRequestRequired {
		t.Fatalf("%d %s", st, got)
	}
	asked := maps.Clone(hour)
	asked["operation"], asked["params"] = "session.join", map[string]any{"mode": "monitor"}
	st, body := carol.call("POST", "api/session/"+string(id)+"/requests", asked)
	if st != http.StatusCreated {
		t.Fatalf("%d %v", st, body)
	}
	if st, body := r.person("mallory", "x").call("POST", "api/session/"+string(id)+"/requests", asked); st != 404 {
		t.Errorf("a stranger asks: %d %v", st, body)
	}
	x := &accessAsk{r, body["id"].(string), body}
	x.must(200, "bob")(x.decide("bob", 0, true))
	if st, got := join(pam.ModeParticipate); st != 403 || got != pam.CodeRequestRequired {
		t.Errorf("in another mode: %d %s", st, got)
	}
	if st, got := join(pam.ModeMonitor); st != 201 {
		t.Fatalf("%d %s", st, got)
	}
	pg := carol.attach(id)
	pg.awaitState("active")
	x.must(200, "revoke")(r.person("bob", "login-bob").call("POST", "api/request/"+x.id+"/revoke", map[string]any{}))
	if got := pg.awaitEnd(); got != pam.CodeRevoked {
		t.Errorf("after the approval was taken back: %s", got)
	}
}
