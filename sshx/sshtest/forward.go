package sshtest

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"
)

// forward serves one direct-tcpip channel (RFC 4254 7.2) until either side ends it.
func (s *Server) forward(ctx context.Context, sc *ssh.ServerConn, nc ssh.NewChannel) {
	var m struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(nc.ExtraData(), &m); err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, "malformed")
		return
	}
	far, err := s.cfg.Forward(sc, net.JoinHostPort(m.Host, strconv.FormatUint(uint64(m.Port), 10)))
	if err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer far.Close()
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	defer context.AfterFunc(ctx, func() { far.Close() })()
	var relay sync.WaitGroup
	relay.Go(func() { ssh.DiscardRequests(reqs) })
	relay.Go(func() {
		_, _ = io.Copy(far, ch)
		far.Close()
	})
	_, _ = io.Copy(ch, far)
	ch.Close()
	relay.Wait()
}
