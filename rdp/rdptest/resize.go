package rdptest

import (
	"encoding/binary"
	"image"

	"github.com/sallyport/sallyport/rdp/internal/channel/disp"
	"github.com/sallyport/sallyport/rdp/internal/channel/drdynvc"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// Resize gives the desktop another size, 200 to 8192 a side: it is deactivated and activated anew (1.3.1.3), with all that stood on it. The client
// has not answered yet when Resize returns.
func (c *Session) Resize(width, height int) error {
	c.drawing.Lock()
	defer c.drawing.Unlock()
	if err := c.desktop.resize(width, height); err != nil {
		return err
	}
	c.activations.Add(1)
	c.frames.forget()
	body := wire.AppendU32LE(nil, shareID)
	descriptor := []byte("RDP\x00")
	body = append(wire.AppendU16LE(body, uint16(len(descriptor))), descriptor...)
	if err := c.share(pdu.ShareDeactivateAll, body); err != nil {
		return err
	}
	return c.demand(width, height)
}

// demand begins an activation (2.2.1.13.1).
func (c *Session) demand(width, height int) error {
	b, err := (&pdu.Active{
		ShareID: shareID, Descriptor: []byte("RDP\x00"), Capabilities: serverSets(width, height, wanted(&c.client.Core)),
	}).AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.share(pdu.ShareDemandActive, b)
}

// reactivate takes the client's part of an activation while a session runs. What else comes in the meantime is for others.
func (c *Session) reactivate(data []byte) error {
	if c.activations.Load() == 0 {
		return nil
	}
	c.drawing.Lock()
	defer c.drawing.Unlock()
	done, err := c.finalize(data)
	if err != nil || !done {
		return err
	}
	if c.activations.Add(-1) == 0 {
		c.desktop.refresh(image.Rect(0, 0, 1<<16, 1<<16))
	}
	return nil
}

// resize makes the picture anew in another size.
func (d *Desktop) resize(w, h int) error {
	if err := checkDesktop(w, h); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.img = image.NewRGBA(image.Rect(0, 0, w, h))
	d.paintAll()
	d.damage = []image.Rectangle{d.img.Rect}
	d.notify()
	return nil
}

// size is that of the picture.
func (d *Desktop) size() (w, h int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.img.Rect.Dx(), d.img.Rect.Dy()
}

// displayChannel is the id of the only dynamic channel: that by which a client asks for another size ([MS-RDPEDISP], [MS-RDPEDYC]).
const displayChannel = 1

// openDisplay offers display control to a client that has dynamic channels.
func (c *Session) openDisplay() error {
	if c.display = c.openStatic("drdynvc", drdynvc.MaxMessage, c.hearDynamic); c.display == nil {
		return nil
	}
	return c.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandCapabilities, Version: 1})
}

func (c *Session) sayDynamic(p drdynvc.PDU) error {
	b, err := p.AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.say(c.display, b, false)
}

// hearDynamic takes a message about dynamic channels: the client's answers, and what it asks for.
func (c *Session) hearDynamic(m []byte) error {
	p := drdynvc.PDU{Response: true}
	if err := p.UnmarshalBinary(m); err != nil {
		return err
	}
	switch {
	case p.Command == drdynvc.CommandCapabilities:
		return c.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandCreate, Channel: displayChannel, Name: disp.Name})
	case p.Channel != displayChannel:
	case p.Command == drdynvc.CommandCreate && p.Status == drdynvc.StatusOK:
		caps, err := (&disp.Caps{Monitors: 1, FactorA: maxSide, FactorB: maxSide}).AppendBinary(nil)
		if err != nil {
			return err
		}
		return c.sayDynamic(drdynvc.PDU{Command: drdynvc.CommandData, Channel: displayChannel, Data: caps})
	case p.Command == drdynvc.CommandData:
		if w, h, ok := firstMonitor(p.Data); ok && checkDesktop(w, h) == nil {
			select {
			case <-c.asked: // only the last one counts
			default:
			}
			c.asked <- image.Pt(w, h)
		}
	}
	return nil
}

// firstMonitor takes the size of the first monitor of a Monitor Layout PDU ([MS-RDPEDISP] 2.2.2.2).
func firstMonitor(b []byte) (w, h int, ok bool) {
	const (
		layout   = 2
		widthAt  = 8 + 4 + 4 + 4 + 4 + 4
		smallest = 8 + 8 + 40
	)
	if len(b) < smallest || binary.LittleEndian.Uint32(b) != layout {
		return 0, 0, false
	}
	return int(binary.LittleEndian.Uint32(b[widthAt:])), int(binary.LittleEndian.Uint32(b[widthAt+4:])), true
}
