package pam_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// schema has a parameter of each kind.
var schema = []pam.Param{
	{Name: "term", Kind: pam.ParamChoice, Default: "xterm", Choices: []pam.Choice{{Value: "xterm"}, {Value: "vt100"}}},
	{Name: "size", Kind: pam.ParamInt, Default: "14", Min: 8, Max: 32, Display: true},
	{Name: "bell", Kind: pam.ParamBool, Default: "false"},
	{Name: "locale", Kind: pam.ParamText, Default: "", Max: 10},
	{Name: "note", Kind: pam.ParamText},
	{Name: "command", Kind: pam.ParamText, Needs: pam.Keyboard},
	{Name: "dir", Kind: pam.ParamText, Needs: pam.Keyboard, OS: pam.OSUnix},
	{Name: "console", Kind: pam.ParamBool, Default: "false", OS: pam.OSWindows},
	{Name: "drive", Kind: pam.ParamBool, Default: "true", Needs: pam.FileUpload, Or: pam.FileDownload},
}

// TestParams_L3_S30_Validation: every value is checked against the schema, and what is not in it is refused.
func TestParams_L3_S30_Validation(t *testing.T) {
	noKeyboard := pamtest.Permit(pam.RoleViewer, pam.WebSession)
	noFiles := pamtest.Permit(pam.RoleViewer, pam.WebSession, pam.Keyboard, pam.FileDelete)
	filesIn := pamtest.Permit(pam.RoleViewer, pam.WebSession, pam.FileUpload)
	filesOut := pamtest.Recorded(pamtest.Permit(pam.RoleViewer, pam.WebSession, pam.FileDownload), pam.FileDownload)
	for _, tc := range []struct {
		name, value string
		ok          bool
		grants      *pam.Grants
	}{
		{"term", "vt100", true, nil},
		{"term", "xterm", true, nil},
		{"term", "VT100", false, nil},
		{"term", "", false, nil},
		{"term", "vt100\n", false, nil},
		{"size", "8", true, nil},
		{"size", "32", true, nil},
		{"size", "7", false, nil},
		{"size", "33", false, nil},
		{"size", "+9", false, nil},
		{"size", "09", false, nil},
		{"size", "9.0", false, nil},
		{"size", " 9", false, nil},
		{"size", "0x10", false, nil},
		{"size", "99999999999999999999", false, nil},
		{"bell", "true", true, nil},
		{"bell", "false", true, nil},
		{"bell", "TRUE", false, nil},
		{"bell", "1", false, nil},
		{"locale", "de_DE", true, nil},
		{"locale", "12345678901", false, nil},
		{"locale", "a\x00b", false, nil},
		{"locale", "a\x1bb", false, nil},
		{"note", strings.Repeat("x", 256), true, nil},
		{"note", strings.Repeat("x", 257), false, nil},
		{"note", "grüße 日本", true, nil},
		{"note", "a\nb", false, nil},
		{"note", "a\u0085b", false, nil},
		{"command", "ls", true, nil},
		{"command", "ls", false, &noKeyboard},
		{"command", "", true, &noKeyboard},
		{"dir", "/tmp", true, nil},
		{"dir", "/tmp", false, &noKeyboard},
		{"console", "true", false, nil},
		{"console", "false", true, nil},
		{"drive", "false", true, &filesIn},
		{"drive", "false", true, &filesOut},
		{"drive", "false", false, &noFiles},
		{"drive", "true", true, &noFiles},
		{"host", "10.0.0.1", false, nil},
		{"port", "22", false, nil},
		{"address", "10.0.0.1:22", false, nil},
		{"account", "root", false, nil},
		{"Term", "vt100", false, nil},
	} {
		t.Run(fmt.Sprintf("%s %.20q", tc.name, tc.value), func(t *testing.T) {
			r := newRig(t)
			r.protocol.Schema = schema
			if tc.grants != nil {
				r.policy.Set("alice", asset1, *tc.grants)
			}
			st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{"params": map[string]string{tc.name: tc.value}})
			if (st == http.StatusCreated) != tc.ok {
				t.Fatalf("%d %v, want it to pass: %v", st, body, tc.ok)
			}
			if !tc.ok {
				if st != http.StatusUnprocessableEntity || code(body) != pam.CodeInvalidParam || body["error"].(map[string]any)["field"] != tc.name {
					t.Errorf("%d %v", st, body)
				}
				evs := r.events.Events()
				if len(evs) != 1 || evs[0].Verb != pam.DenySession || evs[0].Code != pam.CodeInvalidParam || r.broker.Health().Live != 0 {
					t.Errorf("events %v, want one Deny Session", evs)
				}
				return
			}
			list, _ := r.broker.Sessions(r.ctx, pam.SessionFilter{})
			if list[0].Params[tc.name] != tc.value || len(list[0].Params) != len(schema) {
				t.Errorf("params %v", list[0].Params)
			}
		})
	}
}

// TestParams_L3_L8_Pinned: a parameter that the policy pins has that value whatever is remembered, whoever sends another is
// refused, the launcher is told, and the user's own choice is back when the pin is gone.
func TestParams_L3_L8_Pinned(t *testing.T) {
	r := newRig(t)
	r.protocol.Schema = schema
	p := r.alice()
	start := func(params map[string]string) (int, map[string]any) {
		return p.call("POST", "api/asset/server-1/sessions", map[string]any{"params": params})
	}
	term := func() (value string, pinned bool) {
		_, body := p.call("GET", "api/asset/server-1/access", nil)
		for _, v := range body["params"].([]any) {
			if v := v.(map[string]any); v["name"] == "term" {
				pinned, _ = v["pinned"].(bool)
				return v["value"].(string), pinned
			}
		}
		t.Fatalf("no parameter term in %v", body)
		return "", false
	}
	if st, body := start(map[string]string{"term": "vt100"}); st != http.StatusCreated {
		t.Fatal(st, body)
	}
	g := pamtest.Permit(pam.RoleViewer, pam.WebSession) // no keyboard: the policy may pin a command all the same
	g.Pins = pam.Params{"term": "xterm", "command": "top", "console": "true", "of_another_protocol": "x"}
	r.policy.Set("alice", asset1, g)
	if v, pinned := term(); v != "xterm" || !pinned {
		t.Errorf("the launcher shows %q, pinned %v", v, pinned)
	}
	if st, body := start(map[string]string{"term": "vt100"}); st != http.StatusUnprocessableEntity || code(body) != pam.CodeInvalidParam {
		t.Errorf("another value: %d %v", st, body)
	}
	for _, params := range []map[string]string{nil, {"term": "xterm"}} {
		st, body := start(params)
		if st != http.StatusCreated {
			t.Fatalf("%v: %d %v", params, st, body)
		}
		info, err := r.broker.Session(r.ctx, pam.SessionID(body["id"].(string)))
		if err != nil || info.Params["term"] != "xterm" || info.Params["command"] != "top" || info.Params["console"] != "false" {
			t.Errorf("%v: started with %v, %v", params, info.Params, err)
		}
	}
	g.Pins = pam.Params{"term": "teletype"}
	r.policy.Set("alice", asset1, g)
	if st, body := start(nil); st != http.StatusUnprocessableEntity {
		t.Errorf("a pin that the protocol does not take: %d %v", st, body)
	}
	g.Pins = nil
	r.policy.Set("alice", asset1, g)
	if v, pinned := term(); v != "vt100" || pinned {
		t.Errorf("without the pin the launcher shows %q, pinned %v", v, pinned)
	}
}

// TestParams_L3_Denied: the launcher is told which parameters do nothing, because what they need is denied; of two declarations one is
// enough, and what the policy pins it permits.
func TestParams_L3_Denied(t *testing.T) {
	for _, tc := range []struct {
		name    string
		permits []pam.Declaration
		pins    pam.Params
		want    string
	}{
		{"nothing", nil, nil, "[command dir drive]"},
		{"the one", []pam.Declaration{pam.FileUpload}, nil, "[command dir]"},
		{"the other", []pam.Declaration{pam.FileDownload}, nil, "[command dir]"},
		{"both", []pam.Declaration{pam.FileDownload, pam.FileUpload}, nil, "[command dir]"},
		{"a third", []pam.Declaration{pam.FileDelete, pam.Keyboard}, nil, "[drive]"},
		{"nothing, pinned", nil, pam.Params{"drive": "false"}, "[command dir]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.protocol.Schema = schema
			g := pamtest.Permit(pam.RoleViewer, append(tc.permits, pam.WebSession)...)
			g.Pins = tc.pins
			r.policy.Set("alice", asset1, g)
			_, body := r.alice().call("GET", "api/asset/server-1/access", nil)
			var denied []string
			for _, v := range body["params"].([]any) {
				if m := v.(map[string]any); m["denied"] == true {
					denied = append(denied, m["name"].(string))
				}
			}
			if got := fmt.Sprint(denied); got != tc.want {
				t.Errorf("denied %v, want %v", got, tc.want)
			}
		})
	}
}

// TestParams_S30_NoAddressFromTheClient: members that would choose a target are refused, wherever they stand, and what the
// adapter dials is the inventory's.
func TestParams_S30_NoAddressFromTheClient(t *testing.T) {
	r := newRig(t)
	p := r.alice()
	for _, member := range []string{"host", "port", "address", "user", "account", "asset", "protocol", "Address"} {
		st, body := p.call("POST", "api/asset/server-1/sessions", map[string]any{member: "192.0.2.66"})
		if st != http.StatusBadRequest || code(body) != pam.CodeBadRequest {
			t.Errorf("%s: %d %v", member, st, body)
		}
	}
	_, _, c := r.begin()
	if got := c.Request.Asset.Address; got != "192.0.2.1:22" {
		t.Errorf("the adapter was told %q", got)
	}
}

// TestParams_L8_Q2_Remembered: parameters are remembered by user and asset; what is no longer valid falls back to the default;
// reason, ticket and token are never remembered.
func TestParams_L8_Q2_Remembered(t *testing.T) {
	r := newRig(t)
	r.protocol.Schema = schema
	r.policy.Set("bob", asset1, pamtest.Permit(pam.RoleViewer, everything...))
	p := r.alice()
	values := func(p *person) map[string]string {
		_, body := p.call("GET", "api/asset/server-1/access", nil)
		out := map[string]string{"remembered": fmt.Sprint(body["remembered"])}
		for _, v := range body["params"].([]any) {
			m := v.(map[string]any)
			out[m["name"].(string)] = m["value"].(string)
		}
		return out
	}
	if got := values(p); got["remembered"] != "false" || got["term"] != "xterm" || got["size"] != "14" {
		t.Errorf("at first %v", got)
	} else if _, there := got["console"]; there {
		t.Errorf("a parameter of another family is offered: %v", got)
	}
	st, body := p.call("POST", "api/asset/server-1/sessions", map[string]any{
		"params": map[string]string{"term": "vt100", "size": "20", "command": "top"},
		"reason": "canary-reason", "ticket_id": "canary-ticket", "mfa_token": "canary-token", "window": "tab",
	})
	if st != http.StatusCreated {
		t.Fatalf("%d %v", st, body)
	}
	if got := values(p); got["remembered"] != "true" || got["term"] != "vt100" || got["size"] != "20" || got["command"] != "top" {
		t.Errorf("afterwards %v", got)
	}
	if got := values(r.person("bob", "b")); got["remembered"] != "false" || got["term"] != "xterm" {
		t.Errorf("bob's %v", got)
	}
	stored, err := r.store.Params(r.ctx, "alice", asset1)
	if err != nil || strings.Contains(fmt.Sprint(stored), "canary") {
		t.Errorf("stored %v, %v", stored, err)
	}
	// What was allowed then is not any more, and the schema has changed.
	r.policy.Set("alice", asset1, pamtest.Permit(pam.RoleViewer, pam.WebSession))
	id := p.start()
	info, _ := r.broker.Session(r.ctx, id)
	if info.Params["command"] != "" || info.Params["term"] != "vt100" {
		t.Errorf("started with %v", info.Params)
	}
	if err := r.store.PutParams(r.ctx, "alice", asset1, pam.Params{"term": "gone", "size": "900", "unknown": "x"}); err != nil {
		t.Fatal(err)
	}
	info, _ = r.broker.Session(r.ctx, p.start())
	if info.Params["term"] != "xterm" || info.Params["size"] != "14" || info.Params["unknown"] != "" {
		t.Errorf("started with %v", info.Params)
	}
}

// TestStart_E3_E4_Refusals is the table of what refuses a start, over HTTP, each with its event.
func TestStart_E3_E4_Refusals(t *testing.T) {
	all := pamtest.Permit(pam.RoleViewer, everything...)
	with := func(change func(*pam.Grants)) pam.Grants { g := all; change(&g); return g }
	for _, tc := range []struct {
		name   string
		grants pam.Grants
		status int
		code   pam.Code
	}{
		{"no role", pam.Grants{}, 404, pam.CodeNotFound},
		{"a role that does not reach", with(func(g *pam.Grants) { g.Permitted = false }), 404, pam.CodeNotFound},
		{"no profile", pamtest.Permit(pam.RoleOwner, pam.Keyboard), 403, pam.CodeProfileDenied},
		{"an administrator without a profile", with(func(g *pam.Grants) { g.Site, g.Declarations = pam.SiteAdministrator, nil }), 403, pam.CodeProfileDenied},
		{"restricting", with(func(g *pam.Grants) { g.Selector = &pam.Selector{Form: pam.FormRestricting} }), 403, pam.CodeRestricted},
		{"a form of tomorrow", with(func(g *pam.Grants) { g.Selector = &pam.Selector{Form: "lunar"} }), 403, pam.CodeRestricted},
		{"interactive", with(func(g *pam.Grants) { g.Selector = &pam.Selector{Form: pam.FormInteractive} }), 403, pam.CodeRequestRequired},
		{"second factor", with(func(g *pam.Grants) { g.MFA = true }), 403, pam.CodeMFAUnavailable},
		{"automatic", with(func(g *pam.Grants) { g.Selector = &pam.Selector{Form: pam.FormAutomatic} }), 201, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.policy.Set("alice", asset1, tc.grants)
			st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{"mfa_token": "123456"})
			if st != tc.status || code(body) != tc.code {
				t.Errorf("%d %v, want %d %s", st, body, tc.status, tc.code)
			}
			evs := r.events.Events()
			if len(evs) != 1 || (evs[0].Verb == pam.DenySession) != (tc.status != 201) || tc.code != "" && evs[0].Code != tc.code {
				t.Errorf("events %+v", evs)
			}
			ast, access := r.alice().call("GET", "api/asset/server-1/access", nil)
			switch {
			case tc.status == 404:
				if ast != 404 || code(access) != pam.CodeNotFound {
					t.Errorf("access: %d %v", ast, access)
				}
			case tc.status == 201:
				if access["code"] != string(pam.CodeAllowed) {
					t.Errorf("access: %d %v", ast, access)
				}
			case access["code"] != string(tc.code):
				t.Errorf("access: %d %v", ast, access)
			case (len(access["capabilities"].(map[string]any)) != 0) != (tc.code == pam.CodeRequestRequired): // what one would ask for
				t.Errorf("access: %d %v", ast, access)
			}
		})
	}
}

// TestStart_Q1_NoProtocol: an asset whose type has no protocol, or one that nobody serves.
func TestStart_Q1_NoProtocol(t *testing.T) {
	for _, protocol := range []string{"", "rdp"} {
		r := newRig(t)
		r.inventory.Put(pam.Asset{ID: asset1, Type: pam.AssetType{Protocol: protocol}})
		if st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{}); st != 422 || code(body) != pam.CodeNoProtocol {
			t.Errorf("%q: %d %v", protocol, st, body)
		}
	}
}

// TestPolicy_S10_ErrorsDeny: a policy or an inventory that cannot answer is a denial with an event, and its cause stays in
// the log.
func TestPolicy_S10_ErrorsDeny(t *testing.T) {
	cause := errors.New("db.internal.example:5432 refused")
	for _, where := range []string{"Grants", "Asset"} {
		t.Run(where, func(t *testing.T) {
			r := newRig(t)
			if where == "Grants" {
				r.policy.At(where, 0, pamtest.Fault{Err: cause})
			} else {
				r.inventory.At(where, 0, pamtest.Fault{Err: cause})
			}
			for _, path := range []string{"access", "sessions"} {
				method, body := "GET", any(nil)
				if path == "sessions" {
					method, body = "POST", map[string]any{}
				}
				st, got := r.alice().call(method, "api/asset/server-1/"+path, body)
				if st != http.StatusServiceUnavailable || code(got) != pam.CodePolicyError || strings.Contains(fmt.Sprint(got), "internal.example") {
					t.Errorf("%s: %d %v", path, st, got)
				}
			}
			evs := r.events.Events()
			if len(evs) != 1 || evs[0].Verb != pam.DenySession || evs[0].Code != pam.CodePolicyError {
				t.Errorf("events %+v", evs)
			}
			if !strings.Contains(r.log.String(), "internal.example") {
				t.Error("the log does not hold the cause")
			}
		})
	}
}

// TestLimits_C3_PerUserNeverExceeded: fifty starts at once of a user who may have three, and as many of others.
func TestLimits_C3_PerUserNeverExceeded(t *testing.T) {
	r := newRig(t, func(c *pam.Config) {
		c.Limits.PerUser, c.Limits.Sessions = 3, 5
		pamtest.Unthrottle(&c.Limits)
	})
	for _, u := range []pam.UserID{"bob", "carol"} {
		r.policy.Set(u, asset1, pamtest.Permit(pam.RoleViewer, everything...))
	}
	for round := range 3 {
		got := map[pam.UserID]*atomic.Int32{"alice": {}, "bob": {}, "carol": {}}
		var total atomic.Int32
		var wg sync.WaitGroup
		for user, n := range got {
			for range 50 {
				wg.Go(func() {
					_, err := r.broker.Start(r.ctx, pam.Identity{User: user, LoginID: "l"}, pam.StartRequest{Asset: asset1})
					var refusal *pam.Refusal
					switch {
					case err == nil:
						n.Add(1)
						total.Add(1)
					case !errors.As(err, &refusal) || refusal.Code != pam.CodeLimitReached:
						t.Errorf("Start: %v", err)
					}
				})
			}
		}
		wg.Wait()
		if total.Load() != 5 || got["alice"].Load() > 3 || got["bob"].Load() > 3 || got["carol"].Load() > 3 || r.broker.Health().Live != 5 {
			t.Errorf("round %d: %d sessions, health %+v", round, total.Load(), r.broker.Health())
		}
		for user := range got {
			if err := r.broker.EndUser(r.ctx, user); err != nil {
				t.Fatal(err)
			}
		}
		r.awaitLive(0) // and every slot is free again (C3)
	}
}
