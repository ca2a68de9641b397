package pam

import "slices"

// MetricKind is what a metric does with time.
type MetricKind string

// The kinds.
const (
	MetricCounter   MetricKind = "counter"   // only grows
	MetricGauge     MetricKind = "gauge"     // goes up and down
	MetricHistogram MetricKind = "histogram" // distribution of values
)

// Metric describes one metric of this module.
type Metric struct {
	// Name is its name in the registry. With Label, it stands for one name for each of Values: Name, a dot, the value.
	Name string
	// Exposed is its name for systems that want the unit in it, in base units: seconds, bytes.
	Exposed string
	Kind    MetricKind
	// Scale makes what the registry holds the base unit: 1e-9 for nanoseconds; zero means 1.
	Scale  float64
	Help   string
	Label  string
	Values []string // all that Label can be: a closed set
}

const nanoseconds = 1e-9

// Metrics returns the table of what the broker registers in Config.Metrics. pam/METRICS.md shows it. One registry is for one
// broker. Gauges marked "sampled" are worked out when they are read, at most once a second.
func Metrics() []Metric {
	return []Metric{
		{Name: "pam.sessions.live", Exposed: "sallyport_sessions_live", Kind: MetricGauge, Help: "Sessions that are not completed."},
		{Name: "pam.sessions.state", Exposed: "sallyport_sessions", Kind: MetricGauge, Label: "state", Values: liveStates(), Help: "Live sessions by state; sampled."},
		{Name: "pam.sessions.started", Exposed: "sallyport_sessions_started_total", Kind: MetricCounter, Help: "Sessions created."},
		{Name: "pam.sessions.joined", Exposed: "sallyport_sessions_joined_total", Kind: MetricCounter, Help: "Places given to joiners."},
		{Name: "pam.sessions.denied", Exposed: "sallyport_sessions_denied_total", Kind: MetricCounter, Help: "Starts and joins refused by a decision."},
		{Name: "pam.sessions.ended", Exposed: "sallyport_sessions_ended_total", Kind: MetricCounter, Label: "reason", Values: reasonNames(), Help: "Sessions completed, by end reason."},
		{Name: "pam.ends.unwritten", Exposed: "sallyport_session_ends_unwritten", Kind: MetricGauge, Help: "Ends of sessions that store or event sink have not taken yet; sampled."},
		{Name: "pam.mfa.failed", Exposed: "sallyport_mfa_failures_total", Kind: MetricCounter, Help: "Second factors that were not accepted."},
		{Name: "pam.throttled", Exposed: "sallyport_throttled_total", Kind: MetricCounter, Label: "door", Values: doorNames(), Help: "Requests refused because their user or address asks too often."},
		{Name: "pam.requests.made", Exposed: "sallyport_access_requests_total", Kind: MetricCounter, Help: "Access requests made."},
		{Name: "pam.requests.decisions", Exposed: "sallyport_access_decisions_total", Kind: MetricCounter, Help: "What approvers have said to access requests."},
		{Name: "pam.events.folded", Exposed: "sallyport_events_folded_total", Kind: MetricCounter, Help: "Denials beyond a user's rate, which have no audit event of their own."},
		{Name: "pam.viewers", Exposed: "sallyport_viewers", Kind: MetricGauge, Help: "Attached pages."},
		{Name: "pam.viewers.unacknowledged_bytes", Exposed: "sallyport_viewers_unacknowledged_bytes", Kind: MetricGauge, Help: "Bytes sent to pages that they have not consumed; sampled."},
		{Name: "pam.viewers.unacknowledged_bytes_max", Exposed: "sallyport_viewers_unacknowledged_max_bytes", Kind: MetricGauge, Help: "The same, of the page with most; sampled."},
		{Name: "pam.viewers.behind_bytes", Exposed: "sallyport_viewers_behind_bytes", Kind: MetricGauge, Help: "Bytes of output that pages could have and have not been sent, with overhead; sampled."},
		{Name: "pam.viewers.behind_bytes_max", Exposed: "sallyport_viewers_behind_max_bytes", Kind: MetricGauge, Help: "The same, of the page that is farthest behind; sampled."},
		{Name: "pam.viewers.frames", Exposed: "sallyport_viewer_frames_total", Kind: MetricCounter, Help: "Frames of output sent to pages; a frame counts once for each page."},
		{Name: "pam.viewers.bytes", Exposed: "sallyport_viewer_bytes_total", Kind: MetricCounter, Help: "Their bytes, without the protocol's own."},
		{Name: "pam.viewers.overtaken_frames", Exposed: "sallyport_viewer_overtaken_frames_total", Kind: MetricCounter, Help: "Frames of output that pages were not sent, because what came later replaces them: the page was slow or hidden."},
		{Name: "pam.viewers.latency_ns", Exposed: "sallyport_viewer_round_trip_seconds", Kind: MetricHistogram, Scale: nanoseconds, Help: "Time between a ping to a page and its answer, at each heartbeat."},
		{Name: "pam.recordings.unwritten_entries", Exposed: "sallyport_recordings_unwritten_entries", Kind: MetricGauge, Help: "Frames of output that wait for their recording; sampled."},
		{Name: "pam.recordings.unwritten_bytes", Exposed: "sallyport_recordings_unwritten_bytes", Kind: MetricGauge, Help: "The same in bytes, with overhead; sampled."},
		{Name: "pam.recordings.unwritten_bytes_max", Exposed: "sallyport_recordings_unwritten_max_bytes", Kind: MetricGauge, Help: "The same, of the session with most; sampled."},
		{Name: "pam.frames.out", Exposed: "sallyport_output_frames_total", Kind: MetricCounter, Help: "Frames emitted by targets."},
		{Name: "pam.bytes.out", Exposed: "sallyport_output_bytes_total", Kind: MetricCounter, Help: "Bytes emitted by targets."},
		{Name: "pam.bytes.in", Exposed: "sallyport_input_bytes_total", Kind: MetricCounter, Help: "Bytes of user input."},
		{Name: "pam.files.uploaded_bytes", Exposed: "sallyport_file_uploaded_bytes_total", Kind: MetricCounter, Help: "Bytes of uploads that targets have taken."},
		{Name: "pam.files.downloaded_bytes", Exposed: "sallyport_file_downloaded_bytes_total", Kind: MetricCounter, Help: "Bytes of downloads that were sent to browsers."},
		{Name: "pam.files.failed", Exposed: "sallyport_file_transfers_failed_total", Kind: MetricCounter, Help: "Uploads and downloads that did not come to their end."},
		{Name: "pam.operations.dropped", Exposed: "sallyport_operations_dropped_total", Kind: MetricCounter, Help: "Operations of clients that no capability allowed or no queue had room for."},
		{Name: "pam.requests.refused", Exposed: "sallyport_requests_refused_total", Kind: MetricCounter, Help: "Requests refused for their origin or host."},
		{Name: "pam.tickets.issued", Exposed: "sallyport_tickets_issued_total", Kind: MetricCounter, Help: "Attach tickets made."},
		{Name: "pam.tickets.redeemed", Exposed: "sallyport_tickets_redeemed_total", Kind: MetricCounter, Help: "Attach tickets that a socket took in time."},
		{Name: "pam.tickets.refused", Exposed: "sallyport_tickets_refused_total", Kind: MetricCounter, Help: "Tickets of sockets that were unknown, used or expired."},
		{Name: "pam.policy.latency_ns", Exposed: "sallyport_policy_decision_seconds", Kind: MetricHistogram, Scale: nanoseconds, Help: "Time of one question to the policy."},
		{Name: "pam.events.written", Exposed: "sallyport_events_written_total", Kind: MetricCounter, Help: "Audit events that the sink took."},
		{Name: "pam.events.failed", Exposed: "sallyport_events_failed_total", Kind: MetricCounter, Help: "Audit events that the sink did not take, or not in time."},
		{Name: "pam.events.latency_ns", Exposed: "sallyport_event_write_seconds", Kind: MetricHistogram, Scale: nanoseconds, Help: "Time of writing one audit event, waiting included."},
		{Name: "pam.store.latency_ns", Exposed: "sallyport_store_call_seconds", Kind: MetricHistogram, Scale: nanoseconds, Help: "Time of one call to the store."},
		{Name: "pam.store.failed", Exposed: "sallyport_store_failures_total", Kind: MetricCounter, Help: "Calls to the store that failed."},
		{Name: "pam.panics", Exposed: "sallyport_panics_total", Kind: MetricCounter, Help: "Panics of callbacks that were contained."},
	}
}

// liveStates are the states of sessions that are not completed.
func liveStates() []string {
	return []string{
		string(StateRequested), string(StateLaunching), string(StateConnecting), string(StateActive), string(StateSuspended),
		string(StateReconnecting), string(StateEnding),
	}
}

func reasonNames() (names []string) {
	for _, r := range endReasons {
		names = append(names, string(r))
	}
	slices.Sort(names)
	return names
}

// Names returns the names that m has in a registry, each with its label's value.
func (m Metric) Names() map[string]string {
	if m.Label == "" {
		return map[string]string{m.Name: ""}
	}
	names := map[string]string{}
	for _, v := range m.Values {
		names[m.Name+"."+v] = v
	}
	return names
}

func doorNames() (out []string) {
	for _, d := range allDoors {
		out = append(out, string(d))
	}
	return out
}
