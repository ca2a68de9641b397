package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// maxReason bounds what an administrator tells the people of a session, in bytes; the broker's API has the same bound.
const maxReason = 500

type liveRow struct {
	pam.LiveSession
	Protocol   string
	AssetHref  string
	State      mark
	Owner      pam.Person
	Others     []pam.Person
	Age, Quiet string
	EndHref    string // empty: this person may not end it
	Text       string
}

type livePage struct {
	chrome
	Rows    []liveRow
	Counter string
	Search  searchBox
	Note    *note
	Ending  *liveRow // the session that the dialog asks about
	Reason  string
	Problem string
}

// note is a message above a list.
type note struct{ Tone, Icon, Text string }

var liveNotes = map[string]note{
	"ended": {"", "check-c", "The session was ended. Its people were told the reason."},
	"gone":  {"", "info", "That session had ended already."},
}

// serveLive is the list of live sessions (J5): GET /live?q=&end=&note=. With end it asks about ending that session.
func (p *portal) serveLive(w http.ResponseWriter, r *http.Request, in login) {
	q := query(r, "q", "end", "note")
	page := p.livePage(r, in, q["q"])
	if n, ok := liveNotes[q["note"]]; ok {
		page.Note = &n
	}
	if id := q["end"]; id != "" {
		if page.ask(pam.SessionID(id)); page.Ending == nil {
			n := liveNotes["gone"]
			page.Note = &n
		}
	}
	p.show(w, http.StatusOK, "live", page)
}

func (p *portal) livePage(r *http.Request, in login, search string) livePage {
	page := livePage{
		chrome: p.chrome(r, in, "Live sessions", "live", p.recent(r.Context(), in.user)),
		Search: searchBox{Action: "/live", Label: "Search user, asset, address", Q: search},
	}
	page.Scripts = []string{"refresh.js"}
	may := p.seer(r, in)
	words := strings.Fields(strings.ToLower(search))
	all := p.broker.Live()
	for _, s := range all {
		row := liveRow{LiveSession: s, Protocol: strings.ToUpper(s.Protocol), State: sessionMark(s.SessionInfo), Age: span(p.now().Sub(s.Created))}
		if may(s.Asset) {
			row.AssetHref = "/assets/" + string(s.Asset)
		}
		if s.State == pam.StateActive {
			row.Quiet = span(time.Duration(s.Idle) * time.Second)
		}
		text := []string{s.UserName, string(s.User), s.AssetName, string(s.Asset), string(s.ID)}
		for _, person := range s.People {
			text = append(text, person.Name, person.ClientAddr)
			if person.Mode == pam.ModeOwner {
				row.Owner = person
			} else {
				row.Others = append(row.Others, person)
			}
		}
		row.Text = strings.ToLower(strings.Join(text, " "))
		if !matches(row.Text, words) {
			continue
		}
		if in.user.Site == string(pam.SiteAdministrator) {
			row.EndHref = link("/live", map[string]string{"q": search, "end": string(s.ID)})
		}
		page.Rows = append(page.Rows, row)
	}
	page.Counter = count(len(page.Rows), "session", "sessions")
	if len(page.Rows) != len(all) {
		page.Counter = thousands(len(page.Rows)) + " of " + thousands(len(all))
	}
	return page
}

// ask puts the question about ending a session on the page.
func (page *livePage) ask(id pam.SessionID) {
	for i := range page.Rows {
		if page.Rows[i].ID == id && page.Rows[i].EndHref != "" {
			page.Ending = &page.Rows[i]
		}
	}
}

// postTerminate ends a session: POST /live/{id}/terminate with a reason.
func (p *portal) postTerminate(w http.ResponseWriter, r *http.Request, in login) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form is too long or malformed.", http.StatusBadRequest)
		return
	}
	id := pam.SessionID(r.PathValue("id"))
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	problem := ""
	switch {
	case reason == "":
		problem = "Write a reason: the people in the session read it."
	case len(reason) > maxReason:
		problem = "The reason is too long. About 80 words fit."
	}
	if problem != "" {
		page := p.livePage(r, in, "")
		page.Path, page.Reason, page.Problem = "/live", reason, problem
		page.ask(id)
		p.show(w, http.StatusUnprocessableEntity, "live", page)
		return
	}
	switch err := p.broker.Terminate(r.Context(), in.identity(), id, reason); {
	case errors.Is(err, pam.ErrNotFound):
		http.Redirect(w, r, "/live?note=gone", http.StatusSeeOther)
	case err != nil:
		p.log.Error("terminate", "session", id, "err", err)
		page := p.livePage(r, in, "")
		page.Path = "/live"
		page.Note = &note{"danger", "ban", "The session was not ended: the event about it could not be written. The log says why."}
		p.show(w, http.StatusServiceUnavailable, "live", page)
	default:
		http.Redirect(w, r, "/live?note=ended", http.StatusSeeOther)
	}
}
