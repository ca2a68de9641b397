package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"
	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/pam/sqlstore"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

// aHash is what a configuration takes for a password hash. The tests' people have cheaper ones, see newSite:
// the race detector makes a real one take a second.
const aHash = "$2a$10$KNbxFiB2ghT/hYp9MIfMSOQBeHrX.Y2XLE5/Uel8ousZVSOM4mQvO"

func cheapHash(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

// world is a small configuration: anna may start recorded sessions on "web" and not on "fw", ben sees "web"
// and starts nothing, cleo sees nothing.
const world = `
users:
  - {id: anna, name: Anna Richter, password_hash: "` + aHash + `", groups: [ops]}
  - {id: ben, password_hash: "` + aHash + `", groups: [readers]}
  - {id: cleo, password_hash: "` + aHash + `"}
groups:
  - {id: ops}
  - {id: readers}
asset_types:
  - {id: linux, name: Linux server, protocol: ssh, os: unix}
  - {id: note, name: Shared secret}
containers:
  - {id: prod, name: Production}
  - {id: hidden, name: Hidden folder}
assets:
  - {id: web, type: linux, parent: prod, demo: true, tags: [nginx]}
  - {id: fw, type: linux, parent: prod, demo: true}
  - {id: note, type: note, parent: hidden}
roles:
  - {to: "group:ops", on: prod, role: supervisor}
  - {to: "group:ops", on: note, role: viewer}
  - {to: "user:ben", on: web, role: viewer}
profiles:
  - {id: rec, declarations: {web_session: record, keyboard: allow, session_url: allow}}
  - {id: none, declarations: {web_session: deny}}
assignments:
  - {profile: rec, to: "group:ops", on: prod}
  - {profile: none, to: "user:anna", on: fw}
`

// site is a running portal for tests.
type site struct {
	t      testing.TB
	p      *portal
	srv    *httptest.Server
	data   string
	log    *pamtest.LogBuffer
	events *teeEvents
	clock  *clock
}

// clock is a wall clock that tests move.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// newSite starts a portal that is known under origins; without any, under its own address.
func newSite(t testing.TB, yaml string, origins ...string) *site {
	t.Helper()
	c, err := parseConfig("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Users {
		c.Users[i].Hash = pam.NewSecret(cheapHash(t, c.Users[i].ID+"-pw-1"))
	}
	s := &site{t: t, data: t.TempDir(), log: &pamtest.LogBuffer{}, clock: &clock{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	demo, stopDemo, err := startDemoHosts()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stopDemo)
	db, err := openDatabase(t.Context(), s.data)
	if err != nil {
		t.Fatal(err)
	}
	s.events = &teeEvents{Store: db, seen: &pamtest.EventSink{}}
	counts := metrics.NewRegistry()
	rec, err := openRecorder(t.Context(), s.data, counts, log)
	if err != nil {
		t.Fatal(err)
	}
	s.srv = httptest.NewUnstartedServer(nil)
	if len(origins) == 0 {
		origins = []string{"http://" + s.srv.Listener.Addr().String()}
	}
	s.p, err = newPortal(portalConfig{
		config: c, demo: demo, origins: origins, recorder: rec, ui: noClient{}, store: db, events: s.events, log: log, metrics: counts, now: s.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.srv.Config.Handler = s.p
	s.srv.Start()
	t.Cleanup(func() {
		if err := s.p.shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Errorf("shutdown: %v", err)
		}
		s.srv.Close()
		_ = db.Close()
	})
	return s
}

// teeEvents is the portal's log, which tests can wait for besides.
type teeEvents struct {
	*sqlstore.Store
	seen *pamtest.EventSink
}

func (e *teeEvents) Write(ctx context.Context, ev pam.Event) error {
	return errors.Join(e.Store.Write(ctx, ev), e.seen.Write(ctx, ev))
}

// browser is one person's browser: it keeps cookies and does not follow redirects.
type browser struct {
	s *site
	c *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	tr := &http.Transport{}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &browser{s: s, c: &http.Client{Jar: jar, Transport: tr, Timeout: 2 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as is a browser in which that user is signed in.
func (s *site) as(name string) *browser {
	s.t.Helper()
	b := s.browser()
	if r := b.signIn(name, name+"-pw-1"); r.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("sign-in of %s: %s", name, r.Status)
	}
	return b
}

type response struct {
	*http.Response
	text string
}

func (b *browser) do(method, path, body string, header ...string) response {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, b.s.srv.URL+path, strings.NewReader(body))
	if err != nil {
		b.s.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Origin", b.s.srv.URL)
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else if header[i+1] == "" {
			r.Header.Del(header[i])
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := b.c.Do(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return response{resp, string(text)}
}

func (b *browser) get(path string, header ...string) response {
	b.s.t.Helper()
	return b.do(http.MethodGet, path, "", header...)
}

func (b *browser) form(path string, values url.Values, header ...string) response {
	b.s.t.Helper()
	return b.do(http.MethodPost, path, values.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

func (b *browser) signIn(name, password string, header ...string) response {
	b.s.t.Helper()
	return b.form("/login", url.Values{"name": {name}, "password": {password}}, header...)
}

// start creates a session on an asset and returns its id.
func (b *browser) start(asset string) string {
	b.s.t.Helper()
	r := b.do(http.MethodPost, "/pam/api/asset/"+asset+"/sessions", `{}`)
	if r.StatusCode != http.StatusCreated {
		b.s.t.Fatalf("start on %s: %s %s", asset, r.Status, r.text)
	}
	_, rest, _ := strings.Cut(r.text, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if id == "" {
		b.s.t.Fatalf("start on %s: no id in %s", asset, r.text)
	}
	return id
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// noClient stands in for the browser client, which these tests do not need and which may not be built.
type noClient struct{}

func (noClient) SessionPage(w http.ResponseWriter, _ *http.Request, p pam.Page) {
	fmt.Fprintf(w, "session page of %s", p.Session)
}

func (noClient) Assets() http.Handler { return http.NotFoundHandler() }

func newContext(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}
