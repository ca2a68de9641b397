package wire

import (
	"encoding/binary"
	"unicode/utf16"
)

// UTF16 takes n bytes of little-endian UTF-16 and returns the text up to the first NUL. Unpaired surrogates become U+FFFD.
func (r *Reader) UTF16(field string, n int) string {
	if n%2 != 0 {
		r.Failf("%s: odd length %d of UTF-16 text", field, n)
		return ""
	}
	return DecodeUTF16(r.Bytes(field, n))
}

// DecodeUTF16 returns the text of little-endian UTF-16 up to the first NUL. An odd last byte is left out.
func DecodeUTF16(p []byte) string {
	units := make([]uint16, 0, len(p)/2)
	for ; len(p) >= 2; p = p[2:] {
		u := binary.LittleEndian.Uint16(p)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// AppendUTF16 appends s as little-endian UTF-16, without a NUL.
func AppendUTF16(b []byte, s string) []byte {
	for _, u := range utf16.Encode([]rune(s)) {
		b = AppendU16LE(b, u)
	}
	return b
}

// FixedUTF16 takes a field of size bytes that holds UTF-16 text padded with NULs.
func (r *Reader) FixedUTF16(field string, size int) string { return DecodeUTF16(r.Bytes(field, size)) }

// AppendFixedUTF16 appends s as UTF-16 in a field of size bytes, with at least one NUL at its end. A longer text is cut, never in
// the middle of a surrogate pair.
func AppendFixedUTF16(b []byte, s string, size int) []byte {
	start := len(b)
	for _, c := range s {
		units := utf16.Encode([]rune{c})
		if len(b)-start+2*len(units)+2 > size {
			break
		}
		for _, u := range units {
			b = AppendU16LE(b, u)
		}
	}
	return AppendZeros(b, size-(len(b)-start))
}
