package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrTrailing says that a PDU has bytes left after its last field.
var ErrTrailing = errors.New("trailing bytes")

// ShortError says that a field needs more bytes than there are.
type ShortError struct {
	Field      string
	Need, Have int
}

// Error names the field.
func (e *ShortError) Error() string {
	return fmt.Sprintf("%s: need %d bytes, have %d", e.Field, e.Need, e.Have)
}

// LimitError says that a count or length is beyond its limit.
type LimitError struct {
	Field    string
	Got, Max uint64
}

// Error names the field and the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: got %d, at most %d", e.Field, e.Got, e.Max)
}

// ValueError says that a field does not hold what it must.
type ValueError struct {
	Field     string
	Got, Want uint64
}

// Error names the field and both values.
func (e *ValueError) Error() string {
	return fmt.Sprintf("%s: got %#x, want %#x", e.Field, e.Got, e.Want)
}

// Reader reads fields from one PDU. The zero Reader is empty. It aliases what it reads from: whatever outlives the call that
// decodes must be copied.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a Reader of b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Len returns how many bytes are left; 0 after an error, so that loops end.
func (r *Reader) Len() int {
	if r.err != nil {
		return 0
	}
	return len(r.b)
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail makes err the Reader's error unless it has one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Failf is Fail with a message.
func (r *Reader) Failf(format string, args ...any) { r.Fail(fmt.Errorf(format, args...)) }

// Close returns the first error, or ErrTrailing if bytes are left, with the name of the PDU before it.
func (r *Reader) Close(pdu string) error {
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d %w", len(r.b), ErrTrailing)
	}
	return r.Done(pdu)
}

// Done is Close for PDUs that may be followed by padding or by fields of a newer version.
func (r *Reader) Done(pdu string) error {
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", pdu, r.err)
}

// Bytes takes the next n bytes without copying them. It is the one place that slices.
func (r *Reader) Bytes(field string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || len(r.b) < n {
		r.err = &ShortError{field, n, len(r.b)}
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

// Rest takes all bytes that are left.
func (r *Reader) Rest() []byte { return r.Bytes("rest", r.Len()) }

// Peek returns the next n bytes without taking them, or nil if there are fewer. It is no error.
func (r *Reader) Peek(n int) []byte {
	if r.err != nil || n < 0 || len(r.b) < n {
		return nil
	}
	return r.b[:n:n]
}

// Skip drops n bytes, for example padding.
func (r *Reader) Skip(field string, n int) { r.Bytes(field, n) }

// Sub takes the next n bytes as a Reader of their own, so that a nested block cannot read past its length. The error of a
// short block stays with r; errors inside the block are the block's.
func (r *Reader) Sub(field string, n int) Reader {
	p := r.Bytes(field, n)
	return Reader{b: p, err: r.err}
}

// U8 takes one byte.
func (r *Reader) U8(field string) uint8 {
	if p := r.Bytes(field, 1); p != nil {
		return p[0]
	}
	return 0
}

// U16LE takes a little-endian number of two bytes.
func (r *Reader) U16LE(field string) uint16 {
	if p := r.Bytes(field, 2); p != nil {
		return binary.LittleEndian.Uint16(p)
	}
	return 0
}

// U32LE takes a little-endian number of four bytes.
func (r *Reader) U32LE(field string) uint32 {
	if p := r.Bytes(field, 4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

// U64LE takes a little-endian number of eight bytes.
func (r *Reader) U64LE(field string) uint64 {
	if p := r.Bytes(field, 8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

// U16BE takes a big-endian number of two bytes.
func (r *Reader) U16BE(field string) uint16 {
	if p := r.Bytes(field, 2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

// U32BE takes a big-endian number of four bytes.
func (r *Reader) U32BE(field string) uint32 {
	if p := r.Bytes(field, 4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

// I16LE takes a signed little-endian number of two bytes.
func (r *Reader) I16LE(field string) int16 { return int16(r.U16LE(field)) }

// I32LE takes a signed little-endian number of four bytes.
func (r *Reader) I32LE(field string) int32 { return int32(r.U32LE(field)) }

// Want fails unless got is want.
func (r *Reader) Want(field string, got, want uint64) {
	if r.err == nil && got != want {
		r.err = &ValueError{field, got, want}
	}
}

// Limit fails if got is beyond most, and returns got as an int otherwise, else 0.
func (r *Reader) Limit(field string, got, most uint64) int {
	if r.err != nil {
		return 0
	}
	if got > most {
		r.err = &LimitError{field, got, most}
		return 0
	}
	return int(got)
}

// Count checks the number of elements that a peer announces before any memory is taken for them: n must be at most limit, and
// n elements of at least size bytes must be there. It returns n, or 0 after an error.
func (r *Reader) Count(field string, n uint64, size int, limit int) int {
	count := r.Limit(field, n, uint64(limit))
	if r.err == nil && size > 0 && count > len(r.b)/size {
		r.err = &ShortError{field, count * size, len(r.b)}
		return 0
	}
	return count
}
