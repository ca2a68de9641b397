package rdp

import (
	"context"
	"sync"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/rdp/internal/screen"
)

const (
	// maxPayload is the size of a frame of pictures, which a single unit may exceed.
	maxPayload = 256 << 10
	// framePatience is how long the owner's page may keep a frame of the target from being acknowledged: whoever else looks, and the target,
	// wait no longer.
	framePatience = time.Second
)

// board is what has been emitted, as far as somebody who comes late needs it.
type board struct {
	mu sync.Mutex // guards what follows
	*screen.Board
	n         uint64 // frames emitted
	desktopAt uint64 // the one that began the present desktop
	cursor    pam.Frame
	cursorAt  uint64
	text      pam.Frame // of the clipboard
	textAt    uint64
}

// begun says whether anything was emitted.
func (b *board) begun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n > 0
}

// add counts a frame that is about to be emitted.
func (b *board) add(o *outgoing) (n uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	switch o.Kind {
	case pam.FrameScreen:
		if o.desktop {
			b.desktopAt = b.n
		}
		err = b.Add(b.n, o.Payload)
	case pam.FrameCursor:
		if o.Payload[0] != pointerMoved { // which is no state
			b.cursor, b.cursorAt = o.Frame, b.n
		}
	case pam.FrameClipboard:
		b.text, b.textAt = o.Frame, b.n
	}
	return b.n, err
}

// emit passes a frame on. Late viewers go on behind it from the moment that it counts.
func (c *conn) emit(ctx context.Context, out pam.Sink, o outgoing) error {
	n, err := c.board.add(&o)
	if err != nil {
		return &Error{Code: CodeProtocol, Phase: "picture", Err: err}
	}
	if err := out.Emit(ctx, o.Frame); err != nil {
		return &sinkError{err}
	}
	c.pace.emitted(n, o.acks)
	return nil
}

// KeyFrame returns the present picture, and the pointer.
func (c *conn) KeyFrame(context.Context) ([]pam.Frame, uint64, error) {
	b := &c.board
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keyFrame(), b.n, nil
}

func (b *board) keyFrame() []pam.Frame {
	var frames []pam.Frame
	if w, _ := b.Size(); w > 0 {
		frames = screens(b.Board.KeyFrame(maxPayload))
		frames[0].Flags = pam.FlagKey
	}
	if b.cursorAt > 0 {
		frames = append(frames, b.cursor)
	}
	return frames
}

// Since returns what has changed since the frame with that number: the newest of what was drawn, and nothing that was hidden meanwhile.
func (c *conn) Since(_ context.Context, n uint64) ([]pam.Frame, uint64, error) {
	b := &c.board
	b.mu.Lock()
	defer b.mu.Unlock()
	var frames []pam.Frame
	switch w, _ := b.Size(); {
	case n < b.desktopAt:
		frames = b.keyFrame()
	case w > 0:
		frames = screens(b.Board.Since(n, maxPayload))
	}
	if b.cursorAt > n && n >= b.desktopAt {
		frames = append(frames, b.cursor)
	}
	if b.textAt > n {
		frames = append(frames, b.text)
	}
	return frames, b.n, nil
}

func screens(payloads [][]byte) []pam.Frame {
	frames := make([]pam.Frame, len(payloads), len(payloads)+1) // the pointer may follow
	for i, p := range payloads {
		frames[i] = pam.Frame{Kind: pam.FrameScreen, Payload: p}
	}
	return frames
}

// pace acknowledges frames to the target as the owner's page draws them, so that no more than framesAhead are on their way to it.
type pace struct {
	mu     sync.Mutex // guards what follows
	client *Client
	drawn  uint64 // by the owner's page
	waits  []ack
	late   *time.Timer
	over   bool
}

// ack is an acknowledgement that waits for a frame to be drawn.
type ack struct {
	n  uint64
	id uint32
}

// connected begins anew with another connection.
func (p *pace) connected(client *Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client, p.waits = client, nil
}

// emitted takes down which frames of the target end with a frame that was emitted.
func (p *pace) emitted(n uint64, ids []uint32) {
	if len(ids) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		p.waits = append(p.waits, ack{n, id})
	}
	p.send(p.drawn)
}

// send acknowledges what was drawn; mu is held. The first error ends the connection, and Next tells of it.
func (p *pace) send(drawn uint64) {
	for len(p.waits) > 0 && p.waits[0].n <= drawn {
		_ = p.client.AckFrame(p.waits[0].id)
		p.waits = p.waits[1:]
	}
	if p.late != nil {
		p.late.Stop()
		p.late = nil
	}
	if len(p.waits) > 0 && !p.over {
		p.late = time.AfterFunc(framePatience, p.giveUp)
	}
}

// giveUp waits no longer for the owner's page.
func (p *pace) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send(pam.AllDrawn)
}

func (p *pace) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits, p.over = nil, true
	p.send(0)
}

// Drawn says up to which frame the owner's page has drawn.
func (c *conn) Drawn(n uint64) {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	c.pace.drawn = n
	c.pace.send(n)
}

// Looking asks the target to draw nothing while nobody looks.
func (c *conn) Looking(someone bool) { _ = c.connection().SuppressOutput(!someone) }
