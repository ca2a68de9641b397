package rdptest

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/credssp"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
	"github.com/sallyport/sallyport/rdp/internal/wire"
)

const handshakeTimeout = 30 * time.Second

// Ids of MCS channels and users, as the usual servers give them. The users stand behind the greatest number of channels.
const (
	serverUser   = pdu.ChannelID(1002)
	firstChannel = pdu.ChannelID(1004)
	clientUser   = firstChannel + pdu.MaxChannels
)

var errDenied = errors.New("rdptest: wrong user or password")

// serve takes a connection from its first byte to its end.
func (s *Server) serve(raw net.Conn) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	patience := handshakeTimeout
	if s.variant != nil { // who is hostile does not give up first
		patience = time.Hour
	}
	if err := raw.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	c := &Session{server: s, conn: raw, r: bufio.NewReader(raw), frames: frames{acked: make(chan struct{}, 1)}, asked: make(chan image.Point, 1)}
	if err := c.connect(ctx); err != nil {
		return err
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return err
	}
	return c.run(ctx)
}

func (c *Session) connect(ctx context.Context) error {
	if err := c.negotiate(ctx); err != nil {
		return err
	}
	if err := c.join(); err != nil {
		return err
	}
	if err := c.signIn(); err != nil {
		return err
	}
	return c.activate()
}

// negotiate agrees on a protocol (2.2.1.1, 2.2.1.2), starts TLS and runs CredSSP.
func (c *Session) negotiate(ctx context.Context) error {
	unit, err := secure.ReadUnit(c.r)
	if err != nil {
		return err
	}
	var q pdu.ConnectionRequest
	if err := q.UnmarshalBinary(unit); err != nil {
		return err
	}
	c.requested = q.Protocols
	a := choose(c.server.cfg.Security, q)
	b, err := a.AppendBinary(nil)
	if err != nil {
		return err
	}
	if err := c.write(b); err != nil {
		return err
	}
	if a.Failure != 0 {
		return fmt.Errorf("rdptest: %v was asked for: %v", q.Protocols, a.Failure)
	}
	if c.server.standard != nil {
		return nil
	}
	c.server.count(&c.server.secured)
	c.at(stepTLS)
	if v := c.server.variant; v != nil && v.step == stepTLS {
		const header = 5 // of a record
		head, err := c.r.Peek(header)
		if err != nil {
			return err
		}
		if _, err := c.r.Discard(header + int(head[3])<<8 + int(head[4])); err != nil {
			return err
		}
		return c.write(nil)
	}
	t := tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{*c.server.cfg.Certificate}, MinVersion: tls.VersionTLS12})
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	c.conn, c.r = t, bufio.NewReader(t)
	if a.Selected == pdu.ProtocolSSL {
		return nil
	}
	return c.authenticate(a.Selected == pdu.ProtocolHybridEx)
}

// choose answers a request.
func choose(have Security, q pdu.ConnectionRequest) pdu.ConnectionConfirm {
	has := func(p pdu.Protocols) bool { return q.Negotiate && q.Protocols&p != 0 }
	switch {
	case have == SecurityStandard && q.Negotiate && q.Protocols != pdu.ProtocolRDP:
		return pdu.ConnectionConfirm{Negotiated: true, Failure: pdu.SSLNotAllowed}
	case have == SecurityStandard:
		return pdu.ConnectionConfirm{Negotiated: q.Negotiate, Selected: pdu.ProtocolRDP}
	case have != SecurityTLS && has(pdu.ProtocolHybridEx):
		return pdu.ConnectionConfirm{Negotiated: true, Selected: pdu.ProtocolHybridEx}
	case have != SecurityTLS && has(pdu.ProtocolHybrid):
		return pdu.ConnectionConfirm{Negotiated: true, Selected: pdu.ProtocolHybrid}
	case have == SecurityNLA:
		return pdu.ConnectionConfirm{Negotiated: true, Failure: pdu.HybridRequired}
	case has(pdu.ProtocolSSL):
		return pdu.ConnectionConfirm{Negotiated: true, Selected: pdu.ProtocolSSL}
	}
	return pdu.ConnectionConfirm{Negotiated: true, Failure: pdu.SSLRequired}
}

// authenticate runs CredSSP, and with early the authorization result after it (2.2.10.2).
func (c *Session) authenticate(early bool) error {
	nla, err := credssp.NewServer(credssp.ServerConfig{
		Certificate: c.server.leaf, Random: rand.Reader,
		Password: func(_, user string) (string, bool) { p, ok := c.server.cfg.Passwords[user]; return p, ok },
	})
	if err != nil {
		return err
	}
	c.at(stepChallenge)
	for ; !nla.Done(); c.at(stepKey) {
		token, err := c.readToken()
		if err != nil {
			return err
		}
		c.server.count(&c.server.tokens)
		out, serr := nla.Step(token)
		if serr != nil { // noted before the client can know
			c.server.note(Attempt{User: nla.User, Domain: nla.Domain, NLA: true})
		}
		if len(out) > 0 {
			if err := c.write(out); err != nil {
				return err
			}
		}
		if serr != nil {
			return serr
		}
	}
	c.nla = true
	c.server.note(Attempt{User: nla.User, Domain: nla.Domain, Password: nla.Credentials.Password, NLA: true, OK: true})
	c.at(stepEarly)
	if early {
		return c.write(wire.AppendU32LE(nil, 0)) // AUTHZ_SUCCESS
	}
	return nil
}

func (c *Session) readToken() ([]byte, error) {
	for n := 2; ; n++ {
		head, err := c.r.Peek(n)
		if err != nil {
			return nil, err
		}
		size, err := credssp.RequestSize(head)
		if err != nil {
			return nil, err
		}
		if size > 0 {
			token := make([]byte, size)
			_, err := io.ReadFull(c.r, token)
			return token, err
		}
	}
}

// join connects the conference and its channels, up to the first PDU of data, which it leaves in c.pending.
func (c *Session) join() error {
	payload, err := c.readData()
	if err != nil {
		return err
	}
	var initial pdu.ConnectInitial
	if err := initial.UnmarshalBinary(payload); err != nil {
		return err
	}
	blocks, err := pdu.TakeConferenceCreateRequest(initial.UserData)
	if err != nil {
		return err
	}
	if err := c.client.UnmarshalBinary(blocks); err != nil {
		return err
	}
	data := pdu.ServerData{Version: pdu.Version5, Requested: c.requested, IOChannel: pdu.GlobalChannel}
	for i := range c.client.Channels {
		data.Channels = append(data.Channels, firstChannel+pdu.ChannelID(i))
	}
	if s := c.server.standard; s != nil {
		if err := s.offer(c.client.Encryption, &data); err != nil {
			return err
		}
	}
	if blocks, err = data.AppendBinary(nil); err != nil {
		return err
	}
	if blocks, err = pdu.AppendConferenceCreateResponse(nil, blocks); err != nil {
		return err
	}
	response, err := (&pdu.ConnectResponse{UserData: blocks}).AppendBinary(nil)
	if err != nil {
		return err
	}
	c.at(stepResponse)
	if err := c.writeData(response); err != nil {
		return err
	}
	for {
		payload, err := c.readData()
		if err != nil {
			return err
		}
		var p pdu.MCS
		if err := p.UnmarshalBinary(payload); err != nil {
			return err
		}
		switch p.Kind {
		case pdu.MCSErectDomainRequest:
			continue
		case pdu.MCSAttachUserRequest:
			c.at(stepAttach)
			err = c.writeMCS(&pdu.MCS{Kind: pdu.MCSAttachUserConfirm, User: clientUser})
		case pdu.MCSChannelJoinRequest:
			c.at(stepJoin)
			err = c.writeMCS(&pdu.MCS{Kind: pdu.MCSChannelJoinConfirm, User: clientUser, Channel: p.Channel})
		case pdu.MCSSendDataRequest:
			c.pending = p.Data
			if c.server.standard != nil {
				return c.encrypt(data.Random)
			}
			return nil
		default:
			err = fmt.Errorf("rdptest: %v among the joins", p.Kind)
		}
		if err != nil {
			return err
		}
	}
}

// signIn takes the client info (2.2.1.11) and says that the licence is fine (2.2.1.12).
func (c *Session) signIn() error {
	flags, body, err := pdu.TakeSecurityHeader(c.pending)
	if err != nil {
		return err
	}
	if flags&pdu.SecurityInfo == 0 {
		return fmt.Errorf("rdptest: security flags %#x, want those of the client info", flags)
	}
	var info pdu.ClientInfo
	if err := info.UnmarshalBinary(body); err != nil {
		return err
	}
	c.pending = nil
	c.Compression, c.bulkType = info.Flags&pdu.InfoCompression != 0, info.Compression
	license, err := (&pdu.LicenseError{Code: pdu.LicenseValidClient, Transition: pdu.LicenseNoTransition}).AppendBinary(pdu.AppendSecurityHeader(nil, pdu.SecurityLicense))
	if err != nil {
		return err
	}
	c.at(stepLicense)
	if err := c.indicate(pdu.GlobalChannel, license); err != nil {
		return err
	}
	c.User = info.User
	reconnected := info.Reconnect != nil && c.returns(info.Reconnect, info.User)
	if reconnected || c.nla {
		if reconnected {
			c.server.note(Attempt{User: info.User, Domain: info.Domain, Password: string(info.Password), NLA: c.nla, Reconnected: true, OK: true})
		}
		return nil
	}
	want, known := c.server.cfg.Passwords[info.User]
	ok := subtle.ConstantTimeCompare([]byte(want), []byte(info.Password)) == 1 && known
	c.server.note(Attempt{User: info.User, Domain: info.Domain, Password: string(info.Password), OK: ok})
	if ok {
		return nil
	}
	return errors.Join(errDenied, c.Disconnect(pdu.ErrorInfoDenied))
}
