package recorder

import (
	"fmt"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"

	"github.com/sallyport/sallyport/pam"
)

// Reader reads the entries of a recording in order, from a stream, in bounded memory. It checks framing, CRC and
// chain, so it never yields an entry from a chunk that was damaged, but no signature: Verify first.
type Reader struct {
	s       *scanner
	dec     *zstd.Decoder // made when the first compressed chunk comes
	raw     []byte        // entries of the present chunk
	entries entryReader
	left    uint32 // entries of the present chunk not yet returned
	at      int64  // offset of the present chunk
	index   uint64
	seal    *Seal
	err     error
}

// NewReader reads the header from src. Call Close when done.
func NewReader(src io.Reader) (*Reader, error) {
	r := &Reader{s: newScanner(src)}
	if _, err := r.s.chunk(); err != nil { // the first chunk that the scanner lets through is a header
		return nil, fmt.Errorf("recorder: %w", err)
	}
	return r, nil
}

// Header says what the recording is of.
func (r *Reader) Header() Header { return r.s.header.header() }

// Seal returns the seal once Next has returned io.EOF; nil if there is none.
func (r *Reader) Seal() *Seal { return r.seal }

// Index returns the index of the entry that Next returned last, counted from 1.
func (r *Reader) Index() uint64 { return r.index }

// Next returns the next entry, io.EOF after the last whole one, or an error that matches *BrokenError. The entry's
// data is valid until the next call.
func (r *Reader) Next() (pam.Entry, error) {
	for r.err == nil && r.left == 0 {
		r.err = r.advance()
	}
	if r.err != nil {
		return pam.Entry{}, r.err
	}
	e, err := r.entries.next()
	if err == nil && r.left == 1 {
		err = r.entries.close()
	}
	if err != nil {
		r.err = fmt.Errorf("recorder: %w", &BrokenError{At: r.at, Err: err})
		return pam.Entry{}, r.err
	}
	r.left--
	r.index++
	return e, nil
}

// All iterates over what Next returns. It stops after an error, which comes with a zero entry; io.EOF does not.
func (r *Reader) All() iter.Seq2[pam.Entry, error] {
	return func(yield func(pam.Entry, error) bool) {
		for {
			e, err := r.Next()
			if err == io.EOF || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Close frees the decoder. It does not close the source.
func (r *Reader) Close() {
	if r.dec != nil {
		r.dec.Close()
		r.dec = nil
	}
	if r.err == nil {
		r.err = ErrClosed
	}
}

// advance goes to the next chunk.
func (r *Reader) advance() error {
	c, err := r.s.chunk()
	if err == io.EOF {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	switch c.typ {
	case chunkData:
		r.at = c.at
		if r.raw, err = unpackChunk(&r.dec, c, r.raw); err != nil {
			return fmt.Errorf("recorder: %w", &BrokenError{At: c.at, Err: err})
		}
		r.entries, r.left = entryReader{b: r.raw}, c.count
	case chunkSeal:
		seal, err := c.seal()
		if err != nil {
			return fmt.Errorf("recorder: %w", &BrokenError{At: c.at, Err: err})
		}
		r.seal = &seal
	}
	return nil
}

// unpackChunk returns the payload of a data chunk as it was before compression, in buf's memory if it fits. *dec is made when it is needed.
func unpackChunk(dec **zstd.Decoder, c scanned, buf []byte) ([]byte, error) {
	if c.encoding == encodingRaw {
		return append(buf[:0], c.payload...), nil
	}
	if *dec == nil {
		d, err := newDecoder()
		if err != nil {
			return nil, err
		}
		*dec = d
	}
	return unpackZstd(*dec, c, buf)
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRaw), zstd.WithDecoderLowmem(true))
}

func unpackZstd(dec *zstd.Decoder, c scanned, buf []byte) ([]byte, error) {
	if cap(buf) < int(c.raw) {
		buf = make([]byte, 0, c.raw)
	}
	// DecodeAll grows past cap only up to the decoder's memory limit, which is that of a chunk.
	out, err := dec.DecodeAll(c.payload, buf[:0])
	if err != nil {
		return nil, fmt.Errorf("data chunk: %w", err)
	}
	if len(out) != int(c.raw) {
		return nil, fmt.Errorf("data chunk: unpacks to %d bytes, want %d", len(out), c.raw)
	}
	return out, nil
}
