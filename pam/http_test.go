package pam_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/edge"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// raw makes a request exactly as given. Host is the Host header; empty: the server's.
func (r *rig) raw(method, path, host string, header http.Header, body string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.ctx, method, r.server.URL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = host
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := r.server.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(b)
}

// signed is what a browser of alice sends with a JSON body, without an Origin.
func signed() http.Header {
	return http.Header{"X-User": {"alice"}, "X-Login": {"login-1"}, "Content-Type": {"application/json"}}
}

// originCase is one way in which a request may come from elsewhere.
type originCase struct {
	name, origin, host string // origin "-": none; host empty: the server's
	pass               bool
}

// originCases are seven ways that must not pass, for a server at http://addr, and ours.
func originCases(addr string) []originCase {
	hostname, port, _ := net.SplitHostPort(addr)
	return []originCase{
		{"ours", "http://" + addr, "", true},
		{"ours in capitals", "HTTP://" + strings.ToUpper(addr), "", true},
		{"missing", "-", "", false},
		{"null", "null", "", false},
		{"foreign", "https://evil.example", "", false},
		{"sibling", "http://sibling." + addr, "", false},
		{"wrong scheme", "https://" + addr, "", false},
		{"wrong port", "http://" + hostname + ":1", "", false},
		{"no port", "http://" + hostname, "", false},
		{"rebound Host with its own Origin", "http://evil.example:" + port, "evil.example:" + port, false},
		{"rebound Host with our Origin", "http://" + addr, "evil.example:" + port, false},
		{"empty", "", "", false},
		{"ours and more", "http://" + addr + "/", "", false},
		{"ours as a prefix", "http://" + addr + ".evil.example", "", false},
	}
}

func (c originCase) header(h http.Header) http.Header {
	if c.origin != "-" {
		h.Set("Origin", c.origin)
	}
	return h
}

// TestOrigin_S06_POST: only our own pages change anything. The refused ones have no effect.
func TestOrigin_S06_POST(t *testing.T) {
	r := newRig(t)
	for _, tc := range originCases(r.server.Listener.Addr().String()) {
		t.Run(tc.name, func(t *testing.T) {
			before := len(r.events.Events())
			resp, body := r.raw("POST", "/deep/pam/api/asset/server-1/sessions", tc.host, tc.header(signed()), "{}")
			if pass := resp.StatusCode == http.StatusCreated; pass != tc.pass {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			if !tc.pass {
				want := http.StatusForbidden
				if tc.host != "" {
					want = http.StatusMisdirectedRequest
				}
				if resp.StatusCode != want || !strings.Contains(body, "refused") {
					t.Errorf("%d %s, want %d", resp.StatusCode, body, want)
				}
				if len(r.events.Events()) != before {
					t.Error("a refused request left an event")
				}
			}
		})
	}
	if !strings.Contains(r.log.String(), "evil.example") || !strings.Contains(r.log.String(), "allowed=") {
		t.Error("the log does not say which origin came and which are allowed")
	}
}

// TestOrigin_S06_WebSocket: the same for the socket, by status before the upgrade.
func TestOrigin_S06_WebSocket(t *testing.T) {
	r := newRig(t)
	id := r.alice().start()
	for _, path := range []string{"/deep/pam/api/session/" + string(id) + "/socket", "/ws/" + string(id)} {
		for _, tc := range originCases(r.server.Listener.Addr().String()) {
			t.Run(tc.name, func(t *testing.T) {
				h := tc.header(signed())
				status := r.handshake(t, path, tc.host, h)
				if pass := status == http.StatusSwitchingProtocols; pass != tc.pass {
					t.Errorf("status %d", status)
				}
			})
		}
	}
}

// handshake asks for a WebSocket over a plain connection and returns the status.
func (r *rig) handshake(t *testing.T, path, host string, h http.Header) int {
	t.Helper()
	conn, resp := r.upgrade(t, path, host, h)
	_ = conn.Close()
	return resp.StatusCode
}

// TestOrigin_S06_NoBrowser: a client whose credential no browser sends by itself needs no Origin, but a foreign
// one is refused all the same.
func TestOrigin_S06_NoBrowser(t *testing.T) {
	r := newRig(t)
	h := signed()
	h.Set("X-Token", "1")
	if resp, body := r.raw("POST", "/deep/pam/api/asset/server-1/sessions", "", h, "{}"); resp.StatusCode != http.StatusCreated {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	h.Set("Origin", "https://evil.example")
	if resp, body := r.raw("POST", "/deep/pam/api/asset/server-1/sessions", "", h, "{}"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("foreign: %d %s", resp.StatusCode, body)
	}
}

// TestOrigin_S06_CrossSiteFetchMetadata: what a browser itself calls cross-site does not pass, whatever its Origin.
func TestOrigin_S06_CrossSiteFetchMetadata(t *testing.T) {
	r := newRig(t)
	for _, site := range []string{"cross-site", "same-site", "same-origin", "none"} {
		h := signed()
		h.Set("Sec-Fetch-Site", site)
		resp, body := r.raw("POST", "/deep/pam/api/asset/server-1/sessions", "", h, "{}")
		if resp.StatusCode != http.StatusForbidden { // each lacks an Origin
			t.Errorf("%s: %d %s", site, resp.StatusCode, body)
		}
	}
}

// TestSocket_S06_CookieAloneOpensNothing: a login without a ticket gets no byte of a session.
func TestSocket_S06_CookieAloneOpensNothing(t *testing.T) {
	r := newRig(t)
	p := r.alice()
	id := p.start()
	pg := p.attachWith(id, "")
	if got := pg.awaitClose(); got != string(pam.CodeTicketInvalid) {
		t.Errorf("closed with %q", got)
	}
	if pg.state != nil || r.protocol.Calls("Connect") != 0 {
		t.Errorf("state %v, %d connects", pg.state, r.protocol.Calls("Connect"))
	}
}

// TestProxy_S34_ForwardedFor: whose address counts, with and without trusted hops. The audit has the socket too.
func TestProxy_S34_ForwardedFor(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	chain := append(loopback, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"))
	for _, tc := range []struct {
		name    string
		trusted []netip.Prefix
		xff     []string
		want    string
	}{
		{"nobody is trusted", nil, []string{"198.51.100.7"}, "127.0.0.1"},
		{"no header", loopback, nil, "127.0.0.1"},
		{"one hop", loopback, []string{"198.51.100.7"}, "198.51.100.7"},
		{"the client's own lie stands left", loopback, []string{"203.0.113.1, 198.51.100.7"}, "198.51.100.7"},
		{"an untrusted hop ends the chain", loopback, []string{"203.0.113.1, 10.0.0.1"}, "10.0.0.1"},
		{"a trusted chain", chain, []string{"203.0.113.1, 10.0.0.1"}, "203.0.113.1"},
		{"several headers", chain, []string{"198.51.100.7", "203.0.113.1, 10.0.0.1"}, "203.0.113.1"},
		{"all are trusted", chain, []string{"10.0.0.2, 10.0.0.1"}, "10.0.0.2"},
		{"nonsense", loopback, []string{"198.51.100.7, unknown"}, "127.0.0.1"},
		{"a port", loopback, []string{"198.51.100.7:443"}, "127.0.0.1"},
		{"empty", loopback, []string{""}, "127.0.0.1"},
		{"IPv6", chain, []string{"2001:db8::7, fd00::1"}, "2001:db8::7"},
		{"mapped", loopback, []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"a mapped proxy", chain, []string{"198.51.100.7, ::ffff:10.0.0.1"}, "198.51.100.7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, func(c *pam.Config) { c.TrustedProxies = tc.trusted })
			h := signed()
			h.Set("Origin", r.server.URL)
			h["X-Forwarded-For"] = tc.xff
			h.Set("X-Real-Ip", "192.0.2.99")
			h.Set("Forwarded", "for=192.0.2.99")
			if resp, body := r.raw("POST", "/deep/pam/api/asset/server-1/sessions", "", h, "{}"); resp.StatusCode != http.StatusCreated {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			if got := r.policy.Queries()[0].ClientAddr.String(); got != tc.want {
				t.Errorf("the policy was asked about %s, want %s", got, tc.want)
			}
			ev := r.events.Events(pam.StartSession)[0]
			if ev.ClientAddr != tc.want || !strings.HasPrefix(ev.SocketAddr, "127.0.0.1:") {
				t.Errorf("event: client %q socket %q", ev.ClientAddr, ev.SocketAddr)
			}
		})
	}
}

// TestHost_S34_ForwardedHostIsNoHost: no header but Host itself counts.
func TestHost_S34_ForwardedHostIsNoHost(t *testing.T) {
	r := newRig(t)
	h := signed()
	h.Set("X-Forwarded-Host", r.server.Listener.Addr().String())
	h.Set("Origin", r.server.URL)
	if resp, body := r.raw("GET", "/deep/pam/api/sessions", "evil.example", h, ""); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestPaths_S34_OneCanonicalRouter: odd spellings of a path and of a method reach nothing.
func TestPaths_S34_OneCanonicalRouter(t *testing.T) {
	r := newRig(t)
	id := string(r.alice().start())
	h := signed()
	h.Set("Origin", r.server.URL)
	// Go's own client cleans nothing, but the mux of the host might: these are asked of the handler itself.
	ask := func(method, target string, more http.Header) int {
		req := httptest.NewRequest(method, "http://"+r.server.Listener.Addr().String()+target, strings.NewReader("{}"))
		for k, v := range h {
			req.Header[k] = v
		}
		for k, v := range more {
			req.Header[k] = v
		}
		w := httptest.NewRecorder()
		r.broker.Handler().ServeHTTP(w, req)
		return w.Code
	}
	for _, tc := range []struct {
		name, method, target string
		header               http.Header
		want                 int
	}{
		{"plain", "GET", "/api/session/" + id, nil, 200},
		{"doubled slash", "GET", "/api//session/" + id, nil, 404},
		{"leading slashes", "GET", "//api/session/" + id, nil, 404},
		{"trailing slash", "GET", "/api/session/" + id + "/", nil, 404},
		{"dots", "GET", "/api/x/../session/" + id, nil, 404},
		{"encoded dots", "GET", "/api/x/%2e%2e/session/" + id, nil, 404},
		{"encoded slash between", "GET", "/api%2Fsession/" + id, nil, 404},
		{"encoded slash in the id", "GET", "/api/session/x%2F" + id, nil, 404},
		{"encoded traversal in the id", "GET", "/api/session/x%2F..%2F" + id, nil, 404},
		{"encoded letter", "GET", "/api/session/%" + "73" + id, nil, 404},
		{"capitals", "GET", "/API/session/" + id, nil, 404},
		{"NUL", "GET", "/api/session/" + id + "%00", nil, 404},
		{"query is no path", "GET", "/api/nothing?x=/api/session/" + id, nil, 404},
		{"root", "GET", "/", nil, 404},
		{"method override header", "GET", "/api/session/" + id + "/end", http.Header{"X-Http-Method-Override": {"POST"}}, 405},
		{"method override query", "GET", "/api/session/" + id + "/end?_method=POST", nil, 405},
		{"HEAD of an action", "HEAD", "/api/session/" + id + "/end", nil, 405},
		{"OPTIONS", "OPTIONS", "/api/session/" + id + "/end", nil, 405},
		{"PUT", "PUT", "/api/session/" + id + "/attach", nil, 405},
		{"DELETE", "DELETE", "/api/session/" + id, nil, 405},
		{"lower case", "post", "/api/session/" + id + "/end", nil, 405},
		{"TRACE", "TRACE", "/api/session/" + id, nil, 405},
		{"HEAD of a reading", "HEAD", "/api/session/" + id, nil, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := ask(tc.method, tc.target, tc.header); got != tc.want {
				t.Errorf("%s %s: %d, want %d", tc.method, tc.target, got, tc.want)
			}
		})
	}
	if info, err := r.broker.Session(r.ctx, pam.SessionID(id)); err != nil || info.State != pam.StateRequested {
		t.Errorf("after all that the session is %v, %v", info.State, err)
	}
}

// TestGET_S06_ChangesNothing: GET and HEAD of every address leave no event, no session and no ticket behind.
func TestGET_S06_ChangesNothing(t *testing.T) {
	r := newRig(t)
	id := string(r.alice().start())
	events := len(r.events.Events())
	before, _ := r.broker.Sessions(r.ctx, pam.SessionFilter{})
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{
			"api/openapi.json", "api/asset/server-1/access", "api/asset/server-1/sessions", "api/sessions", "api/session/" + id,
			"api/session/" + id + "/attach", "api/session/" + id + "/end", "api/session/" + id + "/socket", "s/" + id, "",
		} {
			h := signed()
			h.Set("Origin", r.server.URL)
			resp, _ := r.raw(method, "/deep/pam/"+path, "", h, "")
			if resp.StatusCode >= 500 {
				t.Errorf("%s %s: %d", method, path, resp.StatusCode)
			}
		}
	}
	after, _ := r.broker.Sessions(r.ctx, pam.SessionFilter{})
	if len(after) != len(before) || after[0].State != before[0].State || len(r.events.Events()) != events {
		t.Errorf("before %v, after %v, events %v", before, after, r.events.Events())
	}
}

// TestHeaders_NoStoreNoReferrer: answers are not stored and tell other sites nothing.
func TestHeaders_NoStoreNoReferrer(t *testing.T) {
	r := newRig(t)
	h := signed()
	h.Set("Origin", r.server.URL)
	for _, path := range []string{"api/sessions", "api/asset/server-1/access", "api/session/none"} {
		resp, _ := r.raw("GET", "/deep/pam/"+path, "", h, "")
		for k, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
			if got := resp.Header.Get(k); got != want {
				t.Errorf("%s: %s is %q", path, k, got)
			}
		}
		if len(resp.Header.Values("Set-Cookie")) != 0 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", path, resp.Header)
		}
	}
}

// wrapped hides the connection from interfaces, as the writers of logging middleware do.
type wrapped struct{ w http.ResponseWriter }

func (w *wrapped) Header() http.Header         { return w.w.Header() }
func (w *wrapped) Write(p []byte) (int, error) { return w.w.Write(p) }
func (w *wrapped) WriteHeader(status int)      { w.w.WriteHeader(status) }

// unwrapping says what is inside it.
type unwrapping struct{ wrapped }

func (w *unwrapping) Unwrap() http.ResponseWriter { return w.w }

// TestMiddleware_Hijack: a writer that can be unwrapped works, however deep; one that cannot gives an error that names
// it.
func TestMiddleware_Hijack(t *testing.T) {
	for _, tc := range []struct {
		name string
		wrap func(http.ResponseWriter) http.ResponseWriter
		ok   bool
	}{
		{"with Unwrap", func(w http.ResponseWriter) http.ResponseWriter { return &unwrapping{wrapped{w}} }, true},
		{"twice", func(w http.ResponseWriter) http.ResponseWriter { return &unwrapping{wrapped{&unwrapping{wrapped{w}}}} }, true},
		{"without", func(w http.ResponseWriter) http.ResponseWriter { return &unwrapping{wrapped{&wrapped{w}}} }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			inner := r.server.Config.Handler
			outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				q.Host = r.server.Listener.Addr().String()
				inner.ServeHTTP(tc.wrap(w), q)
			}))
			defer outer.Close()
			p := r.alice()
			id := p.start()
			h := http.Header{}
			p.sign(h)
			conn, resp, err := edge.Dial(r.ctx, "ws"+strings.TrimPrefix(outer.URL, "http")+"/ws/"+string(id), frame.Subprotocol, h)
			if err == nil {
				defer conn.Abort()
			}
			if (err == nil) != tc.ok {
				t.Fatalf("dial: %v", err)
			}
			if !tc.ok {
				if resp.StatusCode != http.StatusInternalServerError {
					t.Errorf("status %d", resp.StatusCode)
				}
				if log := r.log.String(); !strings.Contains(log, "*pam_test.wrapped") || !strings.Contains(log, "Unwrap") {
					t.Errorf("the log does not name the wrapper: %s", log)
				}
			}
		})
	}
}

// TestBody_S29_LimitsAndTypes: what a body may be.
func TestBody_S29_LimitsAndTypes(t *testing.T) {
	r := newRig(t)
	for _, tc := range []struct {
		name, typ, body string
		want            int
	}{
		{"empty object", "application/json", "{}", 201},
		{"with charset", "application/json; charset=utf-8", "{}", 201},
		{"a form", "application/x-www-form-urlencoded", "{}", 400},
		{"plain text", "text/plain", "{}", 400},
		{"no type", "", "{}", 400},
		{"nothing", "application/json", "", 400},
		{"an array", "application/json", "[]", 400},
		{"two values", "application/json", "{}{}", 400},
		{"a host", "application/json", `{"host":"10.0.0.1"}`, 400},
		{"too large", "application/json", `{"reason":"` + strings.Repeat("x", 70<<10) + `"}`, 413},
		{"a long reason", "application/json", `{"reason":"` + strings.Repeat("x", 1001) + `"}`, 413},
		{"a long ticket id", "application/json", `{"ticket_id":"` + strings.Repeat("x", 201) + `"}`, 413},
		{"a window", "application/json", `{"window":"popup"}`, 422},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := signed()
			h.Set("Origin", r.server.URL)
			h.Set("Content-Type", tc.typ)
			if resp, body := r.raw("POST", "/deep/pam/api/asset/server-1/sessions", "", h, tc.body); resp.StatusCode != tc.want {
				t.Errorf("%d %s, want %d", resp.StatusCode, body, tc.want)
			}
		})
	}
}

// TestPanic_S28_InHandler: a panic of a host's callback in a request answers 500 and nothing else.
func TestPanic_S28_InHandler(t *testing.T) {
	r := newRig(t)
	r.inventory.At("Asset", 1, pamtest.Fault{Panic: "canary/panic/value"})
	st, body := r.alice().call("POST", "api/asset/server-1/sessions", map[string]any{})
	if st != 500 || code(body) != pam.CodeInternal {
		t.Errorf("%d %v", st, body)
	}
	if strings.Contains(r.log.String(), "canary/panic") {
		t.Error("the log holds the panic's value")
	}
	if id := r.alice().start(); id == "" {
		t.Error("no session afterwards")
	}
}

// TestSessionHandler_ServesOneSession: a host with routes of its own.
func TestSessionHandler_ServesOneSession(t *testing.T) {
	r := newRig(t)
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	h := http.Header{}
	p.sign(h)
	conn, _, err := edge.Dial(r.ctx, "ws"+strings.TrimPrefix(r.server.URL, "http")+"/ws/"+string(id), frame.Subprotocol, h)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Abort()
	if err := conn.Write(r.ctx, helloMessage(ticket)); err != nil {
		t.Fatal(err)
	}
	msg, err := conn.Read(r.ctx)
	if err != nil || !bytes.Contains(msg, []byte(`"state"`)) {
		t.Fatalf("%q %v", msg, err)
	}
}

func helloMessage(ticket string) []byte {
	return frame.Append(nil, frame.Frame{Kind: frame.Hello, Payload: []byte(`{"ticket":"` + ticket + `","cols":80,"rows":24,"width":0,"height":0}`)})
}
