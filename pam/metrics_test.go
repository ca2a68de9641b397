package pam_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
)

// TestDocs_MetricsTable holds three things equal: what a broker registers, the table, and pam/METRICS.md.
func TestDocs_MetricsTable(t *testing.T) {
	registry := metrics.NewRegistry()
	r := newRig(t, func(c *pam.Config) { c.Metrics = registry })
	r.recorded()
	id, pg, _ := r.begin()
	pg.send(frame.Frame{Kind: frame.Disconnect})
	r.completed(id)

	inTable := map[string]pam.Metric{}
	exposed := map[string]bool{}
	for _, m := range pam.Metrics() {
		if exposed[m.Exposed] {
			t.Errorf("%s is exposed twice", m.Exposed)
		}
		exposed[m.Exposed] = true
		for name := range m.Names() {
			inTable[name] = m
		}
	}
	registry.Each(func(name string, v any) {
		m, ok := inTable[name]
		delete(inTable, name)
		kind := pam.MetricKind("")
		switch v.(type) {
		case metrics.Counter:
			kind = pam.MetricCounter
		case metrics.Gauge:
			kind = pam.MetricGauge
		case *pam.Latency:
			kind = pam.MetricHistogram
		}
		if !ok || kind != m.Kind {
			t.Errorf("%s is registered as %T %q; the table in metricstable.go says %q", name, v, kind, m.Kind)
		}
	})
	if len(inTable) > 0 {
		t.Errorf("in the table, but not registered: %q", slices.Sorted(maps.Keys(inTable)))
	}

	var want strings.Builder
	for _, m := range pam.Metrics() {
		name, out := m.Name, m.Exposed
		if m.Label != "" {
			name, out = fmt.Sprintf("%s.*%s*", name, m.Label), fmt.Sprintf("%s{%s}", out, m.Label)
		}
		fmt.Fprintf(&want, "| %s | `%s` | %s | %s |\n", name, out, m.Kind, m.Help)
	}
	if doc := readDoc(t, "pam/METRICS.md"); !strings.Contains(doc, want.String()) {
		t.Errorf("pam/METRICS.md does not hold this table:\n%s", want.String())
	}
}

func gauge(r metrics.Registry, name string) int64 { return r.Get(name).(metrics.Gauge).Value() }

// TestMetrics_Lag: a page that does not acknowledge and a recorder that does not write are seen in the gauges, and an ended
// broker is let go by the registry.
func TestMetrics_Lag(t *testing.T) {
	registry := metrics.NewRegistry()
	r := newRig(t, func(c *pam.Config) { c.Metrics, c.Limits.Window = registry, 1000 })
	_, pg, c := r.begin()
	pg.change(func() { pg.hold = true })
	for range 10 {
		r.say(c, strings.Repeat("x", 400))
	}
	pg.await("a full window", func() bool { return pg.all.Len() >= 800 })
	s := pam.ReadGauges(r.broker)
	if s.Unacked < 800 || s.Unacked > 1000 || s.UnackedMax != s.Unacked {
		t.Errorf("unacknowledged: %+v, want a window of 800 to 1000 bytes", s)
	}
	if s.Behind < 3000 || s.BehindMax != s.Behind {
		t.Errorf("behind: %+v, want what the window has no room for", s)
	}
	if n := gauge(registry, "pam.sessions.state.active"); n != 1 {
		t.Errorf("%d active sessions, want 1", n)
	}
	for name, want := range map[string]int64{"pam.tickets.issued": 1, "pam.tickets.redeemed": 1, "pam.tickets.refused": 0, "pam.store.failed": 0} {
		if n := registry.Get(name).(metrics.Counter).Count(); n != want {
			t.Errorf("%s = %d, want %d", name, n, want)
		}
	}
	if n := registry.Get("pam.store.latency_ns").(metrics.Histogram).Count(); n == 0 {
		t.Error("no call to the store was timed")
	}
	if err := r.broker.Shutdown(r.ctx); err != nil {
		t.Error(err)
	}
	if n := gauge(registry, "pam.sessions.state.active"); n != 0 {
		t.Errorf("%d active sessions after the shutdown", n)
	}
}

// TestMetrics_RecorderLag: what a slow recorder has not written is in the gauges.
func TestMetrics_RecorderLag(t *testing.T) {
	r := newRig(t)
	r.recorded()
	_, pg, c := r.begin()
	rec, err := r.recorder.Recording(r.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	rec.Hold(true)
	for range 5 {
		r.say(c, strings.Repeat("x", 400))
	}
	if s := pam.ReadGauges(r.broker); s.Unwritten != 5 || s.UnwrittenBytes < 2000 || s.UnwrittenMax != s.UnwrittenBytes {
		t.Errorf("%+v, want 5 frames of 400 bytes unwritten", s)
	}
	rec.Hold(false)
	pg.await("all output", func() bool { return pg.all.Len() == 2000 })
	if s := pam.ReadGauges(r.broker); s.Unwritten != 0 || s.UnwrittenBytes != 0 {
		t.Errorf("%+v, want nothing unwritten", s)
	}
}

// TestMetrics_Latency: every time falls into the first bucket that has room for it, and the sum is that of all.
func TestMetrics_Latency(t *testing.T) {
	registry := metrics.NewRegistry()
	newRig(t, func(c *pam.Config) { c.Metrics = registry })
	l := registry.Get("pam.policy.latency_ns").(*pam.Latency)
	for _, d := range []time.Duration{0, 10 * time.Microsecond, 10*time.Microsecond + 1, time.Second, time.Hour} {
		l.Update(int64(d))
	}
	cumulative, count, sum := l.Buckets()
	if count != 5 || sum != time.Hour+time.Second+20*time.Microsecond+1 {
		t.Errorf("count %d, sum %v", count, sum)
	}
	for bound, want := range map[time.Duration]uint64{10 * time.Microsecond: 2, 25 * time.Microsecond: 3, 500 * time.Millisecond: 3, time.Second: 4, 10 * time.Second: 4} {
		if cumulative[bound] != want {
			t.Errorf("at most %v: %d, want %d", bound, cumulative[bound], want)
		}
	}
}
