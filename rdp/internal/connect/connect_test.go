package connect_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/connect"
	"github.com/sallyport/sallyport/rdp/internal/credssp"
	"github.com/sallyport/sallyport/rdp/internal/pdu"
)

// server is the other side of a sequence, as much of it as the connector hears. Its fields say how it answers.
type server struct {
	t        *testing.T
	confirm  pdu.ConnectionConfirm
	data     pdu.ServerData
	license  pdu.LicenseError
	last     pdu.DataKind // what it ends with instead of a font map
	lastBody []byte
	nla      *credssp.Server

	queue  [][]byte // units to send
	phase  int
	heard  []pdu.MCSKind
	joined []pdu.ChannelID
	info   pdu.ClientInfo
}

func (s *server) must(b []byte, err error) []byte {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *server) push(payload []byte) {
	s.queue = append(s.queue, s.must(pdu.AppendData(nil, payload)))
}

func (s *server) indicate(body []byte) {
	s.push(s.must((&pdu.MCS{Kind: pdu.MCSSendDataIndication, User: 1002, Channel: s.data.IOChannel, Data: body}).AppendBinary(nil)))
}

func (s *server) share(kind pdu.ShareKind, body []byte) {
	s.indicate(s.must((&pdu.ShareControl{Kind: kind, Source: 1002, Body: body}).AppendBinary(nil)))
}

// hear takes what the client sent, which may be several units.
func (s *server) hear(out []byte) {
	for len(out) > 0 {
		n, err := pdu.FrameSize(out)
		if err != nil || n == 0 || n > len(out) {
			s.t.Fatalf("the client sent %d bytes that are no unit: %v", len(out), err)
		}
		s.unit(out[:n])
		out = out[n:]
	}
}

func (s *server) unit(u []byte) {
	s.t.Helper()
	s.phase++
	switch s.phase {
	case 1:
		var p pdu.ConnectionRequest
		if err := p.UnmarshalBinary(u); err != nil {
			s.t.Fatal(err)
		}
		s.queue = append(s.queue, s.must(s.confirm.AppendBinary(nil)))
		return
	case 2:
		var p pdu.ConnectInitial
		if err := p.UnmarshalBinary(s.must(pdu.DataPayload(u))); err != nil {
			s.t.Fatal(err)
		}
		blocks := s.must(s.data.AppendBinary(nil))
		s.push(s.must((&pdu.ConnectResponse{UserData: s.must(pdu.AppendConferenceCreateResponse(nil, blocks))}).AppendBinary(nil)))
		return
	}
	var p pdu.MCS
	if err := p.UnmarshalBinary(s.must(pdu.DataPayload(u))); err != nil {
		s.t.Fatal(err)
	}
	s.heard = append(s.heard, p.Kind)
	switch p.Kind {
	case pdu.MCSAttachUserRequest:
		s.push(s.must((&pdu.MCS{Kind: pdu.MCSAttachUserConfirm, User: 1007}).AppendBinary(nil)))
	case pdu.MCSChannelJoinRequest:
		s.joined = append(s.joined, p.Channel)
		s.push(s.must((&pdu.MCS{Kind: pdu.MCSChannelJoinConfirm, User: 1007, Channel: p.Channel}).AppendBinary(nil)))
	case pdu.MCSSendDataRequest:
		s.take(p.Data)
	}
}

func (s *server) take(data []byte) {
	if s.info.User == "" && s.info.Flags == 0 {
		flags, body, err := pdu.TakeSecurityHeader(data)
		if err != nil || flags != pdu.SecurityInfo {
			s.t.Fatalf("flags %#x, %v", flags, err)
		}
		if err := s.info.UnmarshalBinary(body); err != nil {
			s.t.Fatal(err)
		}
		s.indicate(s.must(s.license.AppendBinary(pdu.AppendSecurityHeader(nil, pdu.SecurityLicense))))
		caps := pdu.ClientCaps{Width: 1024, Height: 768, Depth: 32}
		s.share(pdu.ShareDemandActive, s.must((&pdu.Active{ShareID: 0x103ea, Descriptor: []byte("RDP\x00"), Capabilities: caps.Sets()}).AppendBinary(nil)))
		return
	}
	p, _, err := pdu.TakeShareControl(data)
	if err != nil {
		s.t.Fatal(err)
	}
	var d pdu.Data
	if p.Kind == pdu.ShareData && d.UnmarshalBinary(p.Body) == nil && d.Kind == pdu.DataFontList {
		s.share(pdu.ShareData, s.must((&pdu.Data{ShareID: 0x103ea, Kind: pdu.DataSynchronize, Body: pdu.AppendSynchronize(nil, 1007)}).AppendBinary(nil)))
		s.share(pdu.ShareData, s.must((&pdu.Data{ShareID: 0x103ea, Kind: s.last, Body: s.lastBody}).AppendBinary(nil)))
	}
}

func newServer(t *testing.T) *server {
	return &server{
		t: t, confirm: pdu.ConnectionConfirm{Negotiated: true, Selected: pdu.ProtocolSSL},
		data:    pdu.ServerData{Version: pdu.Version5, IOChannel: pdu.GlobalChannel, Channels: []pdu.ChannelID{1004, 0, 1006}},
		license: pdu.LicenseError{Code: pdu.LicenseValidClient, Transition: pdu.LicenseNoTransition}, last: pdu.DataFontMap, lastBody: pdu.AppendFontList(nil),
	}
}

func config() connect.Config {
	return connect.Config{
		Protocols: pdu.ProtocolSSL | pdu.ProtocolHybrid, Target: "host", Now: time.Now, Random: rand.Reader,
		Info:     pdu.ClientInfo{Domain: "corp", User: "rdptest", Password: "Rdp-Test-123", Flags: pdu.InfoMouse},
		Core:     pdu.ClientCore{Version: pdu.Version10, Width: 1024, Height: 768, Depth: 24},
		Channels: []pdu.ChannelDef{{Name: "cliprdr"}, {Name: "rdpsnd"}, {Name: "drdynvc"}},
		Caps:     pdu.ClientCaps{Depth: 32, RemoteFX: true, MaxRequest: 1 << 20},
	}
}

func certificate(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// errSilent says that the sequence waits for a server that has nothing more to say.
var errSilent = errors.New("the server is silent")

// run drives a sequence to its end. change may replace each unit of the server.
func run(t *testing.T, cfg connect.Config, s *server, change func(nth int, unit []byte) []byte) (*connect.Connector, error) {
	t.Helper()
	c, err := connect.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cert := certificate(t)
	if s.nla, err = credssp.NewServer(credssp.ServerConfig{
		Certificate: cert, Random: rand.Reader, Password: func(_, user string) (string, bool) { return "Rdp-Test-123", user == "rdptest" },
	}); err != nil {
		t.Fatal(err)
	}
	var token []byte
	for n := 0; ; {
		var in []byte
		switch c.Need() {
		case connect.NeedDone:
			return c, nil
		case connect.NeedFrame:
			if len(s.queue) == 0 {
				return c, errSilent
			}
			in, s.queue = s.queue[0], s.queue[1:]
			if change != nil {
				in = change(n, in)
			}
			n++
		case connect.NeedTLS:
			c.Secured(cert)
		case connect.NeedToken:
			in = token
		}
		before := c.Need()
		out, err := c.Step(in)
		if err != nil {
			if _, again := c.Step(nil); !errors.Is(again, err) {
				t.Errorf("the error does not stick: %v, then %v", err, again)
			}
			return c, err
		}
		if before == connect.NeedToken || c.Need() == connect.NeedToken {
			if token, err = s.nla.Step(out); err != nil {
				return c, err
			}
			continue
		}
		s.hear(out)
	}
}

// TestSequence_HappyPath goes from the first byte to an active desktop, with TLS alone and with CredSSP.
func TestSequence_HappyPath(t *testing.T) {
	for _, selected := range []pdu.Protocols{pdu.ProtocolSSL, pdu.ProtocolHybrid} {
		s := newServer(t)
		s.confirm.Selected = selected
		c, err := run(t, config(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		res := c.Result()
		if res.Selected != selected || res.User != 1007 || res.IO != 1003 || len(res.Channels) != 2 || res.Channels["drdynvc"] != 1006 ||
			res.Activation.Width != 1024 || res.Activation.Height != 768 || res.Activation.ShareID != 0x103ea {
			t.Errorf("%v: result %+v", selected, res)
		}
		if len(s.joined) != 4 || s.info.User != "rdptest" || s.info.Password != "Rdp-Test-123" {
			t.Errorf("%v: joined %v, info %+v", selected, s.joined, s.info)
		}
		if selected == pdu.ProtocolHybrid && s.nla.Credentials.Password != "Rdp-Test-123" {
			t.Error("CredSSP handed no credentials over")
		}
	}
}

// TestSequence_S05_Downgrade: a selection that was not offered ends the sequence before anything else is sent.
func TestSequence_S05_Downgrade(t *testing.T) {
	for name, confirm := range map[string]pdu.ConnectionConfirm{
		"standard security":  {Negotiated: true, Selected: pdu.ProtocolRDP},
		"no answer":          {},
		"not offered":        {Negotiated: true, Selected: pdu.ProtocolRDSTLS},
		"two at once":        {Negotiated: true, Selected: pdu.ProtocolSSL | pdu.ProtocolHybrid},
		"an unknown bit":     {Negotiated: true, Selected: 0x80},
		"TLS, CredSSP asked": {Negotiated: true, Selected: pdu.ProtocolSSL},
	} {
		s, cfg := newServer(t), config()
		s.confirm = confirm
		cfg.Protocols = pdu.ProtocolHybrid
		if name != "TLS, CredSSP asked" {
			cfg.Protocols |= pdu.ProtocolSSL
		}
		if _, err := run(t, cfg, s, nil); !errors.Is(err, connect.ErrDowngrade) || s.phase != 1 {
			t.Errorf("%s: %v after %d units", name, err, s.phase)
		}
	}
	s := newServer(t)
	s.confirm = pdu.ConnectionConfirm{Failure: pdu.HybridRequired}
	var refused *connect.NegotiationError
	if _, err := run(t, config(), s, nil); !errors.As(err, &refused) || refused.Code != pdu.HybridRequired {
		t.Errorf("refused: %v", err)
	}
}

// TestSequence_S09_WrongUnits: in every phase, every unit of every other phase, a truncated one and noise end the sequence with
// an error that names the phase; nothing hangs or panics.
func TestSequence_S09_WrongUnits(t *testing.T) {
	var units [][]byte
	if _, err := run(t, config(), newServer(t), func(_ int, u []byte) []byte { units = append(units, u); return u }); err != nil {
		t.Fatal(err)
	}
	wrong := append([][]byte{{}, {3, 0, 0, 7, 2, 0xf0, 0x80}, {3, 0, 0, 8, 2, 0xf0, 0x80, 0xff}}, units...)
	for at, right := range units {
		for i, w := range append(wrong, right[:len(right)-1], append(append([]byte(nil), right...), 0)) {
			if i-3 == at {
				continue
			}
			_, err := run(t, config(), newServer(t), func(n int, u []byte) []byte {
				if n == at {
					return w
				}
				return u
			})
			var phase *connect.PhaseError
			switch {
			case errors.Is(err, errSilent): // it passed the unit over, and waits for the right one
			case err != nil && !errors.As(err, &phase):
				t.Errorf("unit %d replaced by %d: error without a phase: %v", at, i, err)
			case err == nil && at < len(units)-2: // the last but one changes nothing
				t.Errorf("unit %d replaced by %d: the sequence went through", at, i)
			}
		}
	}
}

// TestSequence_ServersWords: a licensing error, an error info and a refused channel join come out as what they are.
func TestSequence_ServersWords(t *testing.T) {
	s := newServer(t)
	s.license.Code = 0x02
	var license *pdu.LicenseError
	if _, err := run(t, config(), s, nil); !errors.As(err, &license) || license.Code != 2 {
		t.Errorf("licence: %v", err)
	}
	s = newServer(t)
	s.last, s.lastBody = pdu.DataSetErrorInfo, []byte{5, 0, 0, 0}
	var info *pdu.ErrorInfo
	if _, err := run(t, config(), s, nil); !errors.As(err, &info) || info.Code != pdu.ErrorInfoReplaced {
		t.Errorf("error info: %v", err)
	}
	s = newServer(t)
	s.data.Channels = []pdu.ChannelID{1004, 1004}
	if _, err := run(t, config(), s, nil); err == nil {
		t.Error("one id for two channels passes")
	}
	s = newServer(t)
	s.data.Channels = []pdu.ChannelID{1, 2, 3, 4}
	if _, err := run(t, config(), s, nil); err == nil {
		t.Error("more channels than were asked for pass")
	}
}

// FuzzConnector_S09 feeds a sequence with units cut out of the input.
func FuzzConnector_S09(f *testing.F) {
	f.Add([]byte("\x03\x00\x00\x13\x0e\xd0\x00\x00\x00\x00\x00\x02\x00\x08\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := connect.New(config())
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			var in []byte
			switch c.Need() {
			case connect.NeedDone:
				return
			case connect.NeedTLS:
				return // what follows needs a certificate, and is reached by the tests above
			case connect.NeedFrame, connect.NeedToken, connect.NeedEarly:
				n, err := pdu.FrameSize(b)
				if err != nil || n == 0 || n > len(b) {
					return
				}
				in, b = b[:n], b[n:]
			}
			if _, err := c.Step(in); err != nil {
				return
			}
		}
	})
}
