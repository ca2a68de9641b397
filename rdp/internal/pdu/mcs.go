package pdu

import (
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/wire"
)

// MCS, the Multipoint Communication Service (T.125), as RDP uses it: one domain, one user on each side, a channel for the
// desktop and one for each virtual channel.

// ChannelID is the number of an MCS channel; a user id is one too.
type ChannelID uint16

const (
	userBase      = 1001            // the least user id (T.125 7)
	GlobalChannel = ChannelID(1003) // MCS_GLOBAL_CHANNEL, of the desktop
)

// domainParameters are limits that nobody negotiates any more (T.125 7, DomainParameters).
type domainParameters [8]uint32

// What the usual clients send, target, minimum and maximum ([MS-RDPBCGR] 2.2.1.3).
var (
	domainTarget  = domainParameters{34, 2, 0, 1, 0, 1, 0xffff, 2}
	domainMinimum = domainParameters{1, 1, 1, 1, 0, 1, 0x420, 2}
	domainMaximum = domainParameters{0xffff, 0xfc17, 0xffff, 1, 0, 1, 0xffff, 2}
)

func (d domainParameters) append(b []byte) []byte {
	var c []byte
	for _, v := range d {
		c = wire.AppendBERInteger(c, v)
	}
	return wire.AppendBERTag(b, wire.BERSequence, c)
}

func skipDomainParameters(r *wire.Reader) {
	c := r.BERTag("domainParameters", wire.BERSequence)
	for range len(domainParameters{}) {
		c.BERInteger("domainParameter")
	}
	r.Fail(c.Close("domainParameters"))
}

// Application tags of the connect PDUs.
const (
	mcsConnectInitial  = 101
	mcsConnectResponse = 102
)

// ConnectInitial is the MCS Connect-Initial with the client's GCC data ([MS-RDPBCGR] 2.2.1.3). It is the payload of a Data TPDU.
type ConnectInitial struct{ UserData []byte }

// AppendBinary appends the PDU.
func (p *ConnectInitial) AppendBinary(b []byte) ([]byte, error) {
	c := wire.AppendBERTag(nil, wire.BEROctetString, []byte{1}) // callingDomainSelector
	c = wire.AppendBERTag(c, wire.BEROctetString, []byte{1})    // calledDomainSelector
	c = wire.AppendBERBool(c, true)                             // upwardFlag
	c = domainTarget.append(c)
	c = domainMinimum.append(c)
	c = domainMaximum.append(c)
	c = wire.AppendBERTag(c, wire.BEROctetString, p.UserData)
	return wire.AppendBERApplication(b, mcsConnectInitial, c), nil
}

// UnmarshalBinary decodes the PDU. UserData aliases b.
func (p *ConnectInitial) UnmarshalBinary(b []byte) error {
	r := wire.NewReader(b)
	c := r.BERApplication("Connect-Initial", mcsConnectInitial)
	c.BERTag("callingDomainSelector", wire.BEROctetString)
	c.BERTag("calledDomainSelector", wire.BEROctetString)
	c.BERBool("upwardFlag")
	for range 3 {
		skipDomainParameters(&c)
	}
	u := c.BERTag("userData", wire.BEROctetString)
	p.UserData = u.Rest()
	r.Fail(c.Close("Connect-Initial"))
	return r.Close("MCS Connect-Initial")
}

// ConnectResponse is the MCS Connect-Response with the server's GCC data ([MS-RDPBCGR] 2.2.1.4).
type ConnectResponse struct {
	Result   uint32 // 0: rt-successful (T.125 7, Result)
	UserData []byte
}

// AppendBinary appends the PDU.
func (p *ConnectResponse) AppendBinary(b []byte) ([]byte, error) {
	c := wire.AppendBEREnumerated(nil, p.Result)
	c = wire.AppendBERInteger(c, 0) // calledConnectId
	c = domainTarget.append(c)
	c = wire.AppendBERTag(c, wire.BEROctetString, p.UserData)
	return wire.AppendBERApplication(b, mcsConnectResponse, c), nil
}

// UnmarshalBinary decodes the PDU. UserData aliases b.
func (p *ConnectResponse) UnmarshalBinary(b []byte) error {
	r := wire.NewReader(b)
	c := r.BERApplication("Connect-Response", mcsConnectResponse)
	p.Result = c.BEREnumerated("result")
	c.BERInteger("calledConnectId")
	skipDomainParameters(&c)
	u := c.BERTag("userData", wire.BEROctetString)
	p.UserData = u.Rest()
	r.Fail(c.Close("Connect-Response"))
	return r.Close("MCS Connect-Response")
}

// MCSKind is the kind of a domain PDU: its choice in T.125's DomainMCSPDU.
type MCSKind uint8

// The kinds that RDP uses.
const (
	MCSErectDomainRequest          MCSKind = 1
	MCSDisconnectProviderUltimatum MCSKind = 8
	MCSAttachUserRequest           MCSKind = 10
	MCSAttachUserConfirm           MCSKind = 11
	MCSChannelJoinRequest          MCSKind = 14
	MCSChannelJoinConfirm          MCSKind = 15
	MCSSendDataRequest             MCSKind = 25
	MCSSendDataIndication          MCSKind = 26
)

// String returns the name in T.125.
func (k MCSKind) String() string {
	switch k {
	case MCSErectDomainRequest:
		return "ErectDomainRequest"
	case MCSDisconnectProviderUltimatum:
		return "DisconnectProviderUltimatum"
	case MCSAttachUserRequest:
		return "AttachUserRequest"
	case MCSAttachUserConfirm:
		return "AttachUserConfirm"
	case MCSChannelJoinRequest:
		return "ChannelJoinRequest"
	case MCSChannelJoinConfirm:
		return "ChannelJoinConfirm"
	case MCSSendDataRequest:
		return "SendDataRequest"
	case MCSSendDataIndication:
		return "SendDataIndication"
	}
	return fmt.Sprintf("MCSKind(%d)", uint8(k))
}

// Reasons of a DisconnectProviderUltimatum (T.125 7, Reason).
const (
	ReasonDomainDisconnected = 0
	ReasonProviderInitiated  = 1
	ReasonTokenPurged        = 2
	ReasonUserRequested      = 3
	ReasonChannelPurged      = 4
)

// MCS is one domain PDU. Which fields it has depends on Kind; the rest are zero.
type MCS struct {
	Kind    MCSKind
	Result  uint8     // of the confirms: 0 is rt-successful
	User    ChannelID // initiator: the user that the PDU is from or for
	Channel ChannelID // of joins and data
	Reason  uint8     // of DisconnectProviderUltimatum
	Data    []byte    // of SendData…; aliases what was decoded
}

// AppendBinary appends the PDU. It is the payload of a Data TPDU.
func (p *MCS) AppendBinary(b []byte) ([]byte, error) {
	head := uint8(p.Kind) << 2
	switch p.Kind {
	case MCSErectDomainRequest:
		return wire.AppendPERInteger(wire.AppendPERInteger(append(b, head), 0), 0), nil // subHeight, subInterval
	case MCSDisconnectProviderUltimatum:
		return append(b, head|p.Reason>>1&0x03, p.Reason<<7), nil // three bits across two bytes
	case MCSAttachUserRequest:
		return append(b, head), nil
	case MCSAttachUserConfirm, MCSChannelJoinConfirm:
		b = append(b, head|0x02 /* the optional id is there */, p.Result<<4)
	case MCSChannelJoinRequest, MCSSendDataRequest, MCSSendDataIndication:
		b = append(b, head)
	default:
		return nil, fmt.Errorf("MCS: %v cannot be sent", p.Kind)
	}
	if p.User < userBase {
		return nil, fmt.Errorf("MCS %v: user id: got %d, want at least %d", p.Kind, p.User, userBase)
	}
	b = wire.AppendPERInteger16(b, uint16(p.User), userBase)
	switch p.Kind {
	case MCSAttachUserConfirm:
		return b, nil
	case MCSChannelJoinConfirm:
		b = wire.AppendU16BE(b, uint16(p.Channel)) // requested
		return wire.AppendU16BE(b, uint16(p.Channel)), nil
	case MCSChannelJoinRequest:
		return wire.AppendU16BE(b, uint16(p.Channel)), nil
	}
	b = append(wire.AppendU16BE(b, uint16(p.Channel)), 0x70) // dataPriority high, segmentation begin and end
	if len(p.Data) >= 0x4000 {
		return nil, fmt.Errorf("MCS %v: %d bytes, at most %d", p.Kind, len(p.Data), 0x3fff)
	}
	// The usual peers always write the long form.
	return append(wire.AppendU16BE(b, 0x8000|uint16(len(p.Data))), p.Data...), nil
}

// UnmarshalBinary decodes the PDU.
func (p *MCS) UnmarshalBinary(b []byte) error {
	*p = MCS{}
	r := wire.NewReader(b)
	head := r.U8("choice")
	p.Kind = MCSKind(head >> 2)
	switch p.Kind {
	case MCSErectDomainRequest:
		r.PERInteger("subHeight")
		r.PERInteger("subInterval")
		return r.Close("MCS ErectDomainRequest")
	case MCSDisconnectProviderUltimatum:
		p.Reason = head&0x03<<1 | r.U8("reason")>>7
		return r.Close("MCS DisconnectProviderUltimatum")
	case MCSAttachUserRequest:
		return r.Close("MCS AttachUserRequest")
	case MCSAttachUserConfirm, MCSChannelJoinConfirm:
		p.Result = r.U8("result") >> 4
		if p.Kind == MCSAttachUserConfirm && head&0x02 == 0 { // a refusal has no id
			return r.Close("MCS AttachUserConfirm")
		}
	case MCSChannelJoinRequest, MCSSendDataRequest, MCSSendDataIndication:
	default:
		r.Failf("unexpected %v", p.Kind)
	}
	p.User = ChannelID(r.PERInteger16("initiator", userBase))
	switch p.Kind {
	case MCSAttachUserConfirm:
	case MCSChannelJoinConfirm:
		p.Channel = ChannelID(r.U16BE("requested"))
		if head&0x02 != 0 {
			r.Want("channelId", uint64(r.U16BE("channelId")), uint64(p.Channel))
		}
	case MCSChannelJoinRequest:
		p.Channel = ChannelID(r.U16BE("channelId"))
	case MCSSendDataRequest, MCSSendDataIndication:
		p.Channel = ChannelID(r.U16BE("channelId"))
		r.U8("dataPriority, segmentation")
		n := r.PERLength("userData")
		p.Data = r.Bytes("userData", n)
	}
	return r.Close("MCS " + p.Kind.String())
}
