package recorder

import "github.com/rcrowley/go-metrics"

// meters are the recorder's metrics. No name holds a session, an asset or a user. Only counters, gauges and
// histograms: the library's meters and timers keep a goroutine that never ends.
type meters struct {
	open       metrics.Gauge     // recordings open now
	opened     metrics.Counter   // recordings opened
	openFailed metrics.Counter   // recordings that could not be opened
	failed     metrics.Counter   // open recordings that failed
	slow       metrics.Counter   // times that a store was slow for half of the stall limit
	entries    metrics.Counter   // entries written
	chunks     metrics.Counter   // chunks written
	raw        metrics.Counter   // bytes of entries before compression
	stored     metrics.Counter   // bytes written
	sync       metrics.Histogram // microseconds per fsync
	adopted    metrics.Counter   // orphans sealed
}

func newMeters(r metrics.Registry) *meters {
	return &meters{
		open:       metrics.GetOrRegisterGauge("recorder.open", r),
		opened:     metrics.GetOrRegisterCounter("recorder.opened", r),
		openFailed: metrics.GetOrRegisterCounter("recorder.open_failed", r),
		failed:     metrics.GetOrRegisterCounter("recorder.failed", r),
		slow:       metrics.GetOrRegisterCounter("recorder.slow", r),
		entries:    metrics.GetOrRegisterCounter("recorder.entries", r),
		chunks:     metrics.GetOrRegisterCounter("recorder.chunks", r),
		raw:        metrics.GetOrRegisterCounter("recorder.bytes_raw", r),
		stored:     metrics.GetOrRegisterCounter("recorder.bytes_stored", r),
		sync:       metrics.GetOrRegisterHistogram("recorder.sync_us", r, metrics.NewUniformSample(1028)),
		adopted:    metrics.GetOrRegisterCounter("recorder.adopted", r),
	}
}
