package pamtest_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam/pamtest"
)

// echo is a server that sends back what it gets, and then ends its side.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

func roundTrip(t *testing.T, c net.Conn, text string) time.Duration {
	t.Helper()
	start := time.Now()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("write: %v", err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("echo = %q, %v; want %q", got, err, text)
	}
	return time.Since(start)
}

func TestBadLinkCarries(t *testing.T) {
	b := pamtest.NewBadLink(t, echo(t))
	c := dial(t, b.Addr())
	roundTrip(t, c, "hello")
	big := bytes.Repeat([]byte("0123456789"), 200_000)
	got := make(chan []byte)
	go func() {
		p, _ := io.ReadAll(c)
		got <- p
	}()
	if _, err := c.Write(big); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if p := <-got; !bytes.Equal(p, big) {
		t.Errorf("got %d bytes back, want the %d sent", len(p), len(big))
	}
}

func TestBadLinkDelayRateChunk(t *testing.T) {
	b := pamtest.NewBadLink(t, echo(t))
	c := dial(t, b.Addr())
	const delay = 40 * time.Millisecond
	b.Up(pamtest.Quality{Delay: delay})
	b.Down(pamtest.Quality{Delay: delay, Chunk: 1})
	if took := roundTrip(t, c, "x"); took < 2*delay {
		t.Errorf("round trip took %v, want at least %v", took, 2*delay)
	}
	b.Up(pamtest.Quality{Rate: 10_000})
	b.Down(pamtest.Quality{})
	if took := roundTrip(t, c, string(make([]byte, 1000))); took < 90*time.Millisecond {
		t.Errorf("1,000 bytes at 10,000 bytes/s took %v, want about 100ms", took)
	}
}

func TestBadLinkStall(t *testing.T) {
	b := pamtest.NewBadLink(t, echo(t))
	c := dial(t, b.Addr())
	roundTrip(t, c, "before")
	b.Stall()
	if _, err := io.WriteString(c, "kept"); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read of a stalled link = %d, %v; want a timeout", n, err)
	}
	b.Resume()
	if err := c.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "kept" {
		t.Errorf("after Resume = %q, %v; want %q", got, err, "kept")
	}
}

// TestBadLinkLose: what is lost comes later, and so does all behind it, in order.
func TestBadLinkLose(t *testing.T) {
	b := pamtest.NewBadLink(t, echo(t))
	c := dial(t, b.Addr())
	const again = 40 * time.Millisecond
	b.Up(pamtest.Quality{Lose: 2, Again: again})
	roundTrip(t, c, "passes")
	if took := roundTrip(t, c, "lost"); took < again {
		t.Errorf("what was lost came back after %v, want at least %v", took, again)
	}
	b.Up(pamtest.Quality{Lose: 1, Again: again})
	roundTrip(t, c, "one two three")
	if got, want := b.Traffic(), int64(len("passeslostone two three")); got.Up != want || got.Down != want || got.Turns != 3 {
		t.Errorf("%+v, want %d bytes both ways in 3 turns", got, want)
	}
}

func TestBadLinkReset(t *testing.T) {
	b := pamtest.NewBadLink(t, echo(t))
	c := dial(t, b.Addr())
	roundTrip(t, c, "before")
	b.Reset()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read after Reset: %v, want a reset", err)
	}
	roundTrip(t, dial(t, b.Addr()), "a later connection works")
}

func TestBadLinkHalfOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	b := pamtest.NewBadLink(t, l.Addr().String())
	c := dial(t, b.Addr())
	target, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = target.Close() }()
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(target, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	b.HalfOpen()
	if _, err := target.Read(make([]byte, 1)); err == nil {
		t.Error("the target still reads after HalfOpen")
	}
	if _, err := io.WriteString(c, "into the void"); err != nil {
		t.Errorf("the client's write failed: %v; want silence", err)
	}
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the client's read: %v; want silence until its deadline", err)
	}
}

func TestBadLinkToNowhere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	b := pamtest.NewBadLink(t, addr)
	c := dial(t, b.Addr())
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("read through a link without a target succeeded")
	}
	b.Close()
	b.Close() // twice is fine
}
