package sshx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/dial"
)

// endpoint is one machine of the way to a target, a jump host or the target itself, with what its record says.
type endpoint struct {
	name       string // `jump host "id"`; "" for the target
	asset      pam.Asset
	field      func(ctx context.Context, name string) (pam.Secret, error)
	host, port string
	algorithms algorithmSet
	trust      trust
	plan       signInPlan
}

// endpoints reads the records of the whole way, so that a record which cannot be used stops it before the first dial.
func (p *Protocol) endpoints(r pam.ConnectRequest) ([]*endpoint, error) {
	way, err := p.gates(r)
	if err != nil {
		return nil, err
	}
	target := &endpoint{asset: r.Asset, field: r.Field}
	if err := p.readRecord(target, r); err != nil {
		return nil, err
	}
	return append(way, target), nil
}

// gates reads the records of the jump hosts.
func (p *Protocol) gates(r pam.ConnectRequest) ([]*endpoint, error) {
	if len(r.Via) > pam.MaxHops {
		return nil, &pam.TargetError{Code: pam.CodeTargetConfig, Err: fmt.Errorf("the asset has %d jump hosts, at most %d", len(r.Via), pam.MaxHops)}
	}
	var way []*endpoint
	for _, hop := range r.Via {
		e := &endpoint{name: fmt.Sprintf("jump host %q", hop.Asset.ID), asset: hop.Asset, field: hop.Field}
		if err := p.readRecord(e, r); err != nil {
			return nil, e.named(err)
		}
		way = append(way, e)
	}
	return way, nil
}

func (p *Protocol) readRecord(e *endpoint, r pam.ConnectRequest) error {
	if e.field == nil {
		return &pam.TargetError{Code: pam.CodeInternal, Err: errors.New("the request has no Field")}
	}
	config := func(err error) error { return &pam.TargetError{Code: pam.CodeTargetConfig, Err: err} }
	if proto := e.asset.Type.Protocol; proto != "" && proto != p.Name() {
		return config(fmt.Errorf("an asset of protocol %q", proto))
	}
	var err error
	if e.host, e.port, err = dial.Split(e.asset.Address, defaultPort); err != nil {
		return config(fmt.Errorf("address: %w", err))
	}
	if e.asset.Account == "" {
		return config(errors.New("the asset has no account"))
	}
	if e.algorithms, err = p.algorithms(e.asset); err != nil {
		return config(err)
	}
	if e.trust, err = p.hostTrust(e.asset, e.host, e.port, e.algorithms.hostKeys, r); err != nil {
		return config(err)
	}
	if e.plan, err = parseSignInPlan(e.asset); err != nil {
		return config(err)
	}
	return nil
}

// named puts the machine's name into its error.
func (e *endpoint) named(err error) error {
	var te *pam.TargetError
	if e.name == "" || !errors.As(err, &te) {
		return err
	}
	return &pam.TargetError{Code: te.Code, Err: fmt.Errorf("%s: %w", e.name, te.Err)}
}

// hop is a signed-in connection to a jump host. It carries one channel, the connection to the next machine, and serves
// one session: closing that channel closes everything down to the first socket, so that no close can hang on a
// jump host that takes nothing any more.
type hop struct {
	name   string
	t      *transport
	ssh    ssh.Conn
	opened chan (<-chan *ssh.Request)
	served chan struct{}
}

func newHop(name string, t *transport, sc ssh.Conn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) *hop {
	h := &hop{name: name, t: t, ssh: sc, opened: make(chan (<-chan *ssh.Request), 1), served: make(chan struct{})}
	go func() {
		defer close(h.served)
		serve(chans, reqs, h.opened, refuseRequest, func() {})
	}()
	return h
}

// waitHops returns when the goroutines of the hops are gone. The last one must be cut.
func waitHops(via []*hop) {
	for _, h := range via {
		<-h.served
	}
}

// dial asks the jump host to connect to the next machine (RFC 4254 7.2). The name goes to it as the inventory has it and
// is resolved there: names behind a jump host are often known only to it, and what it can reach is the reason why
// it is on the way. The check of resolved addresses (S30) is for the gateway's own network.
func (h *hop) dial(ctx context.Context, host, port string) (net.Conn, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	ch, reqs, err := openChannel(h.ssh, h.served, "direct-tcpip", ssh.Marshal(directTCPIP{host, uint32(n), "127.0.0.1", 0}))
	if err != nil {
		code := pam.CodeTargetUnreachable
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			err = fmt.Errorf("it does not open the way: %s: %s", refused.Reason, plainText(refused.Message, 256))
			if refused.Reason == ssh.Prohibited {
				code = pam.CodeTargetConfig // it permits no forwarding, or not to there
			}
		}
		return nil, ended(ctx, code, fmt.Errorf("%s: to %s: %w", h.name, net.JoinHostPort(host, port), err))
	}
	h.opened <- reqs
	return &tunnel{Channel: ch, hop: h, far: tunnelAddr(net.JoinHostPort(host, port))}, nil
}

type directTCPIP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// tunnel is the connection to the next machine as a net.Conn. It knows no deadlines.
type tunnel struct {
	ssh.Channel
	hop *hop
	far tunnelAddr
}

func (t *tunnel) Read(b []byte) (int, error) {
	n, err := t.Channel.Read(b)
	return n, t.hop.explain(err)
}

func (t *tunnel) Write(b []byte) (int, error) {
	n, err := t.Channel.Write(b)
	return n, t.hop.explain(err)
}

// Close cuts the jump host's connection, and by that those below.
func (t *tunnel) Close() error {
	t.hop.t.cut(nil)
	return nil
}

func (t *tunnel) LocalAddr() net.Addr  { return tunnelAddr("127.0.0.1:0") }
func (t *tunnel) RemoteAddr() net.Addr { return t.far }

var errNoDeadline = errors.New("a connection through a jump host has no deadlines")

func (t *tunnel) SetDeadline(time.Time) error      { return errNoDeadline }
func (t *tunnel) SetReadDeadline(time.Time) error  { return errNoDeadline }
func (t *tunnel) SetWriteDeadline(time.Time) error { return errNoDeadline }

type tunnelAddr string

func (a tunnelAddr) Network() string { return "tcp" }
func (a tunnelAddr) String() string  { return string(a) }

// hopError tells which jump host's connection broke.
type hopError struct {
	name string
	err  error
}

func (e *hopError) Error() string { return e.name + ": " + e.err.Error() }
func (e *hopError) Unwrap() error { return e.err }

// explain finds out whether the tunnel's end is the end of the jump host's connection. The library ends its channels
// before it tells why.
func (h *hop) explain(err error) error {
	if err == nil || !h.t.failed.Load() {
		return err
	}
	why := whyOver(h.ssh, libraryGrace)
	var below *hopError
	if errors.As(why, &below) {
		return why
	}
	return &hopError{h.name, why}
}
