package edge

import (
	"net"
	"sync/atomic"
)

// The library writes a message through a buffer of 4 KiB: what fills the buffer beside the header goes out by itself, and the rest after it.
// The kernel, and whoever reads, take as long for that small beginning as for many times as much.

// whole writes a message at once, when the library brings its beginning, and drops the rest when it brings that. But for msg it belongs to who
// writes a frame, which the library lets one do at a time.
type whole struct {
	msg   atomic.Pointer[[]byte] // that is being written; nil: none
	drop  int                    // bytes of it that are still to come, and are written already
	parts [2][]byte
	bufs  net.Buffers
}

// finBinary is the first byte of a message in one frame: FIN and opcode 2. Control frames, which may come in between messages, have others.
const finBinary = 0x82

func (w *whole) write(to net.Conn, p []byte) (int, error) {
	if w.drop > 0 {
		w.drop -= len(p)
		return len(p), nil
	}
	msg := w.msg.Load()
	if msg == nil || len(p) < 2 || p[0] != finBinary {
		return to.Write(p)
	}
	rest := headerLen(p[1]) + len(*msg) - len(p)
	if rest <= 0 {
		return to.Write(p)
	}
	w.parts = [2][]byte{p, (*msg)[len(*msg)-rest:]}
	w.bufs = w.parts[:]
	_, err := w.bufs.WriteTo(to)
	w.parts, w.bufs = [2][]byte{}, nil
	if err != nil {
		return 0, err
	}
	w.drop = rest
	return len(p), nil
}
