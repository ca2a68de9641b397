package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/toolbar"
)

//go:embed templates web
var files embed.FS

// pages are the portal's templates, one set per page.
type pages struct {
	sets   map[string]*template.Template
	static map[string]staticFile // by name
	now    func() time.Time
}

type staticFile struct {
	body []byte
	kind string
	hash string
}

// newPages parses the templates and reads the files of web/.
func newPages(now func() time.Time) (*pages, error) {
	p := &pages{sets: map[string]*template.Template{}, static: map[string]staticFile{}, now: now}
	entries, err := fs.ReadDir(files, "web")
	if err != nil {
		return nil, err
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	for _, e := range entries {
		b, err := fs.ReadFile(files, "web/"+e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		p.static[e.Name()] = staticFile{body: b, kind: kinds[path.Ext(e.Name())], hash: hex.EncodeToString(sum[:6])}
	}
	base := template.New("").Funcs(template.FuncMap{
		"asset":    p.href,
		"initials": initials,
		"middle":   middle,
		"relative": func(t time.Time) string { return relative(p.now(), t) },
		"absolute": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
		"count":    count,
		"escaped":  func(v any) string { return escaped(fmt.Sprint(v)) },
		"span":     span,
		"hue":      hue,
	})
	if base, err = base.ParseFS(files, "templates/base.html", "templates/icons.html"); err != nil {
		return nil, err
	}
	for _, name := range []string{"login", "assets", "asset", "sessions", "recording", "requests", "request_new", "request", "live", "events", "event", "error"} {
		set, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if p.sets[name], err = set.ParseFS(files, "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// href is the address of a file, with its hash, so that browsers may keep it for good.
func (p *pages) href(name string) (string, error) {
	f, ok := p.static[name]
	if !ok {
		return "", fmt.Errorf("no file %q", name)
	}
	return "/static/" + f.hash + "/" + name, nil
}

// serveStatic serves /static/{hash}/{name}.
func (p *pages) serveStatic(w http.ResponseWriter, r *http.Request) {
	f, ok := p.static[r.PathValue("name")]
	if !ok || f.hash != r.PathValue("hash") {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body)
	}
}

// render writes a page, or nothing but an error if its template fails half way.
func (p *pages) render(w http.ResponseWriter, status int, name string, data any) error {
	var b bytes.Buffer
	if err := p.sets[name].ExecuteTemplate(&b, "base", data); err != nil {
		return fmt.Errorf("portal: page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	return nil
}

// contentPolicy is that of every page. The nonce, on a page that can hold a session or a recording, lets in the style
// elements that a terminal makes, and with them the module that decodes desktops; empty: none are let in.
func contentPolicy(nonce string) string {
	scripts, styles := "script-src 'self'", "style-src 'self'"
	if nonce != "" {
		scripts += " 'wasm-unsafe-eval'"
		styles += "; style-src-elem 'self' 'nonce-" + nonce + "'"
	}
	return strings.Join([]string{
		"default-src 'none'", scripts, styles, "img-src 'self' data:", "font-src 'self'",
		"connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
		"require-trusted-types-for 'script'", "trusted-types " + toolbar.TrustedTypes,
	}, "; ")
}

// secure sets what every page of the portal carries.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy(""))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

// initials are up to two letters of a name.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		r, _ := utf8.DecodeRuneInString(word)
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToUpper(r))
		}
	}
	switch {
	case len(out) == 0:
		return "?"
	case len(out) > 2:
		out = []rune{out[0], out[len(out)-1]}
	}
	return string(out)
}

// joined are scripts whose letters take their shape from their neighbours, or that run from right to left: a name in
// one of them falls apart where it is cut in two.
var joined = []*unicode.RangeTable{unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Devanagari, unicode.Mongolian}

// middle splits a long name into a head, which may be elided, and a tail, which stays.
func middle(name string) [2]string {
	const least, tail = 22, 8
	runes := []rune(name)
	if len(runes) < least || slices.ContainsFunc(runes, func(r rune) bool { return unicode.In(r, joined...) }) {
		return [2]string{name, ""}
	}
	cut := len(runes) - tail
	for cut < len(runes) && (unicode.Is(unicode.M, runes[cut]) || runes[cut] == '\u200d') {
		cut++ // never between a letter and its mark
	}
	return [2]string{string(runes[:cut]), string(runes[cut:])}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// relative tells a time as people say it, up to a week; the page shows the absolute one as a tooltip.
func relative(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case d < 7*24*time.Hour:
		return count(int(d.Hours()/24), "day ago", "days ago")
	default:
		return t.UTC().Format("2 Jan 2006")
	}
}

// hue is one of the four colours of people.
func hue(id any) int {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, id)
	return int(h.Sum32()%4) + 1
}
