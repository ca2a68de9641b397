package recorder

import "github.com/sallyport/sallyport/pam"

// Metrics returns the table of what a recorder registers in Config.Metrics, in the form that package pam/prom shows.
// METRICS.md says more about each.
func Metrics() []pam.Metric {
	return []pam.Metric{
		{Name: "recorder.open", Exposed: "sallyport_recorder_open", Kind: pam.MetricGauge, Help: "Recordings that are open."},
		{Name: "recorder.opened", Exposed: "sallyport_recorder_opened_total", Kind: pam.MetricCounter, Help: "Recordings opened."},
		{Name: "recorder.open_failed", Exposed: "sallyport_recorder_open_failures_total", Kind: pam.MetricCounter, Help: "Recordings that could not be opened."},
		{Name: "recorder.failed", Exposed: "sallyport_recorder_failures_total", Kind: pam.MetricCounter, Help: "Open recordings that failed."},
		{Name: "recorder.failed", Exposed: "sallyport_recorder_failures_by_kind_total", Kind: pam.MetricCounter, Label: "kind", Values: failKinds, Help: "The same, by what went wrong."},
		{Name: "recorder.slow", Exposed: "sallyport_recorder_slow_total", Kind: pam.MetricCounter, Help: "Times that a store was slow for half of the stall limit."},
		{Name: "recorder.entries", Exposed: "sallyport_recorder_entries_total", Kind: pam.MetricCounter, Help: "Entries written."},
		{Name: "recorder.chunks", Exposed: "sallyport_recorder_chunks_total", Kind: pam.MetricCounter, Help: "Chunks written."},
		{Name: "recorder.bytes_raw", Exposed: "sallyport_recorder_raw_bytes_total", Kind: pam.MetricCounter, Help: "Bytes of entries before compression."},
		{Name: "recorder.bytes_stored", Exposed: "sallyport_recorder_stored_bytes_total", Kind: pam.MetricCounter, Help: "Bytes written."},
		{Name: "recorder.bytes_pending", Exposed: "sallyport_recorder_pending_bytes", Kind: pam.MetricGauge, Help: "Bytes of entries that wait to be written."},
		{Name: "recorder.bytes_unsynced", Exposed: "sallyport_recorder_unsynced_bytes", Kind: pam.MetricGauge, Help: "Bytes written that a loss of power could take."},
		{Name: "recorder.bytes_free", Exposed: "sallyport_recorder_free_bytes", Kind: pam.MetricGauge, Help: "Bytes free on the disk less what is promised; 0 without a floor."},
		{Name: "recorder.low_space", Exposed: "sallyport_recorder_low_space_total", Kind: pam.MetricCounter, Help: "Times that less than twice the floor of free space was left."},
		{Name: "recorder.sync_us", Exposed: "sallyport_recorder_sync_seconds", Kind: pam.MetricHistogram, Scale: 1e-6, Help: "Time of one fsync; quantiles of a sample."},
		{Name: "recorder.adopted", Exposed: "sallyport_recorder_adopted_total", Kind: pam.MetricCounter, Help: "Recordings that a crash had left and that were sealed."},
	}
}
