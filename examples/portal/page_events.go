package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// eventsPerPage is how many rows a page of the log has.
const eventsPerPage = 100

// eventVerbs are what can be chosen, in the order of a session's life.
var eventVerbs = []pam.Verb{
	pam.StartSession, pam.DenySession, pam.CompleteSession, pam.TerminateSession, pam.JoinSession, pam.LeaveSession,
	pam.VerifyMFA, pam.FailMFA, pam.DecryptField, pam.UploadClipboard, pam.DownloadClipboard, pam.PlayRecording,
	pam.UploadFile, pam.DownloadFile, pam.DeleteFile,
}

type eventRow struct {
	pam.Event
	Href, UserName, AssetName string
	Outcome                   mark
}

type eventsPage struct {
	chrome
	Q         map[string]string
	Verbs     []pam.Verb
	Users     []user
	Chips     []chip
	Rows      []eventRow
	Hidden    []string // keys of filters without a field of their own
	Filtered  bool
	Problem   string
	CSV, JSON string
	Pager     *pager
	Counter   string
}

var eventKeys = []string{"q", "verb", "user", "asset", "session", "from", "to"}

// eventQueryOf reads the filter of a request, or says what is wrong with it. A time is a day or a minute, in UTC; the
// end includes it.
func eventQueryOf(q map[string]string) (f pam.EventFilter, problem string) {
	f = pam.EventFilter{User: pam.UserID(q["user"]), Asset: pam.AssetID(q["asset"]), Session: pam.SessionID(q["session"]), Text: q["q"]}
	if q["verb"] != "" {
		f.Verbs = []pam.Verb{pam.Verb(q["verb"])}
	}
	from, _, okFrom := eventTime(q["from"])
	_, to, okTo := eventTime(q["to"])
	f.From, f.To = from, to
	switch {
	case !okFrom || !okTo:
		problem = "Write times as 2026-01-31 or 2026-01-31T15:04, in UTC."
	case !to.IsZero() && !from.Before(to):
		problem = "From is not before To."
	}
	return f, problem
}

// eventTime returns the beginning and the end of a day or a minute.
func eventTime(s string) (begin, end time.Time, ok bool) {
	if s == "" {
		return begin, end, true
	}
	if t, err := time.Parse("2006-01-02T15:04", s); err == nil {
		return t, t.Add(time.Minute), true
	}
	t, err := time.Parse(time.DateOnly, s)
	return t, t.AddDate(0, 0, 1), err == nil
}

// serveEvents is the audit log: GET /events?q=&verb=&user=&asset=&session=&from=&to=&before=
func (p *portal) serveEvents(w http.ResponseWriter, r *http.Request, in login) {
	q := query(r, append([]string{"before"}, eventKeys...)...)
	page := eventsPage{
		chrome: p.chrome(r, in, "Events", "events", p.recent(r.Context(), in.user)),
		Q:      q, Verbs: eventVerbs, Users: p.people,
	}
	bare := with(q, "before", "")
	page.CSV, page.JSON = link("/events.csv", bare), link("/events.json", bare)
	for _, k := range eventKeys {
		if q[k] == "" {
			continue
		}
		page.Filtered = true
		if k == "asset" || k == "session" {
			page.Hidden = append(page.Hidden, k)
		}
		if k != "q" {
			page.Chips = append(page.Chips, chip{Label: p.eventChip(k, q[k]), Href: link("/events", with(bare, k, "")), On: true})
		}
	}
	eq, problem := eventQueryOf(q)
	if problem != "" {
		page.Problem = problem
		p.show(w, http.StatusBadRequest, "events", page)
		return
	}
	eq.Limit = eventsPerPage
	eq.Before, _ = strconv.ParseUint(q["before"], 10, 64)
	found, err := p.events.Events(r.Context(), eq)
	if err != nil {
		p.log.Error("events", "err", err)
		page.Problem = "The events cannot be read. The log says why."
		p.show(w, http.StatusInternalServerError, "events", page)
		return
	}
	for _, e := range found.Events {
		page.Rows = append(page.Rows, p.eventRow(e))
	}
	page.Pager = &pager{PrevLabel: "Newest", NextLabel: "Older"}
	if eq.Before > 0 {
		page.Pager.Prev = link("/events", bare)
	}
	if found.Next != 0 {
		older := with(q, "before", strconv.FormatUint(found.Next, 10))
		page.Pager.Next = link("/events", older)
	}
	page.Counter = count(len(page.Rows), "event", "events")
	if found.Next != 0 || eq.Before > 0 {
		page.Counter += " on this page"
	}
	p.show(w, http.StatusOK, "events", page)
}

func (p *portal) eventChip(key, value string) string {
	switch key {
	case "verb":
		key = "event"
	case "user":
		value = p.userName(pam.UserID(value))
	case "asset":
		value = p.assetName(pam.AssetID(value))
	case "from", "to":
		value = strings.Replace(value, "T", " ", 1)
	}
	return strings.ToUpper(key[:1]) + key[1:] + ": " + escaped(value)
}

func (p *portal) userName(id pam.UserID) string {
	if u, ok := p.passwords.users[string(id)]; ok {
		return u.Name
	}
	return string(id)
}

func (p *portal) assetName(id pam.AssetID) string {
	if a, ok := p.inv.assets[id]; ok {
		return a.Name
	}
	return string(id)
}

func (p *portal) eventRow(e pam.Event) eventRow {
	return eventRow{
		Event: e, Href: fmt.Sprintf("/events/%d-%d", e.At.UnixNano(), e.Seq),
		UserName: p.userName(e.User), AssetName: p.assetName(e.Asset), Outcome: eventOutcome(e),
	}
}

// eventOutcome says how it ended: a refusal by its code, an end by its reason.
func eventOutcome(e pam.Event) mark {
	switch {
	case e.Verb == pam.DenySession:
		return mark{Tone: "danger", Icon: "ban", Text: sentence(string(e.Code))}
	case e.Reason != "":
		o, ok := outcomes[e.Reason]
		if !ok {
			o.text = string(e.Reason)
		}
		return mark{Tone: o.tone, Text: sentence(o.text)}
	case e.Code != "" && e.Code != pam.CodeAllowed:
		return mark{Tone: "warn", Text: sentence(string(e.Code))}
	}
	return mark{Tone: "quiet", Icon: "check", Text: "Done"}
}

// sentence makes a code readable.
func sentence(code string) string {
	if code == "" {
		return ""
	}
	return strings.ToUpper(code[:1]) + strings.ReplaceAll(code[1:], "_", " ")
}

type eventPage struct {
	chrome
	Event eventRow
	JSON  string
}

// serveEvent is one event with all that is known about it: GET /events/{time}-{number}
func (p *portal) serveEvent(w http.ResponseWriter, r *http.Request, in login) {
	e, err := p.event(r.Context(), r.PathValue("id"))
	if err != nil {
		if !errors.Is(err, pam.ErrNotFound) {
			p.log.Error("event", "err", err)
		}
		p.notFound(w, r, in)
		return
	}
	raw, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		p.log.Error("event", "err", err)
	}
	p.show(w, http.StatusOK, "event", eventPage{
		chrome: p.chrome(r, in, string(e.Verb), "events", p.recent(r.Context(), in.user)), Event: p.eventRow(e), JSON: escapedLines(string(raw)),
	})
}

// event finds an event by its time and its number.
func (p *portal) event(ctx context.Context, id string) (pam.Event, error) {
	nano, number, _ := strings.Cut(id, "-")
	n, errTime := strconv.ParseInt(nano, 10, 64)
	seq, errSeq := strconv.ParseUint(number, 10, 64)
	if errTime != nil || errSeq != nil {
		return pam.Event{}, fmt.Errorf("portal: event %q: %w", id, pam.ErrNotFound)
	}
	at := time.Unix(0, n)
	near, err := p.events.Events(ctx, pam.EventFilter{From: at.Add(-time.Microsecond), To: at.Add(time.Microsecond), Limit: 1000})
	if err != nil {
		return pam.Event{}, fmt.Errorf("portal: events: %w", err)
	}
	for _, e := range near.Events {
		if e.Seq == seq {
			return e, nil
		}
	}
	return pam.Event{}, fmt.Errorf("portal: event %q: %w", id, pam.ErrNotFound)
}

// exported finds the events that a request's filter lets through, or answers itself.
func (p *portal) exported(w http.ResponseWriter, r *http.Request) ([]pam.Event, bool) {
	eq, problem := eventQueryOf(query(r, eventKeys...))
	if problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return nil, false
	}
	list, more, err := allEvents(r.Context(), p.events, eq)
	if err != nil {
		p.log.Error("events", "err", err)
		http.Error(w, "The events cannot be read. The log says why.", http.StatusInternalServerError)
		return nil, false
	}
	if more {
		w.Header().Set("Sallyport-Truncated", strconv.Itoa(maxEventExport))
	}
	return list, true
}

// serveEventsCSV is the log as a file.
func (p *portal) serveEventsCSV(w http.ResponseWriter, r *http.Request, _ login) {
	list, ok := p.exported(w, r)
	if !ok {
		return
	}
	attach(w.Header(), "text/csv; charset=utf-8; header=present", "events.csv")
	out := csv.NewWriter(w)
	_ = out.Write([]string{"Time", "Event", "User", "Asset", "Session ID", "Client address", "Socket address", "Code", "Reason", "Detail", "Rules", "Number"})
	for _, e := range list {
		record := []string{
			e.At.UTC().Format(time.RFC3339Nano), string(e.Verb), string(e.User), string(e.Asset), string(e.Session), e.ClientAddr,
			e.SocketAddr, string(e.Code), string(e.Reason), e.Detail, strings.Join(e.Rules, " "), strconv.FormatUint(e.Seq, 10),
		}
		for i := range record {
			record[i] = inert(escaped(record[i]))
		}
		_ = out.Write(record)
	}
	out.Flush()
}

// serveEventsJSON is the log for programs.
func (p *portal) serveEventsJSON(w http.ResponseWriter, r *http.Request, _ login) {
	list, ok := p.exported(w, r)
	if !ok {
		return
	}
	attach(w.Header(), "application/json", "events.json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(list)
}
