package wire

import "encoding/binary"

// AppendU16LE appends a little-endian number of two bytes.
func AppendU16LE(b []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(b, v) }

// AppendU32LE appends a little-endian number of four bytes.
func AppendU32LE(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }

// AppendU64LE appends a little-endian number of eight bytes.
func AppendU64LE(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

// AppendU16BE appends a big-endian number of two bytes.
func AppendU16BE(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }

// AppendU32BE appends a big-endian number of four bytes.
func AppendU32BE(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// AppendZeros appends n zero bytes: padding.
func AppendZeros(b []byte, n int) []byte { return append(b, make([]byte, n)...) }

// PutU16LE writes a number over two bytes that were left for it: a length that is known only when all is appended.
func PutU16LE(b []byte, at int, v uint16) { binary.LittleEndian.PutUint16(b[at:], v) }

// PutU32LE writes a number over four bytes that were left for it.
func PutU32LE(b []byte, at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }

// PutU16BE writes a number over two bytes that were left for it.
func PutU16BE(b []byte, at int, v uint16) { binary.BigEndian.PutUint16(b[at:], v) }
