package recorder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// write is the one goroutine of a recording. It is started when something is pending and ends when nothing is:
// a lone entry is one small write, and under load everything that gathered during a write goes into the next.
func (rec *Recording) write() {
	buf := rec.r.buffer()
	defer rec.r.putBuffer(buf)
	for {
		batch, first, next := rec.take()
		switch next {
		case nextWrite:
			rec.beginStep()
			err := rec.writeBatch(buf, batch, first)
			rec.endStep()
			if err != nil {
				rec.fail(fmt.Errorf("recorder: %w", err))
			}
		case nextTell:
			rec.tell(rec.firstErr()) // an error that Append latched
			return
		case nextFinish:
			if err := rec.firstErr(); err != nil {
				rec.tell(err)
			}
			rec.beginStep()
			rec.finish()
			rec.endStep()
			return
		case nextNothing:
			return
		}
	}
}

// step is what the writer does next.
type step uint8

const (
	nextNothing step = iota // the writer's role is given up
	nextTell                // the same, after the watcher has heard of the failure
	nextWrite
	nextFinish // the role is kept for good
)

// take returns the entries for the next chunk and the index of the first, or what else is to be done.
func (rec *Recording) take() (batch []pam.Entry, first uint64, next step) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if len(rec.pending) == 0 {
		rec.pending = nil // an idle recording holds no buffer
		if rec.closing {
			return nil, 0, nextFinish
		}
		rec.writing = false
		if rec.err != nil {
			return nil, 0, nextTell
		}
		return nil, 0, nextNothing
	}
	var size, n int
	for n < len(rec.pending) {
		s := entrySize(&rec.pending[n])
		if n > 0 && size+s > chunkRaw {
			break
		}
		size += s
		n++
	}
	batch = rec.pending[:n:n]
	rec.pending = rec.pending[n:]
	rec.countPending(-int64(size))
	return batch, rec.appended - uint64(len(rec.pending)) - uint64(n) + 1, nextWrite
}

// writeBatch makes one chunk of batch and puts it into the file, and a checkpoint after it when one is due.
func (rec *Recording) writeBatch(buf *[]byte, batch []pam.Entry, first uint64) error {
	chunk, link := rec.encode(buf, batch, first)
	if err := rec.awaitRoom(int64(len(chunk))); err != nil {
		return err
	}
	if err := rec.put(chunk, link); err != nil {
		return err
	}
	last := first + uint64(len(batch)) - 1
	rec.raw += rawLen(chunk)
	rec.at = batch[len(batch)-1].At
	rec.hasEnd = batch[len(batch)-1].Kind == pam.EntryEnd
	rec.r.met.entries.Inc(int64(len(batch)))
	rec.r.met.raw.Inc(int64(rawLen(chunk)))

	rec.mu.Lock()
	rec.written = last
	rec.mu.Unlock()
	rec.noteWritten(int64(len(chunk)))
	rec.tellWritten(last)

	if every := rec.r.cfg.CheckpointBytes; every > 0 && rec.sinceSig >= every && !rec.hasEnd {
		return rec.putSigned(buf, chunkCheckpoint, rec.checkpoint(last))
	}
	return nil
}

// encode builds the data chunk of batch in buf.
func (rec *Recording) encode(buf *[]byte, batch []pam.Entry, first uint64) ([]byte, [hashLen]byte) {
	f := newFrame(*buf)
	var last time.Duration
	for i := range batch {
		f.buf = appendEntry(f.buf, &batch[i], last)
		last = batch[i].At
	}
	raw := len(f.buf) - hashLen - headLen
	h := chunkHead{typ: chunkData, encoding: encodingRaw, raw: uint32(raw), count: uint32(len(batch)), first: first}
	if raw >= compressFrom && rec.thrift.try() {
		scratch := rec.r.buffer()
		packed := rec.r.enc.EncodeAll(f.buf[hashLen+headLen:], (*scratch)[:0])
		if len(packed) < raw {
			f.buf = append(f.buf[:hashLen+headLen], packed...)
			h.encoding = encodingZstd
		}
		rec.thrift.took(raw, len(packed))
		*scratch = packed
		rec.r.putBuffer(scratch)
	}
	chunk, link := f.finish(rec.link, h)
	*buf = f.buf
	return chunk, link
}

// rawLen returns the length of a chunk's payload before compression.
func rawLen(chunk []byte) uint64 { return uint64(binary.BigEndian.Uint32(chunk[8:])) }

// put reserves room for chunk and writes it with one call.
func (rec *Recording) put(chunk []byte, link [hashLen]byte) error {
	if err := rec.reserveAhead(int64(len(chunk))); err != nil {
		return err
	}
	rec.torn = true
	n, err := rec.f.Write(chunk)
	if err == nil && n != len(chunk) {
		err = fmt.Errorf("short write: %d of %d bytes", n, len(chunk))
	}
	if err != nil {
		return err
	}
	rec.torn = false
	rec.off += int64(len(chunk))
	rec.link = link
	rec.settle(int64(len(chunk)))
	rec.sinceSig += int64(len(chunk))
	rec.r.met.stored.Inc(int64(len(chunk)))
	rec.r.met.chunks.Inc(1)
	return nil
}

// putSigned writes a checkpoint or a seal.
func (rec *Recording) putSigned(buf *[]byte, t chunkType, body any) error {
	chunk, link, err := appendSigned(*buf, rec.r.key, t, rec.link, body)
	if err != nil {
		return err
	}
	if err := rec.put(chunk, link); err != nil {
		return err
	}
	rec.sinceSig = 0
	rec.noteWritten(int64(len(chunk)))
	return nil
}

// checkpoint is what is to be signed when so many entries are in the file.
func (rec *Recording) checkpoint(entries uint64) Checkpoint {
	return Checkpoint{Key: rec.r.key.id, Entries: entries, Raw: rec.raw, At: rec.at, Wall: rec.r.cfg.Now().Round(0)}
}

// seal writes the seal.
func (rec *Recording) seal(s Seal) error {
	rec.mu.Lock()
	entries := rec.written
	rec.mu.Unlock()
	s.Checkpoint = rec.checkpoint(entries)
	s.Sealed = s.Wall
	buf := rec.r.buffer()
	defer rec.r.putBuffer(buf)
	return rec.putSigned(buf, chunkSeal, s)
}

// reserveAhead makes sure that n more bytes and two windows after them fit. It asks for more only when less
// than that is left, and then for one window extra, so that it costs a call per window.
func (rec *Recording) reserveAhead(n int64) error {
	window := rec.r.cfg.SyncBytes
	need := rec.off + n + 2*window + sealRoom
	if need <= rec.reserved {
		return nil
	}
	// The last writes use what was reserved for them, also on a disk that is full by now.
	if rec.finishing && rec.off+n <= rec.reserved {
		return nil
	}
	need += window
	more := need - rec.reserved
	if err := rec.r.claim(more); err != nil {
		return err
	}
	if !rec.noRoom {
		err := rec.f.Reserve(need)
		rec.noRoom = errors.Is(err, errors.ErrUnsupported)
		if !rec.noRoom {
			rec.r.release(more) // Free shows it now, or nothing was reserved
		}
		if err != nil && !rec.noRoom {
			return fmt.Errorf("reserving space: %w", err)
		}
	}
	if rec.noRoom {
		rec.promised += more
	}
	rec.reserved = need
	return nil
}

// settle takes n bytes that were written off what the recording was promised: Free shows them now.
func (rec *Recording) settle(n int64) {
	n = min(n, rec.promised)
	rec.promised -= n
	rec.r.release(n)
}

// unpromise gives back what is still promised.
func (rec *Recording) unpromise() { rec.settle(rec.promised) }

// beginStep starts the clock for one step of the writer: a recording whose writer makes no progress fails (S27).
// The timer exists only once a writer has run, and is set only while one runs.
func (rec *Recording) beginStep() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.restartStep()
}

// restartStep is beginStep with mu held.
func (rec *Recording) restartStep() {
	rec.busySince, rec.warned = time.Now(), false
	if rec.stall == nil {
		rec.stall = time.AfterFunc(rec.r.cfg.StallLimit/2, rec.checkStall)
	} else {
		rec.stall.Reset(rec.r.cfg.StallLimit / 2)
	}
}

func (rec *Recording) endStep() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.busySince = time.Time{}
	rec.stall.Stop()
}

// checkStall is the timer's function. It may run late, for a step that has ended: what counts is busySince.
func (rec *Recording) checkStall() {
	limit := rec.r.cfg.StallLimit
	rec.mu.Lock()
	if rec.busySince.IsZero() || rec.err != nil {
		rec.mu.Unlock()
		return
	}
	busy := time.Since(rec.busySince)
	if busy < limit {
		warn := !rec.warned && busy >= limit/2
		if warn {
			rec.warned = true
			rec.stall.Reset(limit - busy)
		} else {
			rec.stall.Reset(max(limit/2-busy, time.Millisecond))
		}
		rec.mu.Unlock()
		if warn {
			rec.r.met.slow.Inc(1)
			rec.r.log.Warn("recording store is slow", "session", rec.session, "file", rec.name, "for", busy)
		}
		return
	}
	rec.mu.Unlock()
	rec.fail(fmt.Errorf("%w: no progress for %v", ErrStalled, limit))
}
