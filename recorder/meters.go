package recorder

import (
	"errors"
	"syscall"

	"github.com/rcrowley/go-metrics"
)

// meters are the recorder's metrics, described for operators in METRICS.md. No name holds a session, an asset or a
// user. Only counters, gauges and histograms: the library's meters and timers keep a goroutine that never ends.
type meters struct {
	open       metrics.Gauge
	opened     metrics.Counter
	openFailed metrics.Counter
	failed     metrics.Counter
	kinds      map[string]metrics.Counter // of failed
	slow       metrics.Counter
	entries    metrics.Counter
	chunks     metrics.Counter
	raw        metrics.Counter
	stored     metrics.Counter
	pending    metrics.Gauge
	unsynced   metrics.Gauge
	free       metrics.Gauge
	lowSpace   metrics.Counter
	sync       metrics.Histogram
	adopted    metrics.Counter
}

// Why a recording failed, as a closed set: metric names are bounded.
const (
	failStalled = "stalled"  // ErrStalled
	failBehind  = "behind"   // ErrBehind
	failNoSpace = "no_space" // ErrNoSpace, and what the system says about a full disk or quota
	failEntry   = "entry"    // ErrEntry
	failSign    = "sign"     // ErrSign
	failIO      = "io"       // anything else that the store answered
)

var failKinds = []string{failStalled, failBehind, failNoSpace, failEntry, failSign, failIO}

// failKind sorts an error of a recording.
func failKind(err error) string {
	for kind, causes := range map[string][]error{
		failStalled: {ErrStalled}, failBehind: {ErrBehind}, failEntry: {ErrEntry}, failSign: {ErrSign},
		failNoSpace: {ErrNoSpace, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG},
	} {
		for _, cause := range causes {
			if errors.Is(err, cause) {
				return kind
			}
		}
	}
	return failIO
}

func newMeters(r metrics.Registry) *meters {
	m := &meters{
		open:       metrics.GetOrRegisterGauge("recorder.open", r),
		opened:     metrics.GetOrRegisterCounter("recorder.opened", r),
		openFailed: metrics.GetOrRegisterCounter("recorder.open_failed", r),
		failed:     metrics.GetOrRegisterCounter("recorder.failed", r),
		kinds:      make(map[string]metrics.Counter, len(failKinds)),
		slow:       metrics.GetOrRegisterCounter("recorder.slow", r),
		entries:    metrics.GetOrRegisterCounter("recorder.entries", r),
		chunks:     metrics.GetOrRegisterCounter("recorder.chunks", r),
		raw:        metrics.GetOrRegisterCounter("recorder.bytes_raw", r),
		stored:     metrics.GetOrRegisterCounter("recorder.bytes_stored", r),
		pending:    metrics.GetOrRegisterGauge("recorder.bytes_pending", r),
		unsynced:   metrics.GetOrRegisterGauge("recorder.bytes_unsynced", r),
		free:       metrics.GetOrRegisterGauge("recorder.bytes_free", r),
		lowSpace:   metrics.GetOrRegisterCounter("recorder.low_space", r),
		sync:       metrics.GetOrRegisterHistogram("recorder.sync_us", r, metrics.NewUniformSample(1028)),
		adopted:    metrics.GetOrRegisterCounter("recorder.adopted", r),
	}
	for _, kind := range failKinds {
		m.kinds[kind] = metrics.GetOrRegisterCounter("recorder.failed."+kind, r)
	}
	return m
}

// countFailure counts a recording that failed.
func (m *meters) countFailure(err error) {
	m.failed.Inc(1)
	m.kinds[failKind(err)].Inc(1)
}
