package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/rcrowley/go-metrics"
	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/prom"
	"github.com/sallyport/sallyport/recorder"
)

// minMetricsToken is how long the token of the metrics must be: whoever asks is not limited in guessing.
const minMetricsToken = 24

// readMetrics reads who may ask for the metrics.
func readMetrics(d *doc, n *yaml.Node) (token secretSource) {
	ks := keys{}
	d.source(ks, "token", &token)
	d.mapping(n, "metrics", ks)
	if !token.set() {
		d.fault(n.Line, "add token_file", "metrics has no token")
	}
	return token
}

func (k *checker) metrics() {
	s := &k.c.Metrics
	k.secret("metrics", "token", s)
	if !s.set() {
		return
	}
	if token, err := s.read(false); err == nil && len(token.Reveal()) < minMetricsToken {
		k.d.fault(s.line, "make one with: openssl rand -hex 32", "the token of metrics has fewer than %d characters", minMetricsToken)
	}
}

// scraper answers Prometheus.
type scraper struct {
	token secretSource // read at each request, so that a new one counts at once
	show  http.Handler
}

func newScraper(token secretSource, r metrics.Registry) (*scraper, error) {
	show, err := prom.Handler(r, pam.Metrics(), recorder.Metrics())
	return &scraper{token, show}, err
}

// allows reports whether a request has the token. Without one in the configuration there is none that fits.
func (s *scraper) allows(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !s.token.set() {
		return false
	}
	want, err := s.token.read(false)
	if err != nil || len(want.Reveal()) < minMetricsToken {
		return false
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// serveMetrics shows the metrics to who has the token; for everybody else, whoever is signed in, there are none.
func (p *portal) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if !p.scraper.allows(r) {
		in, _ := p.logins.of(r)
		p.notFound(w, r, in)
		return
	}
	p.scraper.show.ServeHTTP(w, r)
}
