package pam_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

func BenchmarkDecide(b *testing.B) {
	f := allowed()
	b.ReportAllocs()
	for b.Loop() {
		if !pam.Decide(f).Allowed() {
			b.Fatal("denied")
		}
	}
}

// BenchmarkTicket is one ticket's way through the memory store: hash, put, hash, take.
func BenchmarkTicket(b *testing.B) {
	s := pam.NewMemoryStore()
	t := pam.Ticket{Session: "s", Participant: "p", User: "u", LoginID: "l", Expires: time.Now().Add(time.Hour)}
	text := strings.Repeat("t", 43)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.PutTicket(b.Context(), sha256.Sum256([]byte(text)), t); err != nil {
			b.Fatal(err)
		}
		if _, err := s.TakeTicket(b.Context(), sha256.Sum256([]byte(text))); err != nil {
			b.Fatal(err)
		}
	}
}

// benchSession is a session whose socket the benchmark reads itself, with the target's end of it.
func benchSession(b *testing.B, recorded bool) (read func() []frame.Frame, write func(frame.Frame), c *pamtest.Conn) {
	b.Helper()
	r := newRig(b, func(c *pam.Config) {
		c.Log = nil
		pamtest.Unthrottle(&c.Limits)
	})
	if recorded {
		r.recorded()
	}
	p := r.alice()
	id := p.start()
	ticket := p.ticket(id)
	conn := p.dial(id)
	b.Cleanup(conn.Abort)
	if err := conn.Write(b.Context(), helloMessage(ticket)); err != nil {
		b.Fatal(err)
	}
	read = func() []frame.Frame {
		msg, err := conn.Read(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		frames, err := frame.SplitGateway(msg)
		if err != nil {
			b.Fatal(err)
		}
		return frames
	}
	write = func(f frame.Frame) {
		if err := conn.Write(b.Context(), frame.Append(nil, f)); err != nil {
			b.Fatal(err)
		}
	}
	for {
		for _, f := range read() {
			if f.Kind == frame.State && strings.Contains(string(f.Payload), `"state":"active"`) {
				return read, write, r.target(1)
			}
		}
	}
}

// BenchmarkEcho is one key from the page to the target and its echo back, over a real socket, with a fake target.
func BenchmarkEcho(b *testing.B) {
	for name, recorded := range map[string]bool{"plain": false, "recorded": true} {
		b.Run(name, func(b *testing.B) {
			read, write, c := benchSession(b, recorded)
			var total uint64
			keys := 0
			b.ReportAllocs()
			for b.Loop() {
				write(frame.Frame{Kind: frame.Key, Payload: []byte("k")})
				keys++
				if keys%1024 == 0 { // the fake keeps all it got: asking every time would be what is measured
					if err := c.Await(b.Context(), func(c *pamtest.Conn) bool { return len(c.Inputs()) >= keys }); err != nil {
						b.Fatal(err)
					}
				}
				if err := c.Output(b.Context(), "k"); err != nil {
					b.Fatal(err)
				}
				for got := false; !got; {
					for _, f := range read() {
						if f.Kind == frame.Output {
							got = true
							total += uint64(len(f.Payload))
						}
					}
				}
				if total%(1<<10) == 0 {
					write(frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, total)})
				}
			}
		})
	}
}

// BenchmarkThroughput is what one page can be shown per second.
func BenchmarkThroughput(b *testing.B) {
	for name, recorded := range map[string]bool{"plain": false, "recorded": true} {
		b.Run(name, func(b *testing.B) {
			read, write, c := benchSession(b, recorded)
			block := make([]byte, 32<<10)
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				// No output: the fake would keep it all for its key frame.
				for c.Emit(ctx, pam.Frame{Kind: pam.FrameScreen, Payload: block}) == nil {
				}
			}()
			var total, acked, want uint64
			b.SetBytes(int64(len(block)))
			b.ReportAllocs()
			for b.Loop() {
				for want += uint64(len(block)); total < want; {
					for _, f := range read() {
						if f.Kind == frame.Screen {
							total += uint64(len(f.Payload))
						}
					}
					if total-acked >= 64<<10 {
						acked = total
						write(frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, acked)})
					}
				}
			}
			stop()
			<-done
		})
	}
}

// FuzzDispatch_S23 sends bytes of any kind as one message into a live session. The page may be closed for a violation, and for
// nothing else; the session goes on unless the bytes say disconnect.
func FuzzDispatch_S23(f *testing.F) {
	for _, fr := range []frame.Frame{
		{Kind: frame.Key, Payload: []byte("ls\r")},
		{Kind: frame.Pointer, Payload: []byte{1, 2, 3}},
		{Kind: frame.Disconnect},
		{Kind: frame.Resize, Payload: frame.AppendResize(nil, frame.Size{Cols: 80, Rows: 24})},
		{Kind: frame.Paste, Flags: 1, Payload: []byte("é")},
		{Kind: frame.Ack, Payload: frame.AppendAck(nil, 0)},
		{Kind: frame.Visible, Payload: []byte{0}},
		{Kind: frame.Listen, Payload: []byte{1}},
		{Kind: frame.Copied, Payload: []byte("c")},
		{Kind: frame.Probe, Payload: make([]byte, 8)},
	} {
		f.Add(frame.Append(nil, fr))
		f.Add(append(frame.Append(nil, fr), frame.Append(nil, frame.Frame{Kind: frame.Key, Payload: []byte("k")})...))
	}
	f.Add([]byte{})
	f.Add([]byte{0x81, 0, 0, 0, 0, 2, 'x'})
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > 1<<20 {
			return
		}
		r := newRig(t)
		_, pg, c := r.begin()
		_ = pg.conn.Write(r.ctx, msg)
		_, bad := frame.SplitClient(msg)
		pg.key("!")
		ctx, cancel := contextUntil(r.ctx, pg.done)
		defer cancel()
		if c.Await(ctx, func(c *pamtest.Conn) bool { return strings.HasSuffix(c.Typed(), "!") }) != nil {
			if got := pg.awaitClose(); got != string(pam.CodeProtocolViolation) && got != string(pam.CodeUserDisconnect) {
				t.Errorf("closed with %q", got)
			}
		} else if bad != nil {
			t.Errorf("%x was taken: %v", msg, bad)
		}
	})
}

// contextUntil ends with ctx or with done.
func contextUntil(ctx context.Context, done <-chan struct{}) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-done:
		case <-out.Done():
		}
		cancel()
	}()
	return out, cancel
}
