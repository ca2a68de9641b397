package main

import (
	"context"
	"errors"
	"image"
	"image/png"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/rdp"
)

// report is what is printed.
type report struct {
	Addr        string         `json:"addr"`
	Protocol    string         `json:"protocol"`
	TLSVersion  string         `json:"tls_version"`
	CipherSuite string         `json:"cipher_suite"`
	Fingerprint string         `json:"fingerprint"`
	Width       int            `json:"width"`
	Height      int            `json:"height"`
	Codecs      map[string]int `json:"codecs"` // tiles by codec
	Updates     int            `json:"updates"`
	Frames      int            `json:"frames"` // as the server marks them; 0 if it does not
	BytesIn     int64          `json:"bytes_in"`
	BytesOut    int64          `json:"bytes_out"`
	ConnectMS   int64          `json:"connect_ms"`       // until the desktop was active
	FirstMS     int64          `json:"first_picture_ms"` // from then on
	SettledMS   int64          `json:"settled_ms"`       // from then on: the last change
}

// patience is how many times options.wait a picture may take to settle. What moves all the time is taken as it is then.
const patience = 10

// shoot connects, waits, types, and writes the picture.
func shoot(ctx context.Context, o options) (*report, error) {
	meter := &meter{}
	o.cfg.Dialer = meter
	start := time.Now()
	c, err := rdp.Dial(ctx, o.addr, &o.cfg)
	if err != nil {
		return nil, err
	}
	info := c.Info()
	frame, err := rdp.NewFramebuffer(c.Size())
	if err != nil {
		c.Close()
		return nil, err
	}
	s := &shot{client: c, frame: frame, began: time.Now(), changed: make(chan struct{}, 1), ended: make(chan struct{}), r: report{
		Addr: o.addr, Protocol: info.Protocol, TLSVersion: info.TLSVersion, CipherSuite: info.CipherSuite, Fingerprint: info.Fingerprint,
		ConnectMS: time.Since(start).Milliseconds(), Codecs: map[string]int{},
	}}
	go s.watch(ctx)
	defer func() {
		c.Close()
		<-s.ended
	}()
	if err := s.settle(ctx, o.wait); err != nil {
		return nil, err
	}
	if o.text != "" {
		if err := s.write(o.text); err != nil {
			return nil, err
		}
		if err := s.settle(ctx, o.wait); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r.Width, s.r.Height = c.Size()
	s.r.BytesIn, s.r.BytesOut = meter.in.Load(), meter.out.Load()
	return &s.r, save(o.out, s.frame.Image())
}

// shot is a picture that comes about.
type shot struct {
	client  *rdp.Client
	began   time.Time
	changed chan struct{} // has room for one
	ended   chan struct{} // closed when err is there
	err     error

	mu    sync.Mutex // guards what follows
	frame *rdp.Framebuffer
	r     report
}

// watch draws what comes, until the connection ends.
func (s *shot) watch(ctx context.Context) {
	defer close(s.ended)
	for {
		u, err := s.client.Next(ctx)
		if err != nil {
			s.err = err
			return
		}
		if s.err = s.draw(u); s.err != nil {
			return
		}
	}
}

// draw draws an update, and takes down that it came.
func (s *shot) draw(u rdp.Update) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r.Updates++
	if err := s.frame.Apply(u); err != nil {
		return err
	}
	var tiles []rdp.Tile
	switch u := u.(type) {
	case *rdp.FrameMarker:
		if u.End {
			s.r.Frames++
		}
		return nil
	case *rdp.Bitmap:
		tiles = u.Tiles
	case *rdp.SurfaceBits:
		tiles = []rdp.Tile{u.Tile}
	default:
		return nil
	}
	for _, t := range tiles {
		s.r.Codecs[t.Codec.String()]++
	}
	s.r.SettledMS = time.Since(s.began).Milliseconds()
	if s.r.FirstMS == 0 {
		s.r.FirstMS = max(1, s.r.SettledMS)
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

// settle waits until there is a picture and nothing has changed in it for as long as wait, or for patience times that. An end of the session is
// an error.
func (s *shot) settle(ctx context.Context, wait time.Duration) error {
	end := time.After(patience * wait)
	var quiet <-chan time.Time
	for {
		if s.begun() {
			quiet = time.After(wait)
		}
		select {
		case <-s.changed:
		case <-quiet:
			return nil
		case <-end:
			return nil
		case <-s.ended:
			return s.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begun says whether there is a picture.
func (s *shot) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.FirstMS > 0
}

// write types a text.
func (s *shot) write(text string) error {
	for i, line := range strings.Split(strings.ReplaceAll(text, `\n`, "\n"), "\n") {
		if i > 0 {
			if err := s.client.Keys(rdp.KeyEnter); err != nil {
				return err
			}
		}
		if err := s.client.Type(line); err != nil {
			return err
		}
	}
	return nil
}

func save(name string, img image.Image) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(f, img), f.Close())
}

// meter dials and counts bytes.
type meter struct{ in, out atomic.Int64 }

// DialContext makes it a rdp.Dialer.
func (m *meter) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &metered{c, m}, nil
}

type metered struct {
	net.Conn
	m *meter
}

func (c *metered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.m.in.Add(int64(n))
	return n, err
}

func (c *metered) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.m.out.Add(int64(n))
	return n, err
}
