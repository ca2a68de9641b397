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

// forget counts all frames as drawn: a client that activates the desktop anew says nothing more of them.
func (f *frames) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = f.sent
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

// framed reports whether pictures are sent between markers. c.drawing is held.
func (c *Session) framed() bool {
	_, surface := codecKinds[c.Codec]
	return surface && c.caps.markers
}

// roomForFrame waits until the client has acknowledged enough for another frame, if it acknowledges any.
func (c *Session) roomForFrame(ctx context.Context) error {
	c.drawing.Lock()
	window := c.caps.window
	if !c.framed() {
		window = 0
	}
	c.drawing.Unlock()
	if window == 0 {
		return nil
	}
	return c.frames.room(ctx, window)
}

// frame sends what draw does between frame markers (2.2.9.2.3), if the client has them and surface bits are sent. c.drawing is held.
func (c *Session) frame(draw func() error) error {
	if !c.framed() {
		return draw()
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
