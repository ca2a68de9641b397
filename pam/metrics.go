package pam

import (
	"sync/atomic"

	"github.com/rcrowley/go-metrics"
)

// instruments are the broker's metrics. Counters, gauges and histograms only: a Meter or Timer would start a
// process-wide goroutine that never ends.
type instruments struct {
	live         metrics.Gauge     // sessions between launch and completion
	viewers      metrics.Gauge     // attached sockets
	started      metrics.Counter   // sessions created
	denied       metrics.Counter   // starts and joins refused by a decision
	joined       metrics.Counter   // places given to joiners
	mfaFailed    metrics.Counter   // second factors that were not accepted
	framesOut    metrics.Counter   // frames emitted by targets
	bytesOut     metrics.Counter   // bytes emitted by targets
	bytesIn      metrics.Counter   // bytes of user input delivered
	droppedOps   metrics.Counter   // client operations that no capability allowed
	refused      metrics.Counter   // requests refused for their origin or host
	decideNs     metrics.Histogram // time of one policy question, nanoseconds
	panics       metrics.Counter
	events       metrics.Counter   // audit events that the sink took
	eventsFailed metrics.Counter   // and that it did not
	auditNs      metrics.Histogram // time of one audit write, nanoseconds
	registry     metrics.Registry
}

func newInstruments(r metrics.Registry) *instruments {
	return &instruments{
		live:         metrics.GetOrRegisterGauge("pam.sessions.live", r),
		viewers:      metrics.GetOrRegisterGauge("pam.viewers", r),
		started:      metrics.GetOrRegisterCounter("pam.sessions.started", r),
		joined:       metrics.GetOrRegisterCounter("pam.sessions.joined", r),
		mfaFailed:    metrics.GetOrRegisterCounter("pam.mfa.failed", r),
		denied:       metrics.GetOrRegisterCounter("pam.sessions.denied", r),
		framesOut:    metrics.GetOrRegisterCounter("pam.frames.out", r),
		bytesOut:     metrics.GetOrRegisterCounter("pam.bytes.out", r),
		bytesIn:      metrics.GetOrRegisterCounter("pam.bytes.in", r),
		droppedOps:   metrics.GetOrRegisterCounter("pam.operations.dropped", r),
		refused:      metrics.GetOrRegisterCounter("pam.requests.refused", r),
		decideNs:     metrics.GetOrRegisterHistogram("pam.policy.latency_ns", r, metrics.NewUniformSample(1028)),
		panics:       metrics.GetOrRegisterCounter("pam.panics", r),
		events:       metrics.GetOrRegisterCounter("pam.events.written", r),
		eventsFailed: metrics.GetOrRegisterCounter("pam.events.failed", r),
		auditNs:      metrics.GetOrRegisterHistogram("pam.events.latency_ns", r, metrics.NewUniformSample(1028)),
		registry:     r,
	}
}

// ended counts an end by its reason; reasons are a closed set, so the names are bounded.
func (i *instruments) ended(r EndReason) {
	metrics.GetOrRegisterCounter("pam.sessions.ended."+string(r), i.registry).Inc(1)
}

// count moves the number of attached viewers.
func (i *instruments) count(n *atomic.Int64, by int64) { i.viewers.Update(n.Add(by)) }
