package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
)

// mount is where the broker's handler lives under the portal.
const mount = "/pam"

// portalConfig is what newPortal needs.
type portalConfig struct {
	config   *config
	demo     demoHosts   // of assets with demo: true
	logins   []demoLogin // shown on the sign-in page; empty but for the built-in demo
	origins  []string
	recorder pam.Recorder
	ui       pam.UI // the browser client
	store    pam.Store
	events   eventStore
	log      *slog.Logger
	metrics  metrics.Registry // that the recorder counts into too; nil: one of the portal's own
	now      func() time.Time // nil: time.Now
}

// demoLogin is one line of the table on the sign-in page of the demo.
type demoLogin struct{ Name, Password, May string }

// portal is the host application: it owns people, assets, secrets and pages, and mounts a broker.
type portal struct {
	log       *slog.Logger
	now       func() time.Time
	inv       *inventory
	policy    *policy.Engine
	protocols map[string]bool
	broker    *pam.Broker
	pages     *pages
	logins    *logins
	passwords *passwords
	events    eventStore
	scraper   *scraper
	answers   answerCache
	people    []user // by name
	demo      []demoLogin
	hosts     map[string]bool // that a request may name (S34)
	secure    bool            // cookies for TLS only
	handler   http.Handler
}

// newPortal puts the application together. Call shutdown when done with it.
func newPortal(c portalConfig) (*portal, error) {
	if c.now == nil {
		c.now = time.Now
	}
	p := &portal{log: c.log, now: c.now, demo: c.logins, events: c.events, hosts: map[string]bool{}, protocols: map[string]bool{}, secure: true}
	p.inv = newInventory(c.config, c.demo, c.log)
	for _, o := range c.origins {
		u, err := url.Parse(o)
		if err != nil {
			return nil, fmt.Errorf("portal: origin: %w", err)
		}
		p.hosts[strings.ToLower(u.Host)] = true
		p.secure = p.secure && u.Scheme == "https"
	}
	p.people = slices.SortedFunc(slices.Values(c.config.Users), func(a, b user) int { return compareNames(a.Name, b.Name) })
	var err error
	if p.pages, err = newPages(c.now); err != nil {
		return nil, err
	}
	if p.passwords, err = newPasswords(c.config.Users, c.now); err != nil {
		return nil, err
	}
	p.logins = newLogins(p.secure, c.now, func(ctx context.Context, loginID string) {
		// The browser may be gone by now; the sessions must end all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := p.broker.EndLogin(ctx, loginID); err != nil {
			p.log.Error("ending a login", "login", loginID, "err", err)
		}
	})
	if c.metrics == nil {
		c.metrics = metrics.NewRegistry()
	}
	if p.scraper, err = newScraper(c.config.Metrics, c.metrics); err != nil {
		return nil, err
	}
	if err := p.mountBroker(c); err != nil {
		return nil, err
	}
	p.handler = p.routes()
	return p, nil
}

// shutdown ends all sessions and waits until their recordings are sealed, or ctx ends.
func (p *portal) shutdown(ctx context.Context) error { return p.broker.Shutdown(ctx) }

// run does what must be done from time to time, until ctx ends.
func (p *portal) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { p.logins.sweep(ctx, time.Minute) })
	wg.Wait()
}

func (p *portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

func (p *portal) routes() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/assets", http.StatusSeeOther) })
	pages.HandleFunc("GET /login", p.showLogin)
	pages.HandleFunc("POST /login", p.postLogin)
	pages.HandleFunc("POST /logout", p.postLogout)
	pages.HandleFunc("POST /theme", p.postTheme)
	pages.HandleFunc("GET /static/{hash}/{name}", p.pages.serveStatic)
	pages.HandleFunc("GET /assets", p.signedIn(p.serveAssets))
	pages.HandleFunc("GET /assets/{id}", p.signedIn(p.serveAsset))
	pages.HandleFunc("GET /sessions", p.signedIn(p.serveSessions))
	pages.HandleFunc("GET /sessions.csv", p.signedIn(p.serveSessionsCSV))
	pages.HandleFunc("GET /sessions.json", p.signedIn(p.serveSessionsJSON))
	pages.HandleFunc("GET /requests", p.signedIn(p.serveRequests))
	pages.HandleFunc("GET /requests/new", p.signedIn(p.serveNewRequest))
	pages.HandleFunc("GET /requests/{id}", p.signedIn(p.serveRequest))
	pages.HandleFunc("GET /recordings/{id}", p.signedIn(p.serveRecording))
	pages.HandleFunc("GET /metrics", p.serveMetrics)
	pages.HandleFunc("GET /live", p.forSite(p.serveLive, pam.SiteAdministrator, pam.SiteAuditor))
	pages.HandleFunc("POST /live/{id}/terminate", p.forSite(p.postTerminate, pam.SiteAdministrator))
	pages.HandleFunc("GET /events", p.forSite(p.serveEvents, pam.SiteAdministrator, pam.SiteAuditor))
	pages.HandleFunc("GET /events/{id}", p.forSite(p.serveEvent, pam.SiteAdministrator, pam.SiteAuditor))
	pages.HandleFunc("GET /events.csv", p.forSite(p.serveEventsCSV, pam.SiteAdministrator, pam.SiteAuditor))
	pages.HandleFunc("GET /events.json", p.forSite(p.serveEventsJSON, pam.SiteAdministrator, pam.SiteAuditor))
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		in, _ := p.logins.of(r)
		p.notFound(w, r, in)
	})
	guarded := http.NewCrossOriginProtection().Handler(pages)

	mux := http.NewServeMux()
	mux.Handle(mount+"/", http.StripPrefix(mount, p.broker.Handler()))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		guarded.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A page elsewhere whose name now points here must not read anything (DNS rebinding).
		if !p.hosts[strings.ToLower(r.Host)] {
			p.log.Warn("host refused", "host", r.Host, "client", r.RemoteAddr)
			http.Error(w, "This portal does not answer under that name.", http.StatusMisdirectedRequest)
			return
		}
		if p.secure {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		mux.ServeHTTP(w, r)
	})
}

// signedIn lets only people through who are signed in; others are led to the sign-in page and back.
func (p *portal) signedIn(next func(http.ResponseWriter, *http.Request, login)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in, ok := p.logins.of(r)
		if !ok {
			http.Redirect(w, r, loginURL(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		next(w, r, in)
	}
}

func loginURL(next string) string { return "/login?next=" + url.QueryEscape(next) }

// local returns where to go after signing in: a path of this portal, never another site.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(u.Path, "/login") {
		return "/assets"
	}
	return next
}

// maxForm bounds the bodies that the portal's own forms send.
const maxForm = 8 << 10

type loginPage struct {
	chrome
	Next, Name, Problem string
	SignedOut           bool
	Demo                []demoLogin
}

func (p *portal) showLogin(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"))
	if _, ok := p.logins.of(r); ok {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	p.show(w, http.StatusOK, "login", loginPage{
		chrome: p.chrome(r, login{}, "Sign in", "", nil), Next: next, SignedOut: r.URL.Query().Has("out"), Demo: p.demo,
	})
}

func (p *portal) postLogin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form is too long or malformed.", http.StatusBadRequest)
		return
	}
	name, next := strings.TrimSpace(r.PostForm.Get("name")), local(r.PostForm.Get("next"))
	addr := clientAddr(r).String()
	u, err := p.passwords.check(r.Context(), addr, name[:min(len(name), 64)], r.PostForm.Get("password"))
	if err == nil {
		p.logins.stop(r) // a login of somebody else in this browser, or an older one
		token := p.logins.start(r.Context(), u)
		http.SetCookie(w, cookie(token, p.secure))
		p.log.Info("signed in", "user", u.ID, "client", addr)
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	page := loginPage{chrome: p.chrome(r, login{}, "Sign in", "", nil), Next: next, Name: name, Demo: p.demo}
	status := http.StatusUnauthorized
	switch {
	case errors.Is(err, errTooManyGuesses):
		status, page.Problem = http.StatusTooManyRequests, "Too many wrong passwords. Wait five minutes, then try again."
		w.Header().Set("Retry-After", "300")
	case errors.Is(err, errWrongPassword):
		page.Problem = "Name or password is wrong."
	default:
		status, page.Problem = http.StatusServiceUnavailable, "Signing in takes too long at the moment. Try again."
	}
	p.log.Warn("sign-in refused", "user", name, "client", addr, "err", err)
	p.show(w, status, "login", page)
}

func (p *portal) postLogout(w http.ResponseWriter, r *http.Request) {
	p.logins.stop(r)
	http.SetCookie(w, cookie("", p.secure))
	http.Redirect(w, r, "/login?out", http.StatusSeeOther)
}

// themeCookie holds light or dark, for people who do not want the system's.
const themeCookie = "sallyport_theme"

func (p *portal) postTheme(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	theme := r.PostFormValue("theme")
	if theme != "light" && theme != "dark" {
		http.Error(w, "There is no such theme.", http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(themeCookie, p.secure), Value: theme, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
	back := r.PostFormValue("back")
	if next := local(back); next == back || !strings.HasPrefix(back, "/login") {
		back = next
	} else {
		back = "/login"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (p *portal) chrome(r *http.Request, in login, title, nav string, sessions []pam.SessionInfo) chrome {
	c := chrome{Title: title, Nav: nav, Path: r.URL.RequestURI(), Live: countLive(sessions)}
	if in.id != "" {
		c.User = &in.user
		c.Site = in.user.Site
		c.ToDecide = p.toDecide(r, in)
		if c.Site != "" {
			c.AllLive = p.broker.Health().Live
		}
	}
	if t, err := r.Cookie(cookieName(themeCookie, p.secure)); err == nil && (t.Value == "light" || t.Value == "dark") {
		c.Theme = t.Value
	}
	return c
}

type errorPage struct {
	chrome
	Heading, Text string
}

// notFound answers for what is not there and for what the user may not know of alike (E3).
func (p *portal) notFound(w http.ResponseWriter, r *http.Request, in login) {
	page := errorPage{chrome: p.chrome(r, in, "Not found", "", nil), Heading: "There is nothing here", Text: "The address is wrong, or you have no role on what it leads to."}
	page.Path = "/assets" // the page must not differ by what was asked for
	p.show(w, http.StatusNotFound, "error", page)
}

func (p *portal) show(w http.ResponseWriter, status int, page string, data any) {
	if err := p.pages.render(w, status, page, data); err != nil {
		p.log.Error("page", "err", err)
		http.Error(w, "This page cannot be shown. The log says why.", http.StatusInternalServerError)
	}
}

func (p *portal) sessionHref(id pam.SessionID) string {
	return mount + "/s/" + url.PathEscape(string(id))
}

// clientAddr is the address of the socket's other end. The portal trusts no proxy's word for another one.
func clientAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// query returns the named values of a request's query, without spaces around them and not endlessly long.
func query(r *http.Request, names ...string) map[string]string {
	const longest = 200
	values := r.URL.Query()
	out := map[string]string{}
	for _, n := range names {
		v := []rune(strings.TrimSpace(strings.ToValidUTF8(values.Get(n), "")))
		if s := string(v[:min(len(v), longest)]); s != "" {
			out[n] = s
		}
	}
	return out
}
