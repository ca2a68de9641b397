package sshx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/dial"
)

const (
	clientVersion = "SSH-2.0-Sallyport"
	defaultPort   = "22"
)

// Connect dials the asset's address, verifies its host key, signs in as the asset's account and starts a shell
// in a PTY of r.Size. Dialling to shell start is bounded by Config.HandshakeTimeout.
//
// The error is a [*pam.TargetError]: target_config for a record that cannot be used, target_unreachable,
// host_key_unknown, host_key_mismatch, target_auth_failed, target_no_shell, target_protocol, or
// invalid_param, capability_denied and internal (vault). When ctx ended first, its cause is wrapped.
func (p *Protocol) Connect(ctx context.Context, r pam.ConnectRequest) (pam.Conn, error) {
	c, err := p.connect(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("sshx: %w", err)
	}
	return c, nil
}

var errHandshakeTimeout = errors.New("the target did not finish the handshake in time")

func (p *Protocol) connect(ctx context.Context, r pam.ConnectRequest) (*conn, error) {
	if !r.Size.Valid() {
		return nil, &pam.TargetError{Code: pam.CodeInternal, Err: errors.New("the request has no valid Size")}
	}
	way, err := p.endpoints(r)
	if err != nil {
		return nil, err
	}
	l, err := newLaunch(r)
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.HandshakeTimeout, errHandshakeTimeout)
	defer cancel()
	t, via, stop, err := p.approach(ctx, way, r)
	if err != nil {
		return nil, err
	}
	defer stop()
	c, err := p.openTarget(ctx, t, via, way[len(way)-1], l, r)
	if err == nil && !stop() {
		err = ended(ctx, pam.CodeTargetUnreachable, context.Cause(ctx))
	}
	if err != nil {
		t.cut(err)
		if c != nil {
			c.wait()
		}
		waitHops(via)
		return nil, err
	}
	c.startKeepAlive(p.cfg.KeepAliveInterval, p.cfg.KeepAliveTimeout)
	return c, nil
}

// approach goes the way up to a connection to the target. Until stop is called, the end of ctx cuts it.
func (p *Protocol) approach(ctx context.Context, way []*endpoint, r pam.ConnectRequest) (t *transport, via []*hop, stop func() bool, err error) {
	sock, err := dial.To(ctx, p.cfg.Dialer, p.cfg.CheckAddr, way[0].host, way[0].port)
	if err != nil {
		return nil, nil, nil, way[0].named(ended(ctx, pam.CodeTargetUnreachable, fmt.Errorf("dial: %w", err)))
	}
	base := newTransport(sock)
	// Not every connection honours deadlines (those through a jump host know none), but all can be closed, and
	// what rests on the first one falls with it.
	stop = context.AfterFunc(ctx, func() { base.cut(context.Cause(ctx)) })
	if t, via, err = p.jumps(ctx, base, way, r); err != nil {
		stop()
	}
	return t, via, stop, err
}

// jumps signs in on the jump hosts of the way, one through the other, and returns the connection to the target. On an
// error everything is closed.
func (p *Protocol) jumps(ctx context.Context, t *transport, way []*endpoint, r pam.ConnectRequest) (*transport, []*hop, error) {
	var via []*hop
	fail := func(err error) (*transport, []*hop, error) {
		t.cut(err)
		waitHops(via)
		return nil, nil, err
	}
	for i, e := range way[:len(way)-1] {
		sc, chans, reqs, err := p.handshake(ctx, t, e, r)
		if err != nil {
			return fail(e.named(err))
		}
		h := newHop(e.name, t, sc, chans, reqs)
		via = append(via, h)
		sock, err := h.dial(ctx, way[i+1].host, way[i+1].port)
		if err != nil {
			return fail(err)
		}
		t = newTransport(sock)
	}
	return t, via, nil
}

// openTarget signs in on the target and starts the shell. The caller cuts t on error, also when a connection is
// returned beside it.
func (p *Protocol) openTarget(ctx context.Context, t *transport, via []*hop, e *endpoint, l launch, r pam.ConnectRequest) (*conn, error) {
	sc, chans, reqs, err := p.handshake(ctx, t, e, r)
	if err != nil {
		return nil, err
	}
	c := newConn(t, sc, via, r)
	c.files.timeout = p.cfg.FileTimeout
	c.serve(chans, reqs)
	if err := c.open(l, r.Size); err != nil {
		if ctx.Err() != nil {
			err = ended(ctx, pam.CodeTargetUnreachable, err)
		}
		return c, err
	}
	return c, nil
}

// handshake runs key exchange and sign-in with one machine.
func (p *Protocol) handshake(ctx context.Context, t *transport, e *endpoint, r pam.ConnectRequest) (ssh.Conn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	auth := &signIn{ctx: ctx, plan: e.plan, field: e.field, publicKeys: e.algorithms.publicKeys, now: p.cfg.Now}
	if p.cfg.Signers != nil {
		auth.signers = func(ctx context.Context) ([]ssh.Signer, error) {
			return p.cfg.Signers(ctx, SignersRequest{Session: r.Session, User: r.User, Asset: e.asset})
		}
	}
	identity := &identity{check: func(remote net.Addr, key ssh.PublicKey) error { return e.trust.check(ctx, remote, key) }}
	auth.verified = func() bool { return identity.accepted != nil }
	sc, chans, reqs, err := ssh.NewClientConn(t, e.trust.address, &ssh.ClientConfig{
		Config: ssh.Config{
			KeyExchanges:   e.algorithms.keyExchanges,
			Ciphers:        e.algorithms.ciphers,
			MACs:           e.algorithms.macs,
			RekeyThreshold: p.cfg.RekeyThreshold,
		},
		User:              e.asset.Account,
		AuthCallback:      auth.next,
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: e.trust.algorithms,
		HostKeyCallback:   identity.verify,
	})
	if err != nil {
		return nil, nil, nil, handshakeError(ctx, brief(err), identity.refused, e.trust, auth)
	}
	return sc, chans, reqs, nil
}

// handshakeError finds the code for a failed NewClientConn.
func handshakeError(ctx context.Context, err, refused error, tr trust, auth *signIn) error {
	var neg *ssh.AlgorithmNegotiationError
	var netErr net.Error
	var hopErr *hopError
	switch {
	case refused != nil:
		return refused
	case ctx.Err() != nil:
		return ended(ctx, pam.CodeTargetUnreachable, err)
	case auth.err != nil:
		return auth.err
	case errors.As(err, &neg) && tr.known && neg.What == "host key":
		// The target has no key of the type that we know.
		return &pam.TargetError{Code: pam.CodeHostKeyMismatch, Err: err}
	case errors.Is(err, errOtherKey):
		return &pam.TargetError{Code: pam.CodeHostKeyMismatch, Err: err}
	case errors.As(err, &hopErr):
		return &pam.TargetError{Code: pam.CodeTargetUnreachable, Err: err}
	case auth.verified() && auth.decided(err):
		return auth.refused(err)
	case errors.Is(err, errPeerClosed), errors.As(err, &netErr):
		return &pam.TargetError{Code: pam.CodeTargetUnreachable, Err: err}
	}
	return &pam.TargetError{Code: pam.CodeTargetProtocol, Err: err}
}

// ended names ctx's cause beside err when ctx is over.
func ended(ctx context.Context, code pam.Code, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return &pam.TargetError{Code: code, Err: err}
}

// open starts the shell on a new session channel. Every wait in it ends when the transport is cut.
func (c *conn) open(l launch, size pam.Size) error {
	noShell := func(format string, args ...any) error {
		code := pam.CodeTargetNoShell
		if c.t.reason() != nil {
			code = pam.CodeTargetUnreachable
		}
		return &pam.TargetError{Code: code, Err: fmt.Errorf(format, args...)}
	}
	ch, reqs, err := openChannel(c.ssh, c.served, "session", nil)
	if err != nil {
		return noShell("session channel: %w", brief(err))
	}
	c.attach(ch, reqs)

	for _, e := range l.env {
		ok, err := ch.SendRequest("env", true, ssh.Marshal(e))
		if err != nil {
			return noShell("env: %w", err)
		}
		if !ok {
			c.notices = append(c.notices, pam.Notice{Code: NoticeEnvRefused, Text: e.Name})
		}
	}
	ok, err := ch.SendRequest("pty-req", true, ssh.Marshal(ptyRequest{
		Term: l.term, Modes: ttyModes(),
		Cols: uint32(size.Cols), Rows: uint32(size.Rows), Width: uint32(size.Width), Height: uint32(size.Height),
	}))
	if err != nil || !ok {
		return noShell("pty-req refused: %w", orRefused(err))
	}
	if l.script != "" {
		ok, err = ch.SendRequest("exec", true, ssh.Marshal(execRequest{l.script}))
	} else {
		ok, err = ch.SendRequest("shell", true, nil)
	}
	if err != nil || !ok {
		return noShell("shell refused: %w", orRefused(err))
	}
	if l.typed != "" {
		if _, err := ch.Write([]byte(l.typed + "\r")); err != nil {
			return noShell("initial command: %w", err)
		}
	}
	return nil
}

var errRefused = errors.New("the target said no")

func orRefused(err error) error {
	if err == nil {
		return errRefused
	}
	return err
}

// startKeepAlive arms the first probe. Nothing runs between probes: each is a timer's goroutine that lives for
// one round trip.
func (c *conn) startKeepAlive(interval, timeout time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	k := &keepAlive{t: c.t, ping: c.ping, interval: interval, timeout: timeout}
	k.start()
	c.keepAlive = k
}
