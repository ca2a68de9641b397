package pam

import "net/http"

// UI serves what a browser loads: the session page and the client's files. Package toolbar implements it.
type UI interface {
	// SessionPage writes the page of one session. The caller has checked that the user may see it.
	SessionPage(w http.ResponseWriter, r *http.Request, p Page)
	// Assets serves the client's files; the path is relative, without a leading "assets/".
	Assets() http.Handler
}

// Page is what a session page may know before it attaches.
type Page struct {
	Session        SessionID
	AssetName      string
	FrameAncestors []string // origins that may frame the page; empty: 'none'
}
