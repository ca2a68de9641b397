package pam_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// door is a way into a session.
type door struct {
	name string
	op   pam.Operation
	// knock tries the door as carol with a token and returns the code of the refusal; empty: she is in.
	knock func(r *mfaRig, live pam.SessionID, token string) pam.Code
}

// doors are all of them. That of a session which one is in already (attach) asks for nothing and has a test of its own.
var doors = []door{
	{"launcher", pam.OpAccess, func(r *mfaRig, _ pam.SessionID, token string) pam.Code {
		_, body := r.person("carol", "login-c").startWith(token, "params", map[string]string{}, "window", "tab", "reason", "r")
		return code(body)
	}},
	{"quick access", pam.OpAccess, func(r *mfaRig, _ pam.SessionID, token string) pam.Code {
		_, body := r.person("carol", "login-c").startWith(token)
		return code(body)
	}},
	{"client without a browser", pam.OpAccess, func(r *mfaRig, _ pam.SessionID, token string) pam.Code {
		p := r.person("carol", "login-c")
		p.header = http.Header{"X-Token": {"1"}}
		_, body := p.startWith(token)
		return code(body)
	}},
	{"Broker.Start", pam.OpAccess, func(r *mfaRig, _ pam.SessionID, token string) pam.Code {
		_, err := r.broker.Start(r.ctx, pam.Identity{User: "carol", LoginID: "login-c"}, pam.StartRequest{Asset: asset1, MFAToken: pam.NewSecret(token)})
		return refusalCode(err)
	}},
	{"join to watch", pam.OpJoin, func(r *mfaRig, live pam.SessionID, token string) pam.Code {
		_, body := r.person("carol", "login-c").call("POST", "api/session/"+string(live)+"/join", map[string]any{"mfa_token": token})
		return code(body)
	}},
	{"join to take part", pam.OpJoin, func(r *mfaRig, live pam.SessionID, token string) pam.Code {
		_, body := r.person("carol", "login-c").call("POST", "api/session/"+string(live)+"/join", map[string]any{"mode": "participate", "mfa_token": token})
		return code(body)
	}},
	{"Broker.Join", pam.OpJoin, func(r *mfaRig, live pam.SessionID, token string) pam.Code {
		_, err := r.broker.Join(r.ctx, pam.Identity{User: "carol", LoginID: "login-c"}, pam.JoinRequest{Session: live, MFAToken: pam.NewSecret(token)})
		return refusalCode(err)
	}},
}

// TestDoors_S15_L4_Freshness is the matrix of doors and of what is offered there. Every door asks, and takes only what
// was made for it.
func TestDoors_S15_L4_Freshness(t *testing.T) {
	for _, d := range doors {
		for _, offer := range []struct {
			name  string
			token string
			want  pam.Code
			// before is what carol has done so far
			before func(r *mfaRig, live pam.SessionID)
		}{
			{"nothing", "", pam.CodeMFARequired, nil},
			{"a wrong token", "000000", pam.CodeMFAInvalid, nil},
			{"the token of another", "111111", pam.CodeMFAInvalid, nil},
			{"a fresh token", "777777", "", nil},
			{"the second factor of each other door, given just before", "", pam.CodeMFARequired, func(r *mfaRig, live pam.SessionID) {
				for n, other := range doors {
					if c := other.knock(r, live, fmt.Sprintf("%06d", 700+n)); c != "" {
						t.Errorf("%s: %s", other.name, c)
					}
				}
			}},
			{"a token used at each other door", "777777", pam.CodeMFAInvalid, func(r *mfaRig, live pam.SessionID) {
				for _, other := range doors {
					other.knock(r, live, "777777")
				}
			}},
			{"what a failed launch at the other kind of door has left", "", pam.CodeMFARequired, func(r *mfaRig, live pam.SessionID) {
				other := doors[0]
				if d.op == pam.OpAccess {
					other = doors[len(doors)-1]
				}
				// The second event is that of the launch: it has passed, and fails.
				r.events.At("Write", r.events.Calls("Write")+2, pamtest.Fault{Err: errFake})
				if c := other.knock(r, live, "777777"); c != pam.CodeAuditFailed {
					t.Errorf("%s: %s, want it to fail after its second factor", other.name, c)
				}
			}},
		} {
			t.Run(d.name+"/"+offer.name, func(t *testing.T) {
				r := newMFARig(t, func(c *pam.Config) { c.Limits.MFATries = 100 })
				r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, everything...))
				live, _, _ := r.begin()
				r.ask("carol", pam.RoleManager)
				tokens := []string{"777777"}
				for n := range doors {
					tokens = append(tokens, fmt.Sprintf("%06d", 700+n))
				}
				r.mfa.Set("carol", tokens...)
				if offer.before != nil {
					offer.before(r, live)
				}
				if got := d.knock(r, live, offer.token); got != offer.want {
					t.Errorf("got %q, want %q", got, offer.want)
				}
				if asked := r.mfa.Requests(); offer.want == "" && asked[len(asked)-1].Operation != d.op {
					t.Errorf("the verifier was asked about %s", asked[len(asked)-1].Operation)
				}
			})
		}
	}
}

// TestDoors_S15_BindingTellsLaunchesApart: what a challenge may depend on differs between any two launches that differ,
// and is the same for the same.
func TestDoors_S15_BindingTellsLaunchesApart(t *testing.T) {
	r := newMFARig(t, func(c *pam.Config) { c.Limits.MFATries = 100 })
	r.protocol.Schema = schema
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	live, _, _ := r.begin()
	r.ask("carol", pam.RoleManager)
	r.ask("dave", pam.RoleManager)
	launches := []func(){
		func() { r.person("carol", "l1").startWith("x") },
		func() { r.person("carol", "l2").startWith("x") },
		func() { r.person("dave", "l1").startWith("x") },
		func() { r.person("carol", "l1").startWith("x", "params", map[string]string{"bell": "true"}) },
		func() { r.person("carol", "l1").startWith("x", "params", map[string]string{"note": "true"}) },
		func() {
			r.person("carol", "l1").call("POST", "api/session/"+string(live)+"/join", map[string]any{"mfa_token": "x"})
		},
		func() {
			r.person("carol", "l1").call("POST", "api/session/"+string(live)+"/join", map[string]any{"mode": "participate", "mfa_token": "x"})
		},
	}
	seen := map[[32]byte]int{}
	for range 2 {
		for n, launch := range launches {
			launch()
			asked := r.mfa.Requests()
			b := asked[len(asked)-1].Binding
			if other, ok := seen[b]; ok && other != n {
				t.Errorf("launches %d and %d have one binding", n, other)
			}
			seen[b] = n
		}
	}
	if len(seen) != len(launches) {
		t.Errorf("%d launches have %d bindings", len(launches), len(seen))
	}
}

// TestDoors_S15_C2_ComingBackAsksNothing: who is in a session and attaches again inside the window, as its owner or as a
// joiner, is asked for nothing; nor does a policy that asks from now on end what has begun.
func TestDoors_S15_C2_ComingBackAsksNothing(t *testing.T) {
	r := newMFARig(t)
	p := r.alice()
	_, body := p.startWith("111111")
	id := pam.SessionID(body["id"].(string))
	pg := p.attach(id)
	pg.awaitState("active")
	r.ask("carol", pam.RoleManager)
	r.mfa.Set("carol", "777777")
	carol := r.person("carol", "login-c")
	if st, body := carol.call("POST", "api/session/"+string(id)+"/join", map[string]any{"mfa_token": "777777"}); st != http.StatusCreated {
		t.Fatalf("join: %d %v", st, body)
	}
	joined := carol.attach(id)
	joined.awaitState("active")
	asked := r.mfa.Calls("Verify")
	for range 3 {
		pg.conn.Abort()
		joined.conn.Abort()
		pg, joined = p.attach(id), carol.attach(id)
		pg.awaitState("active")
		joined.awaitState("active")
		r.ask("alice", pam.RoleViewer) // the policy has changed, and asks as before
		r.policy.Announce()
	}
	if n := r.mfa.Calls("Verify") - asked; n != 0 {
		t.Errorf("the verifier was asked %d times more", n)
	}
	if st, body := r.person("alice", "login-2").call("POST", "api/session/"+string(id)+"/attach", map[string]any{}); st != http.StatusForbidden {
		t.Errorf("another login came in: %d %v", st, body)
	}
}

// TestDoors_L4_S13_L8_TokenIsNowhere: tokens, good, wrong, used before and of the wrong type, are in no answer, event, log
// line, record, ticket or recording.
func TestDoors_L4_S13_L8_TokenIsNowhere(t *testing.T) {
	good, wrong, second := pamtest.NewCanary(), pamtest.NewCanary(), pamtest.NewCanary()
	const number = "918273645546372819"
	scan := pamtest.NewScanner(t, good, wrong, second, number)
	spy := newSpyStore()
	r := newMFARig(t, func(c *pam.Config) { c.Store = spy })
	g := pamtest.Recorded(pamtest.Permit(pam.RoleManager, joinRights...), pam.WebSession)
	g.MFA = true
	for _, u := range []pam.UserID{"alice", "carol"} {
		r.policy.Set(u, asset1, g)
		r.mfa.Set(u, good, second)
	}
	try := func(p *person, path string, token any) map[string]any {
		a := p.request("POST", "api/"+path, map[string]any{"mfa_token": token})
		scan.Bytes("answer", a.raw)
		scan.Bytes("header", fmt.Append(nil, a.header))
		out := map[string]any{}
		_ = json.Unmarshal(a.raw, &out)
		return out
	}
	alice, carol := r.alice(), r.person("carol", "login-c")
	try(alice, "asset/server-1/sessions", wrong)
	try(alice, "asset/server-1/sessions", json.Number(number))
	r.mfa.At("Verify", r.mfa.Calls("Verify")+1, pamtest.Fault{Panic: second})
	try(alice, "asset/server-1/sessions", second)
	body := try(alice, "asset/server-1/sessions", good)
	try(alice, "asset/server-1/sessions", good)
	id := pam.SessionID(body["id"].(string))
	pg := alice.attach(id)
	c := r.target(1)
	pg.awaitState("active")
	try(carol, "session/"+string(id)+"/join", wrong)
	try(carol, "session/"+string(id)+"/join", second)
	carol.attach(id).awaitState("active")
	r.say(c, "words")
	pg.send(frame.Frame{Kind: frame.Disconnect})
	pg.awaitClose()
	info := r.completed(id)
	_, answer := alice.call("GET", "api/asset/server-1/access", nil)
	for where, what := range map[string]any{
		"access": answer, "record": info, "tickets": spy.tickets, "hashes": spy.hashes, "events": r.events.Events(), "target": c.Request,
	} {
		scan.Bytes(where, fmt.Appendf(nil, "%+v", what))
	}
	params, err := spy.Params(r.ctx, "alice", asset1)
	if err != nil {
		t.Fatal(err)
	}
	scan.Bytes("remembered", fmt.Appendf(nil, "%+v", params))
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range rec.Entries() {
		scan.Bytes("recording", fmt.Appendf(nil, "%+v %s", e, e.Data))
	}
	scan.Bytes("log", []byte(r.log.String()))
	if n := len(r.events.Events(pam.VerifyMFA)); n != 2 {
		t.Errorf("%d second factors were verified, want 2; events %v", n, r.verbs())
	}
	scan.Verify()
	if missed := scan.Control(good, wrong, second, number); len(missed) != 0 {
		t.Errorf("the search would miss %v", missed)
	}
}
