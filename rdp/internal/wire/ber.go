package wire

import "fmt"

// BER as MCS Connect-Initial and Connect-Response use it (T.125 7, X.690): definite lengths, universal tags below 31 and
// application tags below 16384.

// Universal BER tags.
const (
	BERBoolean     = 0x01
	BERInteger     = 0x02
	BEROctetString = 0x04
	BEREnumerated  = 0x0a
	BERSequence    = 0x30 // constructed
)

// BERLength takes a definite length of at most four bytes.
func (r *Reader) BERLength(field string) int {
	first := r.U8(field)
	if first < 0x80 {
		return int(first)
	}
	n := int(first & 0x7f)
	if n == 0 || n > 4 {
		r.Failf("%s: BER length of %d bytes", field, n)
		return 0
	}
	var v uint64
	for range n {
		v = v<<8 | uint64(r.U8(field))
	}
	return r.Limit(field, v, uint64(r.Len()))
}

// BERTag takes a universal tag of one byte and the length, and returns the contents.
func (r *Reader) BERTag(field string, tag uint8) Reader {
	r.Want(field+" tag", uint64(r.U8(field)), uint64(tag))
	return r.Sub(field, r.BERLength(field))
}

// BERApplication takes a constructed application tag and the length, and returns the contents.
func (r *Reader) BERApplication(field string, tag uint8) Reader {
	if tag < 31 {
		r.Want(field+" tag", uint64(r.U8(field)), uint64(0x60|tag))
	} else {
		r.Want(field+" tag", uint64(r.U16BE(field)), 0x7f00|uint64(tag))
	}
	return r.Sub(field, r.BERLength(field))
}

// BERInteger takes an INTEGER of at most four bytes that is not negative.
func (r *Reader) BERInteger(field string) uint32 { return r.berNumber(field, BERInteger) }

// BEREnumerated takes an ENUMERATED.
func (r *Reader) BEREnumerated(field string) uint32 { return r.berNumber(field, BEREnumerated) }

func (r *Reader) berNumber(field string, tag uint8) uint32 {
	c := r.BERTag(field, tag)
	p := c.Rest()
	if r.err != nil {
		return 0
	}
	if len(p) > 1 && p[0] == 0 {
		p = p[1:]
	}
	if len(p) == 0 || len(p) > 4 {
		r.Fail(fmt.Errorf("%s: number of %d bytes", field, len(p)))
		return 0
	}
	var v uint32
	for _, b := range p {
		v = v<<8 | uint32(b)
	}
	return v
}

// BERBool takes a BOOLEAN.
func (r *Reader) BERBool(field string) bool {
	c := r.BERTag(field, BERBoolean)
	r.Want(field+" length", uint64(c.Len()), 1)
	return c.U8(field) != 0
}

// AppendBERLength appends a definite length in as few bytes as it takes.
func AppendBERLength(b []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n < 0x100:
		return append(b, 0x81, byte(n))
	case n < 0x10000:
		return AppendU16BE(append(b, 0x82), uint16(n))
	}
	return AppendU32BE(append(b, 0x84), uint32(n))
}

// AppendBERTag appends a universal tag, the length and the contents.
func AppendBERTag(b []byte, tag uint8, contents []byte) []byte {
	return append(AppendBERLength(append(b, tag), len(contents)), contents...)
}

// AppendBERApplication appends a constructed application tag, the length and the contents.
func AppendBERApplication(b []byte, tag uint8, contents []byte) []byte {
	if tag < 31 {
		b = append(b, 0x60|tag)
	} else {
		b = append(b, 0x7f, tag)
	}
	return append(AppendBERLength(b, len(contents)), contents...)
}

// AppendBERInteger appends an INTEGER in as few bytes as it takes.
func AppendBERInteger(b []byte, v uint32) []byte { return appendBERNumber(b, BERInteger, v) }

// AppendBEREnumerated appends an ENUMERATED.
func AppendBEREnumerated(b []byte, v uint32) []byte { return appendBERNumber(b, BEREnumerated, v) }

func appendBERNumber(b []byte, tag uint8, v uint32) []byte {
	var p []byte
	for shift := 24; shift >= 0; shift -= 8 {
		if o := byte(v >> shift); len(p) > 0 || o != 0 || shift == 0 {
			p = append(p, o)
		}
	}
	if p[0]&0x80 != 0 { // it would be negative
		p = append([]byte{0}, p...)
	}
	return AppendBERTag(b, tag, p)
}

// AppendBERBool appends a BOOLEAN.
func AppendBERBool(b []byte, v bool) []byte {
	if v {
		return append(b, BERBoolean, 1, 0xff)
	}
	return append(b, BERBoolean, 1, 0)
}
