package pam_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// behindProxy makes the test's own connections those of a trusted proxy, so that a person can come from anywhere.
func behindProxy(c *pam.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// from is the person at an address.
func (p *person) from(addr string) *person {
	q := *p
	q.header = p.header.Clone()
	q.header.Set("X-Forwarded-For", addr)
	return &q
}

// wantLimited checks that an answer is 429 with the time to wait.
func wantLimited(t *testing.T, what string, st int, h http.Header, body map[string]any, retry int) {
	t.Helper()
	if st != http.StatusTooManyRequests || code(body) != pam.CodeRateLimited || h.Get("Retry-After") != strconv.Itoa(retry) {
		t.Errorf("%s: %d %v, Retry-After %q; want 429 and %d s", what, st, body, h.Get("Retry-After"), retry)
	}
}

// TestAdmission_S29_PendingLaunches: launches that nobody attaches are capped by user, by address (an IPv6 customer is
// one) and by asset, each for itself; one that is attached, ended or expired makes room.
func TestAdmission_S29_PendingLaunches(t *testing.T) {
	start := func(p *person, asset string) (int, http.Header, map[string]any) {
		return p.full("POST", "api/asset/"+asset+"/sessions", map[string]any{})
	}
	setup := func(t *testing.T, limit func(*pam.Limits)) *rig {
		r := newRig(t, behindProxy, func(c *pam.Config) {
			limit(&c.Limits)
			pamtest.Unthrottle(&c.Limits)
		})
		a, err := r.inventory.Asset(r.ctx, asset1)
		if err != nil {
			t.Fatal(err)
		}
		a.ID = "server-2"
		r.inventory.Put(a)
		for _, u := range []pam.UserID{"alice", "bob"} {
			for _, id := range []pam.AssetID{asset1, "server-2"} {
				r.policy.Set(u, id, pamtest.Permit(pam.RoleViewer, everything...))
			}
		}
		return r
	}
	for _, tc := range []struct {
		name  string
		limit func(*pam.Limits)
		// same is another start that the cap covers, other one that it does not
		same, other func(r *rig) (*person, string)
	}{
		{
			"user", func(l *pam.Limits) { l.PendingUser = 3 },
			func(r *rig) (*person, string) { return r.person("alice", "login-9").from("198.51.100.9"), "server-2" },
			func(r *rig) (*person, string) { return r.person("bob", "b").from("2001:db8:1:2::1"), "server-1" },
		},
		{
			"address", func(l *pam.Limits) { l.PendingAddr = 3 },
			func(r *rig) (*person, string) { return r.person("bob", "b").from("2001:db8:1:2:ffff::9"), "server-2" },
			func(r *rig) (*person, string) { return r.alice().from("2001:db8:1:3::1"), "server-1" },
		},
		{
			"asset", func(l *pam.Limits) { l.PendingAsset = 3 },
			func(r *rig) (*person, string) { return r.person("bob", "b").from("198.51.100.9"), "server-1" },
			func(r *rig) (*person, string) { return r.alice().from("2001:db8:1:2::1"), "server-2" },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := setup(t, tc.limit)
			var ids []pam.SessionID
			p := r.alice().from("2001:db8:1:2::1")
			for range 3 {
				st, _, body := start(p, "server-1")
				if st != http.StatusCreated {
					t.Fatalf("%d %v", st, body)
				}
				ids = append(ids, pam.SessionID(body["id"].(string)))
			}
			same, asset := tc.same(r)
			refused := func(what string) {
				t.Helper()
				st, h, body := start(same, asset)
				wantLimited(t, what, st, h, body, 30)
			}
			refused("one too many")
			if other, asset := tc.other(r); true {
				if st, _, body := start(other, asset); st != http.StatusCreated {
					t.Errorf("what the cap does not cover: %d %v", st, body)
				}
			}
			p.attach(ids[0]).awaitState("active")
			if st, _, body := start(same, asset); st != http.StatusCreated {
				t.Errorf("after an attach: %d %v", st, body)
			}
			refused("full again")
			if st, _ := p.call("POST", "api/session/"+string(ids[1])+"/end", map[string]any{}); st != http.StatusNoContent {
				t.Fatal(st)
			}
			if st, _, body := start(same, asset); st != http.StatusCreated {
				t.Errorf("after an end: %d %v", st, body)
			}
			refused("full once more")
		})
	}
}

// TestAdmission_S29_PendingExpire: a thousand launches that nobody attaches leave nothing behind.
func TestAdmission_S29_PendingExpire(t *testing.T) {
	r := newRig(t, func(c *pam.Config) {
		c.Limits.Requested = 20 * time.Millisecond
		c.Limits.PendingUser = 5
		pamtest.Unthrottle(&c.Limits)
	})
	passed, refused := 0, 0
	for range 1000 {
		_, err := r.broker.Start(r.ctx, pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{Asset: asset1})
		switch refusalCode(err) {
		case "":
			passed++
		case pam.CodeRateLimited:
			refused++
		default:
			t.Fatal(err)
		}
		if n := r.broker.Health().Live; n > 50 { // those waiting and those that are just ending
			t.Fatalf("%d live sessions", n)
		}
	}
	if passed < 5 || refused == 0 {
		t.Errorf("%d passed, %d were refused", passed, refused)
	}
	r.awaitLive(0)
	r.alice().start()
}

// TestAdmission_S46_Rates is the table of doors: each lets a user and an address knock so often, for itself, says when to
// come back, and keeps to it.
func TestAdmission_S46_Rates(t *testing.T) {
	const most = 4
	wait := 60 / most
	type knock func(r *rig, p *person, live pam.SessionID) (int, http.Header, map[string]any)
	socket := func(r *rig, p *person, live pam.SessionID) (int, http.Header, map[string]any) {
		conn, resp := p.rawSocket(r.t, live)
		defer conn.Close()
		body := map[string]any{}
		_ = json.NewDecoder(resp.Body).Decode(&body) // there is none after an upgrade
		return resp.StatusCode, resp.Header, body
	}
	for _, tc := range []struct {
		door  string
		knock knock
	}{
		{"start", func(r *rig, p *person, _ pam.SessionID) (int, http.Header, map[string]any) {
			return p.full("POST", "api/asset/server-1/sessions", map[string]any{})
		}},
		{"join", func(r *rig, p *person, live pam.SessionID) (int, http.Header, map[string]any) {
			return p.full("POST", "api/session/"+string(live)+"/join", map[string]any{})
		}},
		{"join", func(r *rig, p *person, _ pam.SessionID) (int, http.Header, map[string]any) { // guessing ids
			return p.full("POST", "api/session/AAAAAAAAAAAAAAAAAAAAAA/join", map[string]any{})
		}},
		{"attach", func(r *rig, p *person, live pam.SessionID) (int, http.Header, map[string]any) {
			return p.full("POST", "api/session/"+string(live)+"/attach", map[string]any{})
		}},
		{"socket", socket},
	} {
		for _, by := range []string{"user", "address"} {
			t.Run(tc.door+" by "+by, func(t *testing.T) {
				clk := newClock()
				r := newRig(t, behindProxy, func(c *pam.Config) {
					c.Now = clk.Now
					if by == "user" {
						c.Limits.UserRate = most
					} else {
						c.Limits.AddrRate = most
					}
					pamtest.Unthrottle(&c.Limits)
				})
				live := r.alice().from("203.0.113.1").start()
				// again is the nth knock of what is counted: one user from many addresses, or many users from one customer.
				again := func(n int) (int, http.Header, map[string]any) {
					if by == "user" {
						return tc.knock(r, r.person("mallory", "m").from(fmt.Sprint("198.51.100.", n)), live)
					}
					return tc.knock(r, r.person(fmt.Sprint("mallory-", n), "m").from(fmt.Sprintf("2001:db8::%x", n)), live)
				}
				for n := range most {
					if st, _, body := again(n); st == http.StatusTooManyRequests {
						t.Fatalf("knock %d: %d %v", n, st, body)
					}
				}
				for n := range 3 {
					st, h, body := again(most + n)
					wantLimited(t, "one too many", st, h, body, wait)
				}
				if st, _, body := tc.knock(r, r.person("bob", "b").from("203.0.113.7"), live); st == http.StatusTooManyRequests {
					t.Errorf("somebody else: %d %v", st, body)
				}
				clk.add(time.Duration(wait) * time.Second)
				if st, _, body := again(100); st == http.StatusTooManyRequests {
					t.Errorf("after the wait: %d %v", st, body)
				}
				if n := r.counter("pam.throttled." + tc.door); n != 3 {
					t.Errorf("counted %d", n)
				}
			})
		}
	}
}

// TestAdmission_S46_MFABySource: second factors of many users tried from one place are slowed down before the verifier
// is asked.
func TestAdmission_S46_MFABySource(t *testing.T) {
	r := newMFARig(t, func(c *pam.Config) { c.Limits.MFAAddrRate = 6 })
	for n := range 10 {
		u := fmt.Sprint("user-", n)
		r.ask(pam.UserID(u), pam.RoleViewer)
		r.mfa.Set(pam.UserID(u), "111111")
		st, h, body := r.person(u, "l").full("POST", "api/asset/server-1/sessions", map[string]any{"mfa_token": "000000"})
		if n < 6 {
			if code(body) != pam.CodeMFAInvalid {
				t.Errorf("%d: %d %v", n, st, body)
			}
			continue
		}
		wantLimited(t, "one too many", st, h, body, 10)
	}
	if n := r.mfa.Calls("Verify"); n != 6 {
		t.Errorf("the verifier was asked %d times", n)
	}
}

// TestAdmission_S31_S46_DenialsDoNotFillTheLog: one user's denials have so many events a minute, all others are counted
// in the next one; nobody else's are left out for it.
func TestAdmission_S31_S46_DenialsDoNotFillTheLog(t *testing.T) {
	clk := newClock()
	r := newRig(t, func(c *pam.Config) { c.Now, c.Limits.DenialRate = clk.Now, 3 })
	mallory := r.person("mallory", "m")
	deny := func(p *person, times int) {
		t.Helper()
		for range times {
			if st, body := p.startWith("", "reason", "r"); st != http.StatusNotFound {
				t.Fatalf("%d %v", st, body)
			}
		}
	}
	deny(mallory, 50)
	deny(r.person("bob", "b"), 2)
	evs := r.events.Events(pam.DenySession)
	if len(evs) != 5 || r.counter("pam.events.folded") != 47 || r.counter("pam.sessions.denied") != 52 {
		t.Errorf("%d events, %d folded, %d denied", len(evs), r.counter("pam.events.folded"), r.counter("pam.sessions.denied"))
	}
	clk.add(20 * time.Second)
	deny(mallory, 2)
	evs = r.events.Events(pam.DenySession)
	if last := evs[len(evs)-1]; len(evs) != 6 || last.Detail != "reason: r; 47 more denials of this user before this one are not listed" {
		t.Errorf("%d events, the last %+v", len(evs), last)
	}
	// What is refused for its rate is a denial too.
	clk.add(time.Hour)
	for range 200 {
		mallory.startWith("")
	}
	evs = r.events.Events(pam.DenySession)
	if len(evs) > 9 || !strings.Contains(fmt.Sprint(evs), "1 more denials") {
		t.Errorf("%d events", len(evs))
	}
}

// TestSocket_S29_BadTicketsKeepTheirPlace: a socket that was refused counts until it is closed; otherwise refused ones
// that do not answer the close could pile up.
func TestSocket_S29_BadTicketsKeepTheirPlace(t *testing.T) {
	r := newRig(t, func(c *pam.Config) { c.Limits.Unattached = 4 })
	p := r.alice()
	id := p.start()
	for range 4 {
		c, _ := p.rawSocket(t, id)
		defer c.Close()
		if _, err := c.Write(masked(0x82, frame.Append(nil, frame.Frame{Kind: frame.Hello, Payload: []byte("{}")}))); err != nil {
			t.Fatal(err)
		}
		if got := c.closing(t); got != string(pam.CodeProtocolViolation) {
			t.Fatalf("closed with %q", got)
		}
		// And no answer to the close: the place stays taken.
	}
	if _, resp := p.rawSocket(t, id); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the fifth got %d, want 429", resp.StatusCode)
	}
}
