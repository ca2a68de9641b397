package main

import (
	"net/http"

	"github.com/sallyport/sallyport/pam"
)

// requestsMount is where the pages of access requests are. The browser client leads there.
const requestsMount = "/requests/"

type requestsPage struct {
	chrome
	Asset   pam.AssetID
	Request pam.RequestID
	Name    string
	Crumbs  []crumb
	Mount   string
}

// serveRequests is the list of access requests: GET /requests. Which of them somebody may see is the broker's to say.
func (p *portal) serveRequests(w http.ResponseWriter, r *http.Request, in login) {
	page := requestsPage{chrome: p.chrome(r, in, "Requests", "requests", p.recent(r.Context(), in.user)), Mount: requestsMount}
	p.withClient(w, &page.chrome)
	p.show(w, http.StatusOK, "requests", page)
}

// serveNewRequest is the form that asks for access to an asset: GET /requests/new?asset=ID (Q4). What the user has no role on
// does not exist (E3).
func (p *portal) serveNewRequest(w http.ResponseWriter, r *http.Request, in login) {
	a, err := p.inv.Asset(r.Context(), pam.AssetID(r.URL.Query().Get("asset")))
	if err != nil || !p.access(r.Context(), in.user, a, clientAddr(r), false).visible() {
		p.notFound(w, r, in)
		return
	}
	page := requestsPage{
		chrome: p.chrome(r, in, "Request access to "+a.Name, "requests", p.recent(r.Context(), in.user)),
		Asset:  a.ID, Name: a.Name, Crumbs: p.crumbs(a.Parent), Mount: requestsMount,
	}
	p.withClient(w, &page.chrome)
	p.show(w, http.StatusOK, "request_new", page)
}

// serveRequest is the view of one access request: GET /requests/{id} (Q5).
func (p *portal) serveRequest(w http.ResponseWriter, r *http.Request, in login) {
	req, err := p.broker.Request(r.Context(), in.identity(), pam.RequestID(r.PathValue("id")))
	if err != nil {
		p.notFound(w, r, in)
		return
	}
	page := requestsPage{
		chrome:  p.chrome(r, in, "Request for "+req.AssetName, "requests", p.recent(r.Context(), in.user)),
		Request: req.ID, Name: req.AssetName, Crumbs: []crumb{{Name: "Requests", Href: "/requests"}, {Name: req.UserName, Here: true}},
	}
	p.withClient(w, &page.chrome)
	p.show(w, http.StatusOK, "request", page)
}

// toDecide counts the requests that wait for a person, for the navigation.
func (p *portal) toDecide(r *http.Request, in login) int {
	list, err := p.broker.Requests(r.Context(), in.identity(), pam.RequestsToMe, pam.RequestFilter{})
	if err != nil {
		p.log.Error("requests", "user", in.user.ID, "err", err)
	}
	return len(list)
}
