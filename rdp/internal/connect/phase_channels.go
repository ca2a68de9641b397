package connect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Basic settings exchange and channel connection ([MS-RDPBCGR] 1.3.1.1).

// sendInitial sends the MCS Connect-Initial with the client's data.
type sendInitial struct{}

func (sendInitial) name() string { return "connect initial" }
func (sendInitial) need() Need   { return NeedNone }

func (sendInitial) step(c *Connector, _ []byte) (phase, []byte, error) {
	data := pdu.ClientData{Core: c.cfg.Core, Channels: c.cfg.Channels, Cluster: c.cfg.Cluster}
	data.Core.Selected = c.res.Selected
	if c.cfg.Standard {
		data.Encryption = c.cfg.methods()
	}
	blocks, err := data.AppendBinary(nil)
	if err != nil {
		return nil, nil, err
	}
	request, err := pdu.AppendConferenceCreateRequest(nil, blocks)
	if err != nil {
		return nil, nil, err
	}
	initial, err := (&pdu.ConnectInitial{UserData: request}).AppendBinary(nil)
	if err != nil {
		return nil, nil, err
	}
	out, err := pdu.AppendData(nil, initial)
	return waitResponse{}, out, err
}

// waitResponse takes the MCS Connect-Response with the server's data.
type waitResponse struct{}

func (waitResponse) name() string { return "connect response" }
func (waitResponse) need() Need   { return NeedFrame }

func (waitResponse) step(c *Connector, in []byte) (phase, []byte, error) {
	payload, err := pdu.DataPayload(in)
	if err != nil {
		return nil, nil, err
	}
	var p pdu.ConnectResponse
	if err := p.UnmarshalBinary(payload); err != nil {
		return nil, nil, err
	}
	if p.Result != 0 {
		return nil, nil, fmt.Errorf("the server refused: MCS result %d", p.Result)
	}
	blocks, err := pdu.TakeConferenceCreateResponse(p.UserData)
	if err != nil {
		return nil, nil, err
	}
	if err := c.server.UnmarshalBinary(blocks); err != nil {
		return nil, nil, err
	}
	return sendDomain{}, nil, c.acceptServer()
}

// acceptServer checks the server's data against what was asked for.
func (c *Connector) acceptServer() error {
	s := &c.server
	if c.cfg.Standard {
		if err := c.acceptStandard(); err != nil {
			return err
		}
	}
	switch {
	case !c.cfg.Standard && (s.Method != 0 || s.Level != pdu.LevelNone):
		return errors.New("the server wants RDP's own encryption inside TLS")
	case len(s.Channels) > len(c.cfg.Channels):
		return fmt.Errorf("the server lists %d channels, %d were asked for", len(s.Channels), len(c.cfg.Channels))
	}
	c.res.IO, c.res.Message = s.IOChannel, s.MessageChannel
	seen := []pdu.ChannelID{s.IOChannel}
	for i, id := range s.Channels {
		if id == 0 {
			continue // refused
		}
		if slices.Contains(seen, id) {
			return fmt.Errorf("channel id %d twice", id)
		}
		seen = append(seen, id)
		c.res.Channels[c.cfg.Channels[i].Name] = id
	}
	s.Random, s.Certificate = nil, nil // they alias what was read
	return nil
}

// sendDomain sends Erect Domain and Attach User.
type sendDomain struct{}

func (sendDomain) name() string { return "attach user" }
func (sendDomain) need() Need   { return NeedNone }

func (sendDomain) step(*Connector, []byte) (phase, []byte, error) {
	erect, err := mcsData(&pdu.MCS{Kind: pdu.MCSErectDomainRequest})
	if err != nil {
		return nil, nil, err
	}
	attach, err := mcsData(&pdu.MCS{Kind: pdu.MCSAttachUserRequest})
	return waitAttach{}, append(erect, attach...), err
}

// waitAttach takes the Attach User Confirm.
type waitAttach struct{}

func (waitAttach) name() string { return "attach user confirm" }
func (waitAttach) need() Need   { return NeedFrame }

func (waitAttach) step(c *Connector, in []byte) (phase, []byte, error) {
	p, err := takeMCS(in, pdu.MCSAttachUserConfirm)
	if err != nil {
		return nil, nil, err
	}
	if p.Result != 0 || p.User == 0 {
		return nil, nil, fmt.Errorf("the server refused: MCS result %d", p.Result)
	}
	c.res.User = p.User
	if c.server.EarlyCapabilities&pdu.SkipJoinSupported != 0 && c.cfg.Core.EarlyCapabilities&pdu.EarlySkipJoin != 0 {
		return c.afterJoin(), nil, nil
	}
	todo := []pdu.ChannelID{p.User, c.res.IO}
	if c.res.Message != 0 {
		todo = append(todo, c.res.Message)
	}
	for _, def := range c.cfg.Channels {
		if id, ok := c.res.Channels[def.Name]; ok {
			todo = append(todo, id)
		}
	}
	return joinChannel{todo}, nil, nil
}

// joinChannel asks for the first of the channels that are left.
type joinChannel struct{ todo []pdu.ChannelID }

func (joinChannel) name() string { return "channel join" }
func (joinChannel) need() Need   { return NeedNone }

func (p joinChannel) step(c *Connector, _ []byte) (phase, []byte, error) {
	out, err := mcsData(&pdu.MCS{Kind: pdu.MCSChannelJoinRequest, User: c.res.User, Channel: p.todo[0]})
	return waitJoin(p), out, err
}

// waitJoin takes the Channel Join Confirm.
type waitJoin struct{ todo []pdu.ChannelID }

func (waitJoin) name() string { return "channel join confirm" }
func (waitJoin) need() Need   { return NeedFrame }

func (p waitJoin) step(c *Connector, in []byte) (phase, []byte, error) {
	got, err := takeMCS(in, pdu.MCSChannelJoinConfirm)
	if err != nil {
		return nil, nil, err
	}
	if got.Result != 0 || got.Channel != p.todo[0] {
		return nil, nil, fmt.Errorf("channel %d: MCS result %d for %d", p.todo[0], got.Result, got.Channel)
	}
	if rest := p.todo[1:]; len(rest) > 0 {
		return joinChannel{rest}, nil, nil
	}
	return c.afterJoin(), nil, nil
}
