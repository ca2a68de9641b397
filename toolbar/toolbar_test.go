package toolbar_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/toolbar"
)

// client is a built client as small as it can be.
func client() fstest.MapFS {
	return fstest.MapFS{
		"manifest.json":       {Data: []byte(`{"entries":{"index.js":"index-AAAA.js","session.js":"session-BBBB.js"}}`)},
		"index-AAAA.js":       {Data: []byte("export const a = 1\n")},
		"session-BBBB.js":     {Data: []byte("import './chunk-CCCC.js'\n")},
		"chunk-CCCC.js":       {Data: []byte(strings.Repeat("console.log('a long file that compresses well')\n", 200))},
		"licences.txt":        {Data: []byte("licences\n")},
		".keep":               {Data: nil},
		"secret.pem":          {Data: []byte("not a file of the client")},
		"sub/.hidden/file.js": {Data: []byte("x")},
	}
}

func newUI(t *testing.T) *toolbar.UI {
	t.Helper()
	ui, err := toolbar.New(toolbar.Config{Assets: client()})
	if err != nil {
		t.Fatal(err)
	}
	return ui
}

// pageFor is the session page for a browser with these languages.
func pageFor(t *testing.T, ui *toolbar.UI, accept string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/pam/s/id", nil)
	r.Header.Set("Accept-Language", accept)
	ui.SessionPage(w, r, pam.Page{Session: "id", AssetName: "web-01"})
	return w.Result()
}

func sessionPage(t *testing.T, ui *toolbar.UI, method string, p pam.Page) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	ui.SessionPage(w, httptest.NewRequest(method, "/pam/s/id", nil), p)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSessionPage_S33_ContentPolicy(t *testing.T) {
	ui := newUI(t)
	r := sessionPage(t, ui, "GET", pam.Page{Session: "sid", AssetName: "web-01", FrameAncestors: []string{"https://a.example", "http://b.example:8080"}})
	html := body(t, r)
	nonce := regexp.MustCompile(`nonce="([A-Za-z0-9_-]{22})"`).FindAllStringSubmatch(html, -1)
	if len(nonce) != 2 || nonce[0][1] != nonce[1][1] {
		t.Fatalf("the page's nonces are %q, want the same one twice", nonce)
	}
	want := "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src 'self' blob: data:; font-src 'self'; " +
		"worker-src 'self'; style-src 'self'; style-src-elem 'self' 'nonce-" + nonce[0][1] + "'; " +
		"frame-ancestors https://a.example http://b.example:8080; base-uri 'none'; form-action 'none'; " +
		"require-trusted-types-for 'script'; trusted-types " + toolbar.TrustedTypes
	if diff := cmp.Diff(want, r.Header.Get("Content-Security-Policy")); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Type": "text/html; charset=utf-8", "X-Frame-Options": "", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(r.Header.Get("Permissions-Policy"), "camera=()") {
		t.Errorf("Permissions-Policy: %q", r.Header.Get("Permissions-Policy"))
	}
	if strings.Contains(html, "style=") || strings.Contains(html, "onclick") {
		t.Errorf("the page has what its policy forbids:\n%s", html)
	}
	again := sessionPage(t, ui, "GET", pam.Page{Session: "sid"})
	if strings.Contains(body(t, again), nonce[0][1]) {
		t.Error("two pages have the same nonce")
	}
}

func TestSessionPage_S33_FrameAncestors(t *testing.T) {
	for name, origins := range map[string][]string{
		"none":             nil,
		"another rule":     {"https://a.example; script-src *"},
		"two in one":       {"https://a.example https://b.example"},
		"a wildcard":       {"*"},
		"a wild host":      {"https://*.example"},
		"a path":           {"https://a.example/x"},
		"a scheme":         {"https:"},
		"another scheme":   {"ftp://a.example"},
		"one bad of two":   {"https://a.example", "https://b.example,"},
		"a line break":     {"https://a.example\r\nX: y"},
		"no address":       {""},
		"quotes, a policy": {"'self'"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sessionPage(t, newUI(t), "GET", pam.Page{Session: "s", FrameAncestors: origins})
			if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "; frame-ancestors 'none'; ") {
				t.Errorf("policy %q lets something frame the page", policy)
			}
			if got := r.Header.Get("X-Frame-Options"); got != "DENY" {
				t.Errorf("X-Frame-Options: %q", got)
			}
		})
	}
}

func TestSessionPage_S08_HostileNames(t *testing.T) {
	ui := newUI(t)
	for _, evil := range []string{
		`</title><script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`" onload="alert(1)`,
		`'; alert(1); '`,
		"<!--", "]]>", "\u202e\u2066evil", "{{.Nonce}}", "&lt;script&gt;",
	} {
		r := sessionPage(t, ui, "GET", pam.Page{Session: pam.SessionID(evil), AssetName: evil})
		html := body(t, r)
		if n := strings.Count(html, "<script"); n != 1 {
			t.Errorf("%q: %d scripts in the page", evil, n)
		}
		if strings.Contains(html, "<img") || strings.Contains(html, `" onload="`) || strings.Contains(html, "<!--") {
			t.Errorf("%q is not escaped:\n%s", evil, html)
		}
	}
}

func TestSessionPage_Methods(t *testing.T) {
	ui := newUI(t)
	if r := sessionPage(t, ui, "HEAD", pam.Page{Session: "s"}); r.StatusCode != http.StatusOK || body(t, r) != "" || r.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("HEAD: %d", r.StatusCode)
	}
	if r := sessionPage(t, ui, "POST", pam.Page{Session: "s"}); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.StatusCode)
	}
}

func TestSessionPage_NoRandomness(t *testing.T) {
	ui, err := toolbar.New(toolbar.Config{Assets: client(), Rand: strings.NewReader("short")})
	if err != nil {
		t.Fatal(err)
	}
	if r := sessionPage(t, ui, "GET", pam.Page{Session: "s"}); r.StatusCode != http.StatusInternalServerError {
		t.Errorf("a page without a nonce: %d", r.StatusCode)
	}
}

func get(h http.Handler, method, path string, head map[string]string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for k, v := range head {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestAssets(t *testing.T) {
	h := newUI(t).Assets()
	for _, tc := range []struct {
		path, kind, cache string
		status            int
	}{
		{"/index-AAAA.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/chunk-CCCC.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/index.js", "text/javascript; charset=utf-8", "no-cache", 200},
		{"/licences.txt", "text/plain; charset=utf-8", "no-cache", 200},
		{"/manifest.json", "application/json; charset=utf-8", "no-cache", 200},
		{"/", "text/plain; charset=utf-8", "no-store", 404},
		{"/sub/", "text/plain; charset=utf-8", "no-store", 404},
		{"/sub", "text/plain; charset=utf-8", "no-store", 404},
		{"/.keep", "text/plain; charset=utf-8", "no-store", 404},
		{"/secret.pem", "text/plain; charset=utf-8", "no-store", 404},
		{"/../toolbar.go", "text/plain; charset=utf-8", "no-store", 404},
		{"/%2e%2e/toolbar.go", "text/plain; charset=utf-8", "no-store", 404},
	} {
		r := get(h, "GET", tc.path, nil)
		got := []any{r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"), r.Header.Get("X-Content-Type-Options")}
		if diff := cmp.Diff([]any{tc.status, tc.kind, tc.cache, "nosniff"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.path, diff)
		}
	}
	if got := body(t, get(h, "GET", "/index.js", nil)); got != "export * from \"./index-AAAA.js\";\n" {
		t.Errorf("the stable name leads to %q", got)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if r := get(h, method, "/index.js", nil); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, r.StatusCode, r.Header.Get("Allow"))
		}
	}
	if r := get(h, "HEAD", "/chunk-CCCC.js", nil); r.StatusCode != http.StatusOK || body(t, r) != "" {
		t.Errorf("HEAD: %d", r.StatusCode)
	}
}

// TestAssets_S08_PolicyOfTheWorker: the Worker that decodes what a target has drawn has no way out.
func TestAssets_S08_PolicyOfTheWorker(t *testing.T) {
	files := client()
	files["chunk-screen-worker-DDDD.js"] = &fstest.MapFile{Data: []byte("postMessage(0)\n")}
	ui, err := toolbar.New(toolbar.Config{Assets: files})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"chunk-screen-worker-DDDD.js": "default-src 'none'; frame-ancestors 'none'",
		"chunk-CCCC.js":               "default-src 'none'; frame-ancestors 'none'; sandbox",
	} {
		if got := get(ui.Assets(), http.MethodGet, "/"+name, nil).Header.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s comes with %q, want %q", name, got, want)
		}
	}
}

func TestAssets_EncodingAndTags(t *testing.T) {
	h := newUI(t).Assets()
	plain := get(h, "GET", "/chunk-CCCC.js", nil)
	zipped := get(h, "GET", "/chunk-CCCC.js", map[string]string{"Accept-Encoding": "br, gzip"})
	if plain.Header.Get("Content-Encoding") != "" || zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("encodings: %q, %q", plain.Header.Get("Content-Encoding"), zipped.Header.Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(body(t, plain), string(unzipped)); diff != "" {
		t.Errorf("the encodings differ (-plain +gzip):\n%s", diff)
	}
	if plain.Header.Get("ETag") == zipped.Header.Get("ETag") || plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Error("a cache could mix up the encodings")
	}
	for _, refused := range []string{"", "identity", "gzip;q=0", "gzip; q=0.0", "br"} {
		if r := get(h, "GET", "/chunk-CCCC.js", map[string]string{"Accept-Encoding": refused}); r.Header.Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q got %q", refused, r.Header.Get("Content-Encoding"))
		}
	}
	if r := get(h, "GET", "/index.js", map[string]string{"If-None-Match": get(h, "GET", "/index.js", nil).Header.Get("ETag")}); r.StatusCode != http.StatusNotModified {
		t.Errorf("a known tag: %d", r.StatusCode)
	}
}

func TestNew_NoAssets(t *testing.T) {
	if _, err := toolbar.New(toolbar.Config{Assets: fstest.MapFS{".keep": {}}}); !errors.Is(err, toolbar.ErrNoAssets) {
		t.Errorf("an empty client: %v, want ErrNoAssets", err)
	}
	for name, change := range map[string]func(fstest.MapFS){
		"no entry":     func(m fstest.MapFS) { delete(m, "session-BBBB.js") },
		"bad manifest": func(m fstest.MapFS) { m["manifest.json"] = &fstest.MapFile{Data: []byte("{")} },
		"no entries":   func(m fstest.MapFS) { m["manifest.json"] = &fstest.MapFile{Data: []byte("{}")} },
	} {
		files := client()
		change(files)
		if _, err := toolbar.New(toolbar.Config{Assets: files}); err == nil || errors.Is(err, toolbar.ErrNoAssets) {
			t.Errorf("%s: %v, want another error", name, err)
		}
	}
}

// TestAssets_Embedded holds for a checkout with a built client and for one without.
func TestAssets_Embedded(t *testing.T) {
	files, err := toolbar.Assets()
	if errors.Is(err, toolbar.ErrNoAssets) {
		if _, err := toolbar.New(toolbar.Config{}); !errors.Is(err, toolbar.ErrNoAssets) {
			t.Errorf("New without a client: %v, want ErrNoAssets", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	licences, err := fs.ReadFile(files, "licences.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"@xterm/xterm 6.0.0, MIT", "lit 3.3.3, BSD-3-Clause", "lucide 1.65.0, ISC"} {
		if !strings.Contains(string(licences), "\n"+name+"\n") {
			t.Errorf("no licence of %s", name)
		}
	}
	if _, err := toolbar.New(toolbar.Config{}); err != nil {
		t.Error(err)
	}
}

func ExampleNew() {
	// A host that got the module from a proxy embeds what toolbar/build made for it:
	//
	//	//go:embed all:webassets
	//	var webassets embed.FS
	ui, err := toolbar.New(toolbar.Config{Assets: client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	// pam.New(pam.Config{UI: ui, …}) serves it; here it is asked directly.
	w := httptest.NewRecorder()
	ui.Assets().ServeHTTP(w, httptest.NewRequest("GET", "/index.js", nil))
	fmt.Print(w.Body)
	// Output: export * from "./index-AAAA.js";
}

// TestAssets_S33_Declarations: hosts get the declarations of the components beside the bundle.
func TestAssets_S33_Declarations(t *testing.T) {
	files := client()
	files["index.d.ts"] = &fstest.MapFile{Data: []byte("export {}\n")}
	ui, err := toolbar.New(toolbar.Config{Assets: files})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	ui.Assets().ServeHTTP(w, httptest.NewRequest("GET", "/index.d.ts", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
