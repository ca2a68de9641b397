package wire

// PER (aligned) as GCC and the MCS domain PDUs use it (X.691, T.124, T.125 8).

// PERLength takes a length determinant of one or two bytes. Fragmented forms are refused: nothing in RDP needs them.
func (r *Reader) PERLength(field string) int {
	first := r.U8(field)
	switch {
	case first&0x80 == 0:
		return int(first)
	case first&0xc0 == 0x80:
		return int(first&0x3f)<<8 | int(r.U8(field))
	}
	r.Failf("%s: fragmented PER length %#x", field, first)
	return 0
}

// AppendPERLength appends a length determinant. n must be below 16384, as every PDU of RDP is; a larger one is a mistake of
// the caller and gives nil.
func AppendPERLength(b []byte, n int) []byte {
	switch {
	case n < 0 || n >= 0x4000:
		return nil
	case n < 0x80:
		return append(b, byte(n))
	}
	return AppendU16BE(b, 0x8000|uint16(n))
}

// PERInteger16 takes a constrained integer of two bytes that counts from min.
func (r *Reader) PERInteger16(field string, min uint16) uint16 {
	v := uint32(r.U16BE(field)) + uint32(min)
	return uint16(r.Limit(field, uint64(v), 0xffff))
}

// AppendPERInteger16 appends a constrained integer that counts from min.
func AppendPERInteger16(b []byte, v, min uint16) []byte { return AppendU16BE(b, v-min) }

// PERInteger takes an unconstrained integer that is not negative, of at most four bytes.
func (r *Reader) PERInteger(field string) uint32 {
	n := r.PERLength(field)
	if n < 1 || n > 4 {
		r.Failf("%s: number of %d bytes", field, n)
		return 0
	}
	var v uint32
	for range n {
		v = v<<8 | uint32(r.U8(field))
	}
	return v
}

// AppendPERInteger appends an unconstrained integer.
func AppendPERInteger(b []byte, v uint32) []byte {
	switch {
	case v < 0x100:
		return append(b, 1, byte(v))
	case v < 0x10000:
		return AppendU16BE(append(b, 2), uint16(v))
	}
	return AppendU32BE(append(b, 4), v)
}

// PEROctets takes an octet string whose length counts from min.
func (r *Reader) PEROctets(field string, min int) []byte {
	return r.Bytes(field, r.PERLength(field)+min)
}

// AppendPEROctets appends an octet string whose length counts from min.
func AppendPEROctets(b, p []byte, min int) []byte {
	return append(AppendPERLength(b, len(p)-min), p...)
}
