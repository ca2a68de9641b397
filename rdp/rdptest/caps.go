package rdptest

import (
	"encoding/binary"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// clientCaps is what matters of a Confirm Active PDU.
type clientCaps struct {
	depth      int
	fastPath   bool
	salted     bool   // codes of standard security count packets
	surface    bool   // surface bits
	markers    bool   // frame markers
	window     int    // frames that may be sent without an acknowledgement; 0: the client sends none
	maxRequest int    // of a fragmented update, in bytes
	ids        [3]int // of codecs, by kind; 0: not offered
}

func takeClientCaps(p *pdu.Active) (c clientCaps, err error) {
	const extraFlagsAt = 10
	if b := p.Find(pdu.CapGeneral); len(b) >= extraFlagsAt+2 {
		extra := binary.LittleEndian.Uint16(b[extraFlagsAt:])
		c.fastPath, c.salted = extra&pdu.ExtraFastPathOutput != 0, extra&pdu.ExtraSaltedChecksum != 0
	}
	c.depth = 16
	if b := p.Find(pdu.CapBitmap); len(b) >= 2 {
		switch d := binary.LittleEndian.Uint16(b); d {
		case 8, 15, 24, 32:
			c.depth = int(d)
		}
	}
	number := func(kind pdu.CapabilityKind) uint32 {
		if b := p.Find(kind); len(b) >= 4 {
			return binary.LittleEndian.Uint32(b)
		}
		return 0
	}
	flags := number(pdu.CapSurface)
	c.surface, c.markers = flags&pdu.SurfaceSetBits != 0, flags&pdu.SurfaceFrames != 0
	c.maxRequest = int(min(number(pdu.CapMultifragment), maxRequest))
	const mostFrames = 64
	if c.markers {
		c.window = int(min(number(pdu.CapFrameAck), mostFrames))
	}
	b := p.Find(pdu.CapBitmapCodecs)
	if b == nil {
		return c, nil
	}
	codecs, err := pdu.TakeBitmapCodecs(b)
	for _, k := range codecs {
		c.ids[k.Kind] = int(k.ID)
	}
	return c, err
}

// maxRequest is what the server takes and sends of a fragmented update.
const maxRequest = 1 << 20

// wanted returns the depth that a client asks for before any capability (2.2.1.3.2). Clients take the server's word for it.
func wanted(c *pdu.ClientCore) int {
	if c.EarlyCapabilities&pdu.EarlyWant32 != 0 {
		return 32
	}
	switch c.Depth {
	case 8, 15, 24:
		return int(c.Depth)
	}
	return 16
}

// serverSets is what a Demand Active PDU says (2.2.7). Codecs are named with the ids that clients usually give them, and it is the
// client's ids that count.
func serverSets(w, h, depth int) []pdu.Capability {
	u16 := func(values ...uint16) (b []byte) {
		for _, v := range values {
			b = wire.AppendU16LE(b, v)
		}
		return b
	}
	general := append(u16(1, 3, 0x0200, 0, 0, pdu.ExtraFastPathOutput|pdu.ExtraNoBitmapHeader|pdu.ExtraLongCredentials|pdu.ExtraSaltedChecksum, 0, 0, 0), 1, 1)
	bitmap := append(u16(uint16(depth), 1, 1, 1, uint16(w), uint16(h), 0, 1, 1), 0, 0)
	bitmap = append(bitmap, u16(1, 0)...)
	input := u16(pdu.InputScancodes|pdu.InputMouseX|pdu.InputFastPath|pdu.InputUnicode|pdu.InputFastPath2|pdu.InputHWheel, 0)
	input = wire.AppendZeros(input, 16+64) // layout, type, subtype, function keys, name of an input method
	order := wire.AppendZeros(nil, 16+4)
	order = append(order, u16(1, 20, 0, 1, 0, 0x0002|0x0008)...)
	order = wire.AppendZeros(order, 32+2+2+4+4+2+2+2+2)
	codecs, err := pdu.AppendBitmapCodecs(nil, []pdu.BitmapCodec{
		{Kind: pdu.CodecNSCodec, ID: pdu.CodecIDNSCodec, Properties: []byte{1 /* dynamic fidelity */, 1 /* subsampling */, 1 /* colour loss level */}},
		{Kind: pdu.CodecRemoteFX, ID: pdu.CodecIDRemoteFX, Properties: make([]byte, 4)},
	})
	if err != nil {
		panic(err) // they are fixed
	}
	return []pdu.Capability{
		{Kind: pdu.CapShare, Body: u16(uint16(serverUser), 0)},
		{Kind: pdu.CapGeneral, Body: general},
		{Kind: pdu.CapBitmap, Body: bitmap},
		{Kind: pdu.CapOrder, Body: order},
		{Kind: pdu.CapInput, Body: input},
		{Kind: pdu.CapPointer, Body: u16(1, 25, 25)},
		{Kind: pdu.CapVirtualChannel, Body: wire.AppendU32LE(nil, 0)},
		{Kind: pdu.CapMultifragment, Body: wire.AppendU32LE(nil, maxRequest)},
		{Kind: pdu.CapSurface, Body: wire.AppendU32LE(wire.AppendU32LE(nil, pdu.SurfaceSetBits|pdu.SurfaceFrames), 0)},
		{Kind: pdu.CapBitmapCodecs, Body: codecs},
		{Kind: pdu.CapFrameAck, Body: wire.AppendU32LE(nil, 0)},
	}
}
