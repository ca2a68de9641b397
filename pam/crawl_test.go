package pam_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// The people of the crawl. Alice owns the session that the others try to get at.
var principals = []string{"anonymous", "no role", "viewer", "manager", "administrator", "auditor", "owner", "owner's other login"}

// crawl is the expected answer of every route to everyone, in the order of principals, while alice's session is live.
var crawl = map[string][8]int{
	"GET /api/openapi.json":              {200, 200, 200, 200, 200, 200, 200, 200},
	"GET /api/asset/{id}/access":         {401, 404, 200, 200, 200, 404, 200, 200},
	"POST /api/asset/{id}/sessions":      {401, 404, 201, 201, 201, 404, 201, 201},
	"POST /api/asset/{id}/requests":      {401, 404, 409, 409, 409, 404, 409, 409}, // nothing has to be approved here
	"GET /api/requests":                  {401, 200, 200, 200, 200, 200, 200, 200},
	"GET /api/request/{id}":              {401, 404, 404, 404, 404, 404, 404, 404}, // TestRequest_S02_Lists has one
	"POST /api/request/{id}/decision":    {401, 422, 422, 422, 422, 422, 422, 422}, // a rejection needs a note, of whatever request
	"POST /api/request/{id}/withdraw":    {401, 404, 404, 404, 404, 404, 404, 404},
	"POST /api/request/{id}/revoke":      {401, 404, 404, 404, 404, 404, 404, 404},
	"GET /api/sessions":                  {401, 200, 200, 200, 200, 200, 200, 200},
	"GET /api/session/{id}":              {401, 404, 404, 404, 404, 404, 200, 200},
	"POST /api/session/{id}/attach":      {401, 404, 404, 404, 404, 404, 200, 403},
	"POST /api/session/{id}/end":         {401, 404, 404, 404, 404, 404, 204, 403},
	"POST /api/session/{id}/display":     {401, 404, 404, 404, 404, 404, 204, 403},
	"POST /api/session/{id}/requests":    {401, 422, 422, 422, 422, 422, 422, 422}, // of an empty body: asset.access is not asked for in a session
	"POST /api/session/{id}/extend":      {401, 404, 404, 404, 404, 404, 409, 403}, // no approval ends it
	"POST /api/session/{id}/join":        {401, 404, 404, 201, 201, 404, 404, 404},
	"GET /api/session/{id}/socket":       {426, 426, 426, 426, 426, 426, 426, 426}, // without a ticket it opens nothing for anyone
	"POST /api/session/{id}/play":        {401, 404, 404, 404, 404, 404, 404, 404}, // the recorder of this test keeps none; TestPlay_S02 has one
	"GET /api/playback/{id}/segment/{n}": {401, 404, 404, 404, 404, 404, 404, 404},
	"GET /api/recordings":                {401, 200, 200, 200, 200, 200, 200, 200},
	// The owner's session has no files; without rights nobody hears more than that.
	"POST /api/session/{id}/files/list":            {401, 404, 404, 404, 404, 404, 403, 403},
	"POST /api/session/{id}/files/stat":            {401, 404, 404, 404, 404, 404, 403, 403},
	"POST /api/session/{id}/files/mkdir":           {401, 404, 404, 404, 404, 404, 422, 403},
	"POST /api/session/{id}/files/rename":          {401, 404, 404, 404, 404, 404, 422, 403},
	"POST /api/session/{id}/files/remove":          {401, 404, 404, 404, 404, 404, 422, 403},
	"POST /api/session/{id}/files/download":        {401, 404, 404, 404, 404, 404, 422, 403},
	"POST /api/session/{id}/files/upload":          {401, 404, 404, 404, 404, 404, 422, 403},
	"GET /api/session/{id}/transfers":              {401, 404, 404, 404, 404, 404, 200, 403},
	"GET /api/session/{id}/transfer/{transfer}":    {401, 404, 404, 404, 404, 404, 404, 403},
	"PUT /api/session/{id}/transfer/{transfer}":    {401, 404, 404, 404, 404, 404, 400, 403},
	"DELETE /api/session/{id}/transfer/{transfer}": {401, 404, 404, 404, 404, 404, 404, 403},
	"GET /api/live":                 {401, 403, 403, 403, 200, 200, 403, 403},
	"POST /api/live/{id}/terminate": {401, 403, 403, 403, 204, 403, 403, 403},
	"GET /s/{id}":                   {401, 404, 404, 404, 404, 404, 200, 200},
	"GET /assets/{path...}":         {200, 200, 200, 200, 200, 200, 200, 200},
}

// ladder gives the fake policy the step of the role ladder that joining needs.
type ladder struct{ *pamtest.Policy }

func (l ladder) Grants(ctx context.Context, q pam.Query) (pam.Grants, error) {
	g, err := l.Policy.Grants(ctx, q)
	g.Permitted = g.Permitted && (q.Operation != pam.OpJoin || g.Role >= pam.RoleManager)
	return g, err
}

// page and files stand for a user interface.
type plainUI struct{}

func (plainUI) SessionPage(w http.ResponseWriter, _ *http.Request, _ pam.Page) {
	_, _ = io.WriteString(w, `"page"`)
}

func (plainUI) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `"file"`) })
}

// principal returns the person and sets that person's rights.
func (r *rig) principal(name string) *person {
	switch name {
	case "anonymous":
		return r.person("", "")
	case "viewer":
		r.policy.Set("victor", asset1, pamtest.Permit(pam.RoleViewer, joinRights...))
		return r.person("victor", "login-v")
	case "manager":
		return r.carol()
	case "administrator":
		r.policy.SetSite("root", pam.SiteAdministrator)
		r.policy.Set("root", asset1, pamtest.Permit(pam.RoleOwner, joinRights...))
		return r.person("root", "login-root")
	case "auditor":
		r.policy.SetSite("audrey", pam.SiteAuditor)
		return r.person("audrey", "login-a")
	case "owner":
		return r.alice()
	case "owner's other login":
		return r.person("alice", "login-2")
	}
	return r.person("nobody", "login-n")
}

// TestCrawl_S01_S02_EveryRouteForEveryone asks every route as everybody, and everything that is refused must have had no
// effect. No answer holds what no browser may know.
func TestCrawl_S01_S02_EveryRouteForEveryone(t *testing.T) {
	routes := newRig(t, func(c *pam.Config) { c.UI = plainUI{} }).broker.Routes()
	if len(routes) != len(crawl) {
		t.Errorf("%d routes, the table has %d", len(routes), len(crawl))
	}
	for _, rt := range routes {
		method, pattern := rt[0], rt[1]
		want, ok := crawl[method+" "+pattern]
		if !ok {
			t.Errorf("%s %s has no row in this table: who may ask it?", method, pattern)
			continue
		}
		for i, name := range principals {
			t.Run(method+" "+pattern+" as "+name, func(t *testing.T) {
				r := newRig(t, func(c *pam.Config) { c.UI, c.Policy = plainUI{}, ladder{c.Policy.(*pamtest.Policy)} })
				id, pg, c := r.begin()
				p := r.principal(name)
				id2 := string(id)
				if strings.Contains(pattern, "/asset/") {
					id2 = string(asset1)
				}
				path := strings.TrimPrefix(strings.NewReplacer("{id}", id2, "{path...}", "x.js", "{transfer}", "x").Replace(pattern), "/")
				events := len(r.events.Events())
				status, body := p.raw(method, path)
				if status != want[i] {
					t.Errorf("status %d, want %d: %s", status, want[i], body)
				}
				for _, secret := range []string{"192.0.2.1", `"root"`, "login-1", "participant"} { // address, account, login, place
					if strings.Contains(body, secret) && !strings.Contains(pattern, "openapi") && !(secret == `"root"` && name == "administrator") {
						t.Errorf("the answer holds %q: %s", secret, body)
					}
				}
				if status < 400 || method == "GET" {
					return
				}
				for _, e := range r.events.Events()[events:] {
					if e.Verb != pam.DenySession {
						t.Errorf("a refused request wrote %+v", e)
					}
				}
				pg.key("k")
				if err := c.Await(r.ctx, func(c *pamtest.Conn) bool { return c.Typed() == "k" }); err != nil {
					t.Errorf("the session is not as it was: %v", err)
				}
			})
		}
	}
}

// TestCrawl_S34_OtherMethods: what is served under one method is refused under all others.
func TestCrawl_S34_OtherMethods(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.UI = plainUI{} })
	p := r.principal("administrator")
	for _, rt := range r.broker.Routes() {
		path := strings.TrimPrefix(strings.NewReplacer("{id}", "x", "{path...}", "x.js", "{transfer}", "x").Replace(rt[1]), "/")
		for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"} {
			if slices.Contains(r.broker.Routes(), [2]string{m, rt[1]}) {
				continue
			}
			if st, body := p.raw(m, path); st != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d %s", m, path, st, body)
			}
		}
	}
}

// raw makes a request with an empty JSON object where a body belongs, and returns the body as text.
func (p *person) raw(method, path string) (int, string) {
	p.r.t.Helper()
	var body any
	if method != http.MethodGet {
		body = struct{}{}
	}
	a := p.request(method, path, body)
	return a.status, string(a.raw)
}

// TestLive_J5_ListAndTerminate: an administrator sees who is in each live session and ends one with a reason that its
// people are shown; an auditor only sees. The event names who did it.
func TestLive_J5_ListAndTerminate(t *testing.T) {
	r := newRig(t)
	id, pg, _ := r.begin()
	part := r.carol().joined(id, pam.ModeParticipate)
	part.awaitState("active")
	other := r.carol()
	waiting := other.start()
	root := r.principal("administrator")
	auditor := r.principal("auditor")
	for _, who := range []*person{root, auditor} {
		st, body := who.call("GET", "api/live", nil)
		list, _ := body["sessions"].([]any)
		if st != http.StatusOK || len(list) != 2 {
			t.Fatalf("%s: %d %v", who.user, st, body)
		}
		newest, older := list[0].(map[string]any), list[1].(map[string]any)
		if newest["id"] != string(waiting) || newest["state"] != "requested" || older["id"] != string(id) || older["state"] != "active" {
			t.Errorf("list %v", list)
		}
		in, _ := older["people"].([]any)
		if len(in) != 2 {
			t.Fatalf("people %v", in)
		}
		first, second := in[0].(map[string]any), in[1].(map[string]any)
		if first["user"] != "alice" || first["mode"] != "owner" || first["attached"] != true || first["client_addr"] != "127.0.0.1" ||
			second["user"] != "carol" || second["mode"] != "participate" {
			t.Errorf("people %v", in)
		}
		if _, ok := older["idle_seconds"].(float64); !ok {
			t.Errorf("idle %v", older["idle_seconds"])
		}
	}
	body := map[string]any{"reason": "maintenance <b>now</b>"}
	if st, answer := auditor.call("POST", "api/live/"+string(id)+"/terminate", body); st != http.StatusForbidden {
		t.Errorf("auditor: %d %v", st, answer)
	}
	if st, answer := root.call("POST", "api/live/"+string(id)+"/terminate", map[string]any{"reason": strings.Repeat("x", 501)}); st != http.StatusRequestEntityTooLarge {
		t.Errorf("long reason: %d %v", st, answer)
	}
	if st, answer := root.call("POST", "api/live/"+string(id)+"/terminate", body); st != http.StatusNoContent {
		t.Errorf("administrator: %d %v", st, answer)
	}
	for _, page := range []*page{pg, part} {
		if got := page.awaitEnd(); got != pam.CodeTerminated || page.end["text"] != body["reason"] {
			t.Errorf("end %q %v", got, page.end)
		}
	}
	r.completed(id)
	evs := r.events.Events(pam.TerminateSession)
	if len(evs) != 1 || evs[0].User != "root" || evs[0].Login != "login-root" || evs[0].Session != id || evs[0].Detail != body["reason"] {
		t.Errorf("events %+v", evs)
	}
	if st, answer := root.call("POST", "api/live/"+string(id)+"/terminate", body); st != http.StatusNotFound {
		t.Errorf("once more: %d %v", st, answer)
	}
}

// TestLive_S10_NoPolicyNoAdministrator: when the policy cannot say who is an administrator nobody is.
func TestLive_S10_NoPolicyNoAdministrator(t *testing.T) {
	r := newRig(t)
	id, _, _ := r.begin()
	root := r.principal("administrator")
	r.policy.At("Site", 0, pamtest.Fault{Err: errFake})
	if st, body := root.call("GET", "api/live", nil); st != http.StatusServiceUnavailable || code(body) != pam.CodePolicyError {
		t.Errorf("live: %d %v", st, body)
	}
	if st, body := root.call("POST", "api/live/"+string(id)+"/terminate", map[string]any{}); st != http.StatusServiceUnavailable {
		t.Errorf("terminate: %d %v", st, body)
	}
	bare := newRig(t, func(c *pam.Config) { c.Policy = siteless{c.Policy} })
	p := bare.principal("administrator")
	if st, body := p.call("GET", "api/live", nil); st != http.StatusForbidden {
		t.Errorf("a policy without site roles: %d %v", st, body)
	}
}

// siteless hides the optional abilities of a policy.
type siteless struct{ pam.Policy }
