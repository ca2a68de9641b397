package rdp_test

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// stoppable is the line to a server whose process can be stopped: what is sent is taken, by the server's machine, and nothing comes back.
type stoppable struct {
	net.Conn
	writes atomic.Int64
	woken  chan struct{} // closed by a deadline in the past
	wake   sync.Once

	mu      sync.Mutex // guards what follows
	running chan struct{}
	late    []byte // sent meanwhile
}

func newStoppable(c net.Conn) *stoppable {
	s := &stoppable{Conn: c, woken: make(chan struct{}), running: make(chan struct{})}
	close(s.running)
	return s
}

func (s *stoppable) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = make(chan struct{})
}

func (s *stoppable) goOn(t *testing.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.running)
	if _, err := s.Conn.Write(s.late); err != nil {
		t.Error(err)
	}
	s.late = nil
}

func (s *stoppable) state() (running <-chan struct{}, stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.running:
		return s.running, false
	default:
		return s.running, true
	}
}

func (s *stoppable) Write(b []byte) (int, error) {
	s.writes.Add(1)
	s.mu.Lock()
	select {
	case <-s.running:
		s.mu.Unlock()
		return s.Conn.Write(b)
	default:
		defer s.mu.Unlock()
		s.late = append(s.late, b...)
		return len(b), nil
	}
}

func (s *stoppable) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	running, _ := s.state()
	select {
	case <-running:
		return n, err
	case <-s.woken:
		return 0, os.ErrDeadlineExceeded
	}
}

func (s *stoppable) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		s.wake.Do(func() { close(s.woken) })
	}
	return s.Conn.SetReadDeadline(t)
}

func (s *stoppable) SetDeadline(t time.Time) error {
	if err := s.SetReadDeadline(t); err != nil {
		return err
	}
	return s.SetWriteDeadline(t)
}

// watched is a client inside a bubble of fake time, whose server can be stopped.
type watched struct {
	*rdp.Client
	t    *testing.T
	line *stoppable
	hold chan struct{} // while something is in it, Next is not called
	end  atomic.Pointer[error]
}

// watching signs in to a still desktop, and lets the server be tried.
func watching(t *testing.T, change func(*rdptest.Config)) *watched {
	t.Helper()
	return watchingFor(t, rdp.DefaultAnswerTimeout, change)
}

func watchingFor(t *testing.T, answer time.Duration, change func(*rdptest.Config)) *watched {
	t.Helper()
	s := newServer(t, change)
	near, far := net.Pipe()
	var served sync.WaitGroup
	served.Go(func() { _ = s.ServeConn(far) })
	w := &watched{t: t, line: newStoppable(near), hold: make(chan struct{}, 1)}
	var err error
	w.Client, err = rdp.NewClient(t.Context(), w.line, &rdp.Config{
		Credentials: as("anna", password), Pins: []string{rdp.Fingerprint(s.Certificate())}, Width: 320, Height: 240,
		AnswerTimeout: answer,
	})
	if err != nil {
		t.Fatal(err)
	}
	served.Go(func() {
		for {
			w.hold <- struct{}{}
			<-w.hold
			if _, err := w.Next(t.Context()); err != nil {
				w.end.Store(&err)
				return
			}
		}
	})
	t.Cleanup(func() {
		w.Close()
		far.Close()
		served.Wait()
	})
	w.pass(time.Minute)
	return w
}

// pass lets time pass.
func (w *watched) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// touch presses a key that draws nothing.
func (w *watched) touch() {
	w.t.Helper()
	if err := errors.Join(w.Key(rdp.KeyLeftShift, true), w.Key(rdp.KeyLeftShift, false)); err != nil {
		w.t.Error(err)
	}
}

// ended returns why Next has ended, "" if it has not.
func (w *watched) ended() rdp.Code {
	if err := w.end.Load(); err != nil {
		return rdp.CodeOf(*err)
	}
	return ""
}

func (w *watched) lives(when string) {
	w.t.Helper()
	if code := w.ended(); code != "" {
		w.t.Fatalf("%s: the connection has ended: %v", when, *w.end.Load())
	}
}

// TestAlive_S35_StoppedServer: a server that has stopped, on a machine that goes on to take what is sent, is found half a minute after somebody
// has touched it, and not before.
func TestAlive_S35_StoppedServer(t *testing.T) {
	for _, codec := range []rdptest.Codec{rdptest.CodecRaw, rdptest.CodecPlanar} {
		synctest.Test(t, func(t *testing.T) {
			w := watching(t, func(c *rdptest.Config) { c.Codec = codec })
			w.line.stop()
			w.pass(time.Hour)
			w.lives("stopped, and nobody has noticed")
			w.touch()
			w.pass(rdp.DefaultAnswerTimeout - time.Second)
			w.lives("before the time is over")
			w.touch() // does not begin the wait anew
			w.pass(time.Second)
			if got := w.ended(); got != rdp.CodeUnresponsive {
				t.Errorf("ended with %q, want %q", got, rdp.CodeUnresponsive)
			}
		})
	}
}

// TestAlive_S35_StillDesktopLives: a desktop that draws nothing lives on, for hours, whether it is touched or not. Nobody asks it anything while it
// is not touched.
func TestAlive_S35_StillDesktopLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t, nil)
		before := w.line.writes.Load()
		w.pass(12 * time.Hour)
		w.lives("untouched")
		if n := w.line.writes.Load() - before; n != 0 {
			t.Errorf("%d writes while nobody touched it", n)
		}
		for range 2000 {
			w.touch()
			w.pass(7 * time.Second)
		}
		w.lives("touched now and then")
		w.touch()
		w.pass(12 * time.Hour)
		w.lives("after a last touch")
	})
}

// TestAlive_S35_DeafServerLives: a server that does not draw what it is asked to is never taken for dead, though it answers no input either.
func TestAlive_S35_DeafServerLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t, func(c *rdptest.Config) { c.NoRefresh = true })
		for range 2000 {
			w.touch()
			w.pass(7 * time.Second)
		}
		w.touch()
		w.pass(12 * time.Hour)
		w.lives("a server that is deaf to Refresh Rect")
	})
}

// TestAlive_S35_LateIsNotDead: a server that was stopped and goes on before the time is over has lost nothing, and is watched as before.
func TestAlive_S35_LateIsNotDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t, nil)
		for range 5 {
			w.line.stop()
			w.touch()
			w.pass(rdp.DefaultAnswerTimeout - time.Second)
			w.line.goOn(t)
			w.pass(time.Hour)
			w.lives("after it went on")
		}
		w.line.stop()
		w.touch()
		w.pass(rdp.DefaultAnswerTimeout)
		if got := w.ended(); got != rdp.CodeUnresponsive {
			t.Errorf("ended with %q, want %q", got, rdp.CodeUnresponsive)
		}
	})
}

// TestAlive_S35_WhoDoesNotListenConcludesNothing: neither a session that is slow to take what was read, nor one that has asked for no picture.
func TestAlive_S35_WhoDoesNotListenConcludesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const answer = 6 * time.Second
		w := watchingFor(t, answer, nil)
		w.hold <- struct{}{} // Next waits, and is not called again once it returns
		if err := w.Refresh(); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.touch()
		w.pass(3 * answer) // less than the server waits for whoever reads nothing
		w.lives("nothing is read")
		<-w.hold
		w.pass(time.Minute)
		w.lives("read again")

		if err := w.SuppressOutput(true); err != nil {
			t.Fatal(err)
		}
		w.touch()
		w.pass(time.Hour)
		w.lives("asked to draw nothing")
		w.line.stop()
		w.touch()
		w.pass(time.Hour)
		w.lives("stopped while it was asked to draw nothing")
		if err := w.SuppressOutput(false); err != nil {
			t.Fatal(err)
		}
		w.touch()
		w.pass(answer)
		if got := w.ended(); got != rdp.CodeUnresponsive {
			t.Errorf("ended with %q, want %q", got, rdp.CodeUnresponsive)
		}
	})
}

// TestAlive_S35_Never: a negative AnswerTimeout waits for ever.
func TestAlive_S35_Never(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		near, far := net.Pipe()
		var served sync.WaitGroup
		served.Go(func() { _ = s.ServeConn(far) })
		line := newStoppable(near)
		c, err := rdp.NewClient(t.Context(), line, &rdp.Config{
			Credentials: as("anna", password), Pins: []string{rdp.Fingerprint(s.Certificate())}, AnswerTimeout: -1,
		})
		if err != nil {
			t.Fatal(err)
		}
		served.Go(func() { _ = drawAll(t.Context(), c) })
		time.Sleep(time.Minute)
		line.stop()
		_ = c.Key(rdp.KeyLeftShift, true)
		time.Sleep(12 * time.Hour)
		if err := c.Key(rdp.KeyLeftShift, false); err != nil {
			t.Errorf("after 12 hours: %v", err)
		}
		c.Close()
		far.Close()
		served.Wait()
	})
}
