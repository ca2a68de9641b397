package main

import (
	"net/http"

	"github.com/sallyport/sallyport/pam"
)

type recordingPage struct {
	chrome
	Session pam.SessionID
	Asset   string
	Crumbs  []crumb
}

// recordingHref is where the recording of a session is played.
func recordingHref(id pam.SessionID) string { return "/recordings/" + string(id) }

// serveRecording is the page that plays a recording: GET /recordings/{id}. The page grants nothing: whether it may be played
// is decided by the broker, when the player asks for it.
func (p *portal) serveRecording(w http.ResponseWriter, r *http.Request, in login) {
	s, err := p.broker.Session(r.Context(), pam.SessionID(r.PathValue("id")))
	if err != nil || !s.Recorded || !p.mayReport(r, in, s.Asset) {
		p.notFound(w, r, in)
		return
	}
	all := link("/sessions", map[string]string{"all": "1", "asset": string(s.Asset)})
	page := recordingPage{
		chrome:  p.chrome(r, in, "Recording of "+s.AssetName, "sessions", p.recent(r.Context(), in.user)),
		Session: s.ID, Asset: s.AssetName,
		Crumbs: []crumb{{Name: "Sessions", Href: all}, {Name: string(s.ID), Here: true}},
	}
	p.withClient(w, &page.chrome)
	p.show(w, http.StatusOK, "recording", page)
}
