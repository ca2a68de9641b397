package pam

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSource_S29_OneCustomerIsOnePlace: IPv6 is counted by /64, IPv4 by address, however it is written.
func TestSource_S29_OneCustomerIsOnePlace(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
		{"::1", "127.0.0.1", false},
	} {
		if a, b := sourceOf(netip.MustParseAddr(tc.a)), sourceOf(netip.MustParseAddr(tc.b)); (a == b) != tc.same || a == "" {
			t.Errorf("%s is %q, %s is %q; want the same: %v", tc.a, a, tc.b, b, tc.same)
		}
	}
	if s := sourceOf(netip.Addr{}); s != "" || len(sourceShare(netip.Addr{}, 1)) != 0 {
		t.Errorf("no address is %q", s)
	}
}

// TestQuota_S29_NeverExceeded: under a storm no counter passes its most, a refused thing is counted nowhere, and at the
// end all is free.
func TestQuota_S29_NeverExceeded(t *testing.T) {
	var q quota
	most := map[counter]int{{byAddress, "a"}: 3, {byUser, "u0"}: 2, {byUser, "u1"}: 5, {byAsset, "x"}: 6}
	under := map[counter]*atomic.Int64{}
	for c := range most {
		under[c] = &atomic.Int64{}
	}
	var wg sync.WaitGroup
	for n := range 32 {
		wg.Go(func() {
			user := counter{byUser, fmt.Sprint("u", n%2)}
			keys := []counter{user, {byAsset, "x"}}
			if n%4 == 0 {
				keys = append(keys, counter{byAddress, "a"})
			}
			var shares []share
			for _, c := range keys {
				shares = append(shares, share{c, most[c]})
			}
			for range 500 {
				release, ok := q.take(shares...)
				if !ok {
					continue
				}
				for _, c := range keys {
					if got := under[c].Add(1); got > int64(most[c]) {
						t.Errorf("%v: %d at once, at most %d", c, got, most[c])
					}
				}
				for _, c := range keys {
					under[c].Add(-1)
				}
				release()
				release() // twice is once
			}
		})
	}
	wg.Wait()
	if len(q.n) != 0 {
		t.Errorf("left over: %v", q.n)
	}
}

// TestThrottle_S46_Refills: a key has its rate, a burst of a minute's worth, and no part in another's.
func TestThrottle_S46_Refills(t *testing.T) {
	now := time.Unix(1000, 0)
	th := newThrottle(30)
	k := counter{byUser, "u"}
	for n := range 30 {
		if wait, missed := th.take(k, now); wait != 0 || missed != 0 {
			t.Fatalf("%d: wait %v, missed %d", n, wait, missed)
		}
	}
	for n := range 5 {
		if wait, missed := th.take(k, now); wait != 2*time.Second || missed != n+1 {
			t.Errorf("beyond: wait %v, missed %d", wait, missed)
		}
	}
	if wait, _ := th.take(counter{byUser, "other"}, now); wait != 0 {
		t.Errorf("another user waits %v", wait)
	}
	now = now.Add(2 * time.Second)
	if wait, missed := th.take(k, now); wait != 0 || missed != 5 {
		t.Errorf("after the wait: wait %v, missed %d", wait, missed)
	}
	now = now.Add(-time.Hour) // the clock steps back: nobody is let in for it, nobody is locked out for ever
	if wait, _ := th.take(k, now); wait <= 0 || wait > 2*time.Second {
		t.Errorf("after a step back: wait %v", wait)
	}
}

// TestThrottle_S46_BoundedMemory: any number of keys takes no more than maxBuckets, those in use are kept as long as there
// are others, and who is new is never refused for it.
func TestThrottle_S46_BoundedMemory(t *testing.T) {
	now := time.Unix(1000, 0)
	th := newThrottle(60)
	busy := counter{byAddress, "busy"}
	for range 60 {
		th.take(busy, now)
	}
	for n := range maxBuckets - 1 {
		th.take(counter{byAddress, fmt.Sprint(n)}, now)
	}
	now = now.Add(5 * time.Second) // the idle ones are full again, the busy one is not
	for n := range 3 * maxBuckets {
		if wait, _ := th.take(counter{byAddress, fmt.Sprint("new ", n)}, now); wait != 0 {
			t.Fatalf("new key %d waits", n)
		}
		if n < maxBuckets-2 {
			if _, ok := th.buckets[busy]; !ok {
				t.Fatalf("the busy key was forgotten at key %d", n)
			}
		}
		if len(th.buckets) > maxBuckets {
			t.Fatalf("%d buckets", len(th.buckets))
		}
	}
}
