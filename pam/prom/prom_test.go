package prom_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/pam/prom"
)

func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }

var update = flag.Bool("update", false, "write testdata anew")

// broker returns a broker that counts into the registry.
func broker(t testing.TB, r metrics.Registry) *pam.Broker {
	t.Helper()
	b, err := pam.New(pam.Config{
		Identify: func(*http.Request) (pam.Identity, error) { return pam.Identity{}, pam.ErrUnauthenticated },
		Vault:    &pamtest.Vault{}, Policy: &pamtest.Policy{}, Events: &pamtest.EventSink{}, Store: pam.NewMemoryStore(),
		Inventory: pamtest.NewInventory(), Protocols: []pam.Protocol{&pamtest.Protocol{Key: "ssh"}}, Origins: []string{"http://127.0.0.1"},
		Metrics: r,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Shutdown(t.Context()) })
	return b
}

// TestExposition_Golden: the text that a scrape gets, byte for byte, and again the same.
func TestExposition_Golden(t *testing.T) {
	r := metrics.NewRegistry()
	broker(t, r)
	count := func(name string, n int64) { r.Get(name).(metrics.Counter).Inc(n) }
	count("pam.sessions.started", 3)
	count("pam.sessions.ended.idle", 2)
	count("pam.sessions.ended.remote_logoff", 1)
	count("pam.bytes.out", 1<<40)
	latency := r.Get("pam.policy.latency_ns").(metrics.Histogram)
	for _, d := range []time.Duration{20 * time.Microsecond, 30 * time.Microsecond, 3 * time.Second, time.Minute} {
		latency.Update(int64(d))
	}
	metrics.GetOrRegisterCounter("the.hosts.own", r).Inc(1) // is not shown: no table knows it
	sample := metrics.NewHistogram(metrics.NewUniformSample(100))
	sample.Update(1500)
	sample.Update(2500)
	_ = r.Register("disk.sync_us", sample)

	shown := []string{"pam.sessions.started", "pam.sessions.ended", "pam.bytes.out", "pam.policy.latency_ns", "pam.viewers", "pam.sessions.state"}
	table := slices.DeleteFunc(pam.Metrics(), func(m pam.Metric) bool { return !slices.Contains(shown, m.Name) })
	h, err := prom.Handler(r, table, []pam.Metric{{
		Name: "disk.sync_us", Exposed: "disk_sync_seconds", Kind: pam.MetricHistogram, Scale: 1e-6, Help: "Time of one fsync.",
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := scrape(t, h)
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := scrape(t, h); again != got {
		t.Errorf("a second scrape differs:\n%s", again)
	}
}

func scrape(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v: %s", w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

// TestExposition_Lint: Prometheus's own linter has no complaint about names and texts.
func TestExposition_Lint(t *testing.T) {
	r := metrics.NewRegistry()
	broker(t, r)
	c, err := prom.New(r, pam.Metrics())
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(c); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if n, err := testutil.GatherAndCount(reg); err != nil || n < len(pam.Metrics()) {
		t.Errorf("%d series, %v; want at least the %d of the table", n, err, len(pam.Metrics()))
	}
}

func TestNew_Refused(t *testing.T) {
	r := metrics.NewRegistry()
	for name, tables := range map[string][][]pam.Metric{
		"twice":   {pam.Metrics(), pam.Metrics()},
		"no help": {{{Name: "a", Exposed: "a"}}},
		"no name": {{{Name: "a", Help: "h"}}},
	} {
		if c, err := prom.New(r, tables...); err == nil || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	if c, err := prom.New(nil); err == nil {
		t.Errorf("no registry: %v", c)
	}
	_ = r.Register("a", metrics.NewGaugeFloat64())
	h, err := prom.Handler(r, []pam.Metric{{Name: "a", Exposed: "a", Help: "h"}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "none of counter") {
		t.Errorf("a metric of an unknown kind: %d %s", w.Code, w.Body)
	}
}
