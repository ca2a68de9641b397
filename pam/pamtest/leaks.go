package pamtest

import (
	"testing"

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
func VerifyNoLeaks(m *testing.M) { goleak.VerifyTestMain(m, knownGoroutines()...) }

// NoLeaks fails t if, at its end, goroutines run that did not run at the time of the call. It cannot tell
// goroutines of parallel tests apart: do not use it in one.
func NoLeaks(t testing.TB) {
	t.Helper()
	options := append(knownGoroutines(), goleak.IgnoreCurrent())
	t.Cleanup(func() { goleak.VerifyNone(t, options...) })
}
