package toolbar

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/pam"
)

// TrustedTypes names the trusted types policies that the client creates, for the trusted-types directive of a host's
// own pages: one for its templates, one for the address of its Worker.
const TrustedTypes = "lit-html sallyport"

// Config says how the client is served. The zero value serves the client that is embedded in this package.
type Config struct {
	// Assets is a built client, as toolbar/build writes it. Nil means the embedded one, as of Assets.
	Assets fs.FS
	// Rand is where nonces come from. Nil means crypto/rand.
	Rand io.Reader
}

// UI serves the session page and the client's files. It implements pam.UI, holds no state beyond the files and may be
// used by several brokers and goroutines at once.
type UI struct {
	assets assetHandler
	script string
	rand   io.Reader
}

var _ pam.UI = (*UI)(nil)

// New reads the client into memory. The error is ErrNoAssets where none has been built.
func New(cfg Config) (*UI, error) {
	fsys := cfg.Assets
	if fsys == nil {
		var err error
		if fsys, err = Assets(); err != nil {
			return nil, err
		}
	}
	files, entries, err := loadAssets(fsys)
	if err != nil {
		return nil, err
	}
	ui := &UI{assets: files, script: entries["session.js"], rand: cfg.Rand}
	if ui.rand == nil {
		ui.rand = rand.Reader
	}
	return ui, nil
}

// Assets serves the client's files by their names. The path may begin with a slash.
func (u *UI) Assets() http.Handler { return u.assets }

// page is the session page. What differs from session to session is an attribute and a title: html/template escapes
// both for their place.
var page = template.Must(template.New("session").Parse(`<!doctype html>
<html lang="{{.Loading.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<link rel="icon" href="data:,">
<style nonce="{{.Nonce}}">
html, body { height: 100%; margin: 0; overflow: hidden; background: #0b0d11 }
sp-session { display: block; height: 100% }
.late { position: fixed; inset: 0; display: grid; place-content: center; padding: 24px; text-align: center; color: #e6e8ee; font: 14px/20px system-ui, sans-serif; visibility: hidden; animation: late 0s 5s forwards }
.late h1 { margin: 0; font-size: 20px; line-height: 28px; font-weight: 600 }
.late p { margin: 12px 0 0 }
.late a { color: #b3b1ff }
.late a:focus-visible { outline: 2px solid #b3b1ff; outline-offset: 4px }
sp-session:defined ~ .late { display: none }
@keyframes late { to { visibility: visible } }
</style>
<script type="module" nonce="{{.Nonce}}" src="../assets/{{.Script}}"></script>
</head>
<body>
<sp-session page session-id="{{.Session}}" asset-name="{{.Title}}"></sp-session>
<main class="late"><h1>{{.Loading.Title}}</h1><p>{{.Loading.Text}}</p><noscript><p>{{.Loading.Script}}</p></noscript><p><a href="">{{.Loading.Reload}}</a></p></main>
</body>
</html>
`))

// SessionPage writes the page of one session, with its content policy. The page holds the session's id and the name
// of the asset; it grants nothing.
func (u *UI) SessionPage(w http.ResponseWriter, r *http.Request, p pam.Page) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	nonce, err := u.nonce()
	if err != nil { // no page without a nonce of its own
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	ancestors := frameAncestors(p.FrameAncestors)
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", contentPolicy(nonce, ancestors))
	head.Set("Permissions-Policy", permissions)
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	if ancestors == none {
		head.Set("X-Frame-Options", "DENY")
	}
	if r.Method == http.MethodHead {
		return
	}
	_ = page.Execute(w, map[string]any{ // a failed write is the client's: it has gone
		"Title": p.AssetName, "Nonce": nonce, "Session": string(p.Session), "Script": u.script,
		"Loading": loadingFor(r.Header.Get("Accept-Language")),
	})
}

// nonceLen is the length of a nonce in bytes: 128 bits.
const nonceLen = 16

func (u *UI) nonce() (string, error) {
	var b [nonceLen]byte
	if _, err := io.ReadFull(u.rand, b[:]); err != nil {
		return "", fmt.Errorf("toolbar: nonce: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil // no character that HTML or a header would escape
}

// permissions switches off what a session page does not use. The clipboard is used on the user's click.
const permissions = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), geolocation=(), gyroscope=(), " +
	"hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), " +
	"screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=(), clipboard-read=(self), clipboard-write=(self), fullscreen=(self)"

const none = "'none'"

// contentPolicy is the policy of the session page. The nonce is for the style elements of the terminal, which have no
// other way in; style attributes stay forbidden.
func contentPolicy(nonce, ancestors string) string {
	return strings.Join([]string{
		"default-src " + none,
		"script-src 'self' 'wasm-unsafe-eval'",
		"connect-src 'self'",
		"img-src 'self' blob: data:",
		"font-src 'self'",
		"worker-src 'self'",
		"style-src 'self'",
		"style-src-elem 'self' 'nonce-" + nonce + "'",
		"frame-ancestors " + ancestors,
		"base-uri " + none,
		"form-action " + none,
		"require-trusted-types-for 'script'",
		"trusted-types " + TrustedTypes,
	}, "; ")
}

// frameAncestors writes the list of origins that may frame the page. One entry that is not an origin makes it 'none':
// a semicolon in it could write a directive of its own.
func frameAncestors(origins []string) string {
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Scheme+"://"+u.Host != o || strings.ContainsAny(o, " ;,'\"*\\") {
			return none
		}
	}
	if len(origins) == 0 {
		return none
	}
	return strings.Join(origins, " ")
}
