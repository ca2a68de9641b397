package disp

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/channel"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Name is that of the dynamic channel ([MS-RDPEDISP] 2.1).
const Name = "Microsoft::Windows::RDS::DisplayControl"

// MaxMessage is the greatest message that a server has reason to send.
const MaxMessage = 4 << 10

// Errors of Layout.
var (
	ErrNotReady = errors.New("the server has not said what monitors it takes")
	ErrTooLarge = errors.New("the desktop has more pixels than the server takes")
)

const (
	typeLayout    = 2                // DISPLAYCONTROL_PDU_TYPE_MONITOR_LAYOUT
	typeCaps      = 5                // DISPLAYCONTROL_PDU_TYPE_CAPS
	headerLength  = 4 /* type */ + 4 /* length */
	monitorLength = 40
	maxMonitors   = 16
	primary       = 1 // DISPLAYCONTROL_MONITOR_PRIMARY

	minSide, maxSide   = 200, 8192 // 2.2.2.2.1
	minScale, maxScale = 100, 500
)

// Caps is what the server takes (2.2.2.1).
type Caps struct {
	Monitors         uint32
	FactorA, FactorB uint32 // of the area of one monitor
}

// pixels is the greatest area of all monitors, which is the product of all three.
func (c *Caps) pixels() uint64 {
	const most = 1 << 31
	a := min(uint64(c.FactorA)*uint64(c.FactorB), most)
	return min(a*uint64(min(c.Monitors, maxMonitors)), most)
}

// AppendBinary appends the PDU.
func (c *Caps) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendU32LE(wire.AppendU32LE(b, typeCaps), headerLength+12)
	return wire.AppendU32LE(wire.AppendU32LE(wire.AppendU32LE(b, c.Monitors), c.FactorA), c.FactorB), nil
}

// Monitor is one monitor of a layout (2.2.2.2.1), at the place Left, Top.
type Monitor struct {
	Primary                       bool
	Left, Top                     int32
	Width, Height                 uint32 // in pixels
	PhysicalWidth, PhysicalHeight uint32 // in millimetres; zero: not known
	Orientation                   uint32 // in degrees
	Scale, DeviceScale            uint32 // in percent
}

// AppendLayout appends a Monitor Layout PDU (2.2.2.2).
func AppendLayout(b []byte, monitors ...Monitor) []byte {
	b = wire.AppendU32LE(wire.AppendU32LE(b, typeLayout), uint32(headerLength+8+monitorLength*len(monitors)))
	b = wire.AppendU32LE(wire.AppendU32LE(b, monitorLength), uint32(len(monitors)))
	for _, m := range monitors {
		flags := uint32(0)
		if m.Primary {
			flags = primary
		}
		for _, v := range []uint32{
			flags, uint32(m.Left), uint32(m.Top), m.Width, m.Height, m.PhysicalWidth, m.PhysicalHeight, m.Orientation, m.Scale, m.DeviceScale,
		} {
			b = wire.AppendU32LE(b, v)
		}
	}
	return b
}

// TakeLayout takes a Monitor Layout PDU.
func TakeLayout(b []byte) (monitors []Monitor, err error) {
	r := wire.NewReader(b)
	body := header(&r, typeLayout)
	body.Want("monitorLayoutSize", uint64(body.U32LE("monitorLayoutSize")), monitorLength)
	n := body.Count("numMonitors", uint64(body.U32LE("numMonitors")), monitorLength, maxMonitors)
	for range n {
		m := Monitor{Primary: body.U32LE("flags")&primary != 0}
		m.Left, m.Top = body.I32LE("left"), body.I32LE("top")
		m.Width, m.Height = body.U32LE("width"), body.U32LE("height")
		m.PhysicalWidth, m.PhysicalHeight = body.U32LE("physicalWidth"), body.U32LE("physicalHeight")
		m.Orientation, m.Scale, m.DeviceScale = body.U32LE("orientation"), body.U32LE("desktopScaleFactor"), body.U32LE("deviceScaleFactor")
		monitors = append(monitors, m)
	}
	return monitors, body.Done("monitor layout")
}

// header takes the header of a PDU that must be of that type, and returns its body.
func header(r *wire.Reader, kind uint32) wire.Reader {
	r.Want("type", uint64(r.U32LE("type")), uint64(kind))
	return r.Sub("body", int(int64(r.U32LE("length"))-headerLength))
}

// Client is the client's side of one channel.
type Client struct {
	caps  Caps
	ready bool
}

var _ channel.Processor = (*Client)(nil)

// New returns a channel on which nothing has come yet.
func New() *Client { return &Client{} }

// Receive takes a message of the server: its capabilities, the only ones there are.
func (c *Client) Receive(b []byte) ([][]byte, error) {
	r := wire.NewReader(b)
	body := header(&r, typeCaps)
	c.caps = Caps{Monitors: body.U32LE("maxNumMonitors"), FactorA: body.U32LE("maxMonitorAreaFactorA"), FactorB: body.U32LE("maxMonitorAreaFactorB")}
	if err := body.Done("display capabilities"); err != nil {
		return nil, err
	}
	c.ready = true
	return nil, nil
}

// Layout is the message that asks for a desktop of one monitor. Width and height are in pixels, 200 to 8192; an odd width is one less.
// scale, 100 to 500 percent, is how large things are to be drawn.
func (c *Client) Layout(width, height, scale int) ([]byte, error) {
	width &^= 1
	switch {
	case !c.ready:
		return nil, ErrNotReady
	case width < minSide || height < minSide || width > maxSide || height > maxSide:
		return nil, fmt.Errorf("desktop of %dx%d: want %d to %d a side", width, height, minSide, maxSide)
	case scale < minScale || scale > maxScale:
		return nil, fmt.Errorf("scale of %d%%: want %d to %d", scale, minScale, maxScale)
	case uint64(width)*uint64(height) > c.caps.pixels():
		return nil, fmt.Errorf("%w: %dx%d, at most %d", ErrTooLarge, width, height, c.caps.pixels())
	}
	device := 100 // the scales of devices are 100, 140 and 180, and without one of them neither scale counts
	switch {
	case scale >= 180:
		device = 180
	case scale >= 140:
		device = 140
	}
	return AppendLayout(nil, Monitor{
		Primary: true, Width: uint32(width), Height: uint32(height), Scale: uint32(scale), DeviceScale: uint32(device),
	}), nil
}
