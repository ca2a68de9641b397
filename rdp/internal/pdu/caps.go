package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// CapabilityKind is the type of a capability set ([MS-RDPBCGR] 2.2.1.13.1.1.1).
type CapabilityKind uint16

// The types.
const (
	CapGeneral        CapabilityKind = 1
	CapBitmap         CapabilityKind = 2
	CapOrder          CapabilityKind = 3
	CapBitmapCache    CapabilityKind = 4
	CapControl        CapabilityKind = 5
	CapActivation     CapabilityKind = 7
	CapPointer        CapabilityKind = 8
	CapShare          CapabilityKind = 9
	CapColorCache     CapabilityKind = 10
	CapSound          CapabilityKind = 12
	CapInput          CapabilityKind = 13
	CapFont           CapabilityKind = 14
	CapBrush          CapabilityKind = 15
	CapGlyphCache     CapabilityKind = 16
	CapVirtualChannel CapabilityKind = 20
	CapMultifragment  CapabilityKind = 26
	CapLargePointer   CapabilityKind = 27
	CapSurface        CapabilityKind = 28
	CapBitmapCodecs   CapabilityKind = 29
	CapFrameAck       CapabilityKind = 30
)

// Capability is one capability set: its type and its body, which aliases what was decoded.
type Capability struct {
	Kind CapabilityKind
	Body []byte
}

const (
	maxCapabilities  = 64
	capabilityHeader = 2 /* type */ + 2 /* length */
	maxDescriptor    = 256
)

// Active is a Demand Active PDU (2.2.1.13.1.1) or a Confirm Active PDU (2.2.1.13.2.1): the body of a share control PDU.
type Active struct {
	Confirm      bool // it is the client's answer
	ShareID      uint32
	Descriptor   []byte
	Capabilities []Capability
}

const originator = 0x03ea // the server's channel, of every Confirm Active PDU

// AppendBinary appends the body.
func (p *Active) AppendBinary(b []byte) ([]byte, error) {
	sets := wire.AppendU16LE(wire.AppendU16LE(nil, uint16(len(p.Capabilities))), 0)
	for _, c := range p.Capabilities {
		sets = wire.AppendU16LE(sets, uint16(c.Kind))
		sets = append(wire.AppendU16LE(sets, uint16(capabilityHeader+len(c.Body))), c.Body...)
	}
	if len(p.Capabilities) > maxCapabilities || len(sets) > 0xffff || len(p.Descriptor) > maxDescriptor {
		return nil, fmt.Errorf("active PDU: %d capability sets of %d bytes", len(p.Capabilities), len(sets))
	}
	b = wire.AppendU32LE(b, p.ShareID)
	if p.Confirm {
		b = wire.AppendU16LE(b, originator)
	}
	b = wire.AppendU16LE(b, uint16(len(p.Descriptor)))
	b = wire.AppendU16LE(b, uint16(len(sets)))
	b = append(append(b, p.Descriptor...), sets...)
	if !p.Confirm {
		b = wire.AppendU32LE(b, 0) // sessionId
	}
	return b, nil
}

// UnmarshalBinary decodes the body; Confirm says of which of the two.
func (p *Active) UnmarshalBinary(b []byte) error {
	r := wire.NewReader(b)
	*p = Active{Confirm: p.Confirm, ShareID: r.U32LE("shareId")}
	if p.Confirm {
		r.U16LE("originatorId")
	}
	descriptor := r.Limit("lengthSourceDescriptor", uint64(r.U16LE("lengthSourceDescriptor")), maxDescriptor)
	size := int(r.U16LE("lengthCombinedCapabilities"))
	p.Descriptor = r.Bytes("sourceDescriptor", descriptor)
	sets := r.Sub("capabilitySets", size)
	n := sets.Count("numberCapabilities", uint64(sets.U16LE("numberCapabilities")), 0, maxCapabilities)
	sets.U16LE("pad2Octets")
	for range n {
		kind := CapabilityKind(sets.U16LE("capabilitySetType"))
		body := sets.Bytes("capabilityData", int(sets.U16LE("lengthCapability"))-capabilityHeader)
		if sets.Err() != nil {
			break
		}
		p.Capabilities = append(p.Capabilities, Capability{kind, body})
	}
	r.Fail(sets.Err())
	return r.Done("active PDU") // a sessionId follows a demand, and some servers leave it out
}

// Find returns the body of the first set of a type, nil if there is none.
func (p *Active) Find(kind CapabilityKind) []byte {
	for _, c := range p.Capabilities {
		if c.Kind == kind {
			return c.Body
		}
	}
	return nil
}
