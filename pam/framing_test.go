package pam_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/internal/frame"
	"github.com/sallyport/sallyport/pam/pamtest"
)

// sieve is a page that takes nothing in but the count of what it is shown, and acknowledges it. It allocates nothing while it does, so that what
// is counted in its process is the gateway's.
type sieve struct {
	*rawConn
	shown chan int      // bytes of a frame of pictures; unbuffered
	ready chan struct{} // closed when the page has its place in the log
	head  [14]byte
	ack   []byte // a message that acknowledges
}

func (p *person) sieve(t testing.TB, id pam.SessionID, stop <-chan struct{}) *sieve {
	t.Helper()
	ticket := p.ticket(id)
	c, resp := p.rawSocket(t, id)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", p.user, resp.Status)
	}
	hello, _ := json.Marshal(map[string]any{"ticket": ticket, "cols": 100, "rows": 30})
	if _, err := c.Write(masked(0x82, frame.Append(nil, frame.Frame{Kind: frame.Hello, Payload: hello}))); err != nil {
		t.Fatal(err)
	}
	s := &sieve{rawConn: c, shown: make(chan int), ready: make(chan struct{}), ack: masked(0x82, frame.Append(nil, frame.Frame{Kind: frame.Ack, Payload: frame.AppendAck(nil, 0)}))}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.run(stop) // it ends with the connection
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	return s
}

// run reads until the connection ends, or stop is closed.
func (s *sieve) run(stop <-chan struct{}) error {
	var total uint64
	active := false
	for {
		n, err := s.message()
		if err != nil {
			return err
		}
		for n > 0 {
			if _, err := io.ReadFull(s.br, s.head[:frame.HeaderLen]); err != nil {
				return err
			}
			size := int(binary.BigEndian.Uint32(s.head[2:]))
			kind := frame.Kind(s.head[0])
			if kind == frame.State && !active {
				state, err := s.br.Peek(min(size, s.br.Size()))
				if err != nil {
					return err
				}
				if active = bytes.Contains(state, []byte(`"state":"active"`)); active {
					close(s.ready)
				}
			}
			if _, err := s.br.Discard(size); err != nil {
				return err
			}
			n -= frame.HeaderLen + size
			if kind != frame.Screen {
				continue
			}
			total += uint64(size)
			binary.BigEndian.PutUint64(s.ack[len(s.ack)-8:], total)
			if _, err := s.Write(s.ack); err != nil {
				return err
			}
			select {
			case s.shown <- size:
			case <-stop:
				return nil
			}
		}
	}
}

// message reads the header of a binary message, and returns its length.
func (s *sieve) message() (int, error) {
	if _, err := io.ReadFull(s.br, s.head[:2]); err != nil {
		return 0, err
	}
	if s.head[0] != 0x82 {
		return 0, io.ErrUnexpectedEOF
	}
	n, more := int(s.head[1]), 0
	switch n {
	case 126:
		more = 2
	case 127:
		more = 8
	}
	if more > 0 {
		clear(s.head[:])
		if _, err := io.ReadFull(s.br, s.head[8-more:8]); err != nil {
			return 0, err
		}
		n = int(binary.BigEndian.Uint64(s.head[:]))
	}
	return n, nil
}

// audience is a session with that many pages, and a way to show all of them one frame: it returns when each has it.
func audience(t testing.TB, viewers int) (show func(pam.Frame)) {
	t.Helper()
	r := newRig(t, func(c *pam.Config) {
		c.Log = nil
		pamtest.Unthrottle(&c.Limits)
	})
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	owner := r.alice()
	id := owner.start()
	sieves := []*sieve{owner.sieve(t, id, stop)}
	c := r.target(1)
	for i := range viewers - 1 {
		user := fmt.Sprintf("m%d", i)
		r.policy.Set(pam.UserID(user), asset1, pamtest.Permit(pam.RoleManager, joinRights...))
		p := r.person(user, "l-"+user)
		if st, code := p.join(id, pam.ModeMonitor); st != http.StatusCreated {
			t.Fatalf("join: %d %s", st, code)
		}
		sieves = append(sieves, p.sieve(t, id, stop))
	}
	for _, s := range sieves {
		select {
		case <-s.ready:
		case <-r.ctx.Done():
			t.Fatal("a page has not come in")
		}
	}
	show = func(f pam.Frame) {
		if err := c.Emit(r.ctx, f); err != nil {
			t.Fatal(err)
		}
		for _, s := range sieves {
			select {
			case n := <-s.shown:
				if n != len(f.Payload) {
					t.Fatalf("a page was shown %d bytes, want %d", n, len(f.Payload))
				}
			case <-r.ctx.Done():
				t.Fatal("a page was not shown a frame")
			}
		}
	}
	return show
}

// BenchmarkFraming is a picture's way from the session's log into the sockets of one page and of ten, each of which acknowledges it. The
// bytes allocated do not grow with the payload, whoever looks.
func BenchmarkFraming(b *testing.B) {
	for _, viewers := range []int{1, 10} {
		for _, size := range []int{1 << 10, 32 << 10} {
			b.Run(fmt.Sprintf("viewers=%d/KiB=%d", viewers, size>>10), func(b *testing.B) {
				show := audience(b, viewers)
				f := pam.Frame{Kind: pam.FrameScreen, Payload: make([]byte, size)}
				show(f)
				b.SetBytes(int64(viewers * size))
				b.ReportAllocs()
				for b.Loop() {
					show(f)
				}
			})
		}
	}
}

// TestFraming_NoCopyPerViewer: what a viewer costs the heap per frame is far less than the frame, since all share its bytes.
func TestFraming_NoCopyPerViewer(t *testing.T) {
	const frames, size = 200, 64 << 10
	f := pam.Frame{Kind: pam.FrameScreen, Payload: make([]byte, size)}
	allocated := func(viewers int) uint64 {
		show := audience(t, viewers)
		for range 20 { // so that every pool is filled
			show(f)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range frames {
			show(f)
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / frames
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
	one, ten := allocated(1), allocated(10)
	t.Logf("bytes allocated per frame of %d: %d for one page, %d for ten", size, one, ten)
	// Half a frame tells a copy from none, and leaves room for the race detector, under which pools drop a quarter of what they are given.
	if most := uint64(size / 2); one > most || ten > 10*most {
		t.Errorf("bytes allocated per frame of %d: %d for one page, %d for ten; want at most %d for each page", size, one, ten, most)
	}
}
