package main

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/sallyport/sallyport/examples/internal/bench"
	"github.com/sallyport/sallyport/examples/internal/spine"
	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp"
)

// page is a session through the gateway, with a page that acknowledges what it gets.
type page struct {
	ctx     context.Context
	gateway *bench.Gateway
	id      pam.SessionID
	page    *pamtest.Page
	watch   *watch
}

func openPage(ctx context.Context, g *bench.Gateway, asset pam.AssetID, lossless bool) (*page, error) {
	w := newWatch(time.Now(), lossless)
	b := spine.Browser(g.URL)
	params := pam.Params{rdp.ParamResolution: "1024x768"}
	if lossless {
		params[rdp.ParamCodec] = "lossless"
	}
	id, err := b.Start(ctx, asset, params)
	if err != nil {
		return nil, err
	}
	p := &page{ctx: ctx, gateway: g, id: id, watch: w}
	p.page, err = b.Attach(ctx, id, pamtest.PageOptions{Width: width, Height: height, Frame: func(f pam.Frame) {
		if f.Kind != pam.FrameScreen {
			return
		}
		if lossless {
			w.took(len(f.Payload), tilesOf(f.Payload))
		} else {
			w.took(len(f.Payload))
		}
	}})
	if err != nil {
		return nil, err
	}
	if err := p.page.Await(ctx, func(v pamtest.PageView) bool { return v.State["state"] == "active" || v.End != nil }); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *page) pid() int                     { return p.gateway.Pid() }
func (p *page) received() int                { return p.watch.received() }
func (p *page) firstImage() (float64, error) { return p.watch.firstImage(p.ctx) }

func (p *page) keys(n int) ([]float64, error) {
	move := []byte{1, 0} // an event of the pointer: moved, no button; x, y, delta
	for _, v := range []int{terminal.X, terminal.Y, 0} {
		move = binary.BigEndian.AppendUint16(move, uint16(v))
	}
	if err := p.page.Events(p.ctx, pam.InputPointer, move); err != nil {
		return nil, err
	}
	time.Sleep(time.Second)
	all, err := p.watch.keys(n, func() error { return p.press(scanK) })
	return all, errors.Join(err, p.press(scanEnter))
}

// press presses a key and lets go of it.
func (p *page) press(k rdp.Scancode) error {
	var events []byte
	for _, down := range []byte{1, 0} {
		events = binary.BigEndian.AppendUint16(append(events, 1, down), uint16(k))
	}
	return p.page.Events(p.ctx, pam.InputKey, events)
}

// join is how long somebody else takes to the whole picture, from asking for a place in the session.
func (p *page) join() (float64, error) {
	b := spine.Manager(p.gateway.URL)
	begin := time.Now()
	if err := b.Join(p.ctx, p.id, pam.ModeMonitor); err != nil {
		return 0, err
	}
	whole := make(chan float64, 1)
	key := false
	guest, err := b.Attach(p.ctx, p.id, pamtest.PageOptions{Width: width, Height: height, Frame: func(f pam.Frame) {
		key = key || f.Flags&pam.FlagKey != 0
		if f.Kind == pam.FrameScreen && key && presents(f.Payload) {
			select {
			case whole <- time.Since(begin).Seconds():
			default:
			}
		}
	}})
	if err != nil {
		return 0, err
	}
	defer guest.Close()
	select {
	case s := <-whole:
		return s, nil
	case <-guest.Gone():
		return 0, errors.New("a joiner was turned out")
	case <-p.ctx.Done():
		return 0, context.Cause(p.ctx)
	}
}

func (p *page) close() {
	_ = p.page.Disconnect(p.ctx)
	<-p.page.Gone()
	p.page.Close()
}
