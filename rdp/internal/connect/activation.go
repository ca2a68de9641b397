package connect

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Activation is the capability exchange and the finalization ([MS-RDPBCGR] 1.3.1.1): the last phases of a connection, and what
// comes again whenever the server deactivates the desktop, for example to change its size (1.3.1.3).
type Activation struct {
	ShareID       uint32
	Width, Height int // of the desktop, as the server says
	Server        pdu.ServerCaps

	caps      pdu.ClientCaps
	user, io  pdu.ChannelID
	confirmed bool
	granted   bool
}

// NewActivation returns an activation that waits for the server's Demand Active PDU.
func NewActivation(caps pdu.ClientCaps, user, io pdu.ChannelID) *Activation {
	return &Activation{caps: caps, user: user, io: io}
}

func (*Activation) name() string { return "activation" }
func (*Activation) need() Need   { return NeedFrame }

func (a *Activation) step(c *Connector, in []byte) (phase, []byte, error) {
	if pdu.IsFastPath(in) { // a server may draw as soon as it has confirmed
		return a, nil, nil
	}
	m, err := takeMCS(in, pdu.MCSSendDataIndication)
	if err != nil {
		return nil, nil, err
	}
	if m.Channel != a.io {
		return a, nil, c.res.keep(m.Channel, m.Data) // virtual channels may begin to talk before the desktop is there
	}
	out, finished, err := a.Step(m.Data)
	if err != nil || !finished {
		return a, out, err
	}
	c.res.Activation = *a
	return done{}, out, nil
}

// Step takes the data of one Send Data Indication of the desktop's channel and returns what to send. finished: the desktop is
// active.
func (a *Activation) Step(data []byte) (out []byte, finished bool, err error) {
	for len(data) > 0 {
		p, rest, err := pdu.TakeShareControl(data)
		if err != nil {
			return nil, false, err
		}
		data = rest
		if p == nil {
			continue
		}
		answer, err := a.take(p)
		if err != nil {
			return nil, false, err
		}
		out = append(out, answer...)
	}
	return out, a.granted, nil
}

func (a *Activation) take(p *pdu.ShareControl) ([]byte, error) {
	switch p.Kind {
	case pdu.ShareDemandActive:
		return a.confirm(p.Body)
	case pdu.ShareDeactivateAll:
		a.confirmed, a.granted = false, false // it begins anew
		return nil, nil
	case pdu.ShareRedirection:
		return nil, ErrRedirected
	case pdu.ShareData:
	default:
		return nil, fmt.Errorf("share PDU of type %d", p.Kind)
	}
	var d pdu.Data
	if err := d.UnmarshalBinary(p.Body); err != nil {
		return nil, err
	}
	switch d.Kind {
	case pdu.DataFontMap: // the last one
		if !a.confirmed {
			return nil, errors.New("font map before the capabilities")
		}
		a.granted = true
	case pdu.DataSetErrorInfo:
		code, err := pdu.TakeErrorInfo(d.Body)
		if err != nil {
			return nil, err
		}
		if code != 0 {
			return nil, &pdu.ErrorInfo{Code: code}
		}
	}
	// Synchronize, Control and whatever else a server sends early need no answer.
	return nil, nil
}

// confirm answers a Demand Active PDU, and sends the client's part of the finalization along (2.2.1.14 to 2.2.1.18).
func (a *Activation) confirm(body []byte) ([]byte, error) {
	var demand pdu.Active
	if err := demand.UnmarshalBinary(body); err != nil {
		return nil, err
	}
	if err := a.Server.UnmarshalSets(demand.Capabilities); err != nil {
		return nil, err
	}
	a.ShareID, a.Width, a.Height = demand.ShareID, int(a.Server.Width), int(a.Server.Height)
	if a.Width < 1 || a.Height < 1 || a.Width > 8192 || a.Height > 8192 || a.Width*a.Height > 33<<20 {
		return nil, fmt.Errorf("desktop of %dx%d", a.Width, a.Height)
	}
	a.caps.Width, a.caps.Height = a.Server.Width, a.Server.Height
	confirm, err := (&pdu.Active{Confirm: true, ShareID: a.ShareID, Descriptor: []byte("sallyport\x00"), Capabilities: a.caps.Sets()}).AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	out, err := a.share(nil, pdu.ShareConfirmActive, confirm)
	if err != nil {
		return nil, err
	}
	for _, d := range []struct {
		kind pdu.DataKind
		body []byte
	}{
		{pdu.DataSynchronize, pdu.AppendSynchronize(nil, a.user)},
		{pdu.DataControl, pdu.AppendControl(nil, pdu.ControlCooperate, 0, 0)},
		{pdu.DataControl, pdu.AppendControl(nil, pdu.ControlRequest, 0, 0)},
		{pdu.DataFontList, pdu.AppendFontList(nil)},
	} {
		b, err := (&pdu.Data{ShareID: a.ShareID, Kind: d.kind, Body: d.body}).AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		if out, err = a.share(out, pdu.ShareData, b); err != nil {
			return nil, err
		}
	}
	a.confirmed = true
	return out, nil
}

// share appends a share control PDU as a whole TPKT.
func (a *Activation) share(out []byte, kind pdu.ShareKind, body []byte) ([]byte, error) {
	b, err := (&pdu.ShareControl{Kind: kind, Source: a.user, Body: body}).AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	unit, err := mcsData(&pdu.MCS{Kind: pdu.MCSSendDataRequest, User: a.user, Channel: a.io, Data: b})
	return append(out, unit...), err
}
