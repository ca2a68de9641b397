package rdptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
	"github.com/sallyport/sallyport/rdp/internal/wire"
	"github.com/sallyport/sallyport/rdp/rdptest/internal/encode"
)

// writeTimeout bounds the time that a client may take no data.
const writeTimeout = 30 * time.Second

const shareID = 0x000103ea

// Session is one client that has signed in. The goroutine of ServeConn reads from it; a second one draws.
type Session struct {
	User        string // who signed in, as the client info says
	Width       int    // of the desktop when the session began, in pixels: Desktop.Image is as large as it is now
	Height      int
	Depth       int   // bits of a pixel in bitmaps
	FastPath    bool  // updates go the fast way
	Codec       Codec // of pictures: CodecRaw if the client does not take the one that the server has
	Compression bool  // the client takes bulk compression

	server    *Server
	desktop   *Desktop
	r         *bufio.Reader
	requested pdu.Protocols
	nla       bool
	client    pdu.ClientData
	pending   []byte
	caps      clientCaps
	rfx       *encode.RemoteFX // of a session with RemoteFX
	frames    frames
	secure    *secure.Conn // conn, with standard security

	clientRandom []byte // with standard security
	bulkType     uint8  // the greatest type of bulk compression that the client takes

	statics     map[pdu.ChannelID]*static
	display     *static // of dynamic channels; nil: the client has none, or is not to have display control
	clipboard   clipboard
	drive       driveChannel
	sound       sound
	asked       chan image.Point // has room for one: the size that the client asks for
	activations atomic.Int32     // that the client has not finished: nothing is drawn

	drawing sync.Mutex   // held while a picture is sent; guards caps, rfx, palette, and Depth, FastPath and Codec, once the session is active
	palette bool         // has to be sent
	bulk    *encode.MPPC // nil: updates are not compressed

	wmu     sync.Mutex // keeps units whole; a write in it ends by its deadline, or when Close closes the connection
	conn    net.Conn
	step    step // what is being sent
	hostile bool // the variant was sent: nothing else is
}

// Desktop returns what the session shows.
func (c *Session) Desktop() *Desktop { return c.desktop }

func (c *Session) write(b []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if v := c.server.variant; v != nil && (c.hostile || v.step == c.step) {
		return c.beHostile(v, b)
	}
	return c.writeRaw(b)
}

// writeRaw writes as it is. c.wmu is held.
func (c *Session) writeRaw(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// at tells what is sent from here on.
func (c *Session) at(s step) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.step = s
}

func (c *Session) readData() ([]byte, error) {
	unit, err := secure.ReadUnit(c.r)
	if err != nil {
		return nil, err
	}
	return pdu.DataPayload(unit)
}

func (c *Session) writeData(payload []byte) error {
	b, err := pdu.AppendData(nil, payload)
	if err != nil {
		return err
	}
	return c.write(b)
}

func (c *Session) writeMCS(p *pdu.MCS) error {
	b, err := p.AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.writeData(b)
}

// indicate sends data on a channel.
func (c *Session) indicate(ch pdu.ChannelID, data []byte) error {
	return c.writeMCS(&pdu.MCS{Kind: pdu.MCSSendDataIndication, User: serverUser, Channel: ch, Data: data})
}

func (c *Session) share(kind pdu.ShareKind, body []byte) error {
	b, err := (&pdu.ShareControl{Kind: kind, Source: serverUser, Body: body}).AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.indicate(pdu.GlobalChannel, b)
}

func (c *Session) shareData(kind pdu.DataKind, body []byte) error {
	b, err := (&pdu.Data{ShareID: shareID, Kind: kind, Body: body}).AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.share(pdu.ShareData, b)
}

// Disconnect says why, if code is not 0 (2.2.5.1), and ends the connection with a Disconnect Provider Ultimatum (2.2.2.3).
func (c *Session) Disconnect(code uint32) error {
	if code != 0 {
		if err := c.shareData(pdu.DataSetErrorInfo, wire.AppendU32LE(nil, code)); err != nil {
			return err
		}
	}
	err := c.writeMCS(&pdu.MCS{Kind: pdu.MCSDisconnectProviderUltimatum, Reason: pdu.ReasonProviderInitiated})
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return errors.Join(err, c.conn.Close())
}

// activate exchanges capabilities and finalizes (2.2.1.13 to 2.2.1.22).
func (c *Session) activate() error {
	c.at(stepDemand)
	c.Width, c.Height = int(c.client.Core.Width), int(c.client.Core.Height)
	if err := c.demand(c.Width, c.Height); err != nil {
		return err
	}
	for {
		p, err := c.readMCS()
		if err != nil {
			return err
		}
		if p == nil || p.Kind != pdu.MCSSendDataRequest || p.Channel != pdu.GlobalChannel {
			continue
		}
		done, err := c.finalize(p.Data)
		if err != nil || done {
			return err
		}
	}
}

// readMCS reads the next domain PDU, nil for a fast-path one.
func (c *Session) readMCS() (*pdu.MCS, error) {
	unit, err := secure.ReadUnit(c.r)
	if err != nil || pdu.IsFastPath(unit) {
		return nil, err
	}
	payload, err := pdu.DataPayload(unit)
	if err != nil {
		return nil, err
	}
	var p pdu.MCS
	err = p.UnmarshalBinary(payload)
	return &p, err
}

// finalize takes the client's part of the finalization, and answers its last PDU.
func (c *Session) finalize(data []byte) (done bool, err error) {
	p, _, err := pdu.TakeShareControl(data)
	if err != nil || p == nil {
		return false, err
	}
	switch p.Kind {
	case pdu.ShareConfirmActive:
		confirm := pdu.Active{Confirm: true}
		if err := confirm.UnmarshalBinary(p.Body); err != nil {
			return false, err
		}
		if c.caps, err = takeClientCaps(&confirm); err != nil {
			return false, err
		}
		c.Depth, c.FastPath = c.caps.depth, c.caps.fastPath && !c.server.cfg.SlowPath
		c.chooseCodec()
		if c.secure != nil && c.caps.salted {
			c.secure.Salt()
		}
		return false, nil
	case pdu.ShareData:
	default:
		return false, fmt.Errorf("rdptest: share PDU %d in the finalization", p.Kind)
	}
	var d pdu.Data
	if err := d.UnmarshalBinary(p.Body); err != nil || d.Kind != pdu.DataFontList {
		return false, err
	}
	c.at(stepFinal)
	for _, a := range []struct {
		kind pdu.DataKind
		body []byte
	}{
		{pdu.DataSynchronize, pdu.AppendSynchronize(nil, clientUser)},
		{pdu.DataControl, pdu.AppendControl(nil, pdu.ControlCooperate, 0, 0)},
		{pdu.DataControl, pdu.AppendControl(nil, pdu.ControlGranted, clientUser, uint32(serverUser))},
		{pdu.DataFontMap, pdu.AppendFontList(nil)},
	} {
		if err := c.shareData(a.kind, a.body); err != nil {
			return false, err
		}
	}
	return true, nil
}

// run serves an active session until either side ends it.
func (c *Session) run(ctx context.Context) error {
	cfg := &c.server.cfg
	d, err := newDesktop(c.Width, c.Height, c.User, cfg.Now)
	if err != nil {
		return err
	}
	c.desktop = d
	d.animation = animation{Animation: cfg.Animation, start: cfg.Now()}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	c.at(stepUpdate)
	if c.server.cfg.AutoReconnect {
		if err := c.giveCookie(); err != nil {
			return err
		}
	}
	if c.server.cfg.DisplayControl {
		if err := c.openDisplay(); err != nil {
			return err
		}
	}
	if c.server.cfg.Clipboard {
		if err := c.openClipboard(); err != nil {
			return err
		}
	}
	if c.server.cfg.Drive {
		if err := c.openDrive(); err != nil {
			return err
		}
	}
	if c.server.cfg.Sound {
		if err := c.openSound(); err != nil {
			return err
		}
	}
	c.server.add(c)
	if c.sound.channel != nil {
		wg.Go(func() {
			if err := c.sing(ctx); err != nil {
				_ = c.conn.Close() // the reader sees it
			}
		})
	}
	wg.Go(func() {
		if err := c.draw(ctx); err != nil && !errors.Is(err, errHostile) {
			_ = c.conn.Close() // the reader sees it
		}
	})
	for {
		left, err := c.hear()
		if left || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// draw sends what changes on the desktop.
func (c *Session) draw(ctx context.Context) error {
	var tick <-chan time.Time
	if !c.server.cfg.Still {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		tick = t.C
	}
	var move <-chan time.Time
	if rate := c.server.cfg.Animation.rate(); rate > 0 {
		t := time.NewTicker((time.Second + time.Duration(rate) - 1) / time.Duration(rate)) // rounded up: never just before one is due
		defer t.Stop()
		move = t.C
	}
	for {
		if err := c.drawDamage(ctx); err != nil {
			return err
		}
		select {
		case <-c.desktop.wake:
		case s := <-c.desktop.shortcuts:
			if err := c.pressed(s); err != nil {
				return err
			}
		case <-tick:
			c.desktop.Step()
		case <-move:
			c.desktop.move()
		case size := <-c.asked:
			if err := c.Resize(size.X, size.Y); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// drawDamage sends what has changed, unless the desktop is not active.
func (c *Session) drawDamage(ctx context.Context) error {
	if err := c.roomForFrame(ctx); err != nil {
		return err
	}
	c.drawing.Lock()
	defer c.drawing.Unlock()
	if c.activations.Load() > 0 {
		return nil
	}
	damage := c.desktop.takeDamage()
	if len(damage) == 0 {
		return nil
	}
	if c.palette {
		if err := c.sendPalette(); err != nil {
			return err
		}
		c.palette = false
	}
	return c.frame(func() error {
		for _, r := range damage {
			if err := c.sendPicture(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// hear takes one unit of the client. left: the client has gone.
func (c *Session) hear() (left bool, err error) {
	unit, err := secure.ReadUnit(c.r)
	if err != nil {
		return false, err
	}
	if pdu.IsFastPath(unit) {
		return false, c.fastInput(unit)
	}
	payload, err := pdu.DataPayload(unit)
	if err != nil {
		return false, err
	}
	var p pdu.MCS
	if err := p.UnmarshalBinary(payload); err != nil {
		return false, err
	}
	switch {
	case p.Kind == pdu.MCSDisconnectProviderUltimatum:
		return true, nil
	case p.Kind != pdu.MCSSendDataRequest:
		return false, nil
	case p.Channel != pdu.GlobalChannel:
		if s := c.statics[p.Channel]; s != nil {
			return false, c.hearStatic(s, p.Data)
		}
		return false, nil
	}
	if err := c.reactivate(p.Data); err != nil {
		return false, err
	}
	s, _, err := pdu.TakeShareControl(p.Data)
	if err != nil || s == nil || s.Kind != pdu.ShareData {
		return false, err
	}
	var d pdu.Data
	if err := d.UnmarshalBinary(s.Body); err != nil {
		return false, err
	}
	switch d.Kind {
	case pdu.DataInput:
		return false, c.slowInput(d.Body)
	case pdu.DataSuppressOutput: // 2.2.11.3
		c.desktop.suppress(len(d.Body) > 0 && d.Body[0] == 0)
	case pdu.DataRefreshRect: // 2.2.11.2
		areas, err := pdu.TakeRefreshRect(d.Body)
		if err != nil {
			return false, err
		}
		if c.server.cfg.NoRefresh {
			areas = nil
		}
		for _, a := range areas {
			c.desktop.refresh(image.Rect(int(a.Left), int(a.Top), int(a.Right)+1, int(a.Bottom)+1))
		}
	case pdu.DataFrameAcknowledge:
		id, err := pdu.TakeFrameAcknowledge(d.Body)
		if err != nil {
			return false, err
		}
		c.frames.acknowledge(id)
	case pdu.DataShutdownRequest: // 2.2.2.1: nobody is asked here whether the session may go
		return true, c.Disconnect(0)
	}
	return false, nil
}
