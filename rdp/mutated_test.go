//go:build linux

package rdp_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/internal/rdplab"
)

// mutated counts what became of sessions over a line that changes bytes.
type mutated struct{ refused, ended, whole, pictures atomic.Int64 }

// TestXrdp_S09_S22_S28_SoakMutated: a real xrdp behind a line that changes bytes, before TLS and inside of it. Whatever comes, nothing panics,
// every call returns, each error has its code, and nothing goes on running (TestMain).
func TestXrdp_S09_S22_S28_SoakMutated(t *testing.T) {
	s := rdplab.StartXrdp(t, rdplab.LayerTLS, rdplab.Options{Moving: true})
	unveil, err := rdplab.Unveil()
	if err != nil {
		t.Fatal(err)
	}
	spread := func(i int) int { return 1 + i%17*12 } // changes come early in some sessions and late in others
	lines := make([]*pamtest.MutatingLink, 2)
	for i := range lines {
		lines[i] = pamtest.NewMutatingLink(t, s.Addr, func(conn int) (up, down *pamtest.Mutator) {
			return nil, pamtest.NewMutator(uint64(2*conn+i), spread(conn))
		})
	}
	lines[1].Unveil(unveil)

	// Every tenth is changed outside of TLS, where little is to be found.
	n := 10 * pamtest.Rounds(t, 5)
	var m mutated
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				line := lines[1]
				if i%10 == 0 {
					line = lines[0]
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					m.session(t, s, line.Addr(), i)
				}()
				select {
				case <-done:
				case <-time.After(patience): // every wait in a session has a deadline of seconds
					t.Errorf("session %d hangs", i)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	t.Logf("%d sessions: %d did not begin, %d ended early, %d saw nothing of it; %d pictures were drawn", n, m.refused.Load(), m.ended.Load(), m.whole.Load(),
		m.pictures.Load())
	if m.whole.Load() == int64(n) || m.pictures.Load() == 0 {
		t.Error("nothing bites, or nothing comes through")
	}
}

// session signs in, or stays at the window that asks for it, and draws for a while.
func (m *mutated) session(t *testing.T, s *rdplab.Server, addr string, i int) {
	cfg := rdp.Config{
		Pins: []string{rdp.Fingerprint(s.Certificate)}, Width: rdplab.Width, Height: rdplab.Height, HandshakeTimeout: 3 * time.Second,
		RemoteFX: i%3 == 0, Compression: rdp.Compression64K, Clipboard: &rdp.Clipboard{FromSession: true}, Resize: true,
	}
	if i%4 == 3 {
		cfg.Credentials = as(s.User, s.Password)
	}
	c, err := rdp.Dial(context.Background(), addr, &cfg)
	if err != nil {
		m.refused.Add(1)
		coded(t, err)
		return
	}
	defer c.Close()
	f, err := rdp.NewFramebuffer(c.Size())
	if err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for {
		u, err := c.Next(ctx)
		switch {
		case ctx.Err() != nil:
			m.whole.Add(1)
			return
		case err != nil:
			m.ended.Add(1)
			coded(t, err)
			return
		}
		if f.Apply(u) == nil {
			m.pictures.Add(1)
		}
	}
}

// coded fails the test for an error that says not what it is.
func coded(t *testing.T, err error) {
	var e *rdp.Error
	if !errors.As(err, &e) || e.Code == "" || e.Phase == "" {
		t.Errorf("an error without a code or a phase: %v", err)
	}
}
