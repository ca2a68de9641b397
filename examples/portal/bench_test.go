package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// manyAssets is a configuration with n assets in 200 containers that anna manages.
func manyAssets(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "users:\n  - {id: anna, password_hash: %q}\nasset_types:\n  - {id: linux, protocol: ssh, os: unix}\ncontainers:\n", aHash)
	for i := range 200 {
		parent := ""
		if i%10 != 0 {
			parent = fmt.Sprintf(", parent: c%d", i/10*10)
		}
		fmt.Fprintf(&b, "  - {id: c%d, name: Container %d%s}\n", i, i, parent)
	}
	b.WriteString("assets:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {id: a%d, name: host-%05d, type: linux, parent: c%d, demo: true}\n", i, i, i%200)
	}
	b.WriteString("profiles:\n  - {id: rec, declarations: {web_session: record}}\nroles:\n")
	for i := 0; i < 200; i += 10 {
		fmt.Fprintf(&b, "  - {to: \"user:anna\", on: c%d, role: manager}\n", i)
	}
	b.WriteString("assignments:\n")
	for i := 0; i < 200; i += 10 {
		fmt.Fprintf(&b, "  - {to: \"user:anna\", on: c%d, profile: rec}\n", i)
	}
	return b.String()
}

// BenchmarkAssets is a page of the list of 5,000 assets.
func BenchmarkAssets(b *testing.B) {
	s := newSite(b, manyAssets(5000))
	token := s.p.logins.start(b.Context(), s.p.people[0])
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, s.srv.URL+"/assets", nil)
		r.AddCookie(cookie(token, false))
		w := httptest.NewRecorder()
		s.p.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

func TestAssets_FiveThousandAreInPages(t *testing.T) {
	s := newSite(t, manyAssets(5000))
	b := s.as("anna")
	text := b.get("/assets").text
	if rows := strings.Count(text, "<tr data-text"); rows != assetsPerPage+20 {
		t.Errorf("%d rows; want %d assets and 20 containers", rows, assetsPerPage)
	}
	for _, want := range []string{"1 to 200 of 5,000", `rel="next"`, "host-00199"} {
		if !strings.Contains(text, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
	if text := b.get("/assets?page=25").text; !strings.Contains(text, "4,801 to 5,000 of 5,000") || !strings.Contains(text, "host-04999") {
		t.Error("the last page is not the 25th")
	}
	if text := b.get("/assets?q=host-04321").text; strings.Count(text, "<tr data-text") != 1 {
		t.Error("a search over all does not find the one")
	}
}
