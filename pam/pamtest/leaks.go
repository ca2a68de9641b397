package pamtest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// knownGoroutines are goroutines that outlive a test by another module's design, each with its reason.
func knownGoroutines() []goleak.Option {
	return []goleak.Option{
		// go-metrics starts one ticker per process with the first Meter or Timer and never ends it.
		goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"),
		// x/crypto 0.58.0 loses these when a server breaks the protocol and goes on sending: the reader holds a
		// packet that nobody takes. A connection that is alive also has a mux.loop outside of Close: that one is
		// not excepted, so that a real leak still shows.
		goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*handshakeTransport).readLoop"),
		goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*handshakeTransport).kexLoop"),
		goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*handshakeTransport).Close"),
		goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*mux).openChannel"),
		goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*mux).Wait"),
	}
}

// VerifyNoLeaks runs the tests of a package and fails them if a goroutine survives, printing its stack. It does
// not return:
//
//	func TestMain(m *testing.M) { pamtest.VerifyNoLeaks(m) }
func VerifyNoLeaks(m *testing.M) {
	status := m.Run()
	if status == 0 {
		if err := findLeaks(knownGoroutines()); err != nil {
			fmt.Fprintln(os.Stderr, "pamtest: after the tests:", err)
			status = 1
		}
	}
	os.Exit(status)
}

// findLeaks looks for goroutines until there are none, for up to a minute: goleak itself gives up after a second or two,
// which is less than a goroutine may take to end on a busy machine.
func findLeaks(options []goleak.Option) error {
	for end := time.Now().Add(time.Minute); ; {
		err := goleak.Find(options...)
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// NoLeaks fails t if, at its end, goroutines run that did not run at the time of the call. It cannot tell
// goroutines of parallel tests apart: do not use it in one.
func NoLeaks(t testing.TB) {
	t.Helper()
	options := append(knownGoroutines(), goleak.IgnoreCurrent())
	t.Cleanup(func() {
		if err := findLeaks(options); err != nil {
			t.Error(err)
		}
	})
}
