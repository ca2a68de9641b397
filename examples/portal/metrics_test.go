package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/pam"
)

// withMetrics is world with a gateway's name and a token in the file that is returned.
func withMetrics(t *testing.T) (yaml, tokenFile string) {
	t.Helper()
	tokenFile = writeFile(t, "metrics.token", strings.Repeat("a1", 16)+"\n")
	return "gateway: gw-7\nmetrics: {token_file: " + tokenFile + "}\n" + world, tokenFile
}

// TestMetrics_S02_OnlyWithTheToken: the numbers are for who has the token, whoever is signed in; a new token counts at once,
// and no number names a person or an asset.
func TestMetrics_S02_OnlyWithTheToken(t *testing.T) {
	yaml, file := withMetrics(t)
	s := newSite(t, yaml)
	anna := s.as("anna")
	anna.start("web")
	const path, old = "/metrics", "Bearer a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer a1", old + "a", strings.ToUpper(old), "Basic " + old[7:], old[7:]} {
		if r := anna.get(path, "Authorization", header); r.StatusCode != http.StatusNotFound || strings.Contains(r.text, "sallyport_sessions") {
			t.Errorf("with %q: %s", header, r.Status)
		}
	}
	r := s.browser().get(path, "Authorization", old)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("with the token: %s %s", r.Status, r.text)
	}
	for _, want := range []string{"\nsallyport_sessions_started_total 1\n", "\nsallyport_sessions_live 1\n", "\nsallyport_recorder_"} {
		if !strings.Contains(r.text, want) {
			t.Errorf("no %q in\n%s", want, r.text)
		}
	}
	for _, name := range []string{"anna", "web\"", "prod"} {
		if strings.Contains(r.text, name) {
			t.Errorf("the metrics name %s", name)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("b2", 16)), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s.browser().get(path, "Authorization", old); r.StatusCode != http.StatusNotFound {
		t.Errorf("with the old token: %s", r.Status)
	}
	if r := s.browser().get(path, "Authorization", "Bearer "+strings.Repeat("b2", 16)); r.StatusCode != http.StatusOK {
		t.Errorf("with the new token: %s", r.Status)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil { // while it is being replaced
		t.Fatal(err)
	}
	if r := s.browser().get(path, "Authorization", "Bearer "); r.StatusCode != http.StatusNotFound {
		t.Errorf("with an empty token: %s", r.Status)
	}
}

// TestMetrics_S02_NoneWithoutAToken: without the setting there is no such page, whatever is sent.
func TestMetrics_S02_NoneWithoutAToken(t *testing.T) {
	s := newSite(t, world)
	for _, header := range []string{"", "Bearer ", "Bearer x"} {
		if r := s.browser().get("/metrics", "Authorization", header); r.StatusCode != http.StatusNotFound {
			t.Errorf("with %q: %s", header, r.Status)
		}
	}
}

// TestConfig_GatewayIsInEvents: events carry the name.
func TestConfig_GatewayIsInEvents(t *testing.T) {
	yaml, _ := withMetrics(t)
	s := newSite(t, yaml)
	s.as("anna").start("web")
	page, err := s.events.Events(t.Context(), pam.EventFilter{Gateway: "gw-7"})
	if err != nil || len(page.Events) != 1 || page.Events[0].Verb != pam.StartSession {
		t.Errorf("events of the gateway: %+v, %v", page.Events, err)
	}
}

func TestConfig_MetricsFaults(t *testing.T) {
	yaml, file := withMetrics(t)
	for name, tc := range map[string]struct{ old, new, want string }{
		"no token":    {"token_file: " + file, "", "test.yaml:2: metrics has no token; add token_file"},
		"a short one": {"token_file: " + file, "token: secret", "the token of metrics has fewer than 24 characters; make one with"},
		"no file":     {file, "/nowhere", "token_file of metrics: stat /nowhere"},
		"unknown key": {"token_file: " + file, "tokens: x", `"tokens"`},
		"a blank":     {"gw-7", "gw 7", `test.yaml:1: gateway is "gw 7"; use at most 100 letters`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(yaml, tc.old, tc.new, 1)
			if _, err := parseConfig("test.yaml", []byte(bad)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error:\n%v\nwant %s", err, tc.want)
			}
		})
	}
}
