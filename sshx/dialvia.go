package sshx

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/sallyport/sallyport/pam"
)

// DialVia connects to address, host:port, through the jump hosts of r.Via, for adapters of other protocols. Of r the jump hosts count,
// with their fields, and what names the session; the asset behind them may be of any protocol. The last jump host resolves the name.
// ctx and Config.HandshakeTimeout bound the dialling alone. The connection knows deadlines, probes the jump hosts as Config.KeepAliveInterval says,
// and is closed with all that leads to it. The error is a [*pam.TargetError] with the jump host's name.
func (p *Protocol) DialVia(ctx context.Context, r pam.ConnectRequest, address string) (net.Conn, error) {
	if len(r.Via) == 0 {
		return nil, &pam.TargetError{Code: pam.CodeInternal, Err: errors.New("sshx: DialVia without a jump host")}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &pam.TargetError{Code: pam.CodeTargetConfig, Err: err}
	}
	way, err := p.gates(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.HandshakeTimeout, errHandshakeTimeout)
	defer cancel()
	t, via, stop, err := p.approach(ctx, append(way, &endpoint{host: host, port: port}), r)
	if err != nil {
		return nil, err
	}
	if !stop() {
		t.cut(context.Cause(ctx))
		waitHops(via)
		return nil, ended(ctx, pam.CodeTargetUnreachable, context.Cause(ctx))
	}
	return p.newFarLine(t, via), nil
}

// farLine is a connection behind jump hosts with deadlines, which a channel does not have: the caller's end of a pipe, whose other end
// is copied to and from the channel. Nothing piles up in between.
type farLine struct {
	net.Conn
	t    *transport
	via  []*hop
	keep *keepAlive

	pumps sync.WaitGroup
	mu    sync.Mutex // guards err
	err   error      // why the channel ended, if not by its regular end
}

func (p *Protocol) newFarLine(t *transport, via []*hop) *farLine {
	near, far := net.Pipe()
	last := via[len(via)-1]
	l := &farLine{Conn: near, t: t, via: via}
	l.keep = &keepAlive{t: last.t, ping: func() error { return ping(last.ssh) }, interval: p.cfg.KeepAliveInterval, timeout: p.cfg.KeepAliveTimeout}
	l.pumps.Go(func() {
		_, err := io.Copy(far, t)
		l.over(err)
		_ = far.Close()
	})
	l.pumps.Go(func() {
		if _, err := io.Copy(t, far); err != nil {
			l.over(err)
		}
		_ = far.Close()
		t.cut(nil) // also what the other pump waits for
	})
	l.keep.start()
	return l
}

// over notes why the channel ended.
func (l *farLine) over(err error) {
	var below *hopError // as a rule a jump host's connection was closed as well
	if err == nil || !errors.As(err, &below) && (errors.Is(err, errPeerClosed) || errors.Is(err, io.ErrClosedPipe)) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

// why puts the channel's end in the place of the pipe's, as what it is to the caller: a network's error.
func (l *farLine) why(op string, err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return &net.OpError{Op: op, Net: "tcp", Addr: l.RemoteAddr(), Err: l.err}
	}
	return err
}

func (l *farLine) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	return n, l.why("read", err)
}

func (l *farLine) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	return n, l.why("write", err)
}

// Close cuts the whole way, and returns when nothing of it runs any more.
func (l *farLine) Close() error {
	l.over(net.ErrClosed)
	err := l.Conn.Close()
	l.t.cut(nil)
	l.keep.stop()
	l.pumps.Wait()
	waitHops(l.via)
	return err
}

func (l *farLine) LocalAddr() net.Addr  { return l.t.LocalAddr() }
func (l *farLine) RemoteAddr() net.Addr { return l.t.RemoteAddr() }
