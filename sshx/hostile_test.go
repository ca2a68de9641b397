package sshx_test

import (
	"context"
	"errors"
	"net"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/sshx"
	"github.com/sallyport/sallyport/sshx/sshtest"
)

// boundHeap fails t if its heap grows by more than limit bytes at any time.
func boundHeap(t *testing.T, limit uint64) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	debug.FreeOSMemory()
	base := heap()
	old := debug.SetMemoryLimit(int64(base + limit/2)) // garbage is collected, so that what is seen is alive
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := uint64(0)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, heap())
			case <-stop:
				peak <- max(most, heap())
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		most := <-peak
		debug.SetMemoryLimit(old)
		if most > base+limit {
			t.Errorf("the heap grew by %d MiB, more than %d MiB", (most-base)>>20, limit>>20)
		}
	})
}

// soon fails the test if ch is not closed or written to for very long.
func soon[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waiting for %s", what)
		panic("unreachable")
	}
}

// inert fails the test if text has anything that acts on a terminal or is without end.
func inert(t testing.TB, what, text string) {
	t.Helper()
	if len(text) > 16<<10 {
		t.Errorf("%s has %d bytes", what, len(text))
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) }); i >= 0 {
		t.Errorf("%s has a control character: %.60q", what, text[i:])
	}
}

// attackBy connects to a hostile server over a pipe: what the server has written was read.
func attackBy(t testing.TB, kind sshtest.Hostile, cfg sshx.Config) (pam.Conn, *sshtest.HostileServer, error) {
	t.Helper()
	srv, err := sshtest.NewHostile(kind)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	cfg.Dialer = dialFunc(func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer close(served)
			srv.ServeConn(theirs)
		}()
		return ours, nil
	})
	pins := srv.HostKey()
	if strings.HasPrefix(kind.Name, "rsa-") || kind.Name == "key-garbage" {
		pins = "SHA256:" + strings.Repeat("A", 43) // any type may answer to a fingerprint
	}
	c, err := newProtocol(t, cfg).Connect(bg, request("target:22", "demo", pins, demoVault))
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	return c, srv, err
}

// S16: no session comes about, the code is true, nothing is left behind.
func TestHostile_S16_Handshake(t *testing.T) {
	type outcome struct {
		code  pam.Code
		waits bool // until the deadline, with nothing to do: on a clock that jumps
	}
	want := map[string]outcome{
		"silent":             {pam.CodeTargetUnreachable, true},
		"banner-flood":       {code: pam.CodeTargetProtocol},
		"banner-without-end": {code: pam.CodeTargetProtocol},
		"kex-stalls":         {pam.CodeTargetUnreachable, true},
		"kex-no-common":      {code: pam.CodeTargetProtocol},
		"ignore-before-kex":  {code: pam.CodeTargetUnreachable},
		"early-ignore":       {code: pam.CodeTargetProtocol},
		"early-session":      {code: pam.CodeTargetProtocol},
		"rsa-16384":          {code: pam.CodeTargetProtocol},
		"rsa-131072":         {code: pam.CodeTargetProtocol},
		"key-garbage":        {code: pam.CodeTargetProtocol},
		"bad-signature":      {code: pam.CodeTargetProtocol},
		"disconnects":        {code: pam.CodeTargetAuthFailed},
		"auth-stalls":        {pam.CodeTargetUnreachable, true},
		"auth-banners":       {code: pam.CodeTargetUnreachable},
		"no-shell":           {code: pam.CodeTargetNoShell},
	}
	for _, kind := range sshtest.Hostiles() {
		if kind.Stage != sshtest.StageHandshake {
			continue
		}
		w, ok := want[kind.Name]
		if !ok {
			t.Errorf("%s: no outcome is stated", kind.Name)
			continue
		}
		delete(want, kind.Name)
		once := func(t *testing.T) {
			cfg := sshx.Config{}
			if !w.waits && w.code == pam.CodeTargetUnreachable {
				cfg.HandshakeTimeout = 2 * time.Second // only it ends these floods
			}
			_, srv, err := attackBy(t, kind, cfg)
			wantCode(t, err, w.code)
			inert(t, "the error", err.Error())
			soon(t, "the poison to be taken", srv.Taken())
		}
		t.Run(kind.Name, func(t *testing.T) {
			pamtest.NoLeaks(t)
			boundHeap(t, 32<<20)
			if w.waits {
				synctest.Test(t, once)
			} else {
				once(t)
			}
		})
	}
	for name := range want {
		t.Errorf("%s: there is no such server", name)
	}
}

// S16: what a session survives. It goes on, in order, and its Close is not held up.
func TestHostile_S16_Floods(t *testing.T) {
	for _, kind := range sshtest.Hostiles() {
		if !kind.Survives {
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			pamtest.NoLeaks(t)
			boundHeap(t, 32<<20)
			c, srv, err := attackBy(t, kind, sshx.Config{})
			must(t, err)
			l := run(t, c, newSink())
			l.sink.wait(t, "survived\r\n")
			soon(t, "the poison to be taken", srv.Taken())
			for _, text := range []string{"one ", "two ", "three"} {
				l.keys(text)
			}
			l.sink.wait(t, "survived\r\none two three")
			closeSoon(t, c)
			if err := l.ended(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Run = %v after Close", err)
			}
		})
	}
}

func closeSoon(t testing.TB, c pam.Conn) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- c.Close(bg) }()
	must(t, soon(t, "Close", done))
}

// S16: what ends a session, and how.
func TestHostile_S16_Sessions(t *testing.T) {
	lost := func(t *testing.T, l *live) {
		end := l.endedWith(pam.EndTargetError)
		if end.Code != pam.CodeTargetLost {
			t.Errorf("code %s, want %s", end.Code, pam.CodeTargetLost)
		}
		inert(t, "the end", end.Error())
		inert(t, "its text", end.Text)
	}
	logoff := func(t *testing.T, l *live) {
		end := l.endedWith(pam.EndRemoteLogoff)
		inert(t, "the end", end.Error())
		inert(t, "its text", end.Text)
		inert(t, "its signal", end.Signal)
		if strings.Contains(l.sink.text(), "ghost") {
			t.Error("output after the end was shown")
		}
	}
	// Nothing ends it but its owner.
	lasting := func(t *testing.T, l *live) {
		closeSoon(t, l.conn)
		if err := l.ended(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Run = %v after Close", err)
		}
	}
	want := map[string]func(t *testing.T, l *live){
		"endless-output":    nil, // tests of their own
		"zero-window":       nil,
		"window-overrun":    nil,
		"oversized-data":    lost,
		"data-length-lies":  lost,
		"unknown-channel":   lost,
		"confirm-twice":     lost,
		"breaks-and-floods": lost,
		"window-overflow":   lost,
		"status-lies":       nil,
		"status-after-close": func(t *testing.T, l *live) {
			if end := l.endedWith(pam.EndRemoteLogoff); end.Status != nil {
				t.Errorf("status %d, want none", *end.Status)
			}
		},
		"signal-text":        logoff,
		"close-twice":        func(t *testing.T, l *live) { _ = l.ended() }, // either end is true
		"output-after-close": func(t *testing.T, l *live) { _ = l.ended() },
		"disconnects-loudly": lost,
		"unknown-message":    lost,
		"empty-message":      lost,
		"oversized-packet":   lost,
		"bad-mac":            lost,
		"cut-packet":         lost,
		"kex-broken":         lost,
		"kex-again-stalls":   lasting,
		"no-close":           lasting,
	}
	want["status-lies"] = func(t *testing.T, l *live) {
		if end := l.endedWith(pam.EndRemoteLogoff); end.Status == nil || uint32(*end.Status) != 0xffffffff || end.Signal != "" {
			t.Errorf("end = %+v, want the first status", end)
		}
	}
	for _, kind := range sshtest.Hostiles() {
		if kind.Stage != sshtest.StageSession || kind.Survives {
			continue
		}
		check, ok := want[kind.Name]
		if !ok {
			t.Errorf("%s: no outcome is stated", kind.Name)
			continue
		}
		delete(want, kind.Name)
		if check == nil {
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			pamtest.NoLeaks(t)
			boundHeap(t, 32<<20)
			c, srv, err := attackBy(t, kind, sshx.Config{})
			must(t, err)
			l := run(t, c, newSink())
			if kind.Name == "kex-again-stalls" || kind.Name == "no-close" {
				soon(t, "the poison to be taken", srv.Taken())
			}
			check(t, l)
			closeSoon(t, c)
			soon(t, "the poison to be taken", srv.Taken())
		})
	}
	for name := range want {
		t.Errorf("%s: there is no such server", name)
	}
}

func hostile(t testing.TB, name string) sshtest.Hostile {
	t.Helper()
	for _, h := range sshtest.Hostiles() {
		if h.Name == name {
			return h
		}
	}
	t.Fatalf("no hostile server %q", name)
	panic("unreachable")
}

// stuckSink takes the first frame and holds on to it.
type stuckSink struct {
	once  sync.Once
	stuck chan struct{}
}

func (s *stuckSink) Emit(ctx context.Context, _ pam.Frame) error {
	s.once.Do(func() { close(s.stuck) })
	<-ctx.Done()
	return context.Cause(ctx)
}

// S16: output that nobody takes is held by one window, and Close does not wait for it.
func TestHostile_S16_OutputIsBounded(t *testing.T) {
	for _, name := range []string{"endless-output", "window-overrun"} {
		t.Run(name, func(t *testing.T) {
			pamtest.NoLeaks(t)
			boundHeap(t, 16<<20)
			c, _, err := attackBy(t, hostile(t, name), sshx.Config{})
			must(t, err)
			s := &stuckSink{stuck: make(chan struct{})}
			end := make(chan error, 1)
			go func() { end <- c.Run(bg, s) }()
			soon(t, "output", s.stuck)
			closeSoon(t, c)
			if err := soon(t, "Run", end); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Run = %v after Close", err)
			}
		})
	}
	t.Run("overrun ends it", func(t *testing.T) {
		pamtest.NoLeaks(t)
		c, srv, err := attackBy(t, hostile(t, "window-overrun"), sshx.Config{})
		must(t, err)
		// Nothing is read until the server is through: its client has cut it off.
		soon(t, "the poison to be taken", srv.Taken())
		l := run(t, c, &sink{changed: make(chan struct{}), discard: true})
		if end := l.endedWith(pam.EndTargetError); end.Code != pam.CodeTargetLost {
			t.Errorf("code %s", end.Code)
		}
		if l.sink.bytes > 2<<20 {
			t.Errorf("%d bytes came, more than a window", l.sink.bytes)
		}
	})
}

// S16: input that the target never takes ends with its context or with Close.
func TestHostile_S16_ZeroWindow(t *testing.T) {
	for _, byClose := range []bool{false, true} {
		pamtest.NoLeaks(t)
		c, srv, err := attackBy(t, hostile(t, "zero-window"), sshx.Config{})
		must(t, err)
		l := run(t, c, newSink())
		l.sink.wait(t, "ready")
		soon(t, "the poison to be taken", srv.Taken())
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(bg)
		typed := make(chan error, 1)
		go func() { typed <- c.Input(ctx, pam.Input{Kind: pam.InputKey, Data: []byte("x")}) }()
		if byClose {
			closeSoon(t, c)
			if err := soon(t, "Input", typed); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Input = %v after Close", err)
			}
		} else {
			cancel(gone)
			if err := soon(t, "Input", typed); !errors.Is(err, gone) {
				t.Errorf("Input = %v, want the cause", err)
			}
			closeSoon(t, c)
		}
		cancel(nil)
		_ = l.ended()
	}
}

// Close takes a second at most, by the clock that the test moves, whatever the target does not do.
func TestHostile_S16_CloseIsBounded(t *testing.T) {
	for _, name := range []string{"no-close", "zero-window", "kex-again-stalls"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, srv, err := attackBy(t, hostile(t, name), sshx.Config{})
				must(t, err)
				soon(t, "the poison to be taken", srv.Taken())
				start := time.Now()
				must(t, c.Close(bg))
				if d := time.Since(start); d > time.Second {
					t.Errorf("Close took %v", d)
				}
			})
		})
	}
}
