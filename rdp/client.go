package rdp

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// closeGrace is how long Close lets the last PDUs go out.
const closeGrace = 500 * time.Millisecond

// Client is one connection with an active desktop. Next belongs to one goroutine; everything else may be called by any, at any time.
type Client struct {
	cfg  *Config
	conn net.Conn
	r    *bufio.Reader
	w    *writer
	info Info

	alive alive  // whether the server has stopped
	stage *stage // of Next
	unit  []byte
	acks  []uint32 // frames that were handed out and are not acknowledged yet
	err   error    // how Next has ended
	idle  func()   // if set, Next calls it before it has to wait for the server

	// The services of channels; nil where the Config does not ask for them.
	clipboard *clipboard
	drive     *driveService
	display   *display
	audio     *audio

	ctx    context.Context // of what the Client runs; it ends when the connection does
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu            sync.Mutex // guards what follows
	share         uint32
	width, height int
	fastInput     bool
	reconnect     *Reconnect
	closing       bool // Close was called
	hungUp        bool // nothing is started any more
}

// Info is what was agreed on.
type Info struct {
	Protocol    string // TLS, CredSSP or CredSSP-EX; RDP with standard security
	TLSVersion  string // empty with standard security
	CipherSuite string // of TLS; with standard security RC4-40, RC4-56, RC4-128 or 3DES
	Fingerprint string // of the certificate, in the form of Config.Pins
	FrameAck    bool   // the server waits for acknowledgements of frames
}

func newClient(cfg *Config, h *handshake) *Client {
	res := h.seq.Result()
	c := &Client{
		cfg: cfg, conn: h.conn, r: h.r, w: newWriter(h.conn, cfg.WriteTimeout), stage: newStage(res),
		info: Info{
			Protocol: res.Selected.String(), FrameAck: res.Activation.Server.FrameAck,
		},
	}
	if cfg.Security == SecurityStandard {
		c.info.CipherSuite = h.seq.Method().String()
	} else {
		c.info.TLSVersion, c.info.CipherSuite = tls.VersionName(h.tls.Version), tls.CipherSuiteName(h.tls.CipherSuite)
		c.info.Fingerprint = Fingerprint(h.tls.PeerCertificates[0])
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.activated()
	c.open(res)
	c.stage.early = res.Early
	c.watchOver(h.heard, res.Activation.Server.RefreshRect)
	return c
}

// activated takes down what others than Next need to know of the desktop.
func (c *Client) activated() {
	a := &c.stage.activation
	c.mu.Lock()
	defer c.mu.Unlock()
	c.share, c.width, c.height = a.ShareID, a.Width, a.Height
	c.fastInput = a.Server.InputFlags&(pdu.InputFastPath|pdu.InputFastPath2) != 0
}

// Info returns what was agreed on.
func (c *Client) Info() Info { return c.info }

// Size returns the size of the desktop, in pixels.
func (c *Client) Size() (width, height int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.width, c.height
}

// Next returns the next update, and waits for it as long as ctx lets it. What it returned before is void. After an error the connection
// is closed, and Next goes on to return that error: an *Error that says why, told apart by its Code.
func (c *Client) Next(ctx context.Context) (Update, error) {
	if c.err != nil {
		return nil, c.err
	}
	u, err := c.next(ctx)
	if err != nil {
		c.err = c.end(ctx, err)
		c.hangUp()
		return nil, c.err
	}
	c.alive.drawn(u)
	return u, nil
}

// end tells why Next ends, of several reasons the one that came first.
func (c *Client) end(ctx context.Context, err error) *Error {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	n := c.stage.notice
	switch werr := c.w.failed(); {
	case closing:
		return &Error{Code: CodeClosed, Phase: "session", Err: net.ErrClosed}
	case ctx.Err() != nil:
		return asError("session", ctx.Err())
	case werr != nil && n == nil:
		return asError("session", werr)
	}
	e := asError("session", err)
	if n != nil && e.Code != CodeProtocol {
		return n // the server has said why before it hung up
	}
	return e
}

func (c *Client) next(ctx context.Context) (Update, error) {
	for _, id := range c.acks {
		if err := c.AckFrame(id); err != nil {
			return nil, err
		}
	}
	c.acks = c.acks[:0]
	for {
		u, err := c.stage.next()
		if err != nil {
			return nil, err
		}
		if len(c.stage.out) > 0 {
			err := c.w.send(c.stage.out)
			c.stage.out = c.stage.out[:0]
			if err != nil {
				return nil, err
			}
		}
		switch u := u.(type) {
		case nil:
			if c.idle != nil && !c.whole() {
				c.idle()
			}
			if err := c.read(ctx); err != nil {
				return nil, err
			}
			continue
		case *Resized:
			c.activated()
			// xrdp draws a desktop that has become smaller only when it is asked to.
			if err := c.Refresh(); err != nil {
				return nil, err
			}
		case *SignedIn:
			c.keepCookie()
		case *FrameMarker:
			if u.End && c.info.FrameAck && !c.cfg.ManualFrameAck {
				c.acks = append(c.acks, u.ID)
			}
		}
		return u, nil
	}
}

// tellsSize is how many bytes of a unit always tell its size.
const tellsSize = 5

// whole says whether all of the next unit is here already.
func (c *Client) whole() bool {
	head, _ := c.r.Peek(min(c.r.Buffered(), tellsSize))
	n, err := pdu.FrameSize(head)
	return err != nil || n > 0 && n <= c.r.Buffered()
}

// read feeds the stage with the next unit.
func (c *Client) read(ctx context.Context) error {
	if ctx.Done() != nil && c.r.Buffered() < readBuffer/2 { // it may have to wait
		stop := context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(past) })
		defer stop()
	}
	c.alive.waits.Store(true)
	defer c.alive.waits.Store(false)
	n, err := peekSize(c.r, pdu.FrameSize)
	if err == nil {
		if cap(c.unit) < n {
			c.unit = make([]byte, max(n, 16<<10))
		}
		c.unit = c.unit[:n]
		_, err = io.ReadFull(c.r, c.unit)
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	return c.stage.feed(c.unit)
}

// sendData sends share data PDUs of the desktop's channel.
func (c *Client) sendData(kind pdu.DataKind, body []byte) error {
	c.mu.Lock()
	share := c.share
	c.mu.Unlock()
	d, err := (&pdu.Data{ShareID: share, Kind: kind, Body: body}).AppendBinary(nil)
	if err != nil {
		return err
	}
	s, err := (&pdu.ShareControl{Kind: pdu.ShareData, Source: c.stage.user, Body: d}).AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.sendMCS(&pdu.MCS{Kind: pdu.MCSSendDataRequest, User: c.stage.user, Channel: c.stage.io, Data: s})
}

func (c *Client) sendMCS(p *pdu.MCS) error {
	m, err := p.AppendBinary(nil)
	if err != nil {
		return err
	}
	unit, err := pdu.AppendData(nil, m)
	if err != nil {
		return err
	}
	return c.w.send(unit)
}

// AckFrame acknowledges the frame that ended with the marker of this ID ([MS-RDPRFX] 2.2.3.1). Config.ManualFrameAck says when to.
func (c *Client) AckFrame(id uint32) error {
	return c.sendData(pdu.DataFrameAcknowledge, pdu.AppendFrameAcknowledge(nil, id))
}

// SuppressOutput asks the server to draw nothing while nobody looks, and to draw again (2.2.11.3).
func (c *Client) SuppressOutput(suppress bool) error {
	c.alive.setBlind(suppress)
	if suppress {
		return c.sendData(pdu.DataSuppressOutput, pdu.AppendSuppressOutput(nil, nil))
	}
	all := c.desktop()
	return c.sendData(pdu.DataSuppressOutput, pdu.AppendSuppressOutput(nil, &all))
}

// Refresh asks the server to draw the whole desktop anew (2.2.11.2).
func (c *Client) Refresh() error {
	return c.sendData(pdu.DataRefreshRect, pdu.AppendRefreshRect(nil, c.desktop()))
}

func (c *Client) desktop() pdu.Area {
	w, h := c.Size()
	return pdu.Area{Right: uint16(w - 1), Bottom: uint16(h - 1)}
}

// Close hangs up in order, by a Disconnect Provider Ultimatum, and waits for all that the Client has running, within a second whatever the
// server does. The session on the server goes on: a client cannot sign the user out. Next, if it waits, ends with CodeClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	first := !c.closing
	c.closing = true
	c.mu.Unlock()
	if first {
		_ = c.sendData(pdu.DataShutdownRequest, nil)
		_ = c.sendMCS(&pdu.MCS{Kind: pdu.MCSDisconnectProviderUltimatum, Reason: pdu.ReasonUserRequested})
	}
	c.hangUp()
	return nil
}

// spawn runs f in a goroutine that hangUp waits for, unless the connection has ended.
func (c *Client) spawn(f func(ctx context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.hungUp {
		c.tasks.Go(func() { f(c.ctx) })
	}
}

// hangUp ends what is running, lets the writer finish, and closes the connection.
func (c *Client) hangUp() {
	c.mu.Lock()
	c.hungUp = true
	c.mu.Unlock()
	c.alive.stop()
	c.cancel()
	defer c.tasks.Wait()
	c.w.finish()
	t := time.AfterFunc(closeGrace, func() { _ = c.conn.SetDeadline(past) })
	<-c.w.done
	t.Stop()
	// A TLS close would wait for a server that takes nothing: what there was to say is said.
	_ = c.conn.SetDeadline(past)
	_ = c.conn.Close()
}
