package recorder_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/recordertest"
)

// METRICS.md lists every metric with its type, and none that does not exist.
func TestMetrics_S27_AreAsDescribed(t *testing.T) {
	reg := metrics.NewRegistry()
	newRecorder(t, recorder.Config{FS: recordertest.NewMemFS(), Metrics: reg})
	have := map[string]string{}
	reg.Each(func(name string, m any) {
		switch m.(type) {
		case metrics.Gauge:
			have[name] = "gauge"
		case metrics.Counter:
			have[name] = "counter"
		case metrics.Histogram:
			have[name] = "histogram"
		default:
			have[name] = fmt.Sprintf("%T", m)
		}
	})
	described := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| (\\w+) \\| [^|]+ \\| [^|]+ \\|$")
	for _, m := range row.FindAllStringSubmatch(string(readFile(t, "METRICS.md")), -1) {
		if described[m[1]] != "" {
			t.Errorf("%s is described twice", m[1])
		}
		described[m[1]] = m[2]
	}
	for name, kind := range have {
		if described[name] != kind {
			t.Errorf("%s is a %s, described as %q", name, kind, described[name])
		}
		if !strings.HasPrefix(name, "recorder.") {
			t.Errorf("%s is not named after the package", name)
		}
	}
	for name := range described {
		if have[name] == "" {
			t.Errorf("%s is described and does not exist", name)
		}
	}
}
