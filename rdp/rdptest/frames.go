package rdptest

import (
	"context"
	"sync"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// frames counts the frames that the client has not acknowledged ([MS-RDPRFX] 2.2.3.1).
type frames struct {
	mu    sync.Mutex // guards what follows
	sent  uint32     // the last one
	done  uint32     // the last one that the client has drawn
	acked chan struct{}
}

// acknowledge takes what the client says. An id that was never sent counts for nothing.
func (f *frames) acknowledge(id uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id > f.sent {
		return
	}
	f.done = max(f.done, id)
	select {
	case f.acked <- struct{}{}:
	default:
	}
}

// room waits until fewer than window frames are under way.
func (f *frames) room(ctx context.Context, window int) error {
	for {
		f.mu.Lock()
		under := int(f.sent - f.done)
		f.mu.Unlock()
		if under < window {
			return nil
		}
		select {
		case <-f.acked:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// frame sends what draw does between frame markers (2.2.9.2.3), if the client has them and surface bits are sent. If it acknowledges
// frames too, the next one begins when there is room for it.
func (c *Session) frame(ctx context.Context, draw func() error) error {
	if _, surface := codecKinds[c.Codec]; !surface || !c.caps.markers {
		return draw()
	}
	if c.caps.window > 0 {
		if err := c.frames.room(ctx, c.caps.window); err != nil {
			return err
		}
	}
	c.frames.mu.Lock()
	c.frames.sent++
	id := c.frames.sent
	c.frames.mu.Unlock()
	if err := c.marker(id, false); err != nil {
		return err
	}
	if err := draw(); err != nil {
		return err
	}
	return c.marker(id, true)
}

func (c *Session) marker(id uint32, end bool) error {
	b, err := (&pdu.SurfaceCommand{Kind: pdu.SurfaceKindFrame, Frame: id, End: end}).AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.update(pdu.UpdateSurfaceCommands, b)
}
