package pam

import (
	"bytes"
	"time"

	"github.com/sallyport/sallyport/pam/internal/frame"
)

// probeEvery is the least time between two probes of a page that are answered. A page that asks faster gets no answer to
// the others: an answer costs a message, which is more than asking does.
const probeEvery = 100 * time.Millisecond

// probes is a page's question how long the way is, which the gateway answers with the same bytes. The answer stands in
// line with the output, and so tells what a key costs: one at most waits.
type probes struct {
	answer []byte    // to be sent; nil: none
	last   time.Time // when the last one was taken
}

// take takes a probe, unless the last one was just now.
func (p *probes) take(payload []byte, now time.Time) bool {
	if !p.last.IsZero() && now.Sub(p.last) < probeEvery {
		return false
	}
	p.answer, p.last = bytes.Clone(payload), now
	return true
}

// next returns what is to be answered now, and forgets it.
func (p *probes) next() []byte {
	b := p.answer
	p.answer = nil
	return b
}

// probe takes down what the writing goroutine answers.
func (v *viewer) probe(payload []byte) {
	v.mu.Lock()
	taken := v.probes.take(payload, time.Now())
	v.mu.Unlock()
	if taken {
		v.poke()
	} else {
		v.s.b.met.droppedOps.Inc(1)
	}
}

// answer sends the answer to a probe, if there is one to be given.
func (v *viewer) answer() error {
	v.mu.Lock()
	b := v.probes.next()
	v.mu.Unlock()
	if b == nil {
		return nil
	}
	return v.send(frame.Append(nil, frame.Frame{Kind: frame.Probed, Payload: b}))
}
