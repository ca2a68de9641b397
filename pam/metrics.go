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
	asked        metrics.Counter   // access requests made
	judged       metrics.Counter   // and what approvers said to them
	folded       metrics.Counter   // denials that have no event of their own
	mfaFailed    metrics.Counter   // second factors that were not accepted
	framesOut    metrics.Counter   // frames emitted by targets
	bytesOut     metrics.Counter   // bytes emitted by targets
	bytesIn      metrics.Counter   // bytes of user input delivered
	framesSent   metrics.Counter   // frames of output sent to pages
	bytesSent    metrics.Counter   // and their bytes
	overtaken    metrics.Counter   // frames of output that pages were not sent
	roundTripNs  metrics.Histogram // time between a ping to a page and its answer, nanoseconds
	droppedOps   metrics.Counter   // client operations that no capability allowed
	refused      metrics.Counter   // requests refused for their origin or host
	decideNs     metrics.Histogram // time of one policy question, nanoseconds
	panics       metrics.Counter
	events       metrics.Counter   // audit events that the sink took
	eventsFailed metrics.Counter   // and that it did not
	auditNs      metrics.Histogram // time of one audit write, nanoseconds
	storeNs      metrics.Histogram // time of one call to the store, nanoseconds
	storeFailed  metrics.Counter
	tickets      metrics.Counter // attach tickets made
	redeemed     metrics.Counter // and taken by a socket in time
	badTickets   metrics.Counter // of sockets: unknown, used or expired
	fileUp       metrics.Counter // bytes of uploads that targets have taken
	fileDown     metrics.Counter // bytes of downloads that were sent
	fileFailed   metrics.Counter // transfers that did not come to their end
	reasons      map[EndReason]metrics.Counter
	sampler      *sampler
}

func newInstruments(r metrics.Registry) *instruments {
	i := &instruments{
		live:         metrics.GetOrRegisterGauge("pam.sessions.live", r),
		viewers:      metrics.GetOrRegisterGauge("pam.viewers", r),
		started:      metrics.GetOrRegisterCounter("pam.sessions.started", r),
		joined:       metrics.GetOrRegisterCounter("pam.sessions.joined", r),
		asked:        metrics.GetOrRegisterCounter("pam.requests.made", r),
		judged:       metrics.GetOrRegisterCounter("pam.requests.decisions", r),
		folded:       metrics.GetOrRegisterCounter("pam.events.folded", r),
		mfaFailed:    metrics.GetOrRegisterCounter("pam.mfa.failed", r),
		denied:       metrics.GetOrRegisterCounter("pam.sessions.denied", r),
		framesOut:    metrics.GetOrRegisterCounter("pam.frames.out", r),
		bytesOut:     metrics.GetOrRegisterCounter("pam.bytes.out", r),
		bytesIn:      metrics.GetOrRegisterCounter("pam.bytes.in", r),
		framesSent:   metrics.GetOrRegisterCounter("pam.viewers.frames", r),
		bytesSent:    metrics.GetOrRegisterCounter("pam.viewers.bytes", r),
		overtaken:    metrics.GetOrRegisterCounter("pam.viewers.overtaken_frames", r),
		roundTripNs:  newLatency("pam.viewers.latency_ns", r),
		droppedOps:   metrics.GetOrRegisterCounter("pam.operations.dropped", r),
		refused:      metrics.GetOrRegisterCounter("pam.requests.refused", r),
		decideNs:     newLatency("pam.policy.latency_ns", r),
		panics:       metrics.GetOrRegisterCounter("pam.panics", r),
		events:       metrics.GetOrRegisterCounter("pam.events.written", r),
		eventsFailed: metrics.GetOrRegisterCounter("pam.events.failed", r),
		auditNs:      newLatency("pam.events.latency_ns", r),
		storeNs:      newLatency("pam.store.latency_ns", r),
		storeFailed:  metrics.GetOrRegisterCounter("pam.store.failed", r),
		tickets:      metrics.GetOrRegisterCounter("pam.tickets.issued", r),
		redeemed:     metrics.GetOrRegisterCounter("pam.tickets.redeemed", r),
		badTickets:   metrics.GetOrRegisterCounter("pam.tickets.refused", r),
		fileUp:       metrics.GetOrRegisterCounter("pam.files.uploaded_bytes", r),
		fileDown:     metrics.GetOrRegisterCounter("pam.files.downloaded_bytes", r),
		fileFailed:   metrics.GetOrRegisterCounter("pam.files.failed", r),
		reasons:      map[EndReason]metrics.Counter{},
		sampler:      &sampler{},
	}
	for _, reason := range endReasons { // a closed set; all are there from the start, so that none appears out of nothing
		i.reasons[reason] = metrics.GetOrRegisterCounter("pam.sessions.ended."+string(reason), r)
	}
	i.sampler.register(r)
	return i
}

// ended counts an end by its reason.
func (i *instruments) ended(r EndReason) {
	if c, ok := i.reasons[r]; ok {
		c.Inc(1)
	}
}

// count moves the number of attached viewers.
func (i *instruments) count(n *atomic.Int64, by int64) { i.viewers.Update(n.Add(by)) }
