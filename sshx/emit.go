package sshx

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/sallyport/sallyport/pam"
)

// emitOutput emits what the target printed, and the keys that it has shown by it. p is not changed any more; its
// spare capacity may be.
func (c *conn) emitOutput(ctx context.Context, out pam.Sink, p []byte) error {
	shown := c.echo.output(p)
	c.screen.Output(p)
	if err := c.emit(ctx, out, pam.Frame{Kind: pam.FrameOutput, Payload: p[:len(p):len(p)]}); err != nil {
		return err
	}
	for _, l := range shown {
		c.screen.Count()
		if err := c.emit(ctx, out, pam.Frame{Kind: pam.FrameKeys, Payload: l.keys, Participant: l.who}); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) emitNotice(ctx context.Context, out pam.Sink, n pam.Notice) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	c.screen.Count()
	return c.emit(ctx, out, pam.Frame{Kind: pam.FrameNotice, Payload: b})
}

// emit is the only way to the sink. The frame must be counted before, with the screen it leaves behind: a key
// frame taken while Emit waits already has it (pam.KeyFramer).
func (c *conn) emit(ctx context.Context, out pam.Sink, f pam.Frame) error {
	c.busy.Store(true)
	defer c.busy.Store(false)
	return out.Emit(ctx, f)
}

// keyFramePart bounds the payload of one frame of a key frame.
const keyFramePart = 128 << 10

// KeyFrame returns the bytes that draw the present screen with its scroll-back, and how many frames that is.
func (c *conn) KeyFrame(ctx context.Context) ([]pam.Frame, uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, context.Cause(ctx)
	}
	b, n := c.screen.KeyFrame()
	frames := make([]pam.Frame, 0, len(b)/keyFramePart+1)
	for part := range slices.Chunk(b, keyFramePart) {
		frames = append(frames, pam.Frame{Kind: pam.FrameOutput, Payload: part})
	}
	frames[0].Flags = pam.FlagKey
	return frames, n, nil
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

// take keeps the first n bytes that were read into space. The capacity of what it returns reaches into what the
// next read fills: only the screen model's log, which joins neighbours, may look there.
func (a *arena) take(n int) []byte {
	p := a.buf[:n]
	a.buf, a.last = a.buf[n:], n
	return p
}
