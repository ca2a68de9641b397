package connect

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/rdp/internal/license"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
)

// Secure settings exchange, licensing and the way to the first activation ([MS-RDPBCGR] 1.3.1.1).

// sendInfo sends the Client Info PDU.
type sendInfo struct{}

func (sendInfo) name() string { return "client info" }
func (sendInfo) need() Need   { return NeedNone }

func (sendInfo) step(c *Connector, _ []byte) (phase, []byte, error) {
	info := c.cfg.Info
	if c.cfg.RestrictedAdmin {
		info.Domain, info.User, info.Password = "", "", ""
	}
	if cookie := c.cfg.Reconnect; cookie != nil {
		random := c.exchange.own
		if random == nil { // inside TLS there is none
			random = make([]byte, secure.RandomSize)
		}
		info.Reconnect = cookie.Proof(random)
	}
	b, err := info.AppendBinary(pdu.AppendSecurityHeader(nil, pdu.SecurityInfo))
	if err != nil {
		return nil, nil, err
	}
	out, err := c.send(c.res.IO, b)
	return waitLicense{license.NewClient(info.User, c.cfg.Core.Name, c.cfg.Random)}, out, err
}

// waitLicense takes the licensing messages until the server is content ([MS-RDPELE] 1.3.3).
type waitLicense struct{ client *license.Client }

func (waitLicense) name() string { return "licensing" }
func (waitLicense) need() Need   { return NeedFrame }

func (p waitLicense) step(c *Connector, in []byte) (phase, []byte, error) {
	m, err := takeMCS(in, pdu.MCSSendDataIndication)
	if err != nil {
		return nil, nil, err
	}
	if c.res.Message != 0 && m.Channel == c.res.Message {
		return p, nil, nil // auto-detection, which is not answered
	}
	flags, body, err := pdu.TakeSecurityHeader(m.Data)
	if err != nil {
		return nil, nil, err
	}
	if flags&pdu.SecurityLicense == 0 {
		return nil, nil, fmt.Errorf("security flags %#x: no licensing message", uint16(flags))
	}
	answer, done, err := p.client.Step(body)
	if err != nil {
		return nil, nil, err
	}
	if !done {
		out, err := c.send(c.res.IO, append(pdu.AppendSecurityHeader(nil, pdu.SecurityLicense), answer...))
		return p, out, err
	}
	return NewActivation(c.cfg.Caps, c.res.User, c.res.IO), nil, nil
}

// done is the end.
type done struct{}

func (done) name() string { return "done" }
func (done) need() Need   { return NeedDone }
func (done) step(*Connector, []byte) (phase, []byte, error) {
	return nil, nil, errors.New("the sequence is over")
}
