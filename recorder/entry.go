package recorder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// Limits of one entry. A frame's payload is at most 1 MiB on the wire; the rest is room for other producers.
const (
	maxData        = 4 << 20
	maxParticipant = 256

	minEntry = 1 /* kind */ + 1 /* frame */ + 1 /* flags */ + 1 /* time */ + 1 /* participant */ + 1 /* data */
	// entryOverhead is the most that the fields take beside participant and data.
	entryOverhead = 3 + binary.MaxVarintLen64 + 2 /* participant's length */ + 4 /* data's length */
)

// ErrEntry is matched by what Append returns for an entry that the format cannot hold.
var ErrEntry = errors.New("recorder: the entry cannot be recorded")

// checkEntry says whether e fits the format.
func checkEntry(e pam.Entry) error {
	switch {
	case e.Kind == 0:
		return fmt.Errorf("%w: its kind is 0", ErrEntry)
	case len(e.Data) > maxData:
		return fmt.Errorf("%w: data of %d bytes, want at most %d", ErrEntry, len(e.Data), maxData)
	case len(e.Participant) > maxParticipant:
		return fmt.Errorf("%w: participant of %d bytes, want at most %d", ErrEntry, len(e.Participant), maxParticipant)
	}
	return nil
}

// entrySize is an upper bound for the encoded length of e.
func entrySize(e *pam.Entry) int { return entryOverhead + len(e.Participant) + len(e.Data) }

// appendEntry encodes e. Times are stored as the difference to the entry before it in the same chunk; the first
// one of a chunk counts from 0, so that each chunk can be read alone.
func appendEntry(b []byte, e *pam.Entry, last time.Duration) []byte {
	b = append(b, byte(e.Kind), byte(e.Frame), byte(e.Flags))
	b = binary.AppendVarint(b, int64(e.At-last))
	b = binary.AppendUvarint(b, uint64(len(e.Participant)))
	b = append(b, e.Participant...)
	b = binary.AppendUvarint(b, uint64(len(e.Data)))
	return append(b, e.Data...)
}

// entryReader decodes the entries of one chunk. Data aliases the chunk. The first error sticks.
type entryReader struct {
	b    []byte
	last time.Duration
	err  error
}

// next returns the next entry. Call it exactly as often as the chunk's head says.
func (r *entryReader) next() (pam.Entry, error) {
	fixed := r.bytes("kind, frame and flags", 3)
	delta := r.varint("time")
	participant := r.bytes("participant", r.length("length of participant", maxParticipant))
	data := r.bytes("data", r.length("length of data", maxData))
	if r.err != nil {
		return pam.Entry{}, r.err
	}
	if fixed[0] == 0 {
		r.err = errors.New("entry: kind is 0")
		return pam.Entry{}, r.err
	}
	r.last += time.Duration(delta) // may wrap on hostile input: a time is data, every use of it clamps
	return pam.Entry{
		Kind: pam.EntryKind(fixed[0]), Frame: pam.FrameKind(fixed[1]), Flags: pam.FrameFlags(fixed[2]),
		At: r.last, Participant: pam.ParticipantID(participant), Data: data,
	}, nil
}

// close reports the first error, or bytes left over.
func (r *entryReader) close() error {
	if r.err == nil && len(r.b) != 0 {
		r.err = fmt.Errorf("entries: %d bytes left over", len(r.b))
	}
	return r.err
}

func (r *entryReader) bytes(field string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if len(r.b) < n {
		r.err = fmt.Errorf("entry: %s: need %d bytes, have %d", field, n, len(r.b))
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *entryReader) varint(field string) int64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.err = fmt.Errorf("entry: %s: bad varint", field)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *entryReader) length(field string, limit uint64) int {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.err = fmt.Errorf("entry: %s: bad varint", field)
		return 0
	}
	if v > limit {
		r.err = fmt.Errorf("entry: %s: got %d, want at most %d", field, v, limit)
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}
