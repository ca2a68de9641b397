package pam_test

import (
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// twoLevels is a workflow in which bob decides, and then any of the desk.
func twoLevels() *pam.Workflow {
	return &pam.Workflow{ID: "two", Name: "Two levels", Longest: 4 * time.Hour, Levels: []pam.Level{
		{Name: "Owners", Approvers: []string{"user:bob"}, Required: 1},
		{Name: "Security desk", Approvers: []string{"group:desk"}, Required: 1},
	}}
}

// needsApproval makes alice's sessions need the approval of a workflow.
func (r *rig) needsApproval(w *pam.Workflow, change ...func(*pam.Grants)) {
	g := pamtest.Permit(pam.RoleViewer, everything...)
	g.Selector = &pam.Selector{ID: "ask", Form: pam.FormInteractive, Exclusive: pam.ExclusiveOptional, Workflow: w}
	for _, f := range change {
		f(&g)
	}
	r.policy.Set("alice", asset1, g)
	r.policy.SetApprover("user:bob", "bob", "alice")
	r.policy.SetApprover("group:desk", "carol", "dan", "bob")
}

// accessAsk is a request as its JSON has it.
type accessAsk struct {
	r    *rig
	id   string
	body map[string]any
}

func (p *person) ask(body map[string]any) *accessAsk {
	p.r.t.Helper()
	st, got := p.call("POST", "api/asset/"+string(asset1)+"/requests", body)
	if st != http.StatusCreated {
		p.r.t.Fatalf("ask: %d %v", st, got)
	}
	return &accessAsk{p.r, got["id"].(string), got}
}

var hour = map[string]any{"lasting_seconds": 3600, "message": "replication fails"}

// TestRequest_Q4_TheFormKnowsItsWorkflow: who has to ask hears what to ask for, with the settings that are approved and without
// the names of approvers; then which request is waited for; and nothing where asking does not help.
func TestRequest_Q4_TheFormKnowsItsWorkflow(t *testing.T) {
	r := newRig(t)
	w := twoLevels()
	w.Ticket, w.Once = true, true
	r.needsApproval(w)
	access := func() map[string]any {
		t.Helper()
		st, body := r.alice().call("GET", "api/asset/"+string(asset1)+"/access", nil)
		if st != http.StatusOK {
			t.Fatalf("access: %d %v", st, body)
		}
		return body
	}
	body := access()
	want := map[string]any{
		"name": "Two levels", "longest_seconds": 14400.0, "ticket": true, "once": true, "exclusive": "optional",
		"levels": []any{map[string]any{"name": "Owners", "required": 1.0}, map[string]any{"name": "Security desk", "required": 1.0}},
	}
	if !reflect.DeepEqual(body["workflow"], want) || body["request"] != nil {
		t.Errorf("%v, request %v", body["workflow"], body["request"])
	}
	a := r.alice().ask(map[string]any{"lasting_seconds": 600, "ticket_id": "INC-1"})
	for _, state := range []string{"pending", "approved"} {
		body = access()
		if ref := body["request"]; body["workflow"] != nil || !reflect.DeepEqual(ref, map[string]any{"id": a.id, "state": state}) {
			t.Errorf("%s: workflow %v, request %v", state, body["workflow"], ref)
		}
		if state == "pending" {
			a.approved()
		}
	}
	if body["code"] != string(pam.CodeAllowed) {
		t.Errorf("approved: %v", body["code"])
	}
	r.needsApproval(w, func(g *pam.Grants) { g.Declarations[pam.WebSession] = pam.Deny })
	if body = access(); body["workflow"] != nil || body["request"] != nil {
		t.Errorf("denied by the profile: %v", body)
	}
}

// decide lets somebody say something to the request as it was asked.
func (a *accessAsk) decide(user string, level int, approve bool) (int, map[string]any) {
	return a.r.person(user, "login-"+user).call("POST", "api/request/"+a.id+"/decision", map[string]any{
		"approve": approve, "note": "so be it", "terms": a.body["terms"], "level": level,
	})
}

func (a *accessAsk) must(status int, what string) func(st int, body map[string]any) map[string]any {
	return func(st int, body map[string]any) map[string]any {
		a.r.t.Helper()
		if st != status {
			a.r.t.Fatalf("%s: %d %v, want %d", what, st, body, status)
		}
		return body
	}
}

func (a *accessAsk) approved() {
	a.r.t.Helper()
	a.must(200, "bob")(a.decide("bob", 0, true))
	if body := a.must(200, "carol")(a.decide("carol", 1, true)); body["state"] != "approved" {
		a.r.t.Fatalf("after all levels: %v", body)
	}
}

// tryStart starts a session and returns status and code.
func (p *person) tryStart() (int, pam.Code) {
	st, body := p.call("POST", "api/asset/"+string(asset1)+"/sessions", map[string]any{})
	return st, code(body)
}

func (r *rig) verbs() (out []pam.Verb) {
	for _, e := range r.events.Events() {
		out = append(out, e.Verb)
	}
	return out
}

// TestRequest_Q4_Q5_LevelByLevel walks the whole way: nothing is permitted until the last level has agreed, each step is an
// event that names the request, and the session that starts then carries it.
func TestRequest_Q4_Q5_LevelByLevel(t *testing.T) {
	r := newRig(t)
	r.needsApproval(twoLevels())
	alice := r.alice()
	wants := func(want pam.Code) {
		t.Helper()
		if st, got := alice.tryStart(); st != 403 || got != want {
			t.Fatalf("start: %d %s, want %s", st, got, want)
		}
		if _, body := alice.call("GET", "api/asset/server-1/access", nil); body["code"] != string(want) {
			t.Fatalf("access: %v, want %s", body["code"], want)
		}
	}
	wants(pam.CodeRequestRequired)
	a := alice.ask(hour)
	if a.body["state"] != "pending" || a.body["level"] != 0.0 || strings.Contains(a.body["asset"].(map[string]any)["name"].(string), "root") {
		t.Fatalf("%v", a.body)
	}
	wants(pam.CodeRequestPending)

	// Who does not decide now, does not: not who decides later, not the requester, not a stranger.
	for user, want := range map[string]int{"carol": 403, "alice": 403, "mallory": 404} {
		if st, body := a.decide(user, 0, true); st != want {
			t.Errorf("%s decides: %d %v, want %d", user, st, body, want)
		}
	}
	if st, body := a.decide("bob", 1, true); st != 409 || code(body) != pam.CodeRequestChanged {
		t.Errorf("at the wrong level: %d %v", st, body)
	}
	body := a.must(200, "bob")(a.decide("bob", 0, true))
	if body["level"] != 1.0 || body["state"] != "pending" {
		t.Fatalf("%v", body)
	}
	wants(pam.CodeRequestPending)
	if st, body := a.decide("bob", 1, true); st != 409 || code(body) != pam.CodeRequestDecided {
		t.Errorf("bob decides at both levels: %d %v", st, body)
	}
	if body := a.must(200, "carol")(a.decide("carol", 1, true)); body["state"] != "approved" {
		t.Fatalf("%v", body)
	}
	if st, body := a.decide("dan", 1, true); st != 409 || code(body) != pam.CodeRequestClosed {
		t.Errorf("after the last word: %d %v", st, body)
	}

	id := alice.start()
	if info, err := r.broker.Session(r.ctx, id); err != nil || string(info.Request) != a.id || info.Expires.IsZero() {
		t.Errorf("the session: %+v, %v", info, err)
	}
	want := []pam.Verb{pam.RequestAccess, pam.ApproveRequest, pam.ApproveRequest, pam.StartSession}
	var got []pam.Verb
	for _, e := range r.events.Events() {
		if e.Verb == pam.DenySession {
			continue
		}
		got = append(got, e.Verb)
		if string(e.Request) != a.id {
			t.Errorf("%s names the request %q", e.Verb, e.Request)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

// TestRequest_S12_WhatWasAskedIsWhatIsGiven: parameters and rights of the request bind the session, and a change of account,
// workflow or time makes the approval worth nothing.
func TestRequest_S12_WhatWasAskedIsWhatIsGiven(t *testing.T) {
	start := func(t *testing.T, change func(r *rig)) (int, pam.Code) {
		t.Helper()
		r := newRig(t)
		r.needsApproval(twoLevels())
		r.alice().ask(hour).approved()
		change(r)
		return r.alice().tryStart()
	}
	for name, change := range map[string]func(r *rig){
		"another account": func(r *rig) {
			a, _ := r.inventory.Asset(r.ctx, asset1)
			a.Account = "postgres"
			r.inventory.Put(a)
		},
		"a level more": func(r *rig) {
			w := twoLevels()
			w.Levels = append(w.Levels, pam.Level{Name: "Board", Approvers: []string{"user:chair"}, Required: 1})
			r.needsApproval(w)
		},
		"other approvers": func(r *rig) {
			w := twoLevels()
			w.Levels[0].Approvers = []string{"user:eve"}
			r.needsApproval(w)
		},
	} {
		if st, got := start(t, change); st != 403 || got != pam.CodeRequestRequired {
			t.Errorf("%s: %d %s", name, st, got)
		}
	}
	if st, got := start(t, func(r *rig) { r.policy.Revoke("alice", asset1) }); st != 404 || got != pam.CodeNotFound {
		t.Errorf("no role any more: %d %s", st, got)
	}
	if st, _ := start(t, func(*rig) {}); st != 201 {
		t.Errorf("nothing changed: %d", st)
	}

	r := newRig(t)
	r.protocol.Schema = schema
	r.needsApproval(twoLevels(), func(g *pam.Grants) { g.Declarations[pam.ClipboardDownload] = pam.Deny })
	asked := maps.Clone(hour)
	asked["params"] = map[string]any{"term": "vt100"}
	r.alice().ask(asked).approved()
	r.needsApproval(twoLevels()) // the profile gives more than it did
	st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{"params": map[string]any{"term": "xterm"}})
	if st != 422 || code(body) != pam.CodeInvalidParam {
		t.Errorf("other parameters: %d %v", st, body)
	}
	info, err := r.broker.Session(r.ctx, r.alice().start())
	if err != nil || info.Params["term"] != "vt100" || slices.Contains(info.Channels, pam.ClipboardDownload) || !slices.Contains(info.Channels, pam.Keyboard) {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestRequest_S12_SamePerson: nobody decides about an own request by a second account, and nobody twice by two.
func TestRequest_S12_SamePerson(t *testing.T) {
	r := newRig(t, func(c *pam.Config) {
		c.Identify = func(req *http.Request) (pam.Identity, error) {
			who, err := identify(req)
			who.Person = strings.TrimSuffix(string(who.User), "-admin")
			return who, err
		}
	})
	w := twoLevels()
	w.Levels = []pam.Level{{Name: "Desk", Approvers: []string{"group:desk"}, Required: 2}}
	r.needsApproval(w)
	r.policy.SetApprover("group:desk", "alice", "alice-admin", "bob", "bob-admin", "carol")
	a := r.alice().ask(hour)
	for _, user := range []string{"alice", "alice-admin"} {
		if st, body := a.decide(user, 0, true); st != 403 || code(body) != pam.CodeOwnRequest {
			t.Errorf("%s: %d %v", user, st, body)
		}
	}
	a.must(200, "bob")(a.decide("bob", 0, true))
	if st, body := a.decide("bob-admin", 0, true); st != 409 || code(body) != pam.CodeRequestDecided {
		t.Errorf("bob's other account: %d %v", st, body)
	}
	if st, _ := r.alice().tryStart(); st != 403 {
		t.Error("one person was enough where two are needed")
	}
	if body := a.must(200, "carol")(a.decide("carol", 0, true)); body["state"] != "approved" {
		t.Errorf("%v", body)
	}
}

// TestRequest_S12_TimeIsTheServers: a request is good in its window by the server's clock, and not before or after.
func TestRequest_S12_TimeIsTheServers(t *testing.T) {
	var offset atomic.Int64
	r := newRig(t, func(c *pam.Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) } })
	r.needsApproval(twoLevels())
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	a := r.alice().ask(map[string]any{"from": in(2 * time.Hour), "to": in(4 * time.Hour)})
	a.approved()
	for _, c := range []struct {
		at     time.Duration
		status int
		code   pam.Code
	}{
		{0, 403, pam.CodeRequestPending},
		{119 * time.Minute, 403, pam.CodeRequestPending},
		{121 * time.Minute, 201, ""},
		{239 * time.Minute, 201, ""},
		{241 * time.Minute, 403, pam.CodeRequestRequired},
	} {
		offset.Store(int64(c.at))
		if st, got := r.alice().tryStart(); st != c.status || got != c.code {
			t.Errorf("after %v: %d %s, want %d %s", c.at, st, got, c.status, c.code)
		}
	}
	if _, body := r.alice().call("GET", "api/request/"+a.id, nil); body["state"] != "completed" {
		t.Errorf("after its time: %v", body["state"])
	}
	late := r.alice().ask(map[string]any{"lasting_seconds": 3600})
	offset.Store(int64(48 * time.Hour))
	if st, body := late.decide("bob", 0, true); st != 409 || code(body) != pam.CodeRequestClosed {
		t.Errorf("approved after it expired: %d %v", st, body)
	}
	if _, body := r.alice().call("GET", "api/request/"+late.id, nil); body["state"] != "expired" {
		t.Errorf("undecided: %v", body["state"])
	}
}

// TestRequest_S12_Once: of two starts with an approval for one, one succeeds, and a start that came to nothing uses nothing up.
func TestRequest_S12_Once(t *testing.T) {
	r := newRig(t)
	w := twoLevels()
	w.Once = true
	r.needsApproval(w)
	r.alice().ask(hour).approved()
	r.events.At("Write", r.events.Calls("Write")+1, pamtest.Fault{Err: errors.New("full")})
	if st, got := r.alice().tryStart(); st != 503 || got != pam.CodeAuditFailed {
		t.Fatalf("without an event: %d %s", st, got)
	}
	const starts = 8
	var started atomic.Int32
	done := make(chan struct{}, starts)
	for range starts {
		go func() {
			if st, _ := r.alice().tryStart(); st == 201 {
				started.Add(1)
			}
			done <- struct{}{}
		}()
	}
	for range starts {
		<-done
	}
	if started.Load() != 1 {
		t.Errorf("%d of %d starts succeeded with one approval", started.Load(), starts)
	}
}

// TestRequest_S11_WithdrawnApprovalEndsTheSession, by the requester and by who may revoke it.
func TestRequest_S11_WithdrawnApprovalEndsTheSession(t *testing.T) {
	for how, who := range map[string]string{"withdraw": "alice", "revoke": "carol"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t, func(c *pam.Config) { c.Limits.Review = time.Hour }) // it does not wait for a sweep
			r.needsApproval(twoLevels())
			a := r.alice().ask(hour)
			a.approved()
			id, pg, _ := r.begin()
			if st, body := r.person("mallory", "x").call("POST", "api/request/"+a.id+"/"+how, map[string]any{}); st != 404 {
				t.Fatalf("mallory: %d %v", st, body)
			}
			a.must(200, who)(r.person(who, "login-"+who).call("POST", "api/request/"+a.id+"/"+how, map[string]any{"note": "enough"}))
			pg.await("the end", func() bool { return pg.end != nil })
			info := r.completed(id)
			if info.Reason != pam.EndRevoked {
				t.Errorf("ended %s", info.Reason)
			}
			if st, got := r.alice().tryStart(); st != 403 || got != pam.CodeRequestRequired {
				t.Errorf("afterwards: %d %s", st, got)
			}
		})
	}
}

// TestRequest_C3_Exclusive: who holds an asset alone keeps others out, and lets them in as soon as it is given back.
func TestRequest_C3_Exclusive(t *testing.T) {
	r := newRig(t)
	r.needsApproval(twoLevels())
	r.policy.Set("erin", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	erin := r.person("erin", "login-erin")
	alone := maps.Clone(hour)
	alone["exclusive"] = true
	a := r.alice().ask(alone)
	if st, _ := erin.tryStart(); st != 201 {
		t.Fatalf("a request that is not approved keeps others out: %d", st)
	}
	a.approved()
	if st, got := erin.tryStart(); st != 409 || got != pam.CodeInUse {
		t.Errorf("erin: %d %s, want in_use", st, got)
	}
	if st, got := r.alice().tryStart(); st != 409 || got != pam.CodeInUse { // erin's first session is still there
		t.Errorf("alice, while erin works: %d %s, want in_use", st, got)
	}
	for _, l := range r.broker.Live() {
		if err := r.broker.Terminate(r.ctx, admin, l.ID, "out"); err != nil {
			t.Fatal(err)
		}
		r.completed(l.ID)
	}
	if st, _ := r.alice().tryStart(); st != 201 {
		t.Errorf("alice, alone: %d", st)
	}
	a.must(200, "give back")(r.alice().call("POST", "api/request/"+a.id+"/withdraw", map[string]any{}))
	if st, got := erin.tryStart(); st != 201 {
		t.Errorf("erin, after it was given back: %d %s", st, got)
	}
}

// TestRequest_S49_Abuse: sizes, numbers and links.
func TestRequest_S49_Abuse(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Requests = 3 })
	r.needsApproval(twoLevels())
	alice := r.alice()
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	for field, body := range map[string]map[string]any{
		"message":         {"lasting_seconds": 60, "message": strings.Repeat("x", 1001)},
		"ticket_id":       {"lasting_seconds": 60, "ticket_id": strings.Repeat("x", 201)},
		"lasting":         {"lasting_seconds": 4*3600 + 1},
		"lasting_seconds": {"lasting_seconds": -1},
		"to":              {"from": in(time.Hour), "to": in(6 * time.Hour)},
		"from":            {"from": in(40 * 24 * time.Hour), "to": in(40*24*time.Hour + time.Hour)},
		"operation":       {"lasting_seconds": 60, "operation": "asset.eat"},
	} {
		st, got := alice.call("POST", "api/asset/server-1/requests", body)
		e, _ := got["error"].(map[string]any)
		if st != 422 && st != 413 || e["field"] != field {
			t.Errorf("%s: %d %v", field, st, got)
		}
	}
	if st, got := alice.call("POST", "api/asset/server-1/requests", map[string]any{}); st != 422 {
		t.Errorf("no time at all: %d %v", st, got)
	}
	a := alice.ask(hour)
	alice.ask(hour)
	alice.ask(hour)
	if st, got := alice.call("POST", "api/asset/server-1/requests", hour); st != 429 || code(got) != pam.CodeLimitReached {
		t.Errorf("a fourth request: %d %v", st, got)
	}
	before := len(r.verbs())
	for _, path := range []string{"decision", "withdraw", "revoke"} { // what a mail scanner does
		if a := r.person("bob", "login-bob").request("GET", "api/request/"+a.id+"/"+path, nil); a.status < 400 {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
	if st, body := r.person("bob", "login-bob").call("GET", "api/request/"+a.id, nil); st != 200 || body["state"] != "pending" || len(r.verbs()) != before {
		t.Errorf("after GETs: %d %v", st, body)
	}
	if st, body := a.decide("bob", 0, false); st != 200 || body["state"] != "rejected" {
		t.Errorf("rejected: %d %v", st, body)
	}
}

// TestRequest_Q5_PageMovesOnByItself: a question that waits is answered by the decision and not before.
func TestRequest_Q5_PageMovesOnByItself(t *testing.T) {
	r := newRig(t)
	r.needsApproval(twoLevels())
	a := r.alice().ask(hour)
	news := make(chan map[string]any, 1)
	go func() {
		_, body := r.alice().call("GET", "api/request/"+a.id+"?after=1", nil)
		news <- body
	}()
	a.must(200, "bob")(a.decide("bob", 0, true))
	if body := <-news; body["level"] != 1.0 {
		t.Errorf("%v", body)
	}
}

// TestRequest_S02_Lists: everyone sees what concerns them.
func TestRequest_S02_Lists(t *testing.T) {
	r := newRig(t)
	r.needsApproval(twoLevels())
	r.policy.SetSite("root", pam.SiteAdministrator)
	a := r.alice().ask(hour)
	see := func(user, view string) (ids []string) {
		t.Helper()
		st, body := r.person(user, "login-"+user).call("GET", "api/requests?view="+view, nil)
		if st != 200 {
			return []string{string(code(body))}
		}
		for _, v := range body["requests"].([]any) {
			ids = append(ids, v.(map[string]any)["id"].(string))
		}
		return ids
	}
	for _, c := range []struct {
		user, view string
		want       []string
	}{
		{"alice", "mine", []string{a.id}},
		{"alice", "decide", nil},
		{"bob", "decide", []string{a.id}},
		{"carol", "decide", nil},
		{"bob", "mine", nil},
		{"bob", "all", []string{"capability_denied"}},
		{"root", "all", []string{a.id}},
		{"mallory", "decide", nil},
	} {
		if got := see(c.user, c.view); !slices.Equal(got, c.want) {
			t.Errorf("%s sees in %q %v, want %v", c.user, c.view, got, c.want)
		}
	}
	a.must(200, "bob")(a.decide("bob", 0, true))
	if got := see("bob", "decide"); got != nil {
		t.Errorf("bob has decided and sees %v", got)
	}
	if got := see("carol", "decide"); !slices.Equal(got, []string{a.id}) {
		t.Errorf("carol's turn: %v", got)
	}
	for user, want := range map[string]int{"alice": 200, "bob": 200, "carol": 200, "root": 200, "mallory": 404} {
		if st, body := r.person(user, "l").call("GET", "api/request/"+a.id, nil); st != want {
			t.Errorf("%s opens it: %d %v", user, st, body)
		}
	}
}

// TestRequest_S31_NoEventNothingHappens: what cannot be written down is not done, whatever it is.
func TestRequest_S31_NoEventNothingHappens(t *testing.T) {
	r := newRig(t)
	r.needsApproval(twoLevels())
	failing := func(what string, do func() (int, map[string]any)) {
		t.Helper()
		r.events.At("Write", 0, pamtest.Fault{Err: errors.New("full")})
		if st, body := do(); st != 503 || code(body) != pam.CodeAuditFailed {
			t.Errorf("%s: %d %v", what, st, body)
		}
		r.events.Heal("Write")
	}
	failing("ask", func() (int, map[string]any) { return r.alice().call("POST", "api/asset/server-1/requests", hour) })
	if _, body := r.alice().call("GET", "api/requests", nil); len(body["requests"].([]any)) != 0 {
		t.Errorf("there is a request: %v", body)
	}
	a := r.alice().ask(hour)
	failing("decide", func() (int, map[string]any) { return a.decide("bob", 0, true) })
	for who, how := range map[string]string{"alice": "withdraw", "bob": "revoke"} {
		failing(how, func() (int, map[string]any) {
			return r.person(who, "login-"+who).call("POST", "api/request/"+a.id+"/"+how, map[string]any{})
		})
	}
	if _, body := r.alice().call("GET", "api/request/"+a.id, nil); body["revision"] != 1.0 || body["state"] != "pending" {
		t.Errorf("it has changed: %v", body)
	}
}
