package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// hostile is text that would do harm as markup, in a header, in a spreadsheet or on a terminal.
const hostile = `<img src=x onerror=alert(1)>"'&{{.}}` + "\u202Egpj"

// company has somebody of every kind. Every name in it is hostile.
var company = strings.NewReplacer("HASH", aHash, "NAME", strings.ReplaceAll(hostile, `'`, `''`)).Replace(`
users:
  - {id: vera, name: 'vera NAME', password_hash: "HASH"}
  - {id: mick, name: 'mick NAME', password_hash: "HASH"}
  - {id: nina, name: 'nina NAME', password_hash: "HASH"}
  - {id: ruth, name: 'ruth NAME', password_hash: "HASH", site_role: administrator}
  - {id: otto, name: 'otto NAME', password_hash: "HASH", site_role: auditor}
  - {id: omar, name: 'omar NAME', password_hash: "HASH"}
asset_types:
  - {id: linux, name: 'type NAME', protocol: ssh, os: unix}
containers:
  - {id: prod, name: 'prod NAME'}
  - {id: other, name: 'other NAME'}
assets:
  - {id: web, name: 'web NAME', type: linux, parent: prod, demo: true, tags: ['tag NAME']}
  - {id: else, name: 'else NAME', type: linux, parent: other, demo: true}
roles:
  - {to: "user:vera", on: prod, role: viewer}
  - {to: "user:mick", on: prod, role: manager}
  - {to: "user:omar", on: else, role: owner}
profiles:
  - {id: rec, name: 'profile NAME', declarations: {web_session: record, keyboard: allow}}
assignments:
  - {profile: rec, to: "user:vera", on: prod}
  - {profile: rec, to: "user:omar", on: other}
`)

// people are the columns of the table of routes: somebody without a login, without any role, a viewer, a manager, an
// administrator, an auditor, and a person with roles elsewhere.
var people = []string{"", "nina", "vera", "mick", "ruth", "otto", "omar"}

// routeTable says what each of people gets for each route of the portal; vera has a live session on web.
// L is the way to the sign-in page. A route that is missing here fails the test.
var routeTable = []struct {
	pattern, path string
	form          string // of a POST
	want          string // one for each of people
}{
	{"GET /{$}", "/", "", "303 303 303 303 303 303 303"},
	{"GET /login", "/login", "", "200 303 303 303 303 303 303"},
	{"POST /login", "/login", "name=x{who}&password=y", "401 401 401 401 401 401 401"},
	{"POST /theme", "/theme", "theme=dark&back=/assets", "303 303 303 303 303 303 303"},
	{"GET /static/{hash}/{name}", "/static/0/portal.css", "", "404 404 404 404 404 404 404"},
	{"GET /assets", "/assets", "", "L 200 200 200 200 200 200"},
	{"GET /assets", "/assets?in=prod", "", "L 404 200 200 200 404 404"},
	{"GET /assets", "/assets?in=other", "", "L 404 404 404 200 404 200"},
	{"GET /assets", "/assets?in=web", "", "L 404 404 404 404 404 404"},
	{"GET /assets/{id}", "/assets/web", "", "L 404 200 200 200 404 404"},
	{"GET /assets/{id}", "/assets/else", "", "L 404 404 404 200 404 200"},
	{"GET /assets/{id}", "/assets/prod", "", "L 404 404 404 404 404 404"},
	{"GET /sessions", "/sessions", "", "L 200 200 200 200 200 200"},
	{"GET /sessions", "/sessions?all=1", "", "L 404 404 404 200 200 404"},
	{"GET /sessions", "/sessions?all=1&asset=web", "", "L 404 404 200 200 200 404"},
	{"GET /sessions.csv", "/sessions.csv", "", "L 200 200 200 200 200 200"},
	{"GET /sessions.csv", "/sessions.csv?all=1&asset=web", "", "L 404 404 200 200 200 404"},
	{"GET /sessions.json", "/sessions.json", "", "L 200 200 200 200 200 200"},
	{"GET /sessions.json", "/sessions.json?all=1", "", "L 404 404 404 200 200 404"},
	{"GET /requests", "/requests", "", "L 200 200 200 200 200 200"},
	{"GET /requests/new", "/requests/new?asset=web", "", "L 404 200 200 200 404 404"},
	{"GET /requests/new", "/requests/new", "", "L 404 404 404 404 404 404"},
	{"GET /requests/{id}", "/requests/unknown", "", "L 404 404 404 404 404 404"},
	{"GET /recordings/{id}", "/recordings/{session}", "", "L 404 404 200 200 200 404"},
	{"GET /recordings/{id}", "/recordings/unknown", "", "L 404 404 404 404 404 404"},
	{"GET /live", "/live", "", "L 404 404 404 200 200 404"},
	{"POST /live/{id}/terminate", "/live/unknown/terminate", "reason=r", "L 404 404 404 303 404 404"},
	{"POST /live/{id}/terminate", "/live/{session}/terminate", "reason=", "L 404 404 404 422 404 404"},
	{"GET /metrics", "/metrics", "", "404 404 404 404 404 404 404"}, // without the token
	{"GET /events", "/events", "", "L 404 404 404 200 200 404"},
	{"GET /events", "/events?from=x", "", "L 404 404 404 400 400 404"},
	{"GET /events/{id}", "/events/{event}", "", "L 404 404 404 200 200 404"},
	{"GET /events/{id}", "/events/1-1", "", "L 404 404 404 404 404 404"},
	{"GET /events/{id}", "/events/x", "", "L 404 404 404 404 404 404"},
	{"GET /events.csv", "/events.csv", "", "L 404 404 404 200 200 404"},
	{"GET /events.json", "/events.json", "", "L 404 404 404 200 200 404"},
	{"GET /events.json", "/events.json?to=x", "", "L 404 404 404 400 400 404"},
	{"/", "/nothing", "", "404 404 404 404 404 404 404"},
	{"POST /logout", "/logout", "", "303 303 303 303 303 303 303"}, // the last: it ends the logins
}

func TestRoutes_S01_S02_EveryoneAgainstATable(t *testing.T) {
	s := newSite(t, company)
	session := s.as("vera").start("web")
	page, err := s.events.Events(t.Context(), pam.EventFilter{Verbs: []pam.Verb{pam.StartSession}})
	if err != nil || len(page.Events) != 1 {
		t.Fatalf("events: %+v, %v", page, err)
	}
	event := fmt.Sprintf("%d-%d", page.Events[0].At.UnixNano(), page.Events[0].Seq)
	browsers := map[string]*browser{"": s.browser()}
	for _, name := range people[1:] {
		browsers[name] = s.as(name)
	}

	seen := map[string]bool{}
	for _, row := range routeTable {
		seen[row.pattern] = true
		path := strings.NewReplacer("{session}", session, "{event}", event).Replace(row.path)
		for i, want := range strings.Fields(row.want) {
			name := people[i]
			b := browsers[name]
			var r response
			if strings.HasPrefix(row.pattern, "POST") {
				v, err := url.ParseQuery(strings.ReplaceAll(row.form, "{who}", name))
				if err != nil {
					t.Fatal(err)
				}
				if row.path == "/login" {
					b = s.browser() // a wrong password does not end the login of the one who types it
				}
				r = b.form(path, v)
			} else {
				r = b.get(path)
			}
			got := fmt.Sprint(r.StatusCode)
			if r.StatusCode == http.StatusSeeOther && strings.HasPrefix(r.Header.Get("Location"), "/login?next=") {
				got = "L"
			}
			if got != want {
				t.Errorf("%s of %s as %q: %s, want %s", row.pattern, path, name, got, want)
			}
			s.wantInert(name+" "+path, r)
			if r.StatusCode == http.StatusNotFound && name != "" && !strings.HasPrefix(path, "/static") {
				if unknown := b.get("/assets/unknown"); r.text != unknown.text {
					t.Errorf("%s as %q: the page differs from that of what does not exist", path, name)
				}
			}
		}
	}
	for _, pattern := range registered(t) {
		if !seen[pattern] {
			t.Errorf("the route %s has no row in the table", pattern)
		}
	}
}

// wantInert fails if a page has taken a hostile name for anything but text, or shows what nobody may see.
func (s *site) wantInert(what string, r response) {
	s.t.Helper()
	for _, bad := range []string{"<img", "onerror=alert(1)>\"", "$2a$"} {
		if strings.Contains(r.text, bad) && !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") {
			s.t.Errorf("%s has %q in it", what, bad)
		}
	}
	if strings.Contains(r.text, "$2a$") {
		s.t.Errorf("%s shows a password hash", what)
	}
	if r.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		s.t.Errorf("%s lacks the headers of every answer", what)
	}
}

// registered returns the patterns that the portal registers, read from its source: a mux does not tell them.
func registered(t *testing.T) (patterns []string) {
	t.Helper()
	source, err := os.ReadFile("portal.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`pages\.HandleFunc\("([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		patterns = append(patterns, m[1])
	}
	if len(patterns) < 15 {
		t.Fatalf("found the routes %q only", patterns)
	}
	return patterns
}

func TestLive_J5_TerminateWithAReason(t *testing.T) {
	s := newSite(t, company)
	session := s.as("vera").start("web")
	ruth := s.as("ruth")
	list := ruth.get("/live")
	for _, want := range []string{session, "vera &lt;img", "web &lt;img", "127.0.0.1", "Active, not opened", "Recorded"} {
		if !strings.Contains(list.text, want) {
			t.Errorf("the live list lacks %q", want)
		}
	}
	if asked := ruth.get("/live?end=" + session); !strings.Contains(asked.text, "<dialog") || !strings.Contains(asked.text, "/live/"+session+"/terminate") {
		t.Error("the question about ending the session is not on the page")
	}
	if asked := s.as("otto").get("/live?end=" + session); strings.Contains(asked.text, "<dialog") {
		t.Error("an auditor is asked about ending a session")
	}
	if r := ruth.form("/live/"+session+"/terminate", url.Values{"reason": {strings.Repeat("x", maxReason+1)}}); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a reason that is too long: %s", r.Status)
	}
	if r := ruth.form("/live/"+session+"/terminate", url.Values{"reason": {" " + hostile + " "}}); r.Header.Get("Location") != "/live?note=ended" {
		t.Errorf("terminate: %s to %q", r.Status, r.Header.Get("Location"))
	}
	ended, err := s.events.seen.Await(t.Context(), pam.CompleteSession, 1)
	if err != nil || ended[0].Reason != pam.EndTerminated || ended[0].Session != pam.SessionID(session) {
		t.Errorf("the end: %+v, %v", ended, err)
	}
	events := s.events.seen.Events(pam.TerminateSession)
	if len(events) != 1 || events[0].User != "ruth" || events[0].Detail != hostile || events[0].Session != pam.SessionID(session) {
		t.Errorf("events: %+v", events)
	}
	if r := ruth.form("/live/"+session+"/terminate", url.Values{"reason": {"again"}}); r.Header.Get("Location") != "/live?note=gone" {
		t.Errorf("terminate again: %s to %q", r.Status, r.Header.Get("Location"))
	}
}

func TestEvents_S08_S31_WhatActsIsEscaped(t *testing.T) {
	s := newSite(t, company)
	session := s.as("vera").start("web")
	ruth := s.as("ruth")
	reason := "bell \a, escape \x1b[2J, line\nbreak, =cmd()" + hostile
	if r := ruth.form("/live/"+session+"/terminate", url.Values{"reason": {reason}}); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("terminate: %s", r.Status)
	}
	list := ruth.get("/events?verb=Terminate+Session")
	link := regexp.MustCompile(`href="(/events/[0-9]+-[0-9]+)"`).FindStringSubmatch(list.text)
	if link == nil {
		t.Fatal("no event on the page")
	}
	const shown = `bell \u0007, escape \u001b[2J, line\nbreak, =cmd()`
	for _, path := range []string{"/events?verb=Terminate+Session", link[1], "/events.csv?verb=Terminate+Session"} {
		r := ruth.get(path)
		if !strings.Contains(r.text, shown) || !strings.Contains(r.text, `\u202egpj`) {
			t.Errorf("%s does not show the reason with its characters escaped", path)
		}
		if strings.ContainsAny(strings.ReplaceAll(r.text, "ruth "+hostile, ""), "\a\x1b") {
			t.Errorf("%s has control characters in it", path)
		}
	}
	if r := ruth.get("/events.json?verb=Terminate+Session"); !strings.Contains(r.text, `\u0007, escape \u001b[2J, line\nbreak`) {
		t.Errorf("the JSON: %s", r.text)
	}
}

func TestEvents_R9_FilterAndPages(t *testing.T) {
	s := newSite(t, company)
	last, err := s.events.LastSeq(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2025, 5, 20, 12, 0, 0, 0, time.UTC)
	for i := range 2*eventsPerPage + 1 {
		last++
		e := pam.Event{Seq: last, At: day.Add(time.Duration(i) * time.Minute), Verb: pam.StartSession, User: "vera", Asset: "web", Detail: fmt.Sprintf("number-%d", i)}
		if i == 7 {
			e.Verb, e.User, e.Session, e.Code = pam.DenySession, "omar", "S-seven", pam.CodeProfileDenied
		}
		if err := s.events.Store.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	otto := s.as("otto")
	for query, want := range map[string][2]string{ // what is there, and what is not
		"verb=Deny+Session": {"number-7<", "number-8<"},
		"user=omar":         {"number-7<", "number-8<"},
		"session=S-seven":   {"number-7<", "number-8<"},
		"q=NUMBER-7":        {"number-7<", "number-8<"},
		"from=2025-05-20T12:05&to=2025-05-20T12:06": {"number-6<", "number-7<"},
		"to=2025-05-20T12:05":                       {"number-5<", "number-6<"},
		"asset=else":                                {"No event matches", "number-"},
		"from=2025-05-21&to=2025-05-20":             {"From is not before To.", "number-"},
	} {
		if text := otto.get("/events?" + query).text; !strings.Contains(text, want[0]) || strings.Contains(text, want[1]) {
			t.Errorf("%s: want %q and no %q", query, want[0], want[1])
		}
	}
	var numbers []string
	older := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for path, n := "/events", 0; path != ""; n++ {
		if n == 4 {
			t.Fatal("the pages do not end")
		}
		text := otto.get(path).text
		for _, m := range regexp.MustCompile(`>number-(\d+)<`).FindAllStringSubmatch(text, -1) {
			numbers = append(numbers, m[1])
		}
		path = ""
		if m := older.FindStringSubmatch(text); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	var want []string
	for i := range 2*eventsPerPage + 1 {
		want = append(want, fmt.Sprint(2*eventsPerPage-i))
	}
	if !slices.Equal(numbers, want) {
		t.Errorf("the pages show %d events, the first %v; want each once, newest first", len(numbers), numbers[:min(len(numbers), 3)])
	}
}
