package rdp_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/pam/pamtest"
	"github.com/sallyport/sallyport/rdp/rdptest"
)

// framesPerRound is how many pictures one round of the soak test lasts: four seconds.
const framesPerRound = 100

// TestBroker_S26_J4_SoakAnimation: a picture that moves all the time, before an owner whose page stalls at random and joiners who come and go.
// The picture is right whenever it is looked at, and memory stays what it was.
func TestBroker_S26_J4_SoakAnimation(t *testing.T) {
	rounds := pamtest.Rounds(t, 3) // 300 are twenty minutes
	clock := &freezer{}
	g := newGateway(t, grants, func(c *rdptest.Config) {
		c.Codec, c.Animation, c.Now = rdptest.CodecPlanar, rdptest.Animation{Frames: 25, Letters: 20}, clock.now
	})
	first, id, far := g.begin(t)
	random := rand.New(rand.NewPCG(1, 2))
	var base uint64
	for round := range rounds {
		first.SetDeaf(random.IntN(2) == 0)
		b := g.Browser(guest)
		if err := b.Join(t.Context(), id, pam.ModeMonitor); err != nil {
			t.Fatal(err)
		}
		joiner := g.sit(t, b, id)
		until := far.Frame() + framesPerRound
		joiner.await(t, "a round of pictures", func() bool { return far.Frame() >= until })
		clock.freeze(true)
		first.SetDeaf(false)
		joiner.shows(t, far)
		first.shows(t, far)
		clock.freeze(false)
		joiner.Close()
		joiner.picture, joiner.frames = nil, nil // the test holds the page until its end
		now := heap()
		switch {
		case round < 2:
			base = max(base, now) // the first rounds fill what is kept for later
		case now > 2*base+(8<<20):
			t.Fatalf("round %d: %d MiB of heap, %d after the first", round, now>>20, base>>20)
		}
	}
	t.Logf("%d rounds: %d MiB of heap, %d after the first", rounds, heap()>>20, base>>20)
}

// freezer is a clock that can be held.
type freezer struct {
	mu     sync.Mutex // guards what follows
	behind time.Duration
	held   time.Time // zero while it runs
}

func (f *freezer) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.held.IsZero() {
		return f.held
	}
	return time.Now().Add(-f.behind)
}

func (f *freezer) freeze(on bool) {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if on {
		f.held = now
		return
	}
	f.held, f.behind = time.Time{}, time.Since(now)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
