package pamtest_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
)

func TestRounds(t *testing.T) {
	for _, tc := range []struct {
		env   string
		want  int
		fatal bool
	}{{"", 7, false}, {"200", 200, false}, {"0", 0, true}, {"many", 0, true}} {
		t.Setenv(pamtest.SoakEnv, tc.env)
		v := &verdict{TB: t}
		got := 0
		v.run(func() { got = pamtest.Rounds(v, 7) })
		if got != tc.want || (v.fatal != "") != tc.fatal {
			t.Errorf("%s=%q: got %d, failed with %q; want %d, failure %t", pamtest.SoakEnv, tc.env, got, v.fatal, tc.want, tc.fatal)
		}
	}
}

func TestMinutes(t *testing.T) {
	for _, tc := range []struct {
		env   string
		want  time.Duration
		fatal bool
	}{{"", 0, false}, {"20", 20 * time.Minute, false}, {"0", 0, true}, {"long", 0, true}} {
		t.Setenv(pamtest.MinutesEnv, tc.env)
		v := &verdict{TB: t}
		var got time.Duration
		v.run(func() { got = pamtest.Minutes(v) })
		if got != tc.want || (v.fatal != "") != tc.fatal {
			t.Errorf("%s=%q: got %v, failed with %q; want %v, failure %t", pamtest.MinutesEnv, tc.env, got, v.fatal, tc.want, tc.fatal)
		}
	}
}
