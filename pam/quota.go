package pam

import (
	"net/netip"
	"sync"
)

// quota counts what is under way, each thing in several counters at once, and admits no more than each counter's most
// (S29). The zero value is ready.
type quota struct {
	mu sync.Mutex // guards n
	n  map[counter]int
}

// counter is one of the things that are counted by: an address, a user, an asset, or all together.
type counter struct{ of, key string }

// share is the part that one thing has in a counter.
type share struct {
	counter
	most int
}

// take counts one thing in all shares, or, if one of them is full, in none. release may be called more than once.
func (q *quota) take(shares ...share) (release func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range shares {
		if q.n[s.counter] >= s.most {
			return nil, false
		}
	}
	if q.n == nil {
		q.n = map[counter]int{}
	}
	for _, s := range shares {
		q.n[s.counter]++
	}
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, s := range shares {
			if q.n[s.counter]--; q.n[s.counter] <= 0 {
				delete(q.n, s.counter)
			}
		}
	}), true
}

// Names of counters.
const (
	byAddress = "address"
	byUser    = "user"
	byAsset   = "asset"
	byNobody  = "anonymous"
)

// sourceOf is what counts as one place in the network: an IPv4 address, or the /64 that one customer of IPv6 has
// (RFC 6177). It is empty for an address that is not known.
func sourceOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	bits := 64
	if a.Is4() || a.Is4In6() {
		a, bits = a.Unmap(), 32
	}
	return netip.PrefixFrom(a.WithZone(""), bits).Masked().String()
}

// sourceShare is the share of an address, none if it is not known: the other shares remain.
func sourceShare(a netip.Addr, most int) []share {
	if s := sourceOf(a); s != "" {
		return []share{{counter{byAddress, s}, most}}
	}
	return nil
}
