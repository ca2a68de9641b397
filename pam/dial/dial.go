// Package dial opens connections to targets, for adapters: [Split] takes an asset's address apart, [To] resolves and checks it, and connects to
// the very address that was checked (S30).
package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Dialer opens a connection. *net.Dialer is one; a proxy or a test can be another.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Check refuses addresses after the name was resolved (S30). host is the name or literal of the asset's record.
type Check func(host string, addr netip.Addr) error

// Split takes an asset's address apart. The port may be missing.
func Split(address, defaultPort string) (host, port string, err error) {
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

// CheckResolved is the Check of whoever names no other. It refuses unspecified and multicast addresses always, and
// loopback and link-local ones (cloud metadata services live there) when the inventory did not write them
// down: a DNS answer must not be able to turn a session towards the gateway itself. "localhost" counts
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

// Defaults returns the dialer and the check that stand for what a host has left out: a net.Dialer with CheckResolved. A dialer of the host's own, which
// may live where names mean something else, is checked only if the host says how.
func Defaults(d Dialer, check Check) (Dialer, Check) {
	if d != nil {
		return d, check
	}
	if check == nil {
		check = CheckResolved
	}
	return &net.Dialer{}, check
}

// To connects to host. With a check the name is resolved once, here, and never again below; without one the dialer gets the name.
func To(ctx context.Context, d Dialer, check Check, host, port string) (net.Conn, error) {
	if check == nil {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
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
		if err := check(host, a.Unmap()); err != nil {
			errs = append(errs, err)
			continue
		}
		c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(a.Unmap().String(), port))
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
