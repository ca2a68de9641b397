package recorder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// State is what Verify says about a recording (R5). The zero value is StateBroken.
type State uint8

// The states.
const (
	StateBroken          State = iota // changed, damaged, cut inside a chunk, or signed by nobody who is trusted
	StateMissing                      // there is no file
	StateValidIncomplete              // unchanged as far as it goes, but it is not the whole session
	StateValidComplete                // unchanged, and all of the session
)

// String returns the name of the state.
func (s State) String() string {
	switch s {
	case StateBroken:
		return "broken"
	case StateMissing:
		return "missing"
	case StateValidIncomplete:
		return "valid-incomplete"
	case StateValidComplete:
		return "valid-complete"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Report is the outcome of Verify. All but State, At and Cause is about the part before At.
type Report struct {
	State State
	At    int64 // StateBroken: offset of the first byte that does not hold
	Cause error // StateBroken: what is wrong there

	Header  Header
	Seal    *Seal  // nil: not sealed, so the recording is live, or its gateway crashed and has not adopted it
	Entries uint64 // in the part that holds
	Raw     uint64 // bytes of entries before compression
	Stored  int64  // length of the part that holds

	// SignedEntries and SignedStored say how far signatures reach. In an unsealed recording what follows is
	// tied to it by the chain alone, and so only as trustworthy as the disk it lay on.
	SignedEntries uint64
	SignedStored  int64

	forged bool // a signature did not hold, as opposed to framing, CRC or chain
}

// Verify checks a recording against keys: framing, CRC, chain, order, totals and every signature. It trusts only
// the keys given. It does not decompress: the chain covers the chunks as stored, so what it vouches for cannot
// depend on a decoder. The error is for a source that cannot be read or for unusable keys; damage is in the
// Report, and whenever the error is not nil the state is StateBroken.
func Verify(src io.Reader, keys ...PublicKey) (Report, error) {
	if len(keys) == 0 {
		return Report{}, errors.New("recorder: verify: no public key given")
	}
	ring, err := newKeyRing(keys)
	if err != nil {
		return Report{}, fmt.Errorf("recorder: verify: %w", err)
	}
	rep, err := verifyChain(newScanner(src), ring, nil)
	if err != nil {
		return rep, fmt.Errorf("recorder: verify: %w", err)
	}
	return rep, nil
}

// VerifyFile is Verify on a file. One that does not exist is StateMissing and no error.
func VerifyFile(path string, keys ...PublicKey) (Report, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Report{State: StateMissing}, nil
	}
	if err != nil {
		return Report{}, fmt.Errorf("recorder: verify: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	return Verify(f, keys...)
}

// verifyChain runs s to its end. each, if not nil, sees every good chunk.
func verifyChain(s *scanner, ring keyRing, each func(scanned) error) (Report, error) {
	var rep Report
	for {
		c, err := s.chunk()
		var broken *BrokenError
		switch {
		case err == io.EOF:
			rep.State = StateValidIncomplete
			if rep.Seal != nil && rep.Seal.Complete {
				rep.State = StateValidComplete
			}
			return rep, nil
		case errors.As(err, &broken):
			rep.State, rep.At, rep.Cause = StateBroken, broken.At, err
			return rep, nil
		case err != nil:
			return rep, err
		}
		if c.typ.signed() {
			if err := rep.take(c, s, ring); err != nil {
				// The bytes up to here may be forged since the signature before: that is where trust ends.
				rep.State, rep.At, rep.forged = StateBroken, rep.SignedStored, true
				rep.Cause = &BrokenError{At: rep.At, Err: err}
				return rep, nil
			}
			rep.SignedEntries, rep.SignedStored = s.next-1, s.off
		}
		rep.Entries, rep.Raw, rep.Stored = s.next-1, s.raw, s.off
		if each != nil {
			if err := each(c); err != nil {
				rep.State, rep.At, rep.Cause = StateBroken, c.at, &BrokenError{At: c.at, Err: err}
				return rep, nil
			}
		}
	}
}

// take checks the signature of c and keeps what it says.
func (rep *Report) take(c scanned, s *scanner, ring keyRing) error {
	if c.typ == chunkHeader {
		if err := ring.verify(c.typ, c.prev, s.header.Key, c.payload); err != nil {
			return err
		}
		rep.Header = s.header.header()
		return nil
	}
	p, err := c.checkpoint()
	if err != nil {
		return err
	}
	if err := ring.verify(c.typ, c.prev, p.Key, c.payload); err != nil {
		return err
	}
	if c.typ == chunkSeal {
		seal, err := c.seal()
		if err != nil {
			return err
		}
		rep.Seal = &seal
	}
	return nil
}
