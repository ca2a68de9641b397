package recorder_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// TestMetrics_Table holds what a recorder registers and the table equal.
func TestMetrics_Table(t *testing.T) {
	reg := metrics.NewRegistry()
	newRecorder(t, recorder.Config{FS: recordertest.NewMemFS(), Metrics: reg})
	inTable := map[string]pam.MetricKind{}
	for _, m := range recorder.Metrics() {
		for name := range m.Names() {
			inTable[name] = m.Kind
		}
	}
	reg.Each(func(name string, v any) {
		kind := pam.MetricKind("")
		switch v.(type) {
		case metrics.Counter:
			kind = pam.MetricCounter
		case metrics.Gauge:
			kind = pam.MetricGauge
		case metrics.Histogram:
			kind = pam.MetricHistogram
		}
		if inTable[name] != kind {
			t.Errorf("%s is registered as %q; the table in metricstable.go says %q", name, kind, inTable[name])
		}
		delete(inTable, name)
	})
	if len(inTable) > 0 {
		t.Errorf("in the table, but not registered: %q", slices.Sorted(maps.Keys(inTable)))
	}
}
