package recorder

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// BrokenError says that a file is not a whole, unchanged recording from some byte on. Everything before At is
// as it was written, as far as the check went (chain for a Reader, chain and signatures for Verify).
type BrokenError struct {
	At   int64 // offset of the first bad byte: the start of the first chunk that does not hold
	Torn bool  // the file ends inside that chunk
	Err  error // what is wrong
}

// Error describes the damage.
func (e *BrokenError) Error() string { return fmt.Sprintf("broken at byte %d: %v", e.At, e.Err) }

// Unwrap returns the cause.
func (e *BrokenError) Unwrap() error { return e.Err }

var errTorn = errors.New("the file ends inside a chunk")

// scanned is one chunk that the scanner has checked. payload is valid until the next call.
type scanned struct {
	chunkHead
	at      int64         // offset of the chunk
	prev    [hashLen]byte // link before it
	payload []byte
}

// scanner reads chunks from a file and checks framing, CRC, chain and order. It checks no signature.
type scanner struct {
	src  *bufio.Reader
	off  int64 // offset of the next chunk: all before it holds
	link [hashLen]byte
	next uint64 // index of the next entry
	raw  uint64
	buf  []byte // previous link, head, payload of the present chunk

	started, sealed bool
	header          headerBody
	err             error // sticky
}

func newScanner(src io.Reader) *scanner {
	return &scanner{src: bufio.NewReaderSize(src, 64<<10), link: chainSeed(), next: 1}
}

// chunk returns the next chunk, io.EOF at a clean end, a *BrokenError for damage, or what the source returned.
func (s *scanner) chunk() (scanned, error) {
	if s.err != nil {
		return scanned{}, s.err
	}
	c, err := s.read()
	if err != nil {
		s.err = err
		return scanned{}, err
	}
	return c, nil
}

func (s *scanner) read() (scanned, error) {
	if !s.started {
		p := make([]byte, preambleLen)
		if err := s.full(p); err != nil {
			return scanned{}, err
		}
		if err := parsePreamble(p); err != nil {
			return scanned{}, s.broken(err)
		}
		s.off = preambleLen
	}
	s.grow(hashLen + headLen)
	copy(s.buf, s.link[:])
	head := s.buf[hashLen:]
	if _, err := s.src.Peek(1); err == io.EOF && s.started {
		return scanned{}, io.EOF
	}
	if s.sealed {
		return scanned{}, s.broken(errors.New("bytes after the seal"))
	}
	if err := s.full(head); err != nil {
		return scanned{}, err
	}
	h, err := parseHead(head)
	if err == nil {
		err = s.order(h)
	}
	if err != nil {
		return scanned{}, s.broken(err)
	}
	s.grow(hashLen + headLen + int(h.stored)) // parseHead has bounded it
	body := s.buf[hashLen+headLen:]
	if err := s.full(body); err != nil {
		return scanned{}, err
	}
	var stored [hashLen]byte
	if err := s.full(stored[:]); err != nil {
		return scanned{}, err
	}
	if got, want := chunkCRC(s.buf[hashLen:]), binary.BigEndian.Uint32(s.buf[hashLen+crcAt:]); got != want {
		return scanned{}, s.broken(fmt.Errorf("%s chunk: CRC is %#08x, want %#08x", h.typ, got, want))
	}
	if link := sha256.Sum256(s.buf); link != stored {
		return scanned{}, s.broken(fmt.Errorf("%s chunk: does not belong to the chain before it", h.typ))
	}
	c := scanned{chunkHead: h, at: s.off, prev: s.link, payload: body}
	if err := s.account(c); err != nil {
		return scanned{}, s.broken(err)
	}
	s.off += h.size()
	s.link = stored
	return c, nil
}

// order checks that a chunk of this kind may come now.
func (s *scanner) order(h chunkHead) error {
	if (h.typ == chunkHeader) == s.started {
		return fmt.Errorf("%s chunk at a wrong place", h.typ)
	}
	if h.typ == chunkData && h.first != s.next {
		return fmt.Errorf("data chunk: first entry is %d, want %d", h.first, s.next)
	}
	return nil
}

// account takes what the chunk says into the running totals, and compares what it claims about them.
func (s *scanner) account(c scanned) error {
	switch c.typ {
	case chunkHeader:
		body, _, err := signedParts(c.payload)
		if err == nil {
			err = json.Unmarshal(body, &s.header)
		}
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		s.started = true
	case chunkData:
		s.next += uint64(c.count)
		s.raw += uint64(c.raw)
	case chunkCheckpoint, chunkSeal:
		p, err := c.checkpoint()
		if err != nil {
			return err
		}
		if p.Entries != s.next-1 || p.Raw != s.raw {
			return fmt.Errorf("%s: speaks of %d entries with %d bytes, there are %d with %d", c.typ, p.Entries, p.Raw, s.next-1, s.raw)
		}
		s.sealed = c.typ == chunkSeal
	}
	return nil
}

// checkpoint decodes the common part of checkpoint and seal.
func (c scanned) checkpoint() (Checkpoint, error) { return decodeSigned[Checkpoint](c) }

// seal decodes a seal.
func (c scanned) seal() (Seal, error) { return decodeSigned[Seal](c) }

// decodeSigned reads what a signed chunk says, without looking at the signature.
func decodeSigned[T any](c scanned) (T, error) {
	var v T
	body, _, err := signedParts(c.payload)
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	if err != nil {
		return v, fmt.Errorf("%s: %w", c.typ, err)
	}
	return v, nil
}

// grow sets the length of buf and keeps its contents.
func (s *scanner) grow(n int) {
	if cap(s.buf) < n {
		s.buf = append(make([]byte, 0, n+n/4), s.buf...)
	}
	s.buf = s.buf[:n]
}

// full reads all of p. A file that ends before is torn.
func (s *scanner) full(p []byte) error {
	_, err := io.ReadFull(s.src, p)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return &BrokenError{At: s.off, Torn: true, Err: errTorn}
	}
	return err
}

func (s *scanner) broken(err error) error { return &BrokenError{At: s.off, Err: err} }
