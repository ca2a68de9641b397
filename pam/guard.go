package pam

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The checks that every request passes before anything else looks at it (S06, S34).

// checkHost refuses a Host header that belongs to none of the allowed origins: without it, a page could reach us
// through a rebound name.
func (b *Broker) checkHost(r *http.Request) error {
	host := strings.ToLower(r.Host)
	for _, o := range b.cfg.Origins {
		scheme, h, _ := strings.Cut(o, "://")
		if host == h || host == h+map[string]string{"http": ":80", "https": ":443"}[scheme] {
			return nil
		}
	}
	return &Refusal{Code: CodeHostRefused}
}

// checkOrigin refuses an Origin that is not on the list. A missing one is left to needOrigin.
func (b *Broker) checkOrigin(r *http.Request) error {
	values := r.Header.Values("Origin")
	switch {
	case len(values) == 0:
		return nil
	case len(values) > 1 || !slices.Contains(b.cfg.Origins, strings.ToLower(values[0])):
		return &Refusal{Code: CodeOriginRefused}
	}
	return nil
}

// needOrigin refuses a request without an Origin whose credential a browser sends by itself.
func needOrigin(r *http.Request, who Identity) error {
	if who.Cookie && r.Header.Get("Origin") == "" {
		return &Refusal{Code: CodeOriginRefused, Text: "missing"}
	}
	return nil
}

// identify asks the host who makes the request.
func (b *Broker) identify(r *http.Request) (Identity, error) {
	who, err := b.cfg.Identify(r)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return Identity{}, &Refusal{Code: CodeUnauthenticated}
	case err != nil:
		return Identity{}, &Refusal{Code: CodeInternal, Err: err}
	case who.User == "" || who.LoginID == "":
		return Identity{}, &Refusal{Code: CodeInternal, Text: "Identify returned an identity without User or LoginID"}
	}
	return who, nil
}

// clientAddr is the address of the browser: the socket's, or, behind trusted proxies, the nearest hop in
// X-Forwarded-For that is not one of them.
func (b *Broker) clientAddr(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	addr = addr.Unmap()
	if !b.trusted(addr) {
		return addr
	}
	var hops []string
	for _, h := range r.Header.Values("X-Forwarded-For") {
		hops = append(hops, strings.Split(h, ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return addr // what we cannot read we do not believe
		}
		if addr = a.Unmap(); !b.trusted(addr) {
			return addr
		}
	}
	return addr
}

func (b *Broker) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(b.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
