package pam

import (
	"sync"
	"time"

	"github.com/rcrowley/go-metrics"
)

// reading is what a walk over the live sessions found.
type reading struct {
	states                         map[State]int64
	unacked, unackedMax            int64 // bytes
	behind, behindMax              int64 // bytes
	unwritten                      int64 // frames
	unwrittenBytes, unwrittenWorst int64
	unsettled                      int64 // ends that are not written down
}

// sampler works out gauges when they are read, so that they cost nothing otherwise. A reading of all gauges is one walk.
type sampler struct {
	mu   sync.Mutex // guards all below
	b    *Broker    // nil after Shutdown: the host's registry must not keep a broker alive
	last reading
	at   time.Time
}

// sampleEvery is how long a sample is good for.
const sampleEvery = time.Second

func (s *sampler) register(r metrics.Registry) {
	gauge := func(name string, value func(*reading) int64) {
		r.Unregister(name) // of a broker before this one
		_ = r.Register(name, metrics.NewFunctionalGauge(func() int64 { return s.read(value) }))
	}
	for _, st := range liveStates() {
		gauge("pam.sessions.state."+st, func(x *reading) int64 { return x.states[State(st)] })
	}
	gauge("pam.viewers.unacknowledged_bytes", func(x *reading) int64 { return x.unacked })
	gauge("pam.viewers.unacknowledged_bytes_max", func(x *reading) int64 { return x.unackedMax })
	gauge("pam.viewers.behind_bytes", func(x *reading) int64 { return x.behind })
	gauge("pam.viewers.behind_bytes_max", func(x *reading) int64 { return x.behindMax })
	gauge("pam.recordings.unwritten_entries", func(x *reading) int64 { return x.unwritten })
	gauge("pam.recordings.unwritten_bytes", func(x *reading) int64 { return x.unwrittenBytes })
	gauge("pam.recordings.unwritten_bytes_max", func(x *reading) int64 { return x.unwrittenWorst })
	gauge("pam.ends.unwritten", func(x *reading) int64 { return x.unsettled })
}

func (s *sampler) read(value func(*reading) int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.at.IsZero() || now.Sub(s.at) >= sampleEvery {
		s.last, s.at = s.b.sample(), now
	}
	return value(&s.last)
}

// follow makes b the broker that is looked at; nil lets the last one go.
func (s *sampler) follow(b *Broker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b, s.at = b, time.Time{}
}

// sample walks over the live sessions; of a nil broker there are none.
func (b *Broker) sample() reading {
	x := reading{states: map[State]int64{}}
	if b == nil {
		return x
	}
	for _, s := range b.all() {
		frames, bytes := s.out.Unwritten()
		x.unwritten += int64(frames)
		x.unwrittenBytes += int64(bytes)
		x.unwrittenWorst = max(x.unwrittenWorst, int64(bytes))
		s.mu.Lock()
		x.states[s.state]++
		viewers := make([]*viewer, 0, len(s.viewers))
		for v := range s.viewers {
			viewers = append(viewers, v)
		}
		s.mu.Unlock()
		for _, v := range viewers {
			acked := v.acked.Load() // before sent, which is never below it
			unacked := int64(v.sent.Load() - acked)
			x.unacked += unacked
			x.unackedMax = max(x.unackedMax, unacked)
			if src := v.takeSource(); src != nil {
				behind := int64(src.reader.Behind())
				x.behind += behind
				x.behindMax = max(x.behindMax, behind)
			}
		}
	}
	b.mu.Lock()
	x.unsettled = int64(len(b.unsettled))
	b.mu.Unlock()
	return x
}
