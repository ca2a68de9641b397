package toolbar_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/toolbar"
)

// TestPagePolicy_S33_IsWhatTheDocumentsSay: the browser tests hold the policy against a real browser; README and package
// documentation, from which hosts copy it, say the same.
func TestPagePolicy_S33_IsWhatTheDocumentsSay(t *testing.T) {
	plain, whole := toolbar.PagePolicy(""), toolbar.PagePolicy("NONCE")
	wants := []string{plain}
	for directive := range strings.SplitSeq(strings.ReplaceAll(whole, "NONCE", "…"), "; ") {
		if !strings.Contains(plain, directive) { // what a session in the page needs besides
			wants = append(wants, directive)
		}
	}
	if len(wants) != 3 {
		t.Errorf("sessions in a page need besides: %q", wants[1:])
	}
	for _, name := range []string{"doc.go", "../README.md"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(strings.ReplaceAll(string(b), "\n//", "\n")), " ")
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
}

func TestPagePolicy_S33_NothingIsWrittenIntoIt(t *testing.T) {
	plain := toolbar.PagePolicy("")
	for _, evil := range []string{"x'; script-src *", "a b", "'", "a;b", "a\r\nX-Y: z", "=", "x'unsafe-inline"} {
		if got := toolbar.PagePolicy(evil); got != plain {
			t.Errorf("PagePolicy(%q) = %q", evil, got)
		}
	}
	if got := toolbar.PagePolicy("c29tZSBieXRlcw=="); !strings.HasSuffix(got, "; style-src-elem 'nonce-c29tZSBieXRlcw=='") {
		t.Errorf("got %q", got)
	}
}

// TestSessionPage_S36_SaysWhenItsClientDoesNotCome: what is shown in place of a blank page is in the page itself, in the
// reader's language, and needs no script.
func TestSessionPage_S36_SaysWhenItsClientDoesNotCome(t *testing.T) {
	for accept, want := range map[string]string{
		"":                            "This page has not loaded",
		"xx":                          "This page has not loaded",
		"de-CH;q=0.9, en":             "Diese Seite wurde nicht geladen",
		"pt, fr-CA;q=0.8, en;q=0.5":   "Cette page ne s’est pas chargée",
		"ES":                          "Esta página no se ha cargado",
		"ja,en":                       "ページを読み込めませんでした",
		`"><script>alert(1)</script>`: "This page has not loaded",
	} {
		html := body(t, pageFor(t, newUI(t), accept))
		if !strings.Contains(html, want) || strings.Contains(html, "alert(1)") {
			t.Errorf("Accept-Language %q: no %q in\n%s", accept, want, html)
		}
		if !strings.Contains(html, `<a href="">`) {
			t.Errorf("no way to reload in\n%s", html)
		}
	}
}
