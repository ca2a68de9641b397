package connect

import (
	"fmt"
	"math/bits"

	"github.com/sallyport/sallyport/rdp/internal/credssp"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// Connection initiation and security upgrade ([MS-RDPBCGR] 1.3.1.1, 5.4.5).

// sendRequest sends the X.224 Connection Request.
type sendRequest struct{}

func (sendRequest) name() string { return "connection request" }
func (sendRequest) need() Need   { return NeedNone }

func (sendRequest) step(c *Connector, _ []byte) (phase, []byte, error) {
	p := pdu.ConnectionRequest{Cookie: c.cfg.Cookie, Negotiate: true, Protocols: c.cfg.Protocols}
	if c.cfg.RestrictedAdmin {
		p.Flags |= pdu.RestrictedAdminRequired
	}
	out, err := p.AppendBinary(nil)
	return waitConfirm{}, out, err
}

// waitConfirm takes the X.224 Connection Confirm.
type waitConfirm struct{}

func (waitConfirm) name() string { return "connection confirm" }
func (waitConfirm) need() Need   { return NeedFrame }

func (waitConfirm) step(c *Connector, in []byte) (phase, []byte, error) {
	var p pdu.ConnectionConfirm
	if err := p.UnmarshalBinary(in); err != nil {
		return nil, nil, err
	}
	if p.Failure != 0 {
		return nil, nil, &NegotiationError{p.Failure}
	}
	if c.cfg.Standard && p.Selected == pdu.ProtocolRDP {
		return sendInitial{}, nil, nil
	}
	// PROTOCOL_RDP is 0 and no answer at all means it, so a subset test alone would admit the downgrade.
	if bits.OnesCount32(uint32(p.Selected)) != 1 || p.Selected&^c.cfg.Protocols != 0 {
		return nil, nil, fmt.Errorf("%w: %v, offered were %v", ErrDowngrade, p.Selected, c.cfg.Protocols)
	}
	if c.cfg.RestrictedAdmin && p.Flags&pdu.RestrictedAdminSupported == 0 {
		return nil, nil, fmt.Errorf("%w: no Restricted Admin mode", ErrDowngrade)
	}
	c.res.Selected = p.Selected
	return upgrade{}, nil, nil
}

// upgrade waits for TLS.
type upgrade struct{}

func (upgrade) name() string { return "TLS" }
func (upgrade) need() Need   { return NeedTLS }

func (upgrade) step(c *Connector, _ []byte) (phase, []byte, error) {
	if c.cert == nil {
		return nil, nil, fmt.Errorf("no certificate was accepted")
	}
	if c.res.Selected == pdu.ProtocolSSL {
		return sendInitial{}, nil, nil
	}
	client, err := credssp.NewClient(credssp.Config{
		Credentials: credssp.Credentials{Domain: c.cfg.Info.Domain, User: c.cfg.Info.User, Password: string(c.cfg.Info.Password)},
		Certificate: c.cert, Target: "TERMSRV/" + c.cfg.Target, RestrictedAdmin: c.cfg.RestrictedAdmin, Now: c.cfg.Now, Random: c.cfg.Random,
	})
	if err != nil {
		return nil, nil, err
	}
	out, err := client.Start()
	return authenticate{client}, out, err
}

// authenticate exchanges TSRequests until the server has the credentials.
type authenticate struct{ client *credssp.Client }

func (authenticate) name() string { return "network level authentication" }
func (authenticate) need() Need   { return NeedToken }

func (p authenticate) step(c *Connector, in []byte) (phase, []byte, error) {
	out, err := p.client.Step(in)
	if err != nil || !p.client.Done() {
		return p, out, err
	}
	if c.res.Selected == pdu.ProtocolHybridEx {
		return waitEarly{}, out, nil
	}
	return sendInitial{}, out, nil
}

// waitEarly takes the Early User Authorization Result PDU (2.2.10.2).
type waitEarly struct{}

func (waitEarly) name() string { return "early user authorization" }
func (waitEarly) need() Need   { return NeedEarly }

func (waitEarly) step(_ *Connector, in []byte) (phase, []byte, error) {
	if len(in) != 4 {
		return nil, nil, fmt.Errorf("result of %d bytes", len(in))
	}
	if in[0]|in[1]|in[2]|in[3] != 0 { // AUTHZ_SUCCESS
		return nil, nil, fmt.Errorf("%w: the user may not sign in remotely", credssp.ErrDenied)
	}
	return sendInitial{}, nil, nil
}
