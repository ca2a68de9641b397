package edge

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/time/rate"
)

// The library answers pings by itself, and any number of empty fragments is no message yet: neither ever reaches Read.
// What a client sends is therefore followed one level below: frame by frame, headers only.

// ErrFlood tells that a peer sent more frames without content than anybody needs: pings, pongs, empty fragments.
var ErrFlood = errors.New("edge: flood of empty or control frames")

// Frames without content that a client may send: browsers answer one ping of ours every 20 s, other clients send a few
// of their own.
const (
	idleFrames     = 2  // a second
	idleFrameBurst = 50 // at once
)

// Parts of a frame's header (RFC 6455, section 5.2).
const (
	opcodeMask  = 0x0f
	controlBit  = 0x08 // of an opcode
	maskBit     = 0x80
	lengthMask  = 0x7f
	length16    = 126
	length64    = 127
	shortHeader = 2 /* flags, opcode, mask, length */ + 4 /* masking key */
	longHeader  = shortHeader + 8
)

// watch follows the frames of one direction of a connection. Its methods are called by one goroutine at a time.
type watch struct {
	idle *rate.Limiter

	head [longHeader]byte
	have int    // bytes of head
	skip uint64 // bytes of payload that are still to come
	err  error  // sticky
}

func newWatch() *watch { return &watch{idle: rate.NewLimiter(idleFrames, idleFrameBurst)} }

// feed takes the next bytes. After an error nothing more may be read from the connection.
func (w *watch) feed(p []byte, now time.Time) error {
	for len(p) > 0 && w.err == nil {
		if w.skip > 0 {
			n := min(w.skip, uint64(len(p)))
			w.skip -= n
			p = p[n:]
			continue
		}
		w.head[w.have] = p[0]
		w.have++
		p = p[1:]
		if w.have >= 2 && w.have == headerLen(w.head[1]) {
			w.err = w.frame(now)
			w.have = 0
		}
	}
	return w.err
}

// headerLen is the length of a header with that second byte.
func headerLen(second byte) int {
	n := 2
	switch second & lengthMask {
	case length16:
		n += 2
	case length64:
		n += 8
	}
	if second&maskBit != 0 {
		n += 4
	}
	return n
}

// frame judges a whole header.
func (w *watch) frame(now time.Time) error {
	n := uint64(w.head[1] & lengthMask)
	switch n {
	case length16:
		n = uint64(binary.BigEndian.Uint16(w.head[2:]))
	case length64:
		n = binary.BigEndian.Uint64(w.head[2:])
	}
	w.skip = n
	if (n == 0 || w.head[0]&opcodeMask&controlBit != 0) && !w.idle.AllowN(now, 1) {
		return ErrFlood
	}
	return nil
}
