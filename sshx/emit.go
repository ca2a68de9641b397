package sshx

import (
	"context"
	"encoding/json"

	"github.com/sallyport/sallyport/pam"
)

// emit is the only way to the sink.
func (c *conn) emit(ctx context.Context, out pam.Sink, f pam.Frame) error {
	c.busy.Store(true)
	defer c.busy.Store(false)
	return out.Emit(ctx, f)
}

func (c *conn) emitNotice(ctx context.Context, out pam.Sink, n pam.Notice) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return c.emit(ctx, out, pam.Frame{Kind: pam.FrameNotice, Payload: b})
}

// Sizes of arenas. The large one bounds what one Emit carries, the small one what an idle session holds.
const (
	minArena = 2 << 10
	maxArena = 64 << 10
	minSpace = 512 // room worth reading into
)

// arena hands out memory for reads. What was taken is never written again, so payloads are shared without a
// copy. It grows under load and shrinks when the load is over.
type arena struct {
	buf  []byte // not handed out yet
	size int    // of the block that buf is the rest of
	last int    // bytes of the last read
}

// space returns where to read to, at least minSpace bytes.
func (a *arena) space() []byte {
	size := a.size
	switch {
	case a.last > size/2:
		size *= 2
	case a.last < minSpace:
		size /= 2
	}
	size = min(max(size, minArena), maxArena)
	// A session that falls silent after a burst must not keep a large block.
	if len(a.buf) < minSpace || (a.size > 4*minArena && a.last < minSpace) {
		a.buf, a.size = make([]byte, size), size
	}
	return a.buf
}

// take keeps the first n bytes that were read into space.
func (a *arena) take(n int) []byte {
	p := a.buf[:n:n]
	a.buf, a.last = a.buf[n:], n
	return p
}
