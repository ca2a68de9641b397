package pam

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/rcrowley/go-metrics"
	"golang.org/x/time/rate"
)

// throttle lets each key pass so many times a minute, and as many at once after a pause (S46). It counts for this
// gateway alone; what must hold for all gateways together is counted in the store.
type throttle struct {
	perMinute int

	mu      sync.Mutex // guards all below
	buckets map[counter]*bucket
	swept   time.Time
}

type bucket struct {
	*rate.Limiter
	refused int // since it let something pass
}

// maxBuckets bounds the memory of a throttle. When it is full of keys that are in use, any of them is forgotten: who has
// that many addresses is not held up by counting them.
const maxBuckets = 20_000

func newThrottle(perMinute int) *throttle {
	return &throttle{perMinute: perMinute, buckets: map[counter]*bucket{}}
}

// take lets a key pass or tells how long to wait. missed is how often the key was refused since it passed last.
func (t *throttle) take(key counter, now time.Time) (wait time.Duration, missed int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buckets[key]
	if b == nil {
		t.makeRoom(now)
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(t.perMinute)/60), t.perMinute)}
		t.buckets[key] = b
	}
	r := b.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		b.refused++
		return wait, b.refused
	}
	missed, b.refused = b.refused, 0
	return 0, missed
}

// makeRoom drops buckets that are full again, now and then, or one of the others. The caller holds mu.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.buckets) < maxBuckets {
		return
	}
	if now.Sub(t.swept) >= time.Second {
		t.swept = now
		for k, b := range t.buckets {
			if b.TokensAt(now) >= float64(t.perMinute) {
				delete(t.buckets, k)
			}
		}
	}
	for k := range t.buckets {
		if len(t.buckets) < maxBuckets {
			return
		}
		delete(t.buckets, k)
	}
}

// door is something that may be knocked at only so often.
type door string

// The doors.
const (
	doorStart  door = "start"
	doorJoin   door = "join"
	doorAttach door = "attach"
	doorSocket door = "socket" // a WebSocket, before its ticket
	doorPlay   door = "play"
	doorMFA    door = "mfa"
	doorAsk    door = "ask"
	doorJudge  door = "judge"
)

var allDoors = []door{doorStart, doorJoin, doorAttach, doorSocket, doorPlay, doorMFA, doorAsk, doorJudge}

// throttles are those of one door.
type throttles struct {
	byUser, byAddress *throttle
	refused           metrics.Counter
}

func newThrottles(l Limits, r metrics.Registry) map[door]throttles {
	out := map[door]throttles{}
	for _, d := range allDoors {
		perAddress := l.AddrRate
		if d == doorMFA {
			perAddress = l.MFAAddrRate
		}
		out[d] = throttles{newThrottle(l.UserRate), newThrottle(perAddress), metrics.GetOrRegisterCounter("pam.throttled."+string(d), r)}
	}
	return out
}

// knock refuses who comes too often, by user and by address. An empty user and an address that is not known do not count.
func (b *Broker) knock(d door, u UserID, a netip.Addr) *Refusal {
	t, now := b.throttles[d], b.cfg.Now()
	var wait time.Duration
	if u != "" {
		wait, _ = t.byUser.take(counter{byUser, string(u)}, now)
	}
	if s := sourceOf(a); s != "" && wait == 0 {
		wait, _ = t.byAddress.take(counter{byAddress, s}, now)
	}
	if wait > 0 {
		t.refused.Inc(1)
		return &Refusal{Code: CodeRateLimited, Retry: wait}
	}
	return nil
}

// auditDenial writes down a denial. One user gets no more than Limits.DenialRate such events a minute into the log:
// those beyond are counted, and the next one that is written says how many they were.
func (b *Broker) auditDenial(ctx context.Context, e Event) {
	wait, missed := b.denials.take(counter{byUser, string(e.User)}, b.cfg.Now())
	if wait > 0 {
		b.met.folded.Inc(1)
		return
	}
	if missed > 0 {
		if e.Detail != "" {
			e.Detail += "; "
		}
		e.Detail += fmt.Sprintf("%d more denials of this user before this one are not listed", missed)
	}
	if err := b.audit.write(ctx, e); err != nil {
		b.cfg.Log.Error("audit event lost", "verb", e.Verb, "err", err)
	}
}
