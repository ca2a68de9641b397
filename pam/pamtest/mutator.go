package pamtest

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// mutation is what a Mutator does to a piece of a stream.
type mutation uint8

const (
	flip      mutation = iota // a bit is another
	cut                       // the end of the piece is missing
	duplicate                 // a part of the piece comes twice
	swap                      // two parts of the piece change places
	insert                    // bytes of nobody stand in the piece
	numMutations
)

// Mutator changes pieces of a protocol's stream at random places, the same ones for the same seed. A piece may be what
// one read of a socket gave, or a packet after its encryption was taken off. Safe for concurrent use.
type Mutator struct {
	mu     sync.Mutex // guards what follows
	rand   *rand.Rand
	in     int // pieces that pass before the next one that is changed
	spread int
	done   int
}

// NewMutator returns a mutator that changes about one of spread pieces; one of them all if spread is 1 or less.
func NewMutator(seed uint64, spread int) *Mutator {
	m := &Mutator{rand: rand.New(rand.NewPCG(seed, 0x5a11)), spread: max(spread, 1)}
	m.in = m.rand.IntN(m.spread)
	return m
}

// Mutate returns the piece as it is, or a changed copy. The result may be empty.
func (m *Mutator) Mutate(piece []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(piece) == 0 {
		return piece
	}
	if m.in--; m.in >= 0 {
		return piece
	}
	m.in = m.rand.IntN(2*m.spread - 1)
	m.done++
	return m.apply(mutation(m.rand.IntN(int(numMutations))), piece)
}

// Mutations returns how many pieces were changed.
func (m *Mutator) Mutations() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done
}

func (m *Mutator) apply(what mutation, piece []byte) []byte {
	b := slices.Clone(piece)
	// What says how long something is, or what it is, stands in front: half of all changes do too.
	at := func(n int) int {
		if m.rand.IntN(2) == 0 {
			n = min(n, 16)
		}
		return m.rand.IntN(n)
	}
	switch i, j := at(len(b)), m.rand.IntN(len(b)); what {
	case flip:
		b[i] ^= 1 << m.rand.IntN(8)
	case cut:
		b = b[:i]
	case duplicate:
		i, j = min(i, j), max(i, j)
		b = slices.Concat(b[:j], b[i:])
	case swap:
		i, j = min(i, j), max(i, j)
		b = slices.Concat(b[i:j], b[:i], b[j:])
	case insert:
		junk := make([]byte, 1+m.rand.IntN(64))
		for k := range junk {
			junk[k] = byte(m.rand.UintN(256))
		}
		b = slices.Insert(b, i, junk...)
	}
	return b
}
