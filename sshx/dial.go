package sshx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const defaultPort = "22"

// splitAddress takes an asset's address apart. The port may be missing.
func splitAddress(address string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(address)
	if err != nil {
		// "[::1]", "::1", "name" and "10.0.0.1" carry no port.
		bare := strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
		if _, perr := netip.ParseAddr(bare); perr != nil && strings.ContainsAny(bare, ":[]") {
			return "", "", err
		}
		host, port = bare, defaultPort
	}
	if host == "" || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' }) {
		return "", "", fmt.Errorf("the host is missing or malformed in %q", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", fmt.Errorf("the port is malformed in %q", address)
	}
	return host, port, nil
}

// CheckResolved is the default of Config.CheckAddr. It refuses unspecified and multicast addresses always, and
// loopback and link-local ones (cloud metadata services live there) when the inventory did not write them
// down: a DNS answer must not be able to turn a session towards the gateway itself (S30). "localhost" counts
// as written down.
func CheckResolved(host string, addr netip.Addr) error {
	addr = addr.Unmap()
	if addr.IsUnspecified() || addr.IsMulticast() {
		return fmt.Errorf("address %v is not a target", addr)
	}
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") {
		return nil
	}
	if addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return fmt.Errorf("%q resolves to %v, which only a literal address may name", host, addr)
	}
	return nil
}

// dial connects to the checked address: the name is resolved once, here, and never again below.
func (p *Protocol) dial(ctx context.Context, host, port string) (net.Conn, error) {
	if p.cfg.CheckAddr == nil {
		return p.cfg.Dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	}
	var addrs []netip.Addr
	if lit, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{lit}
	} else {
		if addrs, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, err
		}
	}
	errs := make([]error, 0, len(addrs))
	for _, a := range addrs {
		if err := p.cfg.CheckAddr(host, a.Unmap()); err != nil {
			errs = append(errs, err)
			continue
		}
		c, err := p.cfg.Dialer.DialContext(ctx, "tcp", net.JoinHostPort(a.Unmap().String(), port))
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 0 {
		errs = append(errs, errors.New("the name has no address"))
	}
	return nil, errors.Join(errs...)
}
