package connect

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/rdp/internal/pdu"
	"github.com/sallyport/sallyport/rdp/internal/secure"
)

// Need is what the caller owes before the next Step.
type Need uint8

// The needs.
const (
	NeedNone   Need = iota + 1 // only output is due: Step(nil)
	NeedFrame                  // one whole TPKT
	NeedTLS                    // upgrade the socket, decide about the certificate, then Secured and Step(nil)
	NeedToken                  // one whole TSRequest
	NeedEarly                  // four bytes: early user authorization result
	NeedCipher                 // put Keys under the connection, then Step(nil): standard security
	NeedDone                   // the desktop is active
)

// Errors of a sequence for errors.Is.
var (
	// ErrDowngrade: the server selected what was not offered.
	ErrDowngrade = errors.New("the server selected a security protocol that was not offered")
	// ErrRedirected: the server sends the client elsewhere. An address that a server names is not followed (S30).
	ErrRedirected = errors.New("the server redirects to another machine")
)

// NegotiationError is a server's refusal of the protocols that were offered.
type NegotiationError struct{ Code pdu.FailureCode }

// Error describes the refusal.
func (e *NegotiationError) Error() string { return "security negotiation: " + e.Code.String() }

// PhaseError says in which phase a sequence broke.
type PhaseError struct {
	Phase string
	Err   error
}

// Error names the phase.
func (e *PhaseError) Error() string { return e.Phase + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *PhaseError) Unwrap() error { return e.Err }

// Config is what a client asks for. Protocols is required, or Standard.
type Config struct {
	Protocols       pdu.Protocols         // offered
	Standard        bool                  // standard RDP security, which proves nothing, and nothing else
	Methods         pdu.EncryptionMethods // offered with it; zero: all
	Cookie          string                // user name for load balancers; empty: none
	Target          string                // host name of the server, for CredSSP
	RestrictedAdmin bool
	Info            pdu.ClientInfo // with the credentials
	Core            pdu.ClientCore // Selected is filled in
	Cluster         uint32
	Channels        []pdu.ChannelDef
	Reconnect       *pdu.ReconnectCookie // nil: none
	Caps            pdu.ClientCaps       // size and depth are filled in from what the server says
	Now             func() time.Time
	Random          io.Reader
}

// Result is what a sequence has established.
type Result struct {
	Selected   pdu.Protocols
	User       pdu.ChannelID
	IO         pdu.ChannelID
	Message    pdu.ChannelID // 0: none
	Channels   map[string]pdu.ChannelID
	Activation Activation
	Early      []Early // what came on virtual channels before the desktop was active, in order
}

// Early is a chunk that came on a virtual channel before the desktop was active.
type Early struct {
	Channel pdu.ChannelID
	Data    []byte
}

// Limits of what is kept of virtual channels until the desktop is active. Greetings are all that comes so early.
const (
	maxEarly      = 64
	maxEarlyBytes = 64 << 10
)

// keep keeps a chunk of a virtual channel for later.
func (r *Result) keep(id pdu.ChannelID, data []byte) error {
	total := len(data)
	for _, e := range r.Early {
		total += len(e.Data)
	}
	if len(r.Early) == maxEarly || total > maxEarlyBytes {
		return fmt.Errorf("virtual channels: more than %d messages or %d bytes before the desktop is active", maxEarly, maxEarlyBytes)
	}
	r.Early = append(r.Early, Early{id, bytes.Clone(data)})
	return nil
}

// Connector is one connection sequence.
type Connector struct {
	cfg    Config
	phase  phase
	cert   *x509.Certificate
	server pdu.ServerData
	res    Result
	err    error

	exchange struct { // of standard security
		random, certificate []byte // the server's
		own                 []byte // the client's random
		keys                *secure.Keys
	}
}

// phase is one phase of the sequence.
type phase interface {
	name() string
	need() Need
	// step takes one unit when need asked for one, else nil, and returns the next phase and what to send. in is not kept.
	step(c *Connector, in []byte) (next phase, out []byte, err error)
}

// New returns a sequence in its first phase.
func New(cfg Config) (*Connector, error) {
	if cfg.Protocols&^(pdu.ProtocolSSL|pdu.ProtocolHybrid|pdu.ProtocolHybridEx) != 0 || (cfg.Protocols == pdu.ProtocolRDP) != cfg.Standard {
		return nil, fmt.Errorf("connect: protocols %v: want TLS or CredSSP", cfg.Protocols)
	}
	if len(cfg.Channels) > pdu.MaxChannels {
		return nil, fmt.Errorf("connect: %d channels, at most %d", len(cfg.Channels), pdu.MaxChannels)
	}
	return &Connector{cfg: cfg, phase: sendRequest{}, res: Result{Channels: map[string]pdu.ChannelID{}}}, nil
}

// Need returns what the caller owes next.
func (c *Connector) Need() Need { return c.phase.need() }

// Phase names the present phase, for logs and errors.
func (c *Connector) Phase() string { return c.phase.name() }

// Secured tells the certificate of the TLS connection, which the caller has accepted. It answers NeedTLS.
func (c *Connector) Secured(cert *x509.Certificate) { c.cert = cert }

// Authenticate tells who signs in, when that was not in the Config yet: credentials may be fetched only once the certificate was
// accepted. It comes before the Step after NeedTLS.
func (c *Connector) Authenticate(domain, user string, password pdu.Password) {
	c.cfg.Info.Domain, c.cfg.Info.User, c.cfg.Info.Password = domain, user, password
}

// Result returns what has been established; all of it after NeedDone.
func (c *Connector) Result() *Result { return &c.res }

// Step advances by one phase. Errors stick.
func (c *Connector) Step(in []byte) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	next, out, err := c.phase.step(c, in)
	if err != nil {
		c.err = &PhaseError{c.phase.name(), err}
		return nil, c.err
	}
	c.phase = next
	return out, nil
}

// send wraps a payload for a channel, from the user that the server has given.
func (c *Connector) send(channel pdu.ChannelID, payload []byte) ([]byte, error) {
	return mcsData(&pdu.MCS{Kind: pdu.MCSSendDataRequest, User: c.res.User, Channel: channel, Data: payload})
}

func mcsData(p *pdu.MCS) ([]byte, error) {
	b, err := p.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return pdu.AppendData(nil, b)
}

// takeMCS takes a domain PDU of one kind out of a TPKT. The server may hang up at any time, and says so in a PDU of its own.
func takeMCS(in []byte, want pdu.MCSKind) (*pdu.MCS, error) {
	payload, err := pdu.DataPayload(in)
	if err != nil {
		return nil, err
	}
	var p pdu.MCS
	if err := p.UnmarshalBinary(payload); err != nil {
		return nil, err
	}
	switch {
	case p.Kind == pdu.MCSDisconnectProviderUltimatum:
		return nil, &DisconnectError{p.Reason}
	case p.Kind != want:
		return nil, fmt.Errorf("got MCS %v, want %v", p.Kind, want)
	}
	return &p, nil
}

// DisconnectError is a server that hangs up in order.
type DisconnectError struct{ Reason uint8 }

// Error names the reason of the MCS provider.
func (e *DisconnectError) Error() string {
	return fmt.Sprintf("the server disconnected (MCS reason %d)", e.Reason)
}
