package edge

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
)

// notingConn takes down what is written to it, one by one. It fails once left writes were taken.
type notingConn struct {
	net.Conn
	writes [][]byte
	left   int
}

var errNoted = errors.New("no more")

func (n *notingConn) Write(p []byte) (int, error) {
	if n.left--; n.left < 0 {
		return 0, errNoted
	}
	n.writes = append(n.writes, bytes.Clone(p))
	return len(p), nil
}

// TestWhole: what the library writes piece by piece goes out in order and once, the rest of a message with its beginning; control frames
// before a message are no part of it, and what fails is not taken for written.
func TestWhole(t *testing.T) {
	header := map[int][]byte{100: {finBinary, 100}, 5000: {finBinary, 126, 0x13, 0x88}, 70000: {finBinary, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70}}
	ping := []byte{0x89, 1, 'p'}
	for size, head := range header {
		msg := make([]byte, size)
		for i := range msg {
			msg[i] = byte(i * 7)
		}
		frame := slices.Concat(head, msg)
		var w whole
		to := &notingConn{left: 100}
		w.msg.Store(&msg)
		put := func(p []byte) {
			if n, err := w.write(to, p); n != len(p) || err != nil {
				t.Fatalf("%d bytes: wrote %d, %v", size, n, err)
			}
		}
		put(ping)
		for p := frame; len(p) > 0; {
			n := min(len(p), 4096)
			if len(p) < len(frame) && len(p) > 4096 { // what does not fit the buffer goes past it
				n = len(p) - len(p)%4096
			}
			put(p[:n])
			p = p[n:]
		}
		w.msg.Store(nil)
		put(ping)
		if got := bytes.Join(to.writes, nil); !bytes.Equal(got, slices.Concat(ping, frame, ping)) {
			t.Errorf("%d bytes: something else went out: %d bytes", size, len(got))
		}
		if w.drop != 0 {
			t.Errorf("%d bytes: %d are still dropped", size, w.drop)
		}
		w.msg.Store(&msg)
		to = &notingConn{}
		if _, err := w.write(to, frame[:min(len(frame), 4096)]); !errors.Is(err, errNoted) || w.drop != 0 {
			t.Errorf("%d bytes: a write that fails: %v, and %d are dropped", size, err, w.drop)
		}
	}
}
