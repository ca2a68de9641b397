package rdp_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// outcome is how a client ends: the code and the phase of its error.
type outcome struct {
	code  rdp.Code
	phase string
}

// result is what a client and its server have to say of a meeting.
type result struct {
	outcome
	err   error
	taken int // hostile bytes that the client has read
	heard int // bytes that it sent after them
}

// meet connects to a server with a hostile variant and goes on until an error. Time is that of a bubble: a deadline of half a minute
// passes at once, and a client that waits for ever is found out.
func meet(t *testing.T, name string) (r result) {
	s, serr := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": password}, Still: true, Hostile: name})
	if serr != nil {
		t.Fatal(serr)
	}
	near, far := net.Pipe()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.ServeConn(far) }()
	defer func() {
		near.Close()
		<-ended
		r.taken, r.heard = s.Taken(), s.Heard()
		s.Close()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	c, err := rdp.NewClient(ctx, near, &rdp.Config{
		Credentials: as("anna", password), Pins: []string{rdp.Fingerprint(s.Certificate())}, Width: 320, Height: 240,
		RemoteFX: true, NSCodec: true, Compression: rdp.Compression64K,
	})
	if err == nil {
		defer c.Close()
		err = drawAll(ctx, c)
	}
	r.err = err
	var e *rdp.Error
	if errors.As(err, &e) {
		r.outcome = outcome{e.Code, e.Phase}
	}
	return r
}

// drawAll draws what comes until an error.
func drawAll(ctx context.Context, c *rdp.Client) error {
	f, err := rdp.NewFramebuffer(c.Size())
	if err != nil {
		return err
	}
	for {
		u, err := c.Next(ctx)
		if err != nil {
			return err
		}
		if err := f.Apply(u); err != nil {
			return err
		}
	}
}

// phases are those of the client in which it takes what a server sends.
var phases = map[string]string{
	"confirm": "connection confirm", "tls": "TLS", "challenge": "network level authentication", "key": "network level authentication",
	"early": "early user authorization", "response": "connect response", "attach": "attach user confirm", "join": "channel join confirm",
	"license": "licensing", "demand": "activation", "final": "activation", "update": "session",
}

// codes are those of the variants that are more than a broken protocol.
var codes = map[string]rdp.Code{
	"confirm: TPKT length is the greatest": rdp.CodeTimeout, // the rest never comes
	"tls: alert":                           rdp.CodeNetwork, // the server breaks off
	"early: truncated":                     rdp.CodeTimeout,
	"confirm: slow drip":                   rdp.CodeTimeout,
	"response: slow drip":                  rdp.CodeTimeout,

	"confirm: no negotiation":               rdp.CodeDowngrade,
	"confirm: selects RDP's own security":   rdp.CodeDowngrade,
	"confirm: selects what was not offered": rdp.CodeDowngrade,
	"confirm: selects two protocols":        rdp.CodeDowngrade,
	"confirm: selects every bit":            rdp.CodeDowngrade,
	"confirm: failure of an unknown code":   rdp.CodeNegotiation,

	"challenge: refuses the user":       rdp.CodeAuth,
	"early: denied":                     rdp.CodeAuth,
	"early: result is the greatest":     rdp.CodeAuth,
	"challenge: hangs up":               rdp.CodeAuth, // as servers do that do not like the password
	"key: hangs up":                     rdp.CodeAuth,
	"early: hangs up":                   rdp.CodeAuth,
	"license: no licence":               rdp.CodeLicence,
	"license: no licence server":        rdp.CodeLicence,
	"license: alert of an unknown code": rdp.CodeLicence,

	"attach: hangs up in order":  rdp.CodeDisconnected,
	"license: hangs up in order": rdp.CodeDisconnected,
	"demand: hangs up in order":  rdp.CodeDisconnected,
	"update: hangs up in order":  rdp.CodeDisconnected,
	"demand: error info":         rdp.CodeServer,
	"demand: redirection":        rdp.CodeRedirected,
	"final: redirection":         rdp.CodeRedirected,
	"update: redirection":        rdp.CodeRedirected,

	"demand: endless synchronize":     rdp.CodeTimeout,
	"demand: endless demands":         rdp.CodeTimeout,
	"demand: endless fast-path units": rdp.CodeTimeout,
	"final: endless deactivations":    rdp.CodeTimeout,
}

// drawnOnly are the variants that only who draws looks into.
var drawnOnly = map[string]bool{
	"update: bitmap has too few pixels": true, "update: bitmap of noise": true, "update: planar of noise": true,
	"update: surface bits have too few pixels": true, "update: pointer has no pixels": true, "update: pointer of 7 bits": true,
}

func expect(name string) outcome {
	stage, what, _ := strings.Cut(name, ": ")
	want := outcome{rdp.CodeProtocol, phases[stage]}
	switch code, special := codes[name]; {
	case special:
		want.code = code
	case what == "silence":
		want.code = rdp.CodeTimeout
	case what == "hangs up":
		want.code = rdp.CodeNetwork
	}
	switch {
	case drawnOnly[name]:
		want.phase = "picture"
	case name == "confirm: slow drip": // 19 bytes of a confirm are there before the time is over
		want.phase = "TLS"
	}
	return want
}

func hostile(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := meet(t, name)
				if want := expect(name); r.outcome != want {
					t.Errorf("%q in %q, want %q in %q: %v", r.code, r.phase, want.code, want.phase, r.err)
				}
				if !strings.HasSuffix(name, ": silence") && !strings.HasSuffix(name, ": hangs up") && r.taken == 0 {
					t.Errorf("the client has read none of it: %v", r.err)
				}
			})
		})
	}
}

// TestHostile_S09_S22_EveryVariant: whatever field of whatever PDU is truncated, nothing, the greatest, or overlaps another, whoever is
// silent, slow or never ends: the client ends in time with an error that says what it is and where it happened, after it has read what
// is wrong.
func TestHostile_S09_S22_EveryVariant(t *testing.T) {
	all := rdptest.Variants()
	hostile(t, all...)
	for name := range codes {
		if !slices.Contains(all, name) {
			t.Errorf("there is no variant %q", name)
		}
	}
	if _, err := rdptest.NewServer(rdptest.Config{Passwords: map[string]string{"anna": password}, Hostile: "polite"}); err == nil {
		t.Error("a variant that does not exist is served")
	}
	seen := map[string]bool{}
	for _, name := range all {
		if seen[name] {
			t.Errorf("two variants %q", name)
		}
		seen[name] = true
	}
}

// TestHostile_Downgrade: a client goes on only with one of the protocols that it has offered. Else it says nothing more.
func TestHostile_Downgrade(t *testing.T) {
	quiet(t, "confirm: no negotiation", "confirm: selects RDP's own security", "confirm: selects what was not offered", "confirm: selects two protocols")
}

// TestHostile_S30_Redirection: a server that sends the client elsewhere is not followed, before the desktop is there and after.
func TestHostile_S30_Redirection(t *testing.T) {
	hostile(t, "demand: redirection", "final: redirection", "update: redirection")
}

// TestHostile_S05_AnotherKey: the password is not handed over to a server that cannot prove that the TLS key is its own: nothing at all
// is.
func TestHostile_S05_AnotherKey(t *testing.T) {
	quiet(t, "key: another key", "key: no key", "key: empty")
}

// quiet expects that the client says nothing after a variant.
func quiet(t *testing.T, names ...string) {
	t.Helper()
	hostile(t, names...)
	for _, name := range names {
		synctest.Test(t, func(t *testing.T) {
			if r := meet(t, name); r.heard != 0 {
				t.Errorf("%s: the client went on with %d bytes: %v", name, r.heard, r.err)
			}
		})
	}
}
