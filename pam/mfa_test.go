package pam_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// mfaRig is a broker whose policy asks alice for a second factor.
type mfaRig struct {
	*rig
	mfa   *pamtest.MFA
	clock *clock
	store *brokenStore
}

func newMFARig(t testing.TB, change ...func(*pam.Config)) *mfaRig {
	t.Helper()
	r := &mfaRig{mfa: &pamtest.MFA{}, clock: newClock(), store: &brokenStore{Store: pam.NewMemoryStore()}}
	r.mfa.Set("alice", "111111", "222222", "333333", "444444", "555555")
	r.rig = newRig(t, append([]func(*pam.Config){func(c *pam.Config) {
		c.MFA, c.Now, c.Store = r.mfa, r.clock.Now, r.store
	}}, change...)...)
	r.ask("alice", pam.RoleViewer)
	return r
}

// ask makes the policy ask a user for a second factor.
func (r *mfaRig) ask(u pam.UserID, role pam.Role) {
	g := pamtest.Permit(role, joinRights...)
	g.MFA = true
	r.policy.Set(u, asset1, g)
}

// brokenStore is a store one of whose methods fails.
type brokenStore struct {
	pam.Store
	broken atomic.Value // name of the method
}

func (s *brokenStore) fail(method string) error {
	if s.broken.Load() == method {
		return errFake
	}
	return nil
}

func (s *brokenStore) PutSession(ctx context.Context, i pam.SessionInfo) error {
	if err := s.fail("PutSession"); err != nil {
		return err
	}
	return s.Store.PutSession(ctx, i)
}

func (s *brokenStore) Claim(ctx context.Context, key string, now, until time.Time) (bool, error) {
	if err := s.fail("Claim"); err != nil {
		return false, err
	}
	return s.Store.Claim(ctx, key, now, until)
}

func (s *brokenStore) Tally(ctx context.Context, key string, by int, now time.Time, window time.Duration) (int, error) {
	if err := s.fail("Tally"); err != nil {
		return 0, err
	}
	return s.Store.Tally(ctx, key, by, now, window)
}

// startWith asks for a session with a token and further members of the body.
func (p *person) startWith(token string, more ...any) (int, map[string]any) {
	p.r.t.Helper()
	body := map[string]any{}
	if token != "" {
		body["mfa_token"] = token
	}
	for i := 0; i < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return p.call("POST", "api/asset/server-1/sessions", body)
}

// wantStart checks the answer to a start: a code, or empty for a session.
func (p *person) wantStart(what, token string, want pam.Code, more ...any) map[string]any {
	p.r.t.Helper()
	st, body := p.startWith(token, more...)
	if code(body) != want || (want == "") != (st == http.StatusCreated) {
		p.r.t.Errorf("%s: %d %v, want %q", what, st, body, want)
	}
	return body
}

// verbs are the events so far, each with its code.
func (r *mfaRig) verbs() (out []string) {
	for _, e := range r.events.Events() {
		out = append(out, string(e.Verb)+" "+string(e.Code))
	}
	return out
}

// TestStart_L4_Tokens is the table of what a token may be, with the events that it leaves, in their order.
func TestStart_L4_Tokens(t *testing.T) {
	down := pamtest.Fault{Err: fmt.Errorf("radius.internal.example: %w", errFake)}
	for _, tc := range []struct {
		name, user, token string
		fault             pamtest.Fault
		status            int
		code              pam.Code
		events            []string
	}{
		{"good", "alice", "111111", pamtest.Fault{}, 201, "", []string{"Verify MFA allowed", "Start Session allowed"}},
		{"none", "alice", "", pamtest.Fault{}, 403, pam.CodeMFARequired, []string{"Deny Session mfa_required"}},
		{"wrong", "alice", "000000", pamtest.Fault{}, 403, pam.CodeMFAInvalid, []string{"Fail MFA mfa_invalid", "Deny Session mfa_invalid"}},
		{
			"too long", "alice", strings.Repeat("1", 4097),
			pamtest.Fault{},
			413, pam.CodeTooLarge,
			[]string{"Deny Session too_large"},
		},
		{
			"of a user who has none", "bob", "111111",
			pamtest.Fault{},
			403, pam.CodeMFANotEnrolled,
			[]string{"Fail MFA mfa_not_enrolled", "Deny Session mfa_not_enrolled"},
		},
		{
			"while the verifier is down", "alice", "111111", down, 403, pam.CodeMFAUnavailable,
			[]string{"Fail MFA mfa_unavailable", "Deny Session mfa_unavailable"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newMFARig(t)
			r.ask("bob", pam.RoleViewer)
			r.mfa.At("Verify", 1, tc.fault)
			st, body := r.person(tc.user, "login-1").startWith(tc.token)
			if st != tc.status || code(body) != tc.code || strings.Contains(fmt.Sprint(body), "internal.example") {
				t.Errorf("%d %v, want %d %s", st, body, tc.status, tc.code)
			}
			if diff := cmp.Diff(tc.events, r.verbs()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			for _, e := range r.events.Events(pam.VerifyMFA, pam.FailMFA) {
				if e.User != pam.UserID(tc.user) || e.Login != "login-1" || e.Asset != asset1 || e.ClientAddr == "" || e.Detail != "asset.access" {
					t.Errorf("event %+v", e)
				}
			}
		})
	}
}

// TestAccess_Q3_WholeLauncher: where only the second factor is missing, all parameters and what the session would be are
// told, as for a start that is allowed.
func TestAccess_Q3_WholeLauncher(t *testing.T) {
	r := newMFARig(t)
	r.protocol.Schema = schema
	view := func(mfa bool) map[string]any {
		g := pamtest.Recorded(pamtest.Permit(pam.RoleViewer, everything...), pam.WebSession)
		g.MFA = mfa
		r.policy.Set("alice", asset1, g)
		_, body := r.alice().call("GET", "api/asset/server-1/access", nil)
		return body
	}
	with, without := view(true), view(false)
	if with["code"] != "mfa_required" || without["code"] != "allowed" || with["recorded"] != true {
		t.Errorf("codes %v and %v, recorded %v", with["code"], without["code"], with["recorded"])
	}
	delete(with, "code")
	delete(without, "code")
	if diff := cmp.Diff(without, with); diff != "" || len(with["params"].([]any)) == 0 {
		t.Errorf("without and with a second factor asked for (-without +with):\n%s", diff)
	}
	if n := r.mfa.Calls("Verify"); n != 0 {
		t.Errorf("looking asked the verifier %d times", n)
	}
}

// TestStart_Q7_L4_MFAIsLast: what is refused anyway uses up neither a token nor an attempt.
func TestStart_Q7_L4_MFAIsLast(t *testing.T) {
	for _, tc := range []struct {
		name   string
		want   pam.Code
		change func(g *pam.Grants, c *pam.Config)
		more   []any
	}{
		{"role", pam.CodeNotFound, func(g *pam.Grants, _ *pam.Config) { g.Permitted = false }, nil},
		{"profile", pam.CodeProfileDenied, func(g *pam.Grants, _ *pam.Config) { g.Declarations = nil }, nil},
		{"restricted", pam.CodeRestricted, func(g *pam.Grants, _ *pam.Config) { g.Selector = &pam.Selector{Form: pam.FormRestricting} }, nil},
		{"request", pam.CodeRequestRequired, func(g *pam.Grants, _ *pam.Config) { g.Selector = &pam.Selector{Form: pam.FormInteractive} }, nil},
		{"recorder", pam.CodeRecordingFailed, func(g *pam.Grants, c *pam.Config) { c.Recorder, g.Declarations[pam.WebSession] = nil, pam.Record }, nil},
		{"parameter", pam.CodeInvalidParam, nil, []any{"params", map[string]string{"term": "no such"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := pamtest.Permit(pam.RoleViewer, everything...)
			g.MFA = true
			r := newMFARig(t, func(c *pam.Config) {
				if tc.change != nil {
					tc.change(&g, c)
				}
			})
			r.protocol.Schema = schema
			r.policy.Set("alice", asset1, g)
			for range 10 {
				r.alice().wantStart(tc.name, "111111", tc.want, tc.more...)
			}
			if n := r.mfa.Calls("Verify"); n != 0 {
				t.Errorf("the verifier was asked %d times", n)
			}
			r.protocol.Schema = nil
			if tc.name != "recorder" {
				r.ask("alice", pam.RoleViewer)
				r.alice().wantStart("afterwards", "111111", "")
			}
		})
	}
}

// TestStart_L4_S15_TokenIsSingleUse: of a hundred starts at once with one token a single one passes, and nobody passes
// with it later, on no door and for no other asset.
func TestStart_L4_S15_TokenIsSingleUse(t *testing.T) {
	const racers = 100
	r := newMFARig(t, func(c *pam.Config) {
		c.Limits.MFATries = 10 * racers
		pamtest.Unthrottle(&c.Limits)
	})
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			_, err := r.broker.Start(r.ctx, pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{
				Asset: asset1, MFAToken: pam.NewSecret("111111"),
			})
			if err == nil {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1 || len(r.events.Events(pam.VerifyMFA)) != 1 || len(r.events.Events(pam.StartSession)) != 1 {
		t.Errorf("%d starts passed; events %v", passed.Load(), r.verbs())
	}
	g := pamtest.Permit(pam.RoleViewer, everything...)
	g.MFA = true
	a, err := r.inventory.Asset(r.ctx, asset1)
	if err != nil {
		t.Fatal(err)
	}
	a.ID = "server-2"
	r.inventory.Put(a)
	r.policy.Set("alice", "server-2", g)
	for range 3 {
		r.clock.add(50 * time.Second)
		if st, body := r.alice().call("POST", "api/asset/server-2/sessions", map[string]any{"mfa_token": "111111"}); code(body) != pam.CodeMFAInvalid {
			t.Errorf("another asset: %d %v", st, body)
		}
		r.alice().wantStart("again", "111111", pam.CodeMFAInvalid)
	}
	r.alice().wantStart("the next token", "222222", "")
	evs := r.events.Events(pam.FailMFA)
	if last := evs[len(evs)-1]; !strings.Contains(last.Detail, "used before") {
		t.Errorf("event %+v", last)
	}
}

// TestStart_L4_S46_FiveFailuresLock: five failures lock for five minutes from the fifth, whatever the token; knocking
// meanwhile makes it no longer; a success in between starts the count anew.
func TestStart_L4_S46_FiveFailuresLock(t *testing.T) {
	r := newMFARig(t)
	p := r.alice()
	for range 4 {
		p.wantStart("wrong", "000000", pam.CodeMFAInvalid)
	}
	p.wantStart("right at the last try", "111111", "")
	for left := 4; left >= 1; left-- {
		body := p.wantStart("wrong again", "000000", pam.CodeMFAInvalid)
		want := map[string]any{"left": float64(left), "lock_seconds": 300.0}
		if diff := cmp.Diff(want, body["error"].(map[string]any)["tries"]); diff != "" {
			t.Errorf("tries (-want +got):\n%s", diff)
		}
		r.clock.add(50 * time.Second)
	}
	locked := func(what string, retry int) {
		t.Helper()
		st, header, body := p.full("POST", "api/asset/server-1/sessions", map[string]any{"mfa_token": "222222"})
		if st != http.StatusTooManyRequests || code(body) != pam.CodeMFALocked || header.Get("Retry-After") != strconv.Itoa(retry) {
			t.Errorf("%s: %d %v, Retry-After %q; want %d", what, st, body, header.Get("Retry-After"), retry)
		}
	}
	asked := r.mfa.Calls("Verify")
	st, header, body := p.full("POST", "api/asset/server-1/sessions", map[string]any{"mfa_token": "000000"})
	if st != http.StatusTooManyRequests || code(body) != pam.CodeMFALocked || header.Get("Retry-After") != "300" {
		t.Errorf("the fifth: %d %v %v", st, body, header)
	}
	locked("at once", 300)
	for elapsed := 60; elapsed < 300; elapsed += 60 {
		r.clock.add(time.Minute)
		for range 20 {
			locked("while locked", 300-elapsed)
		}
	}
	r.clock.add(59 * time.Second)
	locked("a second before its end", 1)
	r.person("alice", "login-2").wantStart("another login", "222222", pam.CodeMFALocked)
	if n := r.mfa.Calls("Verify"); n != asked+1 {
		t.Errorf("the verifier was asked %d times about a locked user", n-asked-1)
	}
	r.clock.add(time.Second)
	for range 4 {
		p.wantStart("free again, and wrong", "000000", pam.CodeMFAInvalid)
	}
	p.wantStart("free again", "222222", "")
	if evs := r.events.Events(pam.FailMFA); !strings.Contains(fmt.Sprint(evs), "locked for 5m0s") {
		t.Errorf("no event says that a user was locked: %v", evs)
	}
}

// TestStart_L4_S46_ParallelGuesses: a hundred guesses at once are five, also when the verifier is slow, so that none has
// failed before all have begun.
func TestStart_L4_S46_ParallelGuesses(t *testing.T) {
	for round := range pamtest.Rounds(t, 5) {
		r := newMFARig(t, func(c *pam.Config) { pamtest.Unthrottle(&c.Limits) })
		gate := make(chan struct{})
		r.mfa.At("Verify", 0, pamtest.Fault{Gate: gate})
		var refused, wrong atomic.Int32
		var wg sync.WaitGroup
		for n := range 100 {
			wg.Go(func() {
				_, err := r.broker.Start(r.ctx, pam.Identity{User: "alice", LoginID: "l"}, pam.StartRequest{
					Asset: asset1, MFAToken: pam.NewSecret(fmt.Sprintf("%06d", n)),
				})
				switch c := refusalCode(err); c {
				case pam.CodeMFALocked:
					if refused.Add(1) == 95 {
						close(gate)
					}
				case pam.CodeMFAInvalid:
					wrong.Add(1)
				default:
					t.Errorf("code %q, %v", c, err)
				}
			})
		}
		wg.Wait()
		if n := r.mfa.Calls("Verify"); n != 5 || wrong.Load() != 4 || refused.Load() != 96 {
			t.Errorf("round %d: the verifier was asked %d times; %d wrong, %d locked", round, n, wrong.Load(), refused.Load())
		}
	}
}

func refusalCode(err error) pam.Code {
	if r, ok := err.(*pam.Refusal); ok { //nolint:errorlint // Start returns nothing else
		return r.Code
	}
	return ""
}

// TestStart_L4_ResultIsBoundAndLives60s: when a start fails after its second factor was verified, the same start passes
// without another token for 60 s from then, once; nothing else does.
func TestStart_L4_ResultIsBoundAndLives60s(t *testing.T) {
	given := []any{"params", map[string]string{"term": "vt100"}}
	for _, tc := range []struct {
		name string
		try  func(r *mfaRig)
	}{
		{"the same start", func(r *mfaRig) {
			r.clock.add(59 * time.Second)
			r.alice().wantStart("once", "", "", given...)
			r.alice().wantStart("twice", "", pam.CodeMFARequired, given...)
		}},
		{"the same start, and its token sent again", func(r *mfaRig) { r.alice().wantStart("", "111111", "", given...) }},
		{"fails again and again", func(r *mfaRig) {
			for range 5 {
				r.clock.add(11 * time.Second)
				r.store.broken.Store("PutSession")
				r.alice().wantStart("broken", "", pam.CodeInternal, given...)
			}
			r.store.broken.Store("")
			r.clock.add(4 * time.Second)
			r.alice().wantStart("at 59 s", "", "", given...)
		}},
		{"too late", func(r *mfaRig) {
			r.clock.add(60 * time.Second)
			r.alice().wantStart("", "", pam.CodeMFARequired, given...)
		}},
		{"too late, though it failed again at 59 s", func(r *mfaRig) {
			r.clock.add(59 * time.Second)
			r.store.broken.Store("PutSession")
			r.alice().wantStart("broken", "", pam.CodeInternal, given...)
			r.store.broken.Store("")
			r.clock.add(time.Second)
			r.alice().wantStart("", "", pam.CodeMFARequired, given...)
		}},
		{"other parameters", func(r *mfaRig) {
			r.alice().wantStart("", "", pam.CodeMFARequired, "params", map[string]string{"term": "xterm"})
			r.alice().wantStart("and a parameter more", "", pam.CodeMFARequired, "params", map[string]string{"term": "vt100", "bell": "true"})
		}},
		{"another asset", func(r *mfaRig) {
			a, _ := r.inventory.Asset(r.ctx, asset1)
			a.ID = "server-2"
			r.inventory.Put(a)
			g := pamtest.Permit(pam.RoleViewer, everything...)
			g.MFA = true
			r.policy.Set("alice", "server-2", g)
			_, body := r.alice().call("POST", "api/asset/server-2/sessions", map[string]any{"params": map[string]string{"term": "vt100"}})
			if code(body) != pam.CodeMFARequired {
				t.Errorf("another asset: %v", body)
			}
		}},
		{"another user", func(r *mfaRig) {
			r.ask("bob", pam.RoleViewer)
			r.person("bob", "login-1").wantStart("", "", pam.CodeMFARequired, given...)
		}},
		{"another login of the user", func(r *mfaRig) {
			r.person("alice", "login-2").wantStart("", "", pam.CodeMFARequired, given...)
		}},
		{"signed out", func(r *mfaRig) {
			if err := r.broker.EndLogin(r.ctx, "login-1"); err != nil {
				t.Error(err)
			}
			r.alice().wantStart("", "", pam.CodeMFARequired, given...)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newMFARig(t)
			r.protocol.Schema = schema
			r.store.broken.Store("PutSession")
			r.alice().wantStart("broken", "111111", pam.CodeInternal, given...)
			r.store.broken.Store("")
			tc.try(r)
			if n := r.mfa.Calls("Verify"); n != 1 {
				t.Errorf("the verifier was asked %d times", n)
			}
		})
	}
}

// TestStart_S31_S15_NothingWithoutItsEvent: a second factor that cannot be written down, counted or used up opens
// nothing.
func TestStart_S31_S15_NothingWithoutItsEvent(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(r *mfaRig)
		want  pam.Code
	}{
		{"audit", func(r *mfaRig) { r.events.At("Write", 1, pamtest.Fault{Err: errFake}) }, pam.CodeAuditFailed},
		{"counter", func(r *mfaRig) { r.store.broken.Store("Tally") }, pam.CodeInternal},
		{"mark", func(r *mfaRig) { r.store.broken.Store("Claim") }, pam.CodeMFAUnavailable},
		{"panic", func(r *mfaRig) { r.mfa.At("Verify", 1, pamtest.Fault{Panic: "canary"}) }, pam.CodeInternal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newMFARig(t)
			tc.spoil(r)
			r.alice().wantStart(tc.name, "111111", tc.want)
			if n := len(r.events.Events(pam.StartSession)); n != 0 || r.broker.Health().Live != 0 {
				t.Errorf("%d starts, health %+v", n, r.broker.Health())
			}
			r.store.broken.Store("")
			r.alice().wantStart("healed", "222222", "")
		})
	}
}
