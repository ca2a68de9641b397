package pam

import (
	"sync/atomic"
	"time"

	"github.com/rcrowley/go-metrics"
)

// latencyBounds are the upper bounds of the buckets of a Latency: from a decision of the policy to a sink that is stuck.
var latencyBounds = [...]time.Duration{
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond,
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Latency is a metrics.Histogram of times in nanoseconds that counts into buckets as well: a sample alone cannot be added
// up over gateways. What is registered under a name that ends with "latency_ns" is one.
type Latency struct {
	metrics.Histogram
	counts [len(latencyBounds) + 1]atomic.Uint64 // the last one: above all bounds
	sum    atomic.Int64
}

func newLatency(name string, r metrics.Registry) metrics.Histogram {
	return r.GetOrRegister(name, func() metrics.Histogram {
		return &Latency{Histogram: metrics.NewHistogram(metrics.NewUniformSample(1028))}
	}).(metrics.Histogram)
}

// Update implements metrics.Histogram.
func (l *Latency) Update(ns int64) {
	l.Histogram.Update(ns)
	l.sum.Add(ns)
	for i, bound := range latencyBounds {
		if ns <= int64(bound) {
			l.counts[i].Add(1)
			return
		}
	}
	l.counts[len(latencyBounds)].Add(1)
}

// Buckets returns how many times were at most each bound, how many there were, and their sum.
func (l *Latency) Buckets() (cumulative map[time.Duration]uint64, count uint64, sum time.Duration) {
	cumulative = make(map[time.Duration]uint64, len(latencyBounds))
	for i, bound := range latencyBounds {
		count += l.counts[i].Load()
		cumulative[bound] = count
	}
	count += l.counts[len(latencyBounds)].Load()
	return cumulative, count, time.Duration(l.sum.Load())
}
