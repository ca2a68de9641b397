package recorder

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/sallyport/sallyport/pam"
)

// Adopted is one orphan that Adopt has found.
type Adopted struct {
	Path    string
	Session pam.SessionID // empty if even the header does not hold
	Entries uint64        // that hold, the end entry included
	Cut     int64         // bytes of a torn tail that were removed
	State   State         // StateValidIncomplete: sealed now; StateBroken: left as it is, see Err
	Err     error         // why it was left alone
}

// resyncBudget bounds the work of looking for a good chunk behind damage.
const resyncBudget = 256 << 20

// Adopt seals the recordings that a crash left open: it cuts the torn end of the last write, appends an end entry
// with reason gateway_crash and a seal that says incomplete (S25). Call it at start, before the first session.
//
// Recordings that a live process has open are left alone, and so is anything that looks changed rather than torn:
// a header that no known key signed, or damage with a good chunk behind it. Those are reported as StateBroken,
// every time. Adopt may be interrupted at any point and repeated; what it has sealed it does not touch again. The
// error is for a directory that cannot be listed and for ctx; what came before is in the list.
func (r *Recorder) Adopt(ctx context.Context) ([]Adopted, error) {
	names, err := r.fs.List()
	if err != nil {
		return nil, fmt.Errorf("recorder: adopting: %w", err)
	}
	var list []Adopted
	for _, name := range names {
		if err := context.Cause(ctx); err != nil {
			return list, fmt.Errorf("recorder: adopting: %w", err)
		}
		switch {
		case strings.HasSuffix(name, Ext+tmpExt):
			r.sweep(name)
		case strings.HasSuffix(name, Ext):
			a, orphan := r.adopt(name)
			if !orphan {
				continue
			}
			list = append(list, a)
			if a.Err != nil {
				r.log.Error("orphaned recording is left as it is", "session", a.Session, "file", name, "err", a.Err)
				continue
			}
			r.met.adopted.Inc(1)
			r.log.Warn("orphaned recording is sealed as incomplete", "session", a.Session, "file", name, "entries", a.Entries, "cut", a.Cut)
		}
	}
	return list, nil
}

// sweep removes what an Open left that never returned. Open keeps its own file locked.
func (r *Recorder) sweep(name string) {
	f, err := r.fs.Open(name)
	if err != nil {
		return
	}
	err = errors.Join(r.fs.Remove(name), f.Close())
	if err != nil {
		r.log.Warn("unfinished recording file is not removed", "file", name, "err", err)
	}
}

// adopt looks at one recording, and says whether it was an orphan.
func (r *Recorder) adopt(name string) (a Adopted, orphan bool) {
	if r.isOpen(name) {
		return a, false
	}
	f, err := r.fs.Open(name)
	if errors.Is(err, ErrInUse) || errors.Is(err, fs.ErrNotExist) {
		return a, false
	}
	a.Path = r.fs.Path(name)
	if err != nil {
		a.Err = err
		return a, true
	}
	defer func() {
		if err := f.Close(); a.Err == nil && err != nil {
			a.State, a.Err = StateBroken, err
		}
	}()
	size, err := f.Size()
	if err != nil {
		a.Err = err
		return a, true
	}
	if hasSeal(f, size) {
		return a, false
	}
	if err := r.sealOrphan(f, size, &a); err != nil {
		a.State, a.Err = StateBroken, err
	}
	return a, true
}

// sealOrphan does the work on one file, which is locked.
func (r *Recorder) sealOrphan(f File, size int64, a *Adopted) error {
	s := newScanner(io.NewSectionReader(f, 0, size))
	var lastData scanned
	rep, err := verifyChain(s, r.ring, func(c scanned) error {
		if c.typ == chunkData {
			lastData = c
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.Session, a.Entries = rep.Header.Meta.Session, rep.Entries
	if rep.Seal != nil {
		return rep.Cause // bytes behind a seal: hasSeal has looked for a seal at the end
	}
	if rep.State == StateBroken {
		if rep.forged || rep.Stored == 0 {
			return rep.Cause
		}
		if err := r.tornOnly(f, rep.Stored, size); err != nil {
			return fmt.Errorf("%w: %w", err, rep.Cause)
		}
		a.Cut = size - rep.Stored
	}

	end, last, err := readEnd(f, lastData)
	if err != nil {
		return err
	}
	if a.Cut > 0 {
		if err := f.Truncate(rep.Stored); err != nil {
			return err
		}
	}
	seal := Seal{
		Checkpoint: Checkpoint{Key: r.key.id, Entries: rep.Entries, Raw: rep.Raw, At: last, Wall: r.cfg.Now().Round(0)},
		Adopted:    true, Cut: a.Cut,
	}
	seal.Sealed = seal.Wall
	// End entry and seal go out in one write, so that a crash here leaves at most one more torn tail.
	var out []byte
	link := s.link
	if end == nil {
		e := endEntry(pam.EndGatewayCrash, last)
		end = &pam.EndEntry{Reason: pam.EndGatewayCrash}
		fr := newFrame(nil)
		fr.buf = appendEntry(fr.buf, &e, 0)
		h := chunkHead{typ: chunkData, encoding: encodingRaw, count: 1, first: rep.Entries + 1}
		h.raw = uint32(len(fr.buf) - hashLen - headLen)
		out, link = fr.finish(link, h)
		seal.Entries++
		seal.Raw += uint64(h.raw)
	}
	seal.End = *end
	chunk, _, err := appendSigned(nil, r.key, chunkSeal, link, seal)
	if err != nil {
		return err
	}
	out = append(out, chunk...)
	if _, err := f.Write(out); err != nil {
		return err
	}
	// The dead process had reserved room beyond the end.
	if err := f.Truncate(rep.Stored + int64(len(out))); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	a.Entries, a.State = seal.Entries, StateValidIncomplete
	return nil
}

// hasSeal looks for a whole seal chunk at the end of a file. Whether its signature holds is Verify's question.
func hasSeal(f io.ReaderAt, size int64) bool {
	var n [4]byte
	if _, err := f.ReadAt(n[:], size-hashLen-4); err != nil {
		return false
	}
	body := int64(binary.BigEndian.Uint32(n[:]))
	if body > maxSigned {
		return false
	}
	start := size - headLen - body - trailerLen - hashLen
	if start < preambleLen {
		return false
	}
	buf := make([]byte, size-start)
	if _, err := f.ReadAt(buf, start); err != nil {
		return false
	}
	h, err := parseHead(buf)
	return err == nil && h.typ == chunkSeal && h.size() == int64(len(buf)) &&
		chunkCRC(buf[:len(buf)-hashLen]) == binary.BigEndian.Uint32(buf[crcAt:])
}

// tornOnly returns nil if what follows from on can be the rest of a write that a crash interrupted: no more than
// can have been under way, and no good chunk in it. Otherwise somebody or the disk changed the file, and cutting
// would destroy evidence.
func (r *Recorder) tornOnly(f io.ReaderAt, from, size int64) error {
	limit := r.cfg.SyncBytes + maxRaw + headLen + hashLen + maxSigned
	if size-from > limit {
		return fmt.Errorf("damage with %d bytes behind it, more than a crash can tear", size-from)
	}
	tail := make([]byte, size-from)
	if _, err := f.ReadAt(tail, from); err != nil {
		return err
	}
	budget := int64(resyncBudget)
	for at := 1; at+headLen <= len(tail); at++ {
		h, err := parseHead(tail[at:])
		if err != nil || h.size() > int64(len(tail)-at) {
			continue
		}
		if budget -= h.size(); budget < 0 {
			return errors.New("damage behind which too much looks like chunks")
		}
		if c := tail[at : at+headLen+int(h.stored)]; chunkCRC(c) == binary.BigEndian.Uint32(c[crcAt:]) {
			return fmt.Errorf("damage with a good chunk behind it at byte %d", from+int64(at))
		}
	}
	return nil
}

// readEnd returns the end entry if c holds one as its last, and the time of the last entry. c is the last data
// chunk; its payload has been overwritten since.
func readEnd(f io.ReaderAt, c scanned) (end *pam.EndEntry, last time.Duration, err error) {
	if c.count == 0 {
		return nil, 0, nil // nothing was recorded
	}
	c.payload = make([]byte, c.stored)
	if _, err := f.ReadAt(c.payload, c.at+headLen); err != nil {
		return nil, 0, err
	}
	raw := c.payload
	if c.encoding == encodingZstd {
		dec, err := newDecoder()
		if err != nil {
			return nil, 0, err
		}
		defer dec.Close()
		if raw, err = unpackZstd(dec, c, nil); err != nil {
			return nil, 0, err
		}
	}
	entries := entryReader{b: raw}
	var e pam.Entry
	for range c.count {
		if e, err = entries.next(); err != nil {
			return nil, 0, err
		}
	}
	if err := entries.close(); err != nil {
		return nil, 0, err
	}
	if e.Kind != pam.EntryEnd {
		return nil, e.At, nil
	}
	end = new(pam.EndEntry)
	if err := json.Unmarshal(e.Data, end); err != nil {
		*end = pam.EndEntry{} // an end whose data nobody can read is still the end
	}
	return end, e.At, nil
}
