// Package prom shows a broker's metrics to Prometheus.
//
//	registry := metrics.NewRegistry() // github.com/rcrowley/go-metrics
//	broker, err := pam.New(pam.Config{Metrics: registry, …})
//	handler, err := prom.Handler(registry, pam.Metrics()) // and recorder.Metrics()
//	mux.Handle("GET /metrics", handler) // where only the monitoring can reach it
//
// A host that has a Prometheus registry of its own gives it New's collector. What is shown is what the tables describe,
// under the names and with the help of the tables; pam/METRICS.md prints that of the broker. Nothing names an asset, a user
// or a session, so the number of series is bounded.
package prom

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
)

// Collector is a prometheus.Collector over a registry.
type Collector struct {
	registry metrics.Registry
	series   map[string]series // by name in the registry
	descs    []*prometheus.Desc
}

// series is one name in the registry.
type series struct {
	metric pam.Metric
	desc   *prometheus.Desc
	labels []string // values
}

// New returns a collector of what the tables describe, or an error if a table is no good or two of them overlap.
func New(r metrics.Registry, tables ...[]pam.Metric) (*Collector, error) {
	if r == nil {
		return nil, errors.New("prom: the registry is nil")
	}
	c := &Collector{registry: r, series: map[string]series{}}
	exposed := map[string]bool{}
	for _, table := range tables {
		for _, m := range table {
			if m.Exposed == "" || m.Help == "" || exposed[m.Exposed] {
				return nil, fmt.Errorf("prom: metric %q, exposed as %q: want a name and a help text, and each name once", m.Name, m.Exposed)
			}
			exposed[m.Exposed] = true
			var labels []string
			if m.Label != "" {
				labels = []string{m.Label}
			}
			desc := prometheus.NewDesc(m.Exposed, m.Help, labels, nil)
			c.descs = append(c.descs, desc)
			for name, value := range m.Names() {
				s := series{metric: m, desc: desc}
				if m.Label != "" {
					s.labels = []string{value}
				}
				c.series[name] = s
			}
		}
	}
	return c, nil
}

// Handler returns a handler that answers scrapes with what the tables describe and nothing else.
func Handler(r metrics.Registry, tables ...[]pam.Metric) (http.Handler, error) {
	c, err := New(r, tables...)
	if err != nil {
		return nil, err
	}
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(c); err != nil {
		return nil, fmt.Errorf("prom: %w", err)
	}
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), nil
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.registry.Each(func(name string, v any) {
		s, ok := c.series[name]
		if !ok {
			return
		}
		m, err := s.read(v)
		if err != nil {
			m = prometheus.NewInvalidMetric(s.desc, fmt.Errorf("prom: %s: %w", name, err))
		}
		ch <- m
	})
}

// buckets is a histogram that counts into buckets, as pam.Latency does.
type buckets interface {
	Buckets() (cumulative map[time.Duration]uint64, count uint64, sum time.Duration)
}

// quantiles are shown of a histogram that is only a sample.
var quantiles = []float64{0.5, 0.9, 0.99}

// read turns what is registered into what Prometheus takes.
func (s series) read(v any) (prometheus.Metric, error) {
	scale := s.metric.Scale
	if scale == 0 {
		scale = 1
	}
	switch v := v.(type) {
	case buckets:
		cumulative, count, sum := v.Buckets()
		bounds := make(map[float64]uint64, len(cumulative))
		for bound, n := range cumulative {
			bounds[bound.Seconds()] = n
		}
		return prometheus.NewConstHistogram(s.desc, count, sum.Seconds(), bounds, s.labels...)
	case metrics.Histogram:
		snap := v.Snapshot()
		values := map[float64]float64{}
		for i, q := range snap.Percentiles(quantiles) {
			values[quantiles[i]] = q * scale
		}
		// The sum of all is not kept: that of the sample is scaled up.
		return prometheus.NewConstSummary(s.desc, uint64(snap.Count()), snap.Mean()*float64(snap.Count())*scale, values, s.labels...)
	case metrics.Counter:
		return prometheus.NewConstMetric(s.desc, prometheus.CounterValue, float64(v.Count())*scale, s.labels...)
	case metrics.Gauge:
		return prometheus.NewConstMetric(s.desc, prometheus.GaugeValue, float64(v.Value())*scale, s.labels...)
	}
	return nil, fmt.Errorf("a %T is none of counter, gauge and histogram", v)
}
